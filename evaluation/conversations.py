"""Read the evaluation set: sessions kept as text, questions as TOML.

README.md beside this file describes the form.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CODING_MEMORY = Path(__file__).parent / "coding_memory"

TURN = re.compile(r"^## ([^#\n]+?)(?: #([a-z0-9-]+))?\n", re.MULTILINE)
ROLES = ("user", "assistant", "tool", "result")


class BadEvaluationFile(ValueError):
    """A session or questions file is not in the form that README.md describes."""


@dataclass(frozen=True, slots=True)
class Message:
    """`role` is one of ROLES or the name of a person; `when` is as the data has it."""

    id: str
    session: str
    role: str
    text: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Answered by any message of `gold`; by all of them together if `kind` is multi.

    `gold` is empty when only the session is asked for. `needle`, where there is one,
    stands verbatim in every gold message and in no other one of the conversation.
    """

    id: str
    text: str
    kind: str
    gold: frozenset[str]
    gold_sessions: frozenset[str]
    when: str = ""
    answer: str = ""
    needle: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One project: its messages in order of time, and what is asked about them."""

    id: str
    messages: tuple[Message, ...]
    questions: tuple[Question, ...]


def conversations(directory: Path = CODING_MEMORY) -> list[Conversation]:
    """The projects kept in `directory`, by name."""
    return [conversation(path) for path in sorted(directory.iterdir()) if path.is_dir()]


def conversation(directory: Path) -> Conversation:
    """The project kept in one directory. Raises BadEvaluationFile."""
    messages = tuple(
        message for path in sorted(directory.glob("*.txt")) for message in session(path)
    )
    sessions = {message.id: message.session for message in messages}
    with (directory / "questions.toml").open("rb") as file:
        asked = tomllib.load(file)["question"]
    questions = tuple(
        _question(f"{directory.name}/{number:03d}", entry, sessions)
        for number, entry in enumerate(asked, start=1)
    )
    return Conversation(directory.name, messages, questions)


def session(path: Path) -> Iterator[Message]:
    """The messages of one file; the number before the first dash names the session."""
    name = path.name.partition("-")[0]
    with path.open(encoding="utf-8") as lines:
        front = lines.readline()
        if not front.startswith("when: "):
            raise BadEvaluationFile(f"{path}: the first line has to say when")
        when = front.removeprefix("when: ").strip()
        text = lines.read()
    turns = list(TURN.finditer(text))
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    for number, (turn, end) in enumerate(zip(turns, ends, strict=True), start=1):
        role, label = turn.groups()
        body = text[turn.end() : end].strip("\n")
        yield Message(f"{name}#{label or number}", name, role, body, when)


def _question(
    question_id: str, entry: dict[str, Any], sessions: dict[str, str]
) -> Question:
    gold = frozenset(entry.get("gold", ()))
    if unknown := gold - sessions.keys():
        raise BadEvaluationFile(f"{question_id}: no message {sorted(unknown)}")
    return Question(
        id=question_id,
        text=entry["text"],
        kind=entry["kind"],
        gold=gold,
        gold_sessions=frozenset(
            entry.get("sessions") or (sessions[message] for message in gold)
        ),
        when=entry.get("when", ""),
        answer=entry["answer"],
        needle=entry.get("needle", ""),
    )
