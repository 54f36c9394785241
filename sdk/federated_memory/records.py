"""What the server answers. `fields` has all of it, also what is newer than this."""

from __future__ import annotations

import base64
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
    is_pinned: bool
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
            is_pinned=fields["pinned"],
            revision=fields["revision"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Saved:
    """What a save came to: `is_new` unless it was remembered already.

    `superseded` are the ids of what it took the place of, `conflicts` how many memories
    it contradicts.
    """

    memory_id: str
    workspace_id: str
    is_new: bool
    superseded: list[str]
    conflicts: int
    created_at: datetime
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Saved:
        return cls(
            memory_id=fields["memory_id"],
            workspace_id=fields["workspace_id"],
            is_new=not fields["deduped"],
            superseded=list(fields["superseded"]),
            conflicts=fields["conflicts"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Hit:
    """Something that answers: a memory, or a place in a document or a session.

    `kind` is memory, knowledge or transcript; `memory_id` is empty for what is no
    memory; `score` is 0 to 1.
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
            memory_id=fields["memory_id"],
            workspace_id=fields["workspace_id"],
            text=fields["text"],
            score=fields["score"],
            citation=Citation(fields["citation"]["uri"], fields["citation"]["sha256"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Recalled:
    """Hits, best first. `trace_id` names this answer to `Client.judge`."""

    hits: list[Hit]
    confidence: float
    has_more: bool
    trace_id: str
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Recalled:
        return cls(
            hits=[Hit.read(each) for each in fields["results"]],
            confidence=fields["confidence"],
            has_more=fields["has_more"],
            trace_id=fields["trace_id"],
            fields=fields,
        )


@dataclass(frozen=True)
class ContextPack:
    """Text for a prompt that never exceeds its budget, and what it cites by number."""

    text: str
    citations: dict[int, Citation]
    trace_id: str
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> ContextPack:
        cited = {
            each["i"]: Citation(each["uri"], each["sha256"])
            for each in fields["citations"]
        }
        return cls(fields["context_text"], cited, fields["trace_id"], fields)


@dataclass(frozen=True)
class Page:
    """One page of memories, newest first.

    `up_to` keeps the pages that follow free of what is saved meanwhile.
    """

    memories: list[Memory]
    total: int
    has_more: bool
    up_to: int
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Page:
        return cls(
            memories=[Memory.read(each) for each in fields["results"]],
            total=fields["total"],
            has_more=fields["has_more"],
            up_to=fields["up_to"],
            fields=fields,
        )


@dataclass(frozen=True)
class Candidate:
    """A memory that may be meant."""

    memory_id: str
    score: float
    text: str


@dataclass(frozen=True)
class Erased:
    """The receipt of something erased; it holds no text."""

    memory_id: str
    receipt_id: str
    erased_at: datetime
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Erased:
        receipt = fields["receipt"]
        return cls(
            memory_id=fields["memory_id"],
            receipt_id=receipt["receipt_id"],
            erased_at=datetime.fromisoformat(receipt["erased_at"]),
            fields=fields,
        )


@dataclass(frozen=True)
class Staged:
    """What a wish to forget came to.

    `status` is needs_confirmation (then confirm with `token` before `expires_at`),
    forgot (then `erased` is the receipt) or no_match.
    """

    status: str
    candidates: list[Candidate]
    token: str | None
    expires_at: datetime | None
    erased: Erased | None
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Staged:
        ends = fields.get("expires_at")
        return cls(
            status=fields["status"],
            candidates=[
                Candidate(each["memory_id"], each["score"], each["text"])
                for each in fields.get("candidates", ())
            ],
            token=fields.get("confirmation_token"),
            expires_at=datetime.fromisoformat(ends) if ends else None,
            erased=Erased.read(fields) if "receipt" in fields else None,
            fields=fields,
        )


@dataclass(frozen=True)
class Artefact:
    """Exported memories: a ZIP with a manifest, and its SHA-256."""

    data: bytes = field(repr=False)
    sha256: str
    fields: Fields = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> Artefact:
        data = base64.b64decode(fields["artefact_base64"])
        return cls(data, fields["sha256"], {**fields, "artefact_base64": None})
