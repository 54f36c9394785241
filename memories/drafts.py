"""What somebody wishes to be remembered, and the bounds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from memories import scoring, texts
from memories.models import Memory
from memories.owners import SHARED_APP, Owner
from refusals import InvalidArgument

MAX_METADATA_BYTES = 16_384
MAX_METADATA_KEYS = 100
MAX_KEY_CHARS = 100
MAX_SUBJECT_CHARS = 200
_MOST = 2.0**63
LATEST_START = timedelta(days=366)

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Draft:
    """A memory that is not saved yet.

    `replaces` is the id of a memory that it supersedes, `source_memory_id` of the one
    that it was taken from. `may_duplicate` keeps it from being folded into one that
    says nearly the same. What is None is decided by saving (memories.scoring), from
    `metadata` where that says confidence, source_weight or pinned.
    """

    text: str
    memory_type: str = ""
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    owner: Owner = SHARED_APP
    subject: str = ""
    importance: float | None = None
    confidence: float | None = None
    is_pinned: bool | None = None
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    replaces: str | None = None
    source_memory_id: str | None = None
    may_duplicate: bool = False

    def checked(self, *, at: datetime) -> Draft:
        """This draft with what its metadata say; raises InvalidArgument."""
        texts.checked(self.text)
        check_type(self.memory_type)
        check_times(self.effective_at, self.expires_at, at=at)
        metadata = checked_metadata(self.metadata)
        confidence = _number("confidence", self.confidence, (0.0, 1.0))
        if confidence is None:
            confidence = _share(metadata.get("confidence"))
        return replace(
            self,
            metadata=metadata,
            subject=_line(self.subject),
            importance=_number("importance", self.importance, scoring.IMPORTANCE),
            confidence=confidence,
            is_pinned=_flag(self.is_pinned, metadata.get("pinned")),
        )

    @property
    def canonical_sha256(self) -> str:
        return texts.canonical_sha256(
            self.text, owner=self.owner, memory_type=self.memory_type
        )


def check_type(memory_type: str) -> None:
    """Raise InvalidArgument unless it is a type, or empty for none."""
    if memory_type and memory_type not in Memory.Type.values:
        raise InvalidArgument(
            f"There is no memory_type {memory_type[:40]!r}.",
            hint=f"Types: {', '.join(Memory.Type.values)}.",
        )


def check_times(
    effective_at: datetime | None, expires_at: datetime | None, *, at: datetime
) -> None:
    """Raise InvalidArgument unless it begins within a year and ends after that."""
    for moment in (effective_at, expires_at):
        if moment is not None and moment.tzinfo is None:
            raise InvalidArgument("A time has no zone.", hint="End it with Z.")
    if effective_at is not None and effective_at > at + LATEST_START:
        raise InvalidArgument(
            "effective_at is more than a year ahead.", hint="Save it nearer to then."
        )
    if expires_at is not None and expires_at <= max(effective_at or at, at):
        raise InvalidArgument(
            "expires_at is past, or before effective_at.", hint="Give a later time."
        )


def checked_metadata(metadata: Mapping[str, Any]) -> dict[str, Scalar]:
    """Flat metadata that the database takes; raises InvalidArgument."""
    if len(metadata) > MAX_METADATA_KEYS:
        raise InvalidArgument(
            f"metadata has more than {MAX_METADATA_KEYS} keys.", hint="Leave some out."
        )
    for name, value in metadata.items():
        _check_entry(name, value)
    try:
        size = len(orjson.dumps(dict(metadata)))
    except TypeError as error:
        raise InvalidArgument(
            "metadata holds a number or text that JSON cannot carry.",
            hint="Send numbers within 64 bits and valid UTF-8.",
        ) from error
    if size > MAX_METADATA_BYTES:
        raise InvalidArgument(
            f"metadata has {size} bytes; at most {MAX_METADATA_BYTES} are taken.",
            hint="Put what is long into the text.",
        )
    return dict(metadata)


def _check_entry(name: object, value: object) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_KEY_CHARS:
        raise InvalidArgument(
            f"A metadata key is not 1 to {MAX_KEY_CHARS} characters.",
            hint="Use short names.",
        )
    if not isinstance(value, str | int | float | bool | None):
        raise InvalidArgument(
            f"metadata {name!r} is not text, a number, true, false or null.",
            hint="Metadata are flat: write lists and objects as text.",
        )
    # The database gives a large float back as an integer, past 64 bits one that JSON
    # libraries refuse.
    is_odd = isinstance(value, float) and not abs(value) < _MOST
    if is_odd or "\0" in name or (isinstance(value, str) and "\0" in value):
        raise InvalidArgument(
            f"metadata {name!r} holds what no database stores.",
            hint="Leave out NUL characters and numbers past 64 bits.",
        )


def _number(
    name: str, value: float | None, bounds: tuple[float, float]
) -> float | None:
    least, most = bounds
    if value is not None and not least <= value <= most:
        raise InvalidArgument(
            f"{name} must be {least:g} to {most:g}.", hint=f"Leave {name} out."
        )
    return value


def _share(value: Scalar) -> float | None:
    """A share that metadata say; None if they say none, or something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _flag(given: bool | None, told: Scalar) -> bool | None:
    return told if given is None and isinstance(told, bool) else given


def _line(subject: str) -> str:
    subject = subject.strip()
    if len(subject) > MAX_SUBJECT_CHARS or not (subject.isprintable()):
        raise InvalidArgument(
            f"subject is no line of at most {MAX_SUBJECT_CHARS} characters.",
            hint="Name whom or what the memory is about.",
        )
    return subject
