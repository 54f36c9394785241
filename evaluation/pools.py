"""What ranking chooses from for each question, with features and answers.

Runs inside the server's own environment, for it asks the ranking itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from evaluation import archive, data
from evaluation.archive import Archive
from evaluation.conversations import Conversation, Question
from search import catalogue, passages, ranking, scope
from search.passages import Source
from search.question import Mode, Query
from search.scope import Scope
from sessions.models import Transcript
from workspaces.models import Workspace

_KIND = "transcript"


@dataclass(frozen=True, eq=False)
class Pool:
    """The candidates of one question, a row of `values` and an entry each.

    `messages` and `sources` number them within the conversation; the gold ones may be
    missing from the pool. Without `gold_messages` any passage of a gold source answers.
    """

    question_id: str
    conversation_id: str
    kind: str
    features: tuple[str, ...]
    values: np.ndarray
    messages: np.ndarray
    sources: np.ndarray
    gold_messages: frozenset[int]
    gold_sources: frozenset[int]

    @property
    def is_gold(self) -> np.ndarray:
        """For each passage whether it answers."""
        gold, among = self.gold_messages, self.messages
        if not gold:
            gold, among = self.gold_sources, self.sources
        return np.isin(among, list(gold))

    def has(self, feature: str) -> bool:
        """Whether the passages have this feature at all."""
        at = self.features.index(feature)
        return bool((self.values[:, at] != self.values[:1, at]).any())

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """The values of these features only, in this order."""
        return self.values[:, [self.features.index(name) for name in names]]


def of(
    conversation: Conversation, *, workspace_id: str, mode: Mode, at: datetime
) -> Iterator[Pool]:
    """The pool of each question that has an answer, unless another mode answers it.

    It is empty where nothing was found: that is a miss, not a question less. A question
    that does not say when it was asked is asked `at`.
    """
    workspace = Workspace.objects.get(slug=workspace_id)
    places = _Places.of(conversation, workspace.pk)
    for question in conversation.questions:
        if not question.gold_sessions:
            continue
        query = Query(
            text=question.text,
            mode=mode,
            workspace_ids=[workspace.pk],
            kinds=[_KIND],
            limit=10,
        )
        seen = scope.of(query, catalogue.current())
        asked_at = archive.moment(question.when) if question.when else None
        found = ranking.candidates(query, seen, at=asked_at or at)
        if found.mode == mode or not len(found.docs):
            yield places.pool(conversation, question, found, seen)


def take(asked: Path, *, at: datetime) -> None:
    """Write the pools that a file asks for: a list of objects with the `form` and
    `file` of conversations, their `workspaces` by id, the `mode`, and where to (`out`).
    """
    for job in orjson.loads(asked.read_bytes()):
        save(
            (
                pool
                for conversation in data.read(job["form"], Path(job["file"]))
                for pool in of(
                    conversation,
                    workspace_id=job["workspaces"][conversation.id],
                    mode=job["mode"],
                    at=at,
                )
            ),
            Path(job["out"]),
        )


@dataclass(frozen=True)
class _Places:
    """Which message of a conversation, by number, each passage is of."""

    messages: Mapping[str, int]
    sessions: Mapping[str, int]
    of_passage: Mapping[int, tuple[int, int]]

    @classmethod
    def of(cls, conversation: Conversation, workspace_pk: int) -> _Places:
        archived: Archive = archive.archived(conversation)
        messages = {m.id: n for n, m in enumerate(conversation.messages)}
        sessions = {s: n for n, s in enumerate(sorted({*archived.sessions.values()}))}
        transcripts = Transcript.objects.filter(workspace_id=workspace_pk)
        of_passage = {
            passage.passage_id: (
                messages[archived.messages[session_id, passage.facts.first_line]],
                sessions[archived.sessions[session_id]],
            )
            for pk, session_id in transcripts.values_list("pk", "session_id")
            for passage in passages.of_source(Source(workspace_pk, _KIND, pk))
        }
        return cls(messages, sessions, of_passage)

    def pool(
        self,
        conversation: Conversation,
        question: Question,
        found: ranking.Pool,
        seen: Scope,
    ) -> Pool:
        ids = seen.catalogue.passage_ids[found.docs].tolist()
        places = np.array([self.of_passage[each] for each in ids]).reshape(-1, 2)
        return Pool(
            question_id=question.id,
            conversation_id=conversation.id,
            kind=question.kind,
            features=tuple(found.features),
            values=np.stack(list(found.features.values()), axis=1),
            messages=places[:, 0],
            sources=places[:, 1],
            gold_messages=frozenset(self.messages[each] for each in question.gold),
            gold_sources=frozenset(
                self.sessions[each] for each in question.gold_sessions
            ),
        )


def save(pools: Iterable[Pool], path: Path) -> None:
    """Write pools to a file that `load` reads."""
    known = list(pools)
    told = [
        {
            "question_id": pool.question_id,
            "conversation_id": pool.conversation_id,
            "kind": pool.kind,
            "features": pool.features,
            "size": len(pool.messages),
            "gold_messages": sorted(pool.gold_messages),
            "gold_sources": sorted(pool.gold_sources),
        }
        for pool in known
    ]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(pool, name) for pool in known])
        for name in ("values", "messages", "sources")
    }
    np.savez(path, told=np.frombuffer(orjson.dumps(told), np.uint8), **arrays)


def load(path: Path) -> list[Pool]:
    """The pools of a file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    pools, start = [], 0
    for told in orjson.loads(arrays["told"].tobytes()):
        own = slice(start, start + told["size"])
        start = own.stop
        pools.append(
            Pool(
                question_id=told["question_id"],
                conversation_id=told["conversation_id"],
                kind=told["kind"],
                features=tuple(told["features"]),
                values=arrays["values"][own],
                messages=arrays["messages"][own],
                sources=arrays["sources"][own],
                gold_messages=frozenset(told["gold_messages"]),
                gold_sources=frozenset(told["gold_sources"]),
            )
        )
    return pools
