"""Read conversations with questions: our own, LoCoMo's, and those in a plain form.

The plain form, `qa`, is what `python -m evaluation` prints.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import orjson

from evaluation.conversations import (
    BadEvaluationFile,
    Conversation,
    Message,
    Question,
    conversations,
)

Split = Literal["all", "dev", "test"]

MOST_BYTES = 2**30

_LOCOMO_SESSION = re.compile(r"session_(\d+)")
# Some evidence has two turns in one text, a second colon or a leading zero.
_LOCOMO_TURN = re.compile(r"D:?(\d+):(\d+)")
_LOCOMO_KINDS = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}
_LOCOMO_DEV = {"conv-26", "conv-42", "conv-49"}


def read(form: str, path: Path) -> list[Conversation]:
    """The conversations of a file, which may be gzip-compressed.

    `form` is one of FORMS. Raises BadEvaluationFile.
    """
    if form not in FORMS:
        raise BadEvaluationFile(f"No form {form!r}; there are {', '.join(FORMS)}.")
    try:
        found = [FORMS[form](entry) for entry in orjson.loads(_bytes(path))]
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise BadEvaluationFile(f"{path}: not in the form {form}: {error!r}") from error
    for conversation in found:
        _check(conversation, path)
    return found


def ours() -> list[Conversation]:
    """The set that ships with the project."""
    return conversations()


def chosen(
    form: str, found: Sequence[Conversation], split: Split
) -> list[Conversation]:
    """The conversations that may be looked at (dev), those kept for checking, or all.

    LoCoMo's are named; of others every third is dev.
    """
    if split == "all":
        return list(found)
    return [
        conversation
        for number, conversation in enumerate(found)
        if (split == "dev")
        == (conversation.id in _LOCOMO_DEV if form == "locomo" else not number % 3)
    ]


def _bytes(path: Path) -> bytes:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        content: bytes = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadEvaluationFile(f"{path}: larger than {MOST_BYTES} bytes.")
    return content


def _check(conversation: Conversation, path: Path) -> None:
    sessions = {message.id: message.session for message in conversation.messages}
    if len(sessions) < len(conversation.messages):
        raise BadEvaluationFile(f"{path}: {conversation.id} has a message id twice.")
    known = frozenset(sessions.values())
    for question in conversation.questions:
        lost = (question.gold - sessions.keys()) | (question.gold_sessions - known)
        if lost:
            raise BadEvaluationFile(f"{path}: {question.id}: no {sorted(lost)}.")


def _plain(entry: dict[str, Any]) -> Conversation:
    return Conversation(
        id=entry["id"],
        messages=tuple(
            Message(
                id=message["id"],
                session=message["session"],
                role=message["role"],
                text=message["text"],
                when=message.get("when", ""),
            )
            for message in entry["messages"]
        ),
        questions=tuple(
            Question(
                id=question["id"],
                text=question["text"],
                kind=question["kind"],
                gold=frozenset(question["gold"]),
                gold_sessions=frozenset(question["gold_sessions"]),
                when=question.get("when", ""),
                answer=question.get("answer", ""),
            )
            for question in entry["questions"]
        ),
    )


def _locomo(entry: dict[str, Any]) -> Conversation:
    talk = entry["conversation"]
    numbers = sorted(
        int(match[1]) for key in talk if (match := _LOCOMO_SESSION.fullmatch(key))
    )
    messages = tuple(
        Message(
            id=turn["dia_id"],
            session=f"D{number}",
            role=turn["speaker"],
            text=_locomo_text(turn),
            when=talk.get(f"session_{number}_date_time", ""),
        )
        for number in numbers
        for turn in talk[f"session_{number}"]
    )
    known = {message.id for message in messages}
    questions = tuple(
        _locomo_question(f"{entry['sample_id']}/{number}", asked, known)
        for number, asked in enumerate(entry["qa"])
    )
    return Conversation(entry["sample_id"], messages, questions)


def _locomo_text(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    text: str = turn.get("text", "")
    return f"{text} [shares an image: {caption}]" if caption else text


def _locomo_question(
    question_id: str, asked: dict[str, Any], known: set[str]
) -> Question:
    turns = (
        turn
        for evidence in asked.get("evidence", ())
        for turn in _LOCOMO_TURN.findall(str(evidence))
    )
    gold = frozenset(f"D{int(session)}:{int(turn)}" for session, turn in turns) & known
    return Question(
        id=question_id,
        text=asked["question"],
        kind=_LOCOMO_KINDS[asked["category"]],
        gold=gold,
        gold_sessions=frozenset(turn.partition(":")[0] for turn in gold),
        answer=str(asked.get("answer", asked.get("adversarial_answer", ""))),
    )


FORMS = {"locomo": _locomo, "qa": _plain}
