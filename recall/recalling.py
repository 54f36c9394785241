"""Recall: one question to memories, knowledge and transcripts at once.

Every interface that recalls asks here, and here asks search.finding once for all kinds,
so that a score means the same whatever was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from django.conf import settings

from access.containers import ReadScope
from access.principals import Principal
from knowledge import searching as document_searching
from knowledge.models import Document
from memories import indexing as memory_indexing
from memories import reading as memory_reading
from memories import searching as memory_searching
from memories.drafts import Scalar
from memories.models import Memory
from memories.reading import Filters
from recall import feedback
from refusals import InvalidArgument
from search import finding
from search.question import Mode
from sessions import citing as transcript_citing
from sessions.indexing import KIND as TRANSCRIPT
from sessions.models import Transcript
from usage import metering
from workspaces.models import Workspace

MEMORY = memory_indexing.KIND
KNOWLEDGE = Document.Kind.KNOWLEDGE.value
KINDS = (MEMORY, KNOWLEDGE, TRANSCRIPT)

MOST_HITS = 50
# What a hit of the workspace that asks counts more.
HOME_BONUS = finding.FAVOUR
# Below it an answer is more likely wrong than right.
LOW_CONFIDENCE = 0.35
# Places looked at together. Always as many, whatever the page: copies are folded by
# how many are looked at, and later pages must neither repeat nor skip one.
_WINDOW = 20
_MOST_REASONS = 3
_MOST_WORDS_TOLD = 8
_MARKED = re.compile(r"«([^«»]+)»")

MetadataMode = Literal["and", "or"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to recall.

    `start` and `end` bound when it was said or written, the end left out. Only memories
    have a type, an owner, a subject and metadata (of whose entries all, or with
    metadata_mode "or" one, must be there): with these nothing else is searched. For the
    next page pass the first page's `max_passage_id` and a larger `offset`. Without
    `is_counted` the memories shown are not counted as retrieved.
    """

    text: str
    limit: int = 5
    offset: int = 0
    max_passage_id: int | None = None
    mode: Mode = "hybrid"
    kinds: Sequence[str] = KINDS
    memory_types: Sequence[str] = ()
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    metadata_mode: MetadataMode = "and"
    owner_id: str = ""
    owner_type: str = ""
    subject: str = ""
    start: datetime | None = None
    end: datetime | None = None
    min_score: float = 0.0
    explain: bool = False
    is_counted: bool = True

    def check(self) -> None:
        """Raise InvalidArgument for what search.finding does not check itself."""
        if not 1 <= self.limit <= MOST_HITS:
            raise InvalidArgument(
                f"limit must be 1 to {MOST_HITS}.", hint="The usual is 5."
            )
        if not 0 <= self.offset <= finding.MOST_PLACES:
            raise InvalidArgument(f"offset must be 0 to {finding.MOST_PLACES}.")
        if not 0 <= self.min_score <= 1:
            raise InvalidArgument("min_score must be 0 to 1.")
        if self.start and self.end and self.start > self.end:
            raise InvalidArgument("start_time is after end_time.", hint="Swap them.")
        if self.metadata_mode not in {"and", "or"}:
            raise InvalidArgument("filter_mode must be and or or.")
        _check_among("kind", self.kinds, KINDS)

    @property
    def filters(self) -> Filters | None:
        """What only memories can meet; None when nothing of it is asked for."""
        filters = Filters(
            owner_id=self.owner_id,
            owner_type=self.owner_type,
            memory_types=tuple(self.memory_types),
            metadata=self.metadata,
            metadata_mode=self.metadata_mode,
            subject=self.subject,
        )
        return None if filters == Filters(metadata_mode=self.metadata_mode) else filters


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that answers: a whole memory, or a passage of something else.

    Of `memory`, `document` and `transcript` that of its kind is there. `passage` is
    where search found it, and `passage.lines_sha256` proves `citation_uri`.
    """

    kind: str
    workspace: Workspace
    is_home: bool
    passage: finding.Hit
    citation_uri: str
    memory: Memory | None = None
    document: Document | None = None
    transcript: Transcript | None = None

    @cached_property
    def text(self) -> str:
        """The memory whole, or the passage; masked."""
        if self.memory:
            return memory_reading.shown_text(self.memory)
        return self.passage.text

    @property
    def id(self) -> str:
        """The memory's id on the wire; empty for other kinds."""
        return str(self.memory.memory_id) if self.memory else ""

    @property
    def score(self) -> float:
        """What it is ranked by, 0 to 1: the passage's score and the bonus of home."""
        bonus = HOME_BONUS if self.is_home else 0.0
        # As callers are shown it, who may hand it back as min_score.
        return round(min(self.passage.score + bonus, 1.0), 4)

    @property
    def chunk_index(self) -> int:
        """Which of its source's passages it is; of a memory from 0 without gaps."""
        return self.passage.position + self.passage.part

    @property
    def at(self) -> datetime | None:
        """When it was written or said."""
        return self.memory.created_at if self.memory else self.passage.at


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """Hits, best first, and how far they can be trusted.

    `confidence` is the score of the best hit of all pages without the bonus of home.
    `total` counts the places that answer, at most 300; past the pages that were looked
    at it still counts copies and what lies below `min_score`.
    """

    hits: list[Found]
    has_more: bool
    total: int
    confidence: float
    reasoning: list[str]
    max_passage_id: int
    pending_vectors: int
    pending_words: int
    searched: finding.Searched

    @property
    def is_uncertain(self) -> bool:
        return self.confidence < LOW_CONFIDENCE


