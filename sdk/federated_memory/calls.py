"""Requests as data: what to send, and how to read the answer; both clients use them.

Every write carries an Idempotency-Key of its own, so that repeating it after a lost
answer never makes a second row; that is what makes writes safe to try again.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from federated_memory.records import (
    Artefact,
    ContextPack,
    Erased,
    Fields,
    Memory,
    Page,
    Recalled,
    Saved,
    Staged,
)

Answer = TypeVar("Answer")
Scalar = str | int | float | bool | None
MemoryType = Literal[
    "fact", "preference", "event", "note", "task", "correction", "pin", "summary"
]
Kind = Literal["memory", "knowledge", "transcript"]

KEY = "Idempotency-Key"
# What asks and changes nothing, though it is a POST.
_ASKING = frozenset(
    {
        "/v1/search",
        "/v1/search/replay",
        "/v1/context",
        "/v1/context/feedback",
        "/v1/evals/run",
        "/v1/explain/answer",
        "/v1/feedback",
    }
)
# Words of this package for words of the wire.
_ON_THE_WIRE = {"container": "containerTag", "replaces": "replaces_memory_id"}


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request and the reader of its answer."""

    method: str
    path: str
    read: Callable[[Fields], Answer]
    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def may_be_repeated(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return (
            self.method in {"GET", "HEAD", "DELETE"}
            or self.path in _ASKING
            or KEY in self.headers
        )


class Where(TypedDict, total=False):
    """`container` is a workspace_id or any name: only there."""

    container: str | None


class Draft(Where, total=False):
    """What may be said about a memory; times without a zone are local."""

    memory_type: MemoryType | None
    metadata: Mapping[str, Scalar] | None
    importance: float | None
    subject: str | None
    pinned: bool | None
    effective_at: datetime | None
    expires_at: datetime | None
    replaces: str | None
    idempotency_key: str | None


class Filters(TypedDict, total=False):
    """What narrows a search; all but the times is about memories alone."""

    metadata: Mapping[str, Scalar]
    memory_type: MemoryType | Sequence[MemoryType]
    start_time: datetime
    end_time: datetime
    filter_mode: Literal["and", "or"]


class Question(Where, total=False):
    """How to search: at most `top_k` (1 to 20) hits that score at least `min_score`."""

    top_k: int | None
    kinds: Sequence[Kind] | None
    search_mode: (
        Literal["hybrid", "keyword", "semantic", "vector", "exact", "regex"] | None
    )
    min_score: float | None
    retrieval_profile: Literal["balanced", "precision", "recall"] | None
    filters: Filters | None
    explain: bool | None


class Packing(Question, total=False):
    """A question, and how long the text may get."""

    budget_chars: int | None
    budget_tokens: int | None


class Listing(Where, total=False):
    """Which memories to list."""

    memory_type: MemoryType | None
    include_archived: bool | None
    include_superseded: bool | None


class Turn(TypedDict):
    """One message of a conversation; `at` is a label of your own."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str
    at: NotRequired[str]


def remember(text: str, **draft: Unpack[Draft]) -> Call[Saved]:
    return _write("POST", "/v1/memories", Saved.read, text=text, **draft)


def save_conversation(messages: Sequence[Turn], **draft: Unpack[Draft]) -> Call[Saved]:
    path = "/v1/memories/conversation"
    return _write("POST", path, Saved.read, messages=list(messages), **draft)


def recall(query: str, **question: Unpack[Question]) -> Call[Recalled]:
    body = _given(query=query, **question)
    return Call("POST", "/v1/search", Recalled.read, body=body)


def context(query: str, **packing: Unpack[Packing]) -> Call[ContextPack]:
    body = _given(query=query, **packing)
    return Call("POST", "/v1/context", ContextPack.read, body=body)


def judge(trace_id: str, feedback: Literal["positive", "negative"]) -> Call[Fields]:
    body = {"request_id": trace_id, "feedback": feedback}
    return Call("POST", "/v1/feedback", dict, body=body)


def get(memory_id: str) -> Call[Memory]:
    return Call("GET", _memory(memory_id), Memory.read)


def page(
    number: int, size: int, up_to: int | None, **listing: Unpack[Listing]
) -> Call[Page]:
    query = _given(page=number, page_size=size, up_to=up_to, **listing)
    return Call("GET", "/v1/memories", Page.read, query=query)


def delete(memory_id: str) -> Call[Erased]:
    return _write("DELETE", _memory(memory_id), Erased.read)


def forget(text: str, **where: Unpack[Where]) -> Call[Staged]:
    return _write("POST", "/v1/forget", Staged.read, content=text, **where)


def confirm_forget(
    token: str, memory_id: str | None, **where: Unpack[Where]
) -> Call[Erased]:
    path = "/v1/forget/confirm"
    confirmed = {"token": token, "memory_id": memory_id}
    return _write("POST", path, Erased.read, **confirmed, **where)


def export(*, masked: bool, **where: Unpack[Where]) -> Call[Artefact]:
    query = _given(masked=masked, **where)
    return Call("GET", "/v1/export", Artefact.read, query=query)


def import_(data: bytes, mode: str, **where: Unpack[Where]) -> Call[Fields]:
    encoded = base64.b64encode(data).decode()
    path = "/v1/import"
    return _write("POST", path, dict, artefact_base64=encoded, mode=mode, **where)


def usage_today() -> Call[Fields]:
    return Call("GET", "/v1/usage/today", dict)


def _write(
    method: str,
    path: str,
    read: Callable[[Fields], Answer],
    *,
    idempotency_key: str | None = None,
    **body: Any,
) -> Call[Answer]:
    headers = {KEY: idempotency_key or str(uuid.uuid4())}
    return Call(method, path, read, body=_given(**body) or None, headers=headers)


def _given(**values: Any) -> dict[str, Any]:
    """Values as the wire has them; what was not given is not sent."""
    return {
        _ON_THE_WIRE.get(name, name): _plain(value)
        for name, value in values.items()
        if value is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _memory(memory_id: str) -> str:
    # Whatever is no id must not choose another path.
    return f"/v1/memories/{quote(memory_id, safe='')}"
