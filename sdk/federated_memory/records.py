"""What the server answers. `fields` has all of it, also what is newer than this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Citation:
    """Where a text stands, and the SHA-256 that proves it."""

    uri: str
    sha256: str


@dataclass(frozen=True)
class Memory:
    """One remembered fact."""

    memory_id: str
    workspace_id: str
    text: str
    memory_type: str | None
    metadata: dict[str, Any]
    importance: float
    pinned: bool
    revision: int
    created_at: datetime
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Memory:
        return cls(
            memory_id=fields["memory_id"],
            workspace_id=fields["workspace_id"],
            text=fields["text"],
            memory_type=fields["memory_type"],
            metadata=dict(fields["metadata"]),
            importance=fields["importance"],
            pinned=fields["pinned"],
            revision=fields["revision"],
            created_at=moment(fields["created_at"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Saved:
    """What a save came to: `deduped` when it was remembered already."""

    memory_id: str
    deduped: bool
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Saved:
        return cls(fields["memory_id"], bool(fields.get("deduped")), fields)


@dataclass(frozen=True)
class Hit:
    """Something that answers: a memory, or a place in a document or a session.

    `memory_id` is empty for what is no memory; `score` is 0 to 1.
    """

    kind: str
    memory_id: str
    workspace_id: str
    text: str
    score: float
    citation: Citation
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Hit:
        return cls(
            kind=fields["kind"],
            memory_id=fields["memory_id"] or "",
            workspace_id=fields["workspace_id"],
            text=fields["text"],
            score=fields["score"],
            citation=Citation(fields["citation"]["uri"], fields["citation"]["sha256"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Recalled:
    """Hits, best first."""

    hits: list[Hit]
    has_more: bool
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Recalled:
        hits = [Hit.read(each) for each in fields["results"]]
        return cls(hits, bool(fields["has_more"]), fields)


@dataclass(frozen=True)
class ContextPack:
    """Text for a prompt that never exceeds its budget, and what it cites."""

    text: str
    citations: list[Fields]
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> ContextPack:
        return cls(fields["context_text"], list(fields["citations"]), fields)


@dataclass(frozen=True)
class Page:
    """One page of memories, newest first."""

    memories: list[Memory]
    page: int
    total: int
    has_more: bool

    @classmethod
    def read(cls, fields: Fields) -> Page:
        return cls(
            memories=[Memory.read(each) for each in fields["results"]],
            page=fields["page"],
            total=fields["total"],
            has_more=fields["has_more"],
        )


@dataclass(frozen=True)
class Staged:
    """What a wish to forget found; confirm with `token` before `expires_at`."""

    status: str
    token: str | None
    expires_at: datetime | None
    candidates: list[Fields]
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Staged:
        ends = fields.get("expires_at")
        return cls(
            status=fields["status"],
            token=fields.get("confirmation_token"),
            expires_at=moment(ends) if ends else None,
            candidates=list(fields.get("candidates") or []),
            fields=fields,
        )


@dataclass(frozen=True)
class Erased:
    """The receipt of something forgotten."""

    memory_id: str
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Erased:
        return cls(fields.get("memory_id") or fields["id"], fields)


def moment(text: str) -> datetime:
    # Python 3.10 does not read a final Z.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