def recall(
    scope: ReadScope,
    wanted: Wanted,
    *,
    payer: Principal | None = None,
    at: datetime,
) -> Recalled:
    """What answers, best first, among all that the scope reads; its home has a bonus.

    One read and, when it searches by meaning, one embedding of the text are charged to
    `payer`. Raises InvalidArgument, what search.finding.find raises, and what
    usage.metering.charged does.
    """
    wanted.check()
    with metering.charged(payer, scope.home, cost(wanted), action="recall", at=at):
        return look_up(scope, wanted, asker=payer, at=at)


def cost(wanted: Wanted) -> metering.Deltas:
    """What a recall is charged."""
    if wanted.mode not in {"hybrid", "semantic"}:
        return metering.Deltas(reads=1)
    tokens = -(-len(wanted.text) // 4)
    return metering.Deltas(reads=1, embeds=1, embed_tokens=tokens)


def look_up(
    scope: ReadScope, wanted: Wanted, *, asker: Principal | None = None, at: datetime
) -> Recalled:
    """Recall that nobody is charged for; `asker` may later say what it was worth."""
    wanted.check()
    query = _query(scope, wanted, at=at)
    looked = _look(query, scope, wanted, at=at)
    page = looked.found[wanted.offset : wanted.offset + wanted.limit]
    if settings.COUNT_RETRIEVALS and wanted.is_counted:
        shown = [hit.memory for hit in page if hit.memory]
        memory_searching.note_retrieved(shown, at=at)
    if asker is not None:
        feedback.remember(asker)
    confidence = max((hit.passage.score for hit in looked.found), default=0.0)
    return Recalled(
        hits=page,
        has_more=len(looked.found) > wanted.offset + wanted.limit,
        total=len(looked.found) + looked.places_ahead,
        confidence=min(confidence, 1.0),
        reasoning=_reasoning(page, scope, looked.first),
        max_passage_id=looked.first.max_passage_id,
        pending_vectors=looked.first.vectors_pending,
        pending_words=_pending_words(query),
        searched=looked.first.searched,
    )


def _query(scope: ReadScope, wanted: Wanted, *, at: datetime) -> finding.Query:
    """The filters on memories become their ids before anything is ranked."""
    filters = wanted.filters
    source_ids = None
    if filters is not None:
        source_ids = memory_searching.chosen(
            workspaces=scope.workspaces, filters=filters, at=at
        )
    return finding.Query(
        text=wanted.text,
        mode=wanted.mode,
        workspace_ids=list(scope.workspaces.order_by().values_list("pk", flat=True)),
        kinds=tuple(wanted.kinds) if filters is None else (MEMORY,),
        limit=_WINDOW,
        max_passage_id=wanted.max_passage_id,
        source_ids=source_ids,
        after=wanted.start,
        before=wanted.end,
        explain=wanted.explain,
        at=at,
        favoured_id=scope.home.pk if scope.home else None,
    )


@dataclass(frozen=True)
class _Looked:
    """What was found so far, best first; `places_ahead` were not looked at."""

    first: finding.Results
    found: list[Found]
    places_ahead: int


def _look(
    query: finding.Query, scope: ReadScope, wanted: Wanted, *, at: datetime
) -> _Looked:
    """Window by window, best first, until the page and one hit more are there."""
    first = results = finding.find(query)
    found = _best_first(_found(results.hits, scope, at=at))
    seen = _WINDOW
    while True:
        kept = [hit for hit in _once(found) if hit.score >= wanted.min_score]
        is_low = bool(found) and found[-1].score < wanted.min_score
        is_end = is_low or not results.has_more
        if is_end or len(kept) > wanted.offset + wanted.limit:
            return _Looked(first, kept, 0 if is_end else first.places - seen)
        results = finding.find(
            replace(query, offset=seen, max_passage_id=first.max_passage_id)
        )
        found += _best_first(_found(results.hits, scope, at=at))
        seen += _WINDOW


def _best_first(found: Iterable[Found]) -> list[Found]:
    """As search placed them; of equal ones the newer first."""
    return sorted(
        found,
        key=lambda hit: (
            -hit.score,
            -hit.passage.score,
            -hit.at.timestamp() if hit.at else 0.0,
            -hit.passage.passage_id,
        ),
    )


def _once(found: Iterable[Found]) -> Iterator[Found]:
    """Each memory and each text at its best place only."""
    seen: set[object] = set()
    for hit in found:
        text = " ".join(hit.passage.text.lower().split())
        marks = {text, hit.id or hit.passage.passage_id}
        if not marks & seen:
            yield hit
        seen |= marks


def _found(
    hits: Sequence[finding.Hit], scope: ReadScope, *, at: datetime
) -> Iterator[Found]:
    yield from _memories([hit for hit in hits if hit.kind == MEMORY], scope, at=at)
    yield from _documents([hit for hit in hits if hit.kind == KNOWLEDGE], scope)
    yield from _transcripts([hit for hit in hits if hit.kind == TRANSCRIPT], scope)


def _memories(
    hits: Sequence[finding.Hit], scope: ReadScope, *, at: datetime
) -> Iterator[Found]:
    for hit in memory_searching.with_memories(hits, at=at):
        yield Found(
            kind=MEMORY,
            workspace=hit.memory.workspace,
            is_home=_is_home(hit.memory.workspace, scope),
            passage=hit.passage,
            citation_uri=hit.citation_uri,
            memory=hit.memory,
        )


def _documents(hits: Sequence[finding.Hit], scope: ReadScope) -> Iterator[Found]:
    for hit in document_searching.with_documents(hits):
        yield Found(
            kind=KNOWLEDGE,
            workspace=hit.document.workspace,
            is_home=_is_home(hit.document.workspace, scope),
            passage=hit.passage,
            citation_uri=hit.citation_uri,
            document=hit.document,
        )


def _transcripts(hits: Sequence[finding.Hit], scope: ReadScope) -> Iterator[Found]:
    if not hits:
        return
    ids = {hit.source_id for hit in hits}
    transcripts = Transcript.objects.shown(ids, workspace_ids=()).transcripts
    for hit in hits:
        # One that was erased or replaced since the search.
        if (transcript := transcripts.get(hit.source_id)) is None:
            continue
        yield Found(
            kind=TRANSCRIPT,
            workspace=transcript.workspace,
            is_home=_is_home(transcript.workspace, scope),
            passage=hit,
            citation_uri=transcript_citing.uri(
                transcript, first_line=hit.first_line, last_line=hit.last_line
            ),
            transcript=transcript,
        )


def _is_home(workspace: Workspace, scope: ReadScope) -> bool:
    return scope.home is not None and workspace.pk == scope.home.pk


def _pending_words(query: finding.Query) -> int:
    """What cannot be found yet; memories can as soon as they are saved."""
    pending = 0
    if KNOWLEDGE in query.kinds:
        pending += Document.objects.count_waiting(query.workspace_ids, path_prefix="")
    if TRANSCRIPT in query.kinds:
        pending += Transcript.objects.count_waiting(query.workspace_ids)
    return pending


def _reasoning(
    page: Sequence[Found], scope: ReadScope, results: finding.Results
) -> list[str]:
    """Why these hits, in at most three lines."""
    reasons = []
    if page:
        words = _matched(page)
        reasons.append(
            f"Matched keywords: {', '.join(words)}."
            if words
            else "No keyword matched; found by meaning."
        )
        if any(hit.is_home for hit in page) and scope.tag is None and scope.home:
            reasons.append(
                f"Hits of {scope.home.slug} count {HOME_BONUS:g} more, as the "
                "workspace that asks."
            )
    reasons += results.searched.notes
    return reasons[:_MOST_REASONS]


def _matched(page: Sequence[Found]) -> list[str]:
    """Which words of the hits matched, the best hit's first."""
    words: dict[str, None] = {}
    for hit in page:
        for run in _MARKED.findall(hit.passage.snippet):
            words |= dict.fromkeys(run.lower().split())
    return list(words)[:_MOST_WORDS_TOLD]


def _check_among(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    for value in given:
        if value not in known:
            raise InvalidArgument(
                f"There is no {name} {value[:40]!r}.",
                hint=f"Known: {', '.join(known)}.",
            )
