"""Everything that can be found, as one: the live index segments held by this process.

Segments never change, so a process keeps what it has read of them and asks only which
there are. Passages are numbered through all segments; a document number means nothing
outside the catalogue that gave it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection

import statements
from search.features import TOOL_ROLES
from search.index import postings
from search.index.columns import Columns, SourceKey
from search.index.terms import Terms

_LIVE = """
SELECT id, key, passage_count, dead_count FROM search_indexsegment ORDER BY id
"""
_COLUMNS = "SELECT id, columns, terms FROM search_indexsegment WHERE id = ANY(%s)"
_DEAD = "SELECT id, dead FROM search_indexsegment WHERE id = ANY(%s)"
_POSTINGS = """
SELECT wanted.number, substring(s.postings FROM wanted.start + 1 FOR wanted.size)
FROM unnest(%(ids)s::bigint[], %(starts)s::int[], %(sizes)s::int[])
    WITH ORDINALITY AS wanted (id, start, size, number)
JOIN search_indexsegment s ON s.id = wanted.id
"""


_ARRAYS: dict[str, Any] = {
    "passage_ids": np.int64,
    "sources": np.int32,
    "word_counts": np.uint16,
    "roles": np.uint8,
    "speakers": np.uint16,
    "times": np.uint32,
    "flags": np.uint8,
    "folds": np.uint64,
}
_NONE = np.zeros(0, np.int64)
_EMPTY = _NONE, _NONE
# Of so many terms is remembered where their postings lie.
_SPANS_REMEMBERED = 4096
# Of so few bytes it is the call that costs, so that they are decoded in one.
_SHORT_BYTES = 2048


class Outdated(Exception):
    """A segment was merged into another since the catalogue was made; ask again."""


@dataclass(frozen=True)
class _Part:
    """Where the passages of one segment are, its terms, and which are dead."""

    segment_id: int
    key: UUID
    offset: int
    size: int
    terms: Terms
    dead_count: int
    dead: np.ndarray


class _Span(NamedTuple):
    """Where the postings of one term lie in one segment, in bytes."""

    part: _Part
    start: int
    size: int


@dataclass(frozen=True)
class Catalogue:
    """The passages of all live segments; arrays have one entry a passage.

    `is_alive` is None when no passage is dead. `sources` index `source_keys`.
    """

    segments: tuple[_Part, ...]
    passage_ids: np.ndarray
    sources: np.ndarray
    word_counts: np.ndarray
    roles: np.ndarray
    speakers: np.ndarray
    times: np.ndarray
    flags: np.ndarray
    folds: np.ndarray
    is_alive: np.ndarray | None
    source_keys: tuple[SourceKey, ...]
    role_names: tuple[str, ...]
    speaker_names: tuple[str, ...]
    token: tuple[tuple[UUID, int], ...] = field(repr=False)

    @property
    def size(self) -> int:
        """How many document numbers there are, the dead included."""
        return len(self.passage_ids)

    @cached_property
    def source_sizes(self) -> np.ndarray:
        """How many living passages each source has."""
        sources = self.sources if self.is_alive is None else self.sources[self.is_alive]
        return np.bincount(sources, minlength=len(self.source_keys))

    @cached_property
    def is_prose(self) -> np.ndarray:
        """For each passage whether somebody said or wrote it."""
        tools = [
            number for number, role in enumerate(self.role_names) if role in TOOL_ROLES
        ]
        return ~np.isin(self.roles, tools)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The names of all who said or wrote something, in alphabetical order."""
        return self.people_of(self.is_prose)

    def people_of(self, mask: np.ndarray) -> tuple[str, ...]:
        """The speakers of these passages, in alphabetical order."""
        counts = np.bincount(self.speakers[mask], minlength=len(self.speaker_names))
        names = [self.speaker_names[number] for number in np.flatnonzero(counts)]
        return tuple(sorted(name for name in names if name))

    @cached_property
    def newest_passage_id(self) -> int:
        """The largest passage id; 0 if there is none."""
        return int(self.passage_ids.max()) if self.size else 0

    @cached_property
    def source_words(self) -> np.ndarray:
        """How many words the living passages of each source have."""
        words = self.word_counts.astype(np.float64)
        if self.is_alive is not None:
            words *= self.is_alive
        return np.bincount(self.sources, words, minlength=len(self.source_keys))

    @property
    def living_sources(self) -> int:
        return int(np.count_nonzero(self.source_sizes))

    @cached_property
    def kinds(self) -> dict[str, np.ndarray]:
        """For each kind, which of the sources are of it."""
        kinds = np.array([key.kind for key in self.source_keys], object)
        return {kind: kinds == kind for kind in set(kinds.tolist())}

    @cached_property
    def source_workspaces(self) -> np.ndarray:
        return np.array([key.workspace_id for key in self.source_keys], np.int64)

    @cached_property
    def source_ids(self) -> np.ndarray:
        return np.array([key.source_id for key in self.source_keys], np.int64)

    def locate(self, passage_ids: np.ndarray) -> np.ndarray:
        """The document number of each passage, -1 where it is not here."""
        order = self._order
        at = np.searchsorted(self.passage_ids, passage_ids, sorter=order)
        at = np.minimum(at, max(self.size - 1, 0))
        if not self.size:
            return np.full(len(passage_ids), -1, np.int64)
        found = order[at]
        return np.where(self.passage_ids[found] == passage_ids, found, -1)

    def located(self, passage_ids: np.ndarray) -> np.ndarray:
        """As `locate`, remembered for an array that is asked about again."""
        known = self._located.get(id(passage_ids))
        if known is None or known[0] is not passage_ids:
            known = passage_ids, self.locate(passage_ids)
            self._located.clear()
            self._located[id(passage_ids)] = known
        return known[1]

    @cached_property
    def derived(self) -> dict[bytes, Any]:
        """What others worked out of it and keep while it is current.

        What stands there must not refer to the catalogue: it would live on in a circle.
        """
        return {}

    @cached_property
    def _located(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        return {}

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.passage_ids, kind="stable")

    def postings(
        self, hashes: Sequence[int]
    ) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """For each term that occurs: document numbers, ascending, and how often.

        Raises Outdated.
        """
        spans = self._spans(hashes)
        whose = [(term, span) for term in hashes for span in spans[term]]
        if not whose:
            return {}
        wanted = {
            "ids": statements.array(span.part.segment_id for _, span in whose),
            "starts": statements.array(span.start for _, span in whose),
            "sizes": statements.array(span.size for _, span in whose),
        }
        rows = statements.rows(_POSTINGS, wanted)
        if len(rows) != len(whose):
            raise Outdated
        rows.sort()
        found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for (term, span), (docs, counts) in zip(
            whose, _decoded([data for _, data in rows]), strict=True
        ):
            found.setdefault(term, []).append((docs + span.part.offset, counts))
        return {term: self._living(lists) for term, lists in found.items()}

    def posting_bytes(self, hashes: Sequence[int]) -> dict[int, int]:
        """About how common each term is: the size of its postings, nothing read."""
        return {
            term: sum(span.size for span in spans)
            for term, spans in self._spans(hashes).items()
        }

    def _spans(self, hashes: Sequence[int]) -> dict[int, list[_Span]]:
        """Where the postings of each term lie, by segment in their order."""
        known = self._known_spans
        spans = {term: known[term] for term in hashes if term in known}
        missing = [term for term in hashes if term not in spans]
        if missing:
            found: dict[int, list[_Span]] = {term: [] for term in missing}
            for part in self.segments:
                for term, span in zip(missing, part.terms.spans(missing), strict=True):
                    if span is not None:
                        found[term].append(_Span(part, *span))
            if len(known) > _SPANS_REMEMBERED:
                known.clear()
            known.update(found)
            spans |= found
        return spans

    @cached_property
    def _known_spans(self) -> dict[int, list[_Span]]:
        return {}

    def _living(
        self, lists: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        docs = np.concatenate([docs for docs, _ in lists])
        counts = np.concatenate([counts for _, counts in lists])
        if self.is_alive is None:
            return docs, counts
        kept = self.is_alive[docs]
        return docs[kept], counts[kept]


def _decoded(lists: Sequence[bytes]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The documents and counts of each list; short ones are decoded together."""
    found: list[tuple[np.ndarray, np.ndarray]] = [_EMPTY] * len(lists)
    short = [number for number, data in enumerate(lists) if len(data) < _SHORT_BYTES]
    for number, data in enumerate(lists):
        if len(data) >= _SHORT_BYTES:
            found[number] = postings.decode(data)
    if not short:
        return found
    sizes = np.array([len(lists[number]) for number in short], np.int64)
    together = postings.decode_many(b"".join(lists[number] for number in short), sizes)
    ends = np.searchsorted(together.owners, np.arange(len(short)), side="right")
    start = 0
    for number, end in zip(short, ends.tolist(), strict=True):
        found[number] = together.docs[start:end], together.counts[start:end]
        start = end
    return found


_held: dict[str, Catalogue] = {}
_making = threading.Lock()


def current() -> Catalogue:
    """The catalogue of everything that is committed now."""
    database = str(connection.settings_dict["NAME"])
    while True:
        live = _live()
        token = tuple((row.key, row.dead_count) for row in live)
        held = _held.get(database)
        if held is not None and held.token == token:
            return held
        with _making:
            held = _held.get(database)
            if held is not None and held.token == token:
                # Another thread made it while this one waited.
                return held
            try:
                made = _made(live, held)
            except Outdated:
                continue
            _held[database] = made
            return made


class _Live(NamedTuple):
    """One live segment, as the database tells it."""

    segment_id: int
    key: UUID
    size: int
    dead_count: int


def _live() -> list[_Live]:
    return [_Live(*row) for row in statements.rows(_LIVE)]


def _made(live: Sequence[_Live], held: Catalogue | None) -> Catalogue:
    """The catalogue of these segments, reading only what `held` does not have."""
    if held is not None and len(held.source_keys) > 2 * held.living_sources + 1000:
        held = None
    known = {part.key: part for part in held.segments} if held else {}
    read = _read_columns([row.segment_id for row in live if row.key not in known])
    dead = _read_dead(
        [
            row.segment_id
            for row in live
            if row.dead_count
            and (row.key not in known or known[row.key].dead_count != row.dead_count)
        ]
    )
    names = _Names(held)
    parts: list[_Part] = []
    slices: list[dict[str, np.ndarray]] = []
    offset = 0
    for row in live:
        old = known.get(row.key)
        if old is not None and held is not None:
            terms = old.terms
            end = old.offset + old.size
            slices.append({n: getattr(held, n)[old.offset : end] for n in _ARRAYS})
        else:
            columns, terms = read[row.segment_id]
            slices.append(names.renumbered(columns))
        unchanged = old is not None and old.dead_count == row.dead_count
        gone = old.dead if old is not None and unchanged else dead.get(row.segment_id)
        parts.append(
            _Part(
                segment_id=row.segment_id,
                key=row.key,
                offset=offset,
                size=row.size,
                terms=terms,
                dead_count=row.dead_count,
                dead=_NONE if gone is None else gone,
            )
        )
        offset += row.size
    arrays = {
        name: np.concatenate([np.zeros(0, kind), *(each[name] for each in slices)])
        for name, kind in _ARRAYS.items()
    }
    return Catalogue(
        segments=tuple(parts),
        **arrays,
        is_alive=_alive(parts, arrays["passage_ids"]),
        source_keys=tuple(names.sources),
        role_names=tuple(names.roles),
        speaker_names=tuple(names.speakers),
        token=tuple((row.key, row.dead_count) for row in live),
    )


class _Names:
    """Numbers for sources, roles and speakers that stay the same as segments come."""

    def __init__(self, held: Catalogue | None) -> None:
        self.sources = _numbered(held.source_keys if held else ())
        self.roles = _numbered(held.role_names if held else ())
        self.speakers = _numbered(held.speaker_names if held else ())

    def renumbered(self, columns: Columns) -> dict[str, np.ndarray]:
        """The columns of a segment with these numbers in place of its own."""
        given = {name: getattr(columns, name) for name in _ARRAYS}
        for name, known, own in (
            ("sources", self.sources, columns.source_keys),
            ("roles", self.roles, columns.role_names),
            ("speakers", self.speakers, columns.speaker_names),
        ):
            numbers = [known.setdefault(value, len(known)) for value in own]
            given[name] = np.array(numbers or [0], _ARRAYS[name])[given[name]]
        return given


def _numbered(values: Iterable[Any]) -> dict[Any, int]:
    return {value: number for number, value in enumerate(values)}


def _read_columns(ids: list[int]) -> dict[int, tuple[Columns, Terms]]:
    """What searching needs of these segments; raises Outdated if one is gone."""
    if not ids:
        return {}
    found = {
        segment_id: (Columns.unpack(columns), Terms.unpack(terms))
        for segment_id, columns, terms in statements.rows(_COLUMNS, [ids])
    }
    if len(found) != len(ids):
        raise Outdated
    return found


def _read_dead(ids: list[int]) -> dict[int, np.ndarray]:
    if not ids:
        return {}
    rows = statements.rows(_DEAD, [ids])
    return {segment_id: np.frombuffer(dead, "<i8") for segment_id, dead in rows}


def _alive(parts: Sequence[_Part], passage_ids: np.ndarray) -> np.ndarray | None:
    if not any(part.dead_count for part in parts):
        return None
    alive = np.ones(len(passage_ids), np.bool_)
    for part in parts:
        own = slice(part.offset, part.offset + part.size)
        if part.dead_count:
            alive[own] = ~np.isin(passage_ids[own], part.dead)
    return alive
