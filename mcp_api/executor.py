"""The endpoint's own threads: one hop for each request, with its database connection.

asgiref's default puts every blocking call on one thread, which made eight calls of 0.3
s take 2.4 s; these threads serve side by side and keep their connections.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import close_old_connections

from mcp_api.calls import Cancellation

Value = TypeVar("Value")

_threads = ThreadPoolExecutor(settings.MCP_THREADS, thread_name_prefix="mcp")


def start(
    work: Callable[[], Value], *, cancellation: Cancellation
) -> asyncio.Future[Value]:
    """Run `work` on one of the threads; cancelling stops what has not begun."""

    def on_this_thread() -> Value:
        close_old_connections()
        try:
            with cancellation.covering_this_thread():
                return work()
        finally:
            close_old_connections()

    # What is logged there belongs to the same request.
    inside = contextvars.copy_context()
    return asyncio.get_running_loop().run_in_executor(
        _threads, inside.run, on_this_thread
    )
