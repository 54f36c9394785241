"""What was erased, written where no restored database can forget it.

MEMORY_ROOT/tombstones/<year>-<month>.jsonl has one JSON object a line: ids, paths and
digests, never a text. A line is durable before its erasure is acknowledged, so that an
older database that is restored can be told again what must not be in it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from blobs import places
from erasures.models import Erasure

logger = logging.getLogger(__name__)

_VERSION = 1


@dataclass(frozen=True)
class Tombstone:
    """One erasure as the file tells it.

    `identity` is the digest of an erased workspace's machine, tool and project; `links`
    are the old and the new digests of bytes that a secret was taken out of.
    """

    receipt_id: str
    kind: str
    workspace_id: str
    target: str
    erased_at: datetime
    erased_by: str
    since: datetime | None = None
    is_partial: bool = False
    parent: str = ""
    identity: str = ""
    links: tuple[tuple[str, str], ...] = ()
    lifted_at: datetime | None = None
    lifted_by: str = ""


def root() -> Path:
    return Path(settings.MEMORY_ROOT) / "tombstones"


def write(erasure: Erasure) -> None:
    """Make an erasure durable outside the database.

    Called last in the erasing transaction: one whose commit fails afterwards was asked
    for all the same. Raises StorageFull and StorageUnavailable.
    """
    told = {
        "receipt_id": str(erasure.receipt_id),
        "kind": erasure.kind,
        "workspace_id": erasure.workspace_slug,
        "target": erasure.target,
        "erased_at": erasure.erased_at,
        "erased_by": erasure.erased_by,
        "since": erasure.since,
        "is_partial": erasure.is_partial,
        "parent": str(erasure.parent.receipt_id) if erasure.parent else "",
        "identity": erasure.facts.get("identity", ""),
    }
    _append({"erased": told}, at=erasure.erased_at)


def write_links(
    erasure: Erasure, links: list[tuple[str, str]], *, at: datetime
) -> None:
    """Tell which bytes took the place of which."""
    told = {"receipt_id": str(erasure.receipt_id), "links": links}
    _append({"redacted": told}, at=at)


def write_lifted(erasure: Erasure, *, at: datetime) -> None:
    """Tell that what was erased may come again."""
    told = {"receipt_id": str(erasure.receipt_id), "at": at, "by": erasure.lifted_by}
    _append({"lifted": told}, at=at)


def read(directory: Path) -> list[Tombstone]:
    """Every tombstone of a directory, in the order of their writing.

    A line that is cut short, which was never acknowledged, is left out.
    """
    stones: dict[str, Tombstone] = {}
    for line in _lines(directory):
        for what, told in line.items():
            receipt_id = str(told["receipt_id"])
            if what == "erased":
                stones.setdefault(receipt_id, _tombstone(told))
            elif receipt_id in stones:
                stones[receipt_id] = _changed(stones[receipt_id], what, told)
    return list(stones.values())


def _append(told: dict[str, Any], *, at: datetime) -> None:
    path = root() / f"{at:%Y-%m}.jsonl"
    line = json.dumps({"v": _VERSION, **told}, default=_plain, ensure_ascii=False)
    with places.writing(path):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            places.sync_directory(path.parent.parent)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            # A process that died while it wrote must not spoil the next line.
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = b"\n" * is_torn + line.encode() + b"\n"
            written = file.write(data)
            if written != len(data):
                raise OSError("The tombstone was written in part only.")
            os.fsync(descriptor)
        if is_new:
            places.sync_directory(path.parent)


def _lines(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                told = json.loads(line)
                version = told.pop("v")
            except (ValueError, KeyError, AttributeError):
                logger.warning("tombstone unreadable file=%s line=%d", path, number)
                continue
            if version != _VERSION:
                raise ValueError(f"{path}:{number} is of another version: {version}")
            yield told


def _tombstone(told: dict[str, Any]) -> Tombstone:
    times = {
        name: _moment(told[name]) if told[name] else None
        for name in ("erased_at", "since")
    }
    return Tombstone(**{**told, **times})


def _changed(stone: Tombstone, what: str, told: dict[str, Any]) -> Tombstone:
    if what == "lifted":
        return replace(stone, lifted_at=_moment(told["at"]), lifted_by=str(told["by"]))
    links = tuple((str(old), str(new)) for old, new in told["links"])
    return replace(stone, links=stone.links + links)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not told in a tombstone.")
