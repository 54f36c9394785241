"""Asks a server every question, and says how good and how fast the answers were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from evaluation import scoring
from evaluation.archive import Archive
from evaluation.client import Client, Failed, Hit
from evaluation.conversations import Conversation, Question
from evaluation.scoring import Score

# A session's place is that of its best passage, or the server's own when it is asked
# for sessions.
LEVELS = ("message", "session", "passages' session")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Archived:
    """A conversation that is on the server, and in which workspace."""

    conversation: Conversation
    archive: Archive
    workspace_id: str


@dataclass
class Measured:
    """The scores of every question, and how long each took over the wire."""

    scores: list[Score] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def table(self, level: str) -> dict[str, dict[str, float]]:
        return scoring.by_kind(self.scores, level)

    def latency(self, share: float) -> float:
        return scoring.percentile(self.milliseconds, share)


def ask_all(
    client: Client, archived: Iterable[Archived], *, mode: str, say: Say
) -> Measured:
    """Ask what has an answer, of each conversation in its own workspace.

    Raises Failed when the server has not indexed everything: figures would be wrong.
    """
    measured = Measured()
    # The server has hung up while it was indexing; the next request dials anew.
    client.close()
    for each in archived:
        asked = [q for q in each.conversation.questions if q.gold_sessions]
        for question in asked:
            _ask(client, each, question, mode=mode, measured=measured)
        say(f"{mode}: {each.conversation.id}: {len(asked)} questions asked")
    return measured


def _ask(
    client: Client, each: Archived, question: Question, *, mode: str, measured: Measured
) -> None:
    began = time.perf_counter()
    found = client.search(question.text, workspace_id=each.workspace_id, mode=mode)
    measured.milliseconds.append((time.perf_counter() - began) * 1000)
    if found.pending:
        raise Failed(f"{found.pending} lines or passages are not indexed yet")
    grouped = client.search(
        question.text, workspace_id=each.workspace_id, mode=mode, by_session=True
    )
    levels = {
        "session": scoring.scores(
            _sessions(each.archive, grouped.hits), question.gold_sessions
        ),
        "passages' session": scoring.scores(
            _sessions(each.archive, found.hits), question.gold_sessions
        ),
    }
    if question.gold:
        messages = _distinct(
            each.archive.messages[hit.session_id, hit.line] for hit in found.hits
        )
        levels["message"] = scoring.scores(messages, question.gold)
    measured.scores.append(
        Score(question.id, each.conversation.id, question.kind, levels)
    )


def _sessions(archive: Archive, hits: Sequence[Hit]) -> list[str]:
    return _distinct(archive.sessions[hit.session_id] for hit in hits)


def _distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
