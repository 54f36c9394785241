"""What an artefact says of a memory, a revision, a link and a conflict, line by line.

A line names memories by their ids on the wire. Reading one gives a row that is not
saved, checked as if a client had sent it: an artefact may come from anywhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from memories import drafts, reading, scoring, texts
from memories.models import Conflict, Link, Memory, Revision
from memories.owners import Owner
from recall.packages import ArtefactBroken
from refusals import InvalidArgument

# Clocks differ, but nobody writes memories in the far future.
_AHEAD = timedelta(days=1)
_TEXTS = (
    "memory_type",
    "owner_id",
    "owner_type",
    "subject",
    "superseded_for",
    "conflict_state",
    "channel",
    "created_by",
)
_NUMBERS = {
    "importance": scoring.IMPORTANCE,
    "confidence": (0.0, 1.0),
    "source_weight": (scoring.LEAST_WEIGHT, scoring.MOST_WEIGHT),
    "priority_score": (0.0, 1.0),
}
_TIMES = ("effective_at", "created_at", "updated_at")
_MAYBE_TIMES = ("expires_at", "archived_at", "conflicted_at")

Line = Mapping[str, Any]
View = Callable[[str], str]


@dataclass(frozen=True)
class Told:
    """A memory as a line tells it; ids are those of the artefact."""

    memory: Memory
    superseded_by: uuid.UUID | None
    source_memory: uuid.UUID | None


def memory_line(memory: Memory, view: View) -> dict[str, Any]:
    """A memory with its workspace, superseded_by and source_memory fetched."""
    replaced_by, source = memory.superseded_by, memory.source_memory
    return {
        "memory_id": str(memory.memory_id),
        "workspace_id": memory.workspace.slug,
        "text": view(memory.text),
        "metadata": _shown(memory.metadata, view),
        "is_pinned": memory.is_pinned,
        "revision": memory.revision_number,
        "superseded_by": str(replaced_by.memory_id) if replaced_by else None,
        "source_memory_id": str(source.memory_id) if source else None,
        **{name: getattr(memory, name) for name in (*_TEXTS, *_NUMBERS)},
        "subject": view(memory.subject),
        **{name: _utc(getattr(memory, name)) for name in (*_TIMES, *_MAYBE_TIMES)},
    }


def revision_line(revision: Revision, view: View) -> dict[str, Any]:
    """A revision with its memory fetched."""
    return {
        "memory_id": str(revision.memory.memory_id),
        "number": revision.number,
        "text": view(revision.text),
        "metadata": _shown(revision.metadata, view),
        "reason": revision.reason,
        "channel": revision.channel,
        "created_at": _utc(revision.created_at),
        "created_by": revision.created_by,
    }


def link_line(link: Link) -> dict[str, Any]:
    """A link with both memories fetched."""
    return {
        "from_memory_id": str(link.from_memory.memory_id),
        "to_memory_id": str(link.to_memory.memory_id),
        "link_type": link.link_type,
        "created_at": _utc(link.created_at),
        "created_by": link.created_by,
    }


def conflict_line(conflict: Conflict) -> dict[str, Any]:
    """A conflict with its memories fetched."""
    winner = conflict.winner
    return {
        "older_memory_id": str(conflict.older.memory_id),
        "newer_memory_id": str(conflict.newer.memory_id),
        "winner_memory_id": str(winner.memory_id) if winner else None,
        "state": conflict.state,
        "found_at": _utc(conflict.found_at),
        "settled_at": _utc(conflict.settled_at),
        "settled_by": conflict.settled_by,
    }


def read_memory(line: Line, *, at: datetime) -> Told:
    """The memory of a line, without a workspace; raises ArtefactBroken."""
    memory = Memory(
        memory_id=id_of(line, "memory_id"),
        text=_text(line, "text"),
        metadata=_metadata(line),
        is_pinned=line.get("is_pinned") is True,
        revision_number=_count(line, "revision"),
        **{name: _text(line, name) for name in _TEXTS},
        **{name: _number(line, name) for name in _NUMBERS},
        **{name: _time(line, name) for name in _TIMES},
        **{name: _maybe_time(line, name) for name in _MAYBE_TIMES},
    )
    if memory.created_at > at + _AHEAD:
        raise ArtefactBroken(f"Memory {memory} was made in the future.")
    _check(memory)
    owner = Owner(memory.owner_id, memory.owner_type)
    memory.canonical_sha256 = texts.canonical_sha256(
        memory.text, owner=owner, memory_type=memory.memory_type
    )
    memory.fingerprint = texts.fingerprint(memory.text)
    return Told(
        memory, _maybe_id(line, "superseded_by"), _maybe_id(line, "source_memory_id")
    )


def read_revision(line: Line) -> Revision:
    """The revision of a line, without its memory; raises ArtefactBroken."""
    revision = Revision(
        number=_count(line, "number"),
        text=_text(line, "text"),
        metadata=_metadata(line),
        created_at=_time(line, "created_at"),
        **{name: _text(line, name) for name in ("reason", "channel", "created_by")},
    )
    _check(revision)
    return revision


def read_link(line: Line) -> Link:
    """The link of a line, without its memories; raises ArtefactBroken."""
    link = Link(
        link_type=_text(line, "link_type"),
        created_at=_time(line, "created_at"),
        created_by=_text(line, "created_by"),
    )
    _check(link)
    return link


def read_conflict(line: Line) -> Conflict:
    """The conflict of a line, without its memories; raises ArtefactBroken."""
    conflict = Conflict(
        state=_text(line, "state"),
        found_at=_time(line, "found_at"),
        settled_at=_maybe_time(line, "settled_at"),
        settled_by=_text(line, "settled_by"),
    )
    _check(conflict)
    return conflict


def id_of(line: Line, name: str) -> uuid.UUID:
    """A memory's id that a line gives; raises ArtefactBroken."""
    found = _maybe_id(line, name)
    if found is None:
        raise ArtefactBroken(f"A line has no {name}.")
    return found


