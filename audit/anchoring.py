"""The checkpoints in a file outside the database, one JSON object a line.

Whoever may rewrite the database alone cannot take back what stands here; a copy of the
file elsewhere holds also against whoever may rewrite this machine.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from audit import canonical
from audit.models import Checkpoint

logger = logging.getLogger(__name__)

_AT_ONCE = 500
# Longer than any line of ours.
MAX_LINE_BYTES = 4096


class AnchorDisagrees(Exception):
    """The file and the database tell of different checkpoints."""


def path() -> Path:
    own = Path(settings.MEMORY_ROOT) / "audit" / "checkpoints.jsonl"
    return Path(settings.AUDIT_ANCHOR) if settings.AUDIT_ANCHOR else own


def append_missing() -> bool:
    """Append every checkpoint that the file lacks, durably; False if that failed.

    A file that disagrees with the database is left as it is: one of the two was
    changed, and audit_verify says which checkpoints differ.
    """
    try:
        with _opened(path()) as file:
            _append(file)
    except (AnchorDisagrees, OSError) as error:
        logger.error("audit_anchor_failed error=%s", error)
        return False
    return True


def ends_with(checkpoint: Checkpoint) -> bool:
    """Whether the file's last line is this checkpoint; changes nothing."""
    try:
        with path().open("rb") as file:
            last = _said(_tail(file)[0])
    except OSError:
        return False
    return last.get("digest") == bytes(checkpoint.digest).hex()


def line(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as it stands in the file."""
    return canonical.as_json(
        {
            **checkpoint.facts,
            "digest": bytes(checkpoint.digest).hex(),
            "signature": bytes(checkpoint.signature).hex(),
        }
    )


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """What each line says, `{}` for one that is not of ours; raises OSError."""
    with file.open("rb") as opened:
        while text := opened.readline(MAX_LINE_BYTES):
            yield _said(text)


def _said(text: bytes) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    is_ours = isinstance(said, dict) and isinstance(said.get("sequence"), int)
    return said if is_ours and "digest" in said else {}


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """The file, made if it has to be, for one process at a time."""
    is_new = not file.exists()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    if is_new:
        directory = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _append(file: BinaryIO) -> None:
    last = _last(file)
    sequence = int(last["sequence"]) if last else 0
    if last:
        known = Checkpoint.objects.filter(sequence=sequence).first()
        if known is None or bytes(known.digest).hex() != last["digest"]:
            raise AnchorDisagrees(f"checkpoint {sequence} is another in the database")
    while missing := list(
        Checkpoint.objects.filter(sequence__gt=sequence).in_order()[:_AT_ONCE]
    ):
        file.write(b"".join(line(each) + b"\n" for each in missing))
        file.flush()
        os.fsync(file.fileno())
        sequence = missing[-1].sequence


def _last(file: BinaryIO) -> dict[str, Any] | None:
    """The last whole line; half of one, which a crash left, is cut off."""
    text, torn = _tail(file)
    if torn:
        file.truncate(file.seek(0, os.SEEK_END) - len(torn))
    if file.seek(0, os.SEEK_END) == 0:
        return None
    said = _said(text)
    if not said:
        raise AnchorDisagrees("the last line is not of ours")
    return said


def _tail(file: BinaryIO) -> tuple[bytes, bytes]:
    """The last whole line, and what follows it."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 2 * MAX_LINE_BYTES))
    whole, _, torn = file.read().rpartition(b"\n")
    return whole.rpartition(b"\n")[2], torn
