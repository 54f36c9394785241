"""The bytes of a transcript as they are sent, in a file.

A file of JSON lines is sent as it lies. What is compressed, kept in a database or in
one large document, or masked, is written to our home first and removed afterwards: it
must be hashed before it is sent, and may be larger than memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from memory_sync.files import home
from memory_sync.problems import FileProblem
from memory_sync.transcripts import Transcript

# A store that rewrites its messages may still be filling the last one. It is sent when
# another follows it, or when nothing has changed for this long.
QUIET_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Content:
    """JSON lines ready to be sent; incomplete while the last is held back."""

    path: Path
    size: int
    is_complete: bool = True


@contextlib.contextmanager
def content_of(
    found: Transcript, mask: Callable[[bytes], bytes] | None = None
) -> Iterator[Content]:
    """What is sent of a transcript; raises FileProblem when it cannot be read."""
    if not found.form and mask is None:
        yield Content(found.path, found.size)
        return
    folder = home() / "work"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".jsonl", delete=False) as file:
        path = Path(file.name)
        try:
            is_complete = _write(found, file, mask)
            file.close()
            yield Content(path, path.stat().st_size, is_complete)
        finally:
            file.close()
            path.unlink(missing_ok=True)


def clear_work() -> None:
    """Remove what a killed run left in the working folder."""
    for path in (home() / "work").glob("*"):
        with contextlib.suppress(OSError):
            path.unlink()


def _write(found: Transcript, file: Any, mask: Callable[[bytes], bytes] | None) -> bool:
    import sqlite3

    def write(lines: Iterable[bytes]) -> None:
        for line in lines:
            file.write(_masked(line, mask) if mask else line)

    try:
        if found.form in ("", "zst"):
            write(_lines(found))
            return True
        return _write_records(found, write)
    except (OSError, sqlite3.Error) as error:
        raise FileProblem(f"cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise FileProblem(f"is not as its client writes it: {error}") from error


def _write_records(found: Transcript, write: Callable[[Iterable[bytes]], None]) -> bool:
    """Write the records, the last message only when it has settled."""
    from memory_sync.stores import RECORDS

    # The last message, with the answers of the tools that it called.
    last: list[Any] = []
    written = 0
    for record in RECORDS[found.form](found):
        if last and record.get("role") != "tool":
            write(map(_dumped, last))
            written += len(last)
            last = []
        last.append(record)
    is_fresh = time.time() - found.mtime_ns / 1e9 < QUIET_SECONDS
    if is_fresh and written and last[0].get("role") != "user":
        return False
    write(map(_dumped, last))
    return True


def _dumped(record: Any) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _masked(line: bytes, mask: Callable[[bytes], bytes]) -> bytes:
    if not line.endswith(b"\n"):
        # Half a line is masked, and sent, when it is whole.
        return b""
    return mask(line[:-1]) + b"\n"


def _lines(found: Transcript) -> Iterator[bytes]:
    if found.form == "zst":
        yield from _unpacked(found.path)
        return
    left = found.size
    with found.path.open("rb") as file:
        while left and (line := file.readline(left)):
            left -= len(line)
            yield line


@lru_cache(maxsize=1)
def can_unpack() -> bool:
    """Whether this machine can read Zstandard: Python 3.14, or the program."""
    return sys.version_info >= (3, 14) or shutil.which("zstd") is not None


def unpacked(data: bytes) -> bytes:
    """What a compressed piece of a database holds; raises OSError."""
    if sys.version_info >= (3, 14):
        import importlib

        whole: bytes = importlib.import_module("compression.zstd").decompress(data)
        return whole
    import subprocess

    command = ["zstd", "--decompress", "--stdout", "--quiet"]
    done = subprocess.run(command, input=data, capture_output=True)
    if done.returncode:
        raise OSError(f"cannot be unpacked: {done.stderr[-200:]!r}")
    return done.stdout


def _unpacked(path: Path) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        import importlib

        with importlib.import_module("compression.zstd").open(path) as file:
            yield from file
        return
    import subprocess

    command = ["zstd", "--decompress", "--stdout", "--quiet", "--", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as unpacking:
        yield from unpacking.stdout or ()
        said = (unpacking.stderr.read() if unpacking.stderr else b"")[-200:]
    if unpacking.returncode:
        raise FileProblem(f"cannot be unpacked: {said!r}")