def masked(text: str) -> str:
    """The view of those who may not read texts as they were written."""
    return reading.shown(text)


def _shown(metadata: Mapping[str, Any], view: View) -> dict[str, Any]:
    return {
        view(name): view(value) if isinstance(value, str) else value
        for name, value in metadata.items()
    }


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _check(row: Memory | Revision | Link | Conflict) -> None:
    """Hold a row to the bounds of its columns, and a text to those of a memory."""
    relations = [field.name for field in row._meta.fields if field.is_relation]
    derived = ["metadata", "canonical_sha256", "fingerprint"]
    try:
        row.clean_fields(exclude=[*relations, *derived])
        if isinstance(row, Memory | Revision):
            texts.checked(row.text)
    except (ValidationError, InvalidArgument) as error:
        raise ArtefactBroken(f"A line is out of bounds: {error}") from error


def _metadata(line: Line) -> dict[str, Any]:
    found = line.get("metadata")
    if not isinstance(found, dict):
        raise ArtefactBroken("A line's metadata are no object.")
    try:
        return drafts.checked_metadata(found)
    except InvalidArgument as error:
        raise ArtefactBroken(error.message) from error


def _text(line: Line, name: str) -> str:
    found = line.get(name)
    if not isinstance(found, str) or "\0" in found:
        raise ArtefactBroken(f"A line's {name} is no text.")
    return found


def _number(line: Line, name: str) -> float:
    found = line.get(name)
    least, most = _NUMBERS[name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ArtefactBroken(f"A line's {name} is no number.")
    if not least <= found <= most:
        raise ArtefactBroken(f"A line's {name} is not from {least:g} to {most:g}.")
    return float(found)


def _count(line: Line, name: str) -> int:
    found = line.get(name)
    if type(found) is not int or not 1 <= found < 2**31:
        raise ArtefactBroken(f"A line's {name} is no number from 1 on.")
    return found


def _time(line: Line, name: str) -> datetime:
    found = _maybe_time(line, name)
    if found is None:
        raise ArtefactBroken(f"A line has no {name}.")
    return found


def _maybe_time(line: Line, name: str) -> datetime | None:
    given = line.get(name)
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
        is_usable = found.tzinfo is not None and 1970 <= found.year <= 9000
    except (TypeError, ValueError):
        is_usable = False
    if not is_usable:
        raise ArtefactBroken(f"A line's {name} is no time with a zone.")
    return found


def _maybe_id(line: Line, name: str) -> uuid.UUID | None:
    given = line.get(name)
    if given is None:
        return None
    try:
        return uuid.UUID(given)
    except (TypeError, ValueError, AttributeError) as error:
        raise ArtefactBroken(f"A line's {name} is no id.") from error
