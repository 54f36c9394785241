"""Needles: names and phrases that stand in one message only, which has to come first.

They are taken from the conversations themselves, tool calls and results included, and
from the middle of each message, where cutting would lose them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from zlib import crc32

from evaluation.conversations import ROLES, Conversation, Message, Question

# A name has a joint: of snake, camel, path or address case.
_NAME = re.compile(
    r"(?<![\w./-])[A-Za-z]\w*(?:[._/-]\w+|(?<=[a-z])[A-Z]\w*)+(?![\w/-])"
)
_PHRASE = re.compile(r"(?<![\w'-])[A-Za-z]+(?: [A-Za-z]+){4}(?![\w'-])")
_SHORTEST = 8
# Counting goes through the whole conversation.
_MOST_TRIED = 8


def needles(conversation: Conversation, *, most: int) -> Conversation:
    """The conversation with questions for its needles instead of its own.

    Up to `most` of each kind: a name or a phrase, in what one role or people said. They
    are the same at each call, and spread over the conversation.
    """
    everything = "\n".join(m.text for m in conversation.messages).casefold()
    by_role: dict[str, list[Message]] = {}
    for message in sorted(conversation.messages, key=_shuffled):
        role = message.role if message.role in ROLES else "people"
        by_role.setdefault(role, []).append(message)
    asked = tuple(
        question
        for role, messages in by_role.items()
        for what, pattern, form in (
            ("name", _NAME, "{}"),
            ("phrase", _PHRASE, '"{}"'),
        )
        for question in islice(
            _asked(messages, f"{what} in {role}", pattern, form, everything), most
        )
    )
    return replace(conversation, questions=asked)


def _shuffled(message: Message) -> int:
    return crc32(message.id.encode())


def _asked(
    messages: Sequence[Message],
    kind: str,
    pattern: re.Pattern[str],
    form: str,
    everything: str,
) -> Iterator[Question]:
    for message in messages:
        found = _needle(message.text, pattern, everything)
        if found:
            yield Question(
                id=f"{message.id} {kind}",
                text=form.format(found),
                kind=kind,
                gold=frozenset([message.id]),
                gold_sessions=frozenset([message.session]),
                answer=found,
                needle=found,
            )


def _needle(text: str, pattern: re.Pattern[str], everything: str) -> str:
    """What stands once and nowhere else, nearest to the middle of the text."""
    middle = len(text) // 2
    found = [match for match in pattern.finditer(text) if len(match[0]) >= _SHORTEST]
    found.sort(key=lambda match: abs(match.start() - middle))
    return next(
        (
            match[0]
            for match in found[:_MOST_TRIED]
            if everything.count(match[0].casefold()) == 1
        ),
        "",
    )
