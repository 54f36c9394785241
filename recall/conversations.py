"""Conversations kept as memories: what was said, under a few facts counted from it.

A conversation longer than one memory may be becomes several, cut between messages, and
each says which part it is. Nothing is summed up or extracted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from access.principals import Principal
from audit import trail
from memories import pacing, saving
from memories.drafts import Draft, Scalar
from memories.models import Memory
from memories.saving import Saved
from refusals import Code, InvalidArgument, Refusal
from usage import metering
from workspaces.models import Workspace

ROLES = ("user", "assistant", "system", "tool")
MAX_MESSAGES = 200
MAX_CONTENT_CHARS = 24_000
MAX_TRANSCRIPT_CHARS = 50_000
MAX_LABEL_CHARS = 100
MAX_TITLE_CHARS = 200
SOURCE = "conversation"
# Together about a megabyte of text, which is as much as one request brings.
_MOST_PARTS = 24
_ROLE = re.compile(rf"^({'|'.join(ROLES)}): ?", re.MULTILINE | re.IGNORECASE)


class ConversationTooLarge(Refusal):
    """More than fits in the memories that one conversation may become."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Upload a long session as a transcript, or save its parts."


@dataclass(frozen=True)
class Message:
    """One turn; `at` is the caller's label for when, in any form."""

    role: str
    content: str
    at: str = ""

    @property
    def paragraph(self) -> str:
        when = f"[{self.at}] " if self.at else ""
        return f"{when}{self.role}: {self.content}"

    @classmethod
    def of(cls, given: object, *, place: int) -> Message:
        """Read a message of a request; raises InvalidArgument."""
        if not isinstance(given, Mapping):
            raise _invalid(f"messages[{place}] is no object.")
        role, content, at = given.get("role"), given.get("content"), given.get("at")
        if role not in ROLES:
            raise _invalid(f"messages[{place}].role is none of {', '.join(ROLES)}.")
        if not isinstance(content, str) or not 0 < len(content) <= MAX_CONTENT_CHARS:
            raise _invalid(
                f"messages[{place}].content is not 1 to {MAX_CONTENT_CHARS} characters."
            )
        label = "" if at is None else at
        if not isinstance(label, str) or len(label) > MAX_LABEL_CHARS:
            raise _invalid(
                f"messages[{place}].at is no text of {MAX_LABEL_CHARS} characters."
            )
        return cls(role, content, " ".join(label.split()))


@dataclass(frozen=True)
class Conversation:
    """What was said: messages, or a transcript, which wins where both are given."""

    messages: tuple[Message, ...] = ()
    transcript: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Conversation:
        """Read `messages` or `transcript` of a request; raises InvalidArgument."""
        transcript = body.get("transcript")
        if transcript is None:
            transcript = ""
        if not isinstance(transcript, str) or len(transcript) > MAX_TRANSCRIPT_CHARS:
            raise _invalid(
                f"transcript is no text of at most {MAX_TRANSCRIPT_CHARS} characters."
            )
        if transcript.strip():
            return cls(transcript=transcript)
        given = body.get("messages")
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            raise _invalid("There are neither messages nor a transcript.")
        if len(given) > MAX_MESSAGES:
            raise _invalid(f"There are more than {MAX_MESSAGES} messages.")
        return cls(
            tuple(Message.of(each, place=place) for place, each in enumerate(given))
        )

    @property
    def parts(self) -> list[str]:
        """The texts that it becomes; raises ConversationTooLarge."""
        if self.transcript:
            return [self.transcript]
        parts = _packed(each.paragraph for each in self.messages)
        if len(parts) > _MOST_PARTS:
            raise ConversationTooLarge(
                f"The conversation would become {len(parts)} memories; "
                f"{_MOST_PARTS} are the most."
            )
        return parts

    @property
    def turns(self) -> list[Message]:
        """Its messages; those of a transcript begin with a role and a colon."""
        if not self.transcript:
            return list(self.messages)
        _, *said = _ROLE.split(self.transcript)
        return [
            Message(role.lower(), content.strip())
            for role, content in zip(said[::2], said[1::2], strict=True)
        ]


