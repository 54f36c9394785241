"""Log lines as text or as JSON, with the request and the job they belong to.

What people wrote stays out. An exception's own words may quote a transcript or a bound
value, so only its type and the places in the code are told; loggers of others that put
such words into their messages lose them; and what looks like a credential of ours is
struck out wherever it stands.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from telemetry import context

# Of others: from WARNING on, their arguments are paths, hosts, values and tracebacks.
_QUOTING = ("django.", "daphne", "twisted", "asyncio", "concurrent", "celery", "kombu")
_CREDENTIAL = re.compile(
    r"fms_[a-z]+_[\w-]{20,}|(?i:bearer\s+)[\w.~+/=-]{16,}|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
)
_STRUCK_OUT = "[credential]"
_MOST_CAUSES = 5
_MOST_FRAMES = 40


class _Formatter(logging.Formatter):
    """What both forms share; `record.args` as one mapping are the line's fields."""

    def format(self, record: logging.LogRecord) -> str:
        return _CREDENTIAL.sub(_STRUCK_OUT, self.line(record))

    def line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError


class Text(_Formatter):
    """For people: time, level, logger, message, and what it belongs to."""

    def line(self, record: logging.LogRecord) -> str:
        message = _message(record)
        parts = [_time(record), record.levelname, record.name, message]
        parts += [
            f"{name}={value}"
            for name, value in _belonging().items()
            if f"{name}=" not in message
        ]
        if record.exc_info and record.exc_info[1]:
            parts += [f"error={_names(record.exc_info[1])}"]
            parts += ["\n" + _frames(record.exc_info[1])]
        return " ".join(parts)


class Json(_Formatter):
    """For machines: one object a line."""

    def line(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            **_belonging(),
        }
        if isinstance(record.args, dict) and not _is_quoting(record):
            fields |= {"event": str(record.msg).partition(" ")[0], **record.args}
        else:
            fields["event"] = _message(record)
        if record.exc_info and record.exc_info[1]:
            fields["error"] = _names(record.exc_info[1])
            fields["frames"] = _frames(record.exc_info[1])
        return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode(
            "utf-8", "replace"
        )


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _belonging() -> dict[str, Any]:
    told = {"request_id": context.request_id.get(), "job_id": context.job_id.get()}
    return {name: value for name, value in told.items() if value}


def _message(record: logging.LogRecord) -> str:
    if not _is_quoting(record):
        return record.getMessage()
    if status := getattr(record, "status_code", None):
        return f"answered status={status}"
    # The template, without what would be put into it.
    return str(record.msg).partition("\n")[0][:200]


def _is_quoting(record: logging.LogRecord) -> bool:
    is_other = record.name == "py.warnings" or record.name.startswith(_QUOTING)
    return is_other and record.levelno >= logging.WARNING


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, last one first."""
    each: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__ or (
            None if each.__suppress_context__ else each.__context__
        )


def _names(error: BaseException) -> str:
    return " from ".join(
        f"{type(each).__module__}.{type(each).__qualname__}" for each in _chain(error)
    )


def _frames(error: BaseException) -> str:
    """Where it happened, innermost last, without a word of the error itself."""
    pieces = [_places(each.__traceback__) for each in _chain(error)]
    return "caused by\n".join(pieces).rstrip()


def _places(trace: TracebackType | None) -> str:
    return "".join(traceback.format_tb(trace)[-_MOST_FRAMES:])
