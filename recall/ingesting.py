"""One door for everything that can be taken in, and the reading of its bodies.

Bodies are what clients send as JSON, already parsed: names and bounds are those of
POST /v1/memories and its neighbours, whichever interface they came through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from access.principals import Principal
from knowledge import publishing
from knowledge.publishing import Published
from memories import owners, saving
from memories.saving import Draft, Saved
from recall import artefacts, conversations, restoring
from recall.conversations import Conversation, ConversationSaved
from recall.restoring import Imported
from refusals import InvalidArgument
from usage import metering
from workspaces.models import Workspace

Kind = Literal["memory", "conversation", "document", "import"]

# Every name that clients use, and what it means.
KINDS: dict[str, Kind] = {
    "memory": "memory",
    "text": "memory",
    "conversation": "conversation",
    "document": "document",
    "import": "import",
    "bundle": "import",
}
CHUNK_PROFILES = ("balanced", "dense", "document")


@dataclass(frozen=True)
class Ingested:
    """What a body became; the one that fits `kind` is set.

    A document without a path is kept as a memory and is `saved`.
    """

    kind: Kind
    saved: Saved | None = None
    conversation: ConversationSaved | None = None
    document: Published | None = None
    imported: Imported | None = None


def dispatch(
    *,
    principal: Principal,
    workspace: Workspace,
    kind: str,
    body: Mapping[str, Any],
    channel: str,
    payer: Principal | None = None,
    at: datetime,
) -> Ingested:
    """Take in one body of a kind.

    Raises InvalidArgument and what that kind's verb does. Must not be called inside
    a transaction unless nobody pays.
    """
    meant = KINDS.get(kind)
    if meant is None:
        raise InvalidArgument(
            f"There is no kind {kind[:40]!r}.", hint=f"Kinds: {', '.join(KINDS)}."
        )
    if meant == "conversation":
        talked = save_conversation(
            workspace=workspace,
            body=body,
            channel=channel,
            principal=principal,
            payer=payer,
            at=at,
        )
        return Ingested(meant, conversation=talked)
    if meant == "import":
        imported = restoring.import_(
            workspace=workspace,
            data=artefacts.decoded(_text(body, "artefact_base64") or ""),
            mode=_text(body, "mode") or "upsert",
            actor=principal.actor,
            payer=payer,
            at=at,
        )
        return Ingested(meant, imported=imported)
    path = _text(body, "path")
    if meant == "document" and path:
        with metering.charged(
            payer,
            workspace,
            metering.Deltas(writes=1),
            action="document.ingest",
            at=at,
        ):
            published = publishing.publish(
                workspace=workspace,
                path=path,
                text=_content(body),
                channel=channel,
                actor=principal.actor,
                at=at,
            )
        return Ingested(meant, document=published)
    saved = saving.save(
        workspace=workspace,
        draft=draft_of(body),
        channel=channel,
        actor=principal.actor,
        payer=payer,
        at=at,
    )
    return Ingested(meant, saved=saved)


def save_conversation(
    *,
    workspace: Workspace,
    body: Mapping[str, Any],
    channel: str,
    principal: Principal,
    payer: Principal | None = None,
    at: datetime,
) -> ConversationSaved:
    """Remember the conversation of a body, with the fields that any memory may have."""
    return conversations.save(
        workspace=workspace,
        conversation=Conversation.of(body),
        draft=draft_of({**body, "text": "see the messages"}),
        channel=channel,
        actor=principal.actor,
        payer=payer,
        at=at,
    )


def draft_of(body: Mapping[str, Any]) -> Draft:
    """The memory that a body describes; raises InvalidArgument.

    Bounds of values are left to saving; here every value gets its type. Names that the
    interfaces use themselves, and unknown ones, are not looked at.
    """
    _check_chunk_profile(body)
    return Draft(
        text=_content(body),
        memory_type=_text(body, "memory_type") or "",
        metadata=_object(body, "metadata"),
        owner=owners.owner_of(body),
        subject=_text(body, "subject") or "",
        importance=_number(body, "importance"),
        confidence=_number(body, "confidence"),
        is_pinned=_flag(body, "is_pinned", "pinned"),
        effective_at=_time(body, "effective_at"),
        expires_at=_time(body, "expires_at"),
        replaces=_text(body, "replaces_memory_id", "replaces"),
        source_memory_id=_text(body, "source_memory_id"),
    )


def _content(body: Mapping[str, Any]) -> str:
    text = _text(body, "text", "content")
    if text is None:
        raise InvalidArgument("There is no text.", hint="Say what to remember in text.")
    return text


def _check_chunk_profile(body: Mapping[str, Any]) -> None:
    profile = _text(body, "chunk_profile")
    if profile not in (None, *CHUNK_PROFILES):
        raise InvalidArgument(
            f"There is no chunk_profile {profile[:40]!r}.",
            hint=f"Profiles: {', '.join(CHUNK_PROFILES)}; none needs to be given.",
        )


def _value(body: Mapping[str, Any], *names: str) -> tuple[str, Any]:
    """The first of these names that has a value, and it."""
    given = ((name, body[name]) for name in names if body.get(name) is not None)
    return next(given, (names[0], None))


def _text(body: Mapping[str, Any], *names: str) -> str | None:
    name, value = _value(body, *names)
    if value is not None and not isinstance(value, str):
        raise _not(name, "text")
    return value


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    _, value = _value(body, name)
    if value is not None and not isinstance(value, Mapping):
        raise _not(name, "an object")
    return value or {}


def _number(body: Mapping[str, Any], name: str) -> float | None:
    _, value = _value(body, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not(name, "a number")
    return value


def _flag(body: Mapping[str, Any], *names: str) -> bool | None:
    name, value = _value(body, *names)
    if value is not None and not isinstance(value, bool):
        raise _not(name, "true or false")
    return value


def _time(body: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(body, name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _not(name, "a time") from error
    if found.tzinfo is None:
        raise _not(name, "a time with a zone")
    return found


def _not(name: str, form: str) -> InvalidArgument:
    hint = (
        "Write times as 2026-11-21T09:00:00Z." if "time" in form else f"Correct {name}."
    )
    return InvalidArgument(f"{name} is not {form}.", hint=hint)