@dataclass(frozen=True)
class Summary:
    """Facts counted from a conversation; the same one has always the same."""

    title: str
    message_count: int
    counts: dict[str, int]
    first_at: str
    last_at: str

    @property
    def participants(self) -> tuple[str, ...]:
        """The roles that spoke, in the order of their first words."""
        return tuple(self.counts)

    @property
    def metadata(self) -> dict[str, Scalar]:
        """The same as a memory keeps it."""
        facts: dict[str, Scalar] = {
            "source": SOURCE,
            "title": self.title,
            "message_count": self.message_count,
            "participants": ", ".join(self.participants),
            "first_at": self.first_at,
            "last_at": self.last_at,
            **{f"{role}_messages": count for role, count in self.counts.items()},
        }
        return {name: value for name, value in facts.items() if value != ""}


@dataclass(frozen=True)
class ConversationSaved:
    """The memories of a conversation; the first is the one to name."""

    saved: tuple[Saved, ...]
    summary: Summary

    @property
    def memory(self) -> Memory:
        return self.saved[0].memory


def summary_of(conversation: Conversation) -> Summary:
    """Count what can be counted: who spoke how often, when, and how it began."""
    turns = conversation.turns
    labels = [turn.at for turn in turns if turn.at]
    asked = [turn.content for turn in turns if turn.role == "user"]
    begun = next(iter(asked or [turn.content for turn in turns]), "")
    return Summary(
        title=_title(begun or conversation.transcript),
        message_count=len(turns),
        counts=dict(Counter(turn.role for turn in turns)),
        first_at=labels[0] if labels else "",
        last_at=labels[-1] if labels else "",
    )


def save(
    *,
    workspace: Workspace,
    conversation: Conversation,
    draft: Draft,
    channel: str,
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> ConversationSaved:
    """Remember a conversation, all of it or nothing.

    Of `draft` everything but text and type counts: it is a note. The same
    conversation again gives the same memories; one that went on is a new one. Raises
    ConversationTooLarge and what saving.save does.
    """
    summary = summary_of(conversation)
    texts = conversation.parts
    drafts = [
        replace(
            draft,
            text=text,
            memory_type=Memory.Type.NOTE,
            metadata={
                **draft.metadata,
                **summary.metadata,
                **_part(number, len(texts)),
            },
            replaces=draft.replaces if number == 1 else None,
            # Two conversations that begin alike are still two.
            may_duplicate=True,
        )
        for number, text in enumerate(texts, start=1)
    ]
    if len(drafts) == 1:
        done = saving.save(
            workspace=workspace,
            draft=drafts[0],
            channel=channel,
            actor=actor,
            payer=payer,
            at=at,
        )
        return ConversationSaved((done,), summary)
    checked = [each.checked(at=at) for each in drafts]
    if payer is not None:
        for each in checked:
            pacing.admit(workspace, each.canonical_sha256)
    costs = [saving.cost(each) for each in checked]
    with metering.charged(
        payer,
        workspace,
        _sum(costs),
        action="conversation.save",
        about=" ".join(each.canonical_sha256 for each in checked),
        text_chars=max(len(text) for text in texts),
        at=at,
    ) as charge:
        with transaction.atomic():
            saved = [
                saving.save(
                    workspace=workspace,
                    draft=each,
                    channel=channel,
                    actor=actor,
                    at=at,
                )
                for each in drafts
            ]
        charge.settle(
            _sum(cost for cost, done in zip(costs, saved, strict=True) if done.is_new)
        )
    return ConversationSaved(tuple(saved), summary)


def _packed(paragraphs: Iterable[str]) -> list[str]:
    """Paragraphs joined as long as one memory can hold them."""
    parts: list[list[str]] = []
    room = 0
    for paragraph in paragraphs:
        if len(paragraph) + 2 > room:
            parts.append([])
            room = settings.MAX_MEMORY_CHARS
        parts[-1].append(paragraph)
        room -= len(paragraph) + 2
    return ["\n\n".join(part) for part in parts]


def _part(number: int, of: int) -> dict[str, Scalar]:
    return {"part": number, "parts": of} if of > 1 else {}


def _sum(costs: Iterable[metering.Deltas]) -> metering.Deltas:
    counts: Counter[str] = Counter()
    for cost in costs:
        counts.update(cost.counts())
    return metering.Deltas(**counts)


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TITLE_CHARS else line[: MAX_TITLE_CHARS - 1] + "…"


def _invalid(fact: str) -> InvalidArgument:
    return InvalidArgument(
        fact, hint='Send messages as [{"role": "user", "content": "…"}, …].'
    )
