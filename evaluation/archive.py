"""A conversation as a client would archive it: a workspace of transcripts.

Each session becomes one transcript in the plain shape, a message a line, so that the
session and line of a hit say which message was found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from evaluation.conversations import ROLES, Conversation, Message

# Data dates sessions, not messages; they follow one another at this pace.
PACE = timedelta(seconds=10)

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FORMS_OF_TIME = (
    "%I:%M %p on %d %B, %Y",
    "%Y/%m/%d (%a) %H:%M",
    "%B-%d-%Y",
)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One session as JSONL, under the id that it is uploaded with."""

    session_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """What to upload for one conversation, and how to read its hits.

    `messages` names the message of (uploaded session id, line from 1), `sessions` the
    session of an uploaded id.
    """

    project: str
    transcripts: tuple[Transcript, ...]
    messages: Mapping[tuple[str, int], str]
    sessions: Mapping[str, str]


def archived(conversation: Conversation) -> Archive:
    """The transcripts of a conversation, its sessions in the order they appear."""
    by_session: dict[str, list[Message]] = {}
    for message in conversation.messages:
        by_session.setdefault(message.session, []).append(message)
    ids = {session: _upload_id(n, session) for n, session in enumerate(by_session)}
    roles = _roles(conversation.messages)
    return Archive(
        project=_UNSAFE.sub("-", conversation.id).strip("-.") or "conversation",
        transcripts=tuple(
            Transcript(ids[session], _content(messages, roles))
            for session, messages in by_session.items()
        ),
        messages={
            (ids[session], line): message.id
            for session, messages in by_session.items()
            for line, message in enumerate(messages, start=1)
        },
        sessions={upload_id: session for session, upload_id in ids.items()},
    )


def moment(when: str) -> datetime | None:
    """The time that data gives as free text or ISO 8601, in UTC unless it says."""
    try:
        at = datetime.fromisoformat(when)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        pass
    for form in _FORMS_OF_TIME:
        try:
            return datetime.strptime(when, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _upload_id(number: int, session: str) -> str:
    return session if _SAFE_ID.fullmatch(session) else f"session.{number}"


def _roles(messages: Sequence[Message]) -> dict[str, str]:
    """Whose words count as the user's: of two named speakers the first, of more all."""
    named = dict.fromkeys(m.role for m in messages if m.role not in ROLES)
    if len(named) == 2:
        return dict(zip(named, ("user", "assistant"), strict=True))
    return dict.fromkeys(named, "user")


def _content(messages: Sequence[Message], roles: Mapping[str, str]) -> bytes:
    lines, last = [], None
    for message in messages:
        at = moment(message.when)
        if last is not None and (at is None or at <= last):
            at = last + PACE
        last = at
        lines.append(orjson.dumps(_line(message, at, roles)) + b"\n")
    return b"".join(lines)


def _line(
    message: Message, at: datetime | None, roles: Mapping[str, str]
) -> dict[str, object]:
    line: dict[str, object] = {"id": message.id}
    if at is not None:
        line["timestamp"] = at.isoformat()
    if message.role == "tool":
        call = {"id": message.id, "type": "custom", "custom": {"input": message.text}}
        return line | {"role": "assistant", "content": None, "tool_calls": [call]}
    if message.role == "result":
        return line | {"role": "tool", "content": message.text}
    if message.role in roles:
        line["name"] = message.role
    return line | {
        "role": roles.get(message.role, message.role),
        "content": message.text,
    }
