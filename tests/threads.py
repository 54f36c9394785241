"""Running the same thing at once, each time on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Start `work(0)` … `work(count - 1)` together; what each gave or raised."""
    barrier = threading.Barrier(count)

    def one(number: int) -> T | Exception:
        barrier.wait(timeout=30)
        try:
            return work(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
