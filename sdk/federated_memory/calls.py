"""Requests as data: what to send, and how to read the answer; both clients use them.

Every write carries an Idempotency-Key of its own, so that repeating it after a lost
answer never makes a second row; that is what makes all of them safe to try again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from federated_memory.records import (
    ContextPack,
    Erased,
    Memory,
    Page,
    Recalled,
    Saved,
    Staged,
)

Answer = TypeVar("Answer")
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request and the reader of its answer."""

    method: str
    path: str
    read: Callable[[Fields], Answer]
    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def remember(
    text: str,
    *,
    container: str | None,
    memory_type: str | None,
    metadata: Fields | None,
    importance: float | None,
    expires_at: datetime | None,
    replaces: str | None,
) -> Call[Saved]:
    body = {
        "text": text,
        "containerTag": container,
        "memory_type": memory_type,
        "metadata": dict(metadata) if metadata else None,
        "importance": importance,
        "expires_at": _iso(expires_at),
        "replaces_memory_id": replaces,
    }
    return _write("POST", "/v1/memories", body, Saved.read)


def save_conversation(
    messages: Sequence[Fields], *, container: str | None
) -> Call[Saved]:
    body = {"messages": list(messages), "containerTag": container}
    return _write("POST", "/v1/memories/conversation", body, Saved.read)


def recall(
    query: str,
    *,
    top_k: int,
    container: str | None,
    mode: str | None,
    min_score: float | None,
    explain: bool,
) -> Call[Recalled]:
    body = {
        "query": query,
        "top_k": top_k,
        "containerTag": container,
        "search_mode": mode,
        "min_score": min_score,
        "explain": explain or None,
    }
    return Call("POST", "/v1/search", Recalled.read, body=_given(body))


def context(query: str, *, top_k: int, container: str | None) -> Call[ContextPack]:
    body = {"query": query, "top_k": top_k, "containerTag": container}
    return Call("POST", "/v1/context", ContextPack.read, body=_given(body))


def get(memory_id: str) -> Call[Memory]:
    return Call("GET", f"/v1/memories/{_id(memory_id)}", Memory.read)


def page(*, number: int, size: int, container: str | None) -> Call[Page]:
    query = {"page": number, "page_size": size, "containerTag": container}
    return Call("GET", "/v1/memories", Page.read, query=_given(query))


def delete(memory_id: str) -> Call[Erased]:
    return _write("DELETE", f"/v1/memories/{_id(memory_id)}", {}, Erased.read)


def forget(text: str, *, container: str | None) -> Call[Staged]:
    body = {"content": text, "containerTag": container}
    return _write("POST", "/v1/forget", body, Staged.read)


def confirm_forget(
    *, token: str, memory_id: str | None, container: str | None
) -> Call[Erased]:
    body = {"token": token, "memory_id": memory_id, "containerTag": container}
    return _write("POST", "/v1/forget/confirm", body, Erased.read)


def usage_today() -> Call[Fields]:
    return Call("GET", "/v1/usage/today", dict)


def _write(
    method: str, path: str, body: dict[str, Any], read: Callable[[Fields], Answer]
) -> Call[Answer]:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return Call(method, path, read, body=_given(body) or None, headers=key)


def _given(values: Fields) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _id(memory_id: str) -> str:
    # An id goes into the path; whatever is no id must not choose another path.
    return str(uuid.UUID(memory_id))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
