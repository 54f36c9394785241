"""Standard input as lines, standard output as messages, standard error as the log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

# Lines that were read and are not taken yet; then the client has to wait.
_AHEAD = 16


async def lines(*, max_bytes: int) -> AsyncIterator[bytes]:
    """Lines of standard input until it ends; of a longer one just its beginning."""
    loop = asyncio.get_running_loop()
    taken: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)

    def read() -> None:
        # A file of its own: Python would wait for the lock of sys.stdin at its end.
        with open(0, "rb", closefd=False) as source:
            while True:
                line = source.readline(max_bytes)
                asyncio.run_coroutine_threadsafe(taken.put(line), loop).result()
                if not line:
                    return
                while line and not line.endswith(b"\n"):
                    line = source.readline(max_bytes)

    # Reading on a thread works for pipes, files and terminals, on Windows too; as a
    # daemon it does not keep a process alive that was told to end.
    Thread(target=read, daemon=True).start()
    while line := await taken.get():
        if line.strip():
            yield line


def send(message: dict[str, Any]) -> None:
    """Write one message as one line."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def drop_output() -> None:
    """Let Python flush at its end what nobody reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def log_as_json() -> None:
    """Everything that is logged, one JSON object a line, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("federated_memory").setLevel(logging.INFO)
    logging.captureWarnings(True)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event_name": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)
