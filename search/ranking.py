"""From everything that may be an answer to a few hundred passages with their scores.

The legs propose, the best of both become a pool, and each passage of the pool gets the
weighted sum of its features (`features.py`) by the weights of `weights.json`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import orjson
from django.conf import settings

from search import asking, cues, dense, features, lexical, meaning, phrases
from search.asking import Asked
from search.embedders.embedder import EmbedderAway
from search.lexical import Matches
from search.meaning import Meaning
from search.phrases import Phrases
from search.question import Query
from search.scope import Scope
from telemetry import tracing

WEIGHTS = Path(__file__).with_name("weights.json")

# Not learned: what stands there as it was typed ranks before everything.
FIXED = {"verbatim": 24.0}

# How many passages each leg puts into the pool.
_BY_WORDS = 500
_BY_MEANING = 200
# Cosines below this say nothing.
_LEAST_COSINE = 0.15
# To a question or other sentence the passages after the best by words are in the pool
# too, for a reply rarely repeats what was asked.
_FOLLOWED = 300
# Passages of a time that is named, whatever their words.
_DATED = 300
_DATED_LOOKED_AT = 20_000
# Texts that are read to see whether the query stands there as it was typed; more where
# nothing else tells, of a phrase and of an identifier that only longer ones contain.
_READ = 64
_READ_AT_ONCE = 24
_READ_FOR_ONE = 500
# A line of so many words seldom has more passages with all of them than these, and
# then the one where it stands must not be missed among them.
_LINE_UNITS = 4
_READ_FOR_LINE = 300
_MOST_PHRASES = 2000
# A whole session is about more than the line where a sentence of the query stands.
_VERBATIM_IN_SOURCE = 0.125
_WHOLE = 0.999

_FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours)\b", re.IGNORECASE)
_SENTENCE = re.compile(
    r"\?\s*$|(?:\S+\s+){3}\S|^\s*(?:who|whom|whose|what|when|where|which|why|how|did|do|does|is|are|was"
    r"|were|can|could|should|would|has|have|had)\b",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")
_NOTHING = Meaning(None)


@dataclass(frozen=True)
class Weights:
    """What each feature counts in one mode, and what makes 0 to 1 of the sum."""

    weights: Mapping[str, float]
    slope: float
    offset: float


@dataclass(frozen=True, eq=False)
class Pool:
    """Passages worth ranking; the arrays of `features` have one entry for each."""

    docs: np.ndarray
    features: dict[str, np.ndarray]
    mode: str
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Ranked:
    """The passages of a pool, in the order of the index, with their weighted sums."""

    docs: np.ndarray
    sums: np.ndarray
    features: dict[str, np.ndarray]
    weights: Weights
    notes: list[str]

    def weighed(self) -> dict[str, tuple[np.ndarray, float]]:
        """Each feature that counts in this mode, and its weight."""
        return {
            name: (self.features[name], weight)
            for name, weight in self.weights.weights.items()
        }

    def probability(self, sums: np.ndarray) -> np.ndarray:
        """How likely a passage with such a sum is an answer, 0 to 1."""
        known = self.weights
        likely: np.ndarray = 1 / (1 + np.exp(-(known.slope * sums + known.offset)))
        return likely


def ranked(query: Query, scope: Scope, *, at: datetime) -> Ranked:
    """The best passages of the scope for a query in words, scored."""
    pool = candidates(query, scope, at=at)
    weighed = weights(pool.mode)
    total = sums(pool.features, weighed.weights)
    return Ranked(pool.docs, total, pool.features, weighed, pool.notes)


def pending(scope: Scope) -> int:
    """How many passages of the scope wait for a vector, as this process knows."""
    try:
        embedder = meaning.answering()
    except EmbedderAway:
        return 0
    if embedder is None:
        return 0
    known = scope.catalogue
    has_vectors = np.isin(known.role_names, settings.EMBED_ROLES)
    docs = np.flatnonzero(has_vectors[known.roles])
    wanted = int(np.count_nonzero(scope.seen(docs)))
    have = dense.compared(
        scope.allowed, embedder=embedder.name, dimensions=embedder.dimensions
    )
    return max(wanted - have, 0)


def sums(found: Mapping[str, np.ndarray], weighed: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of the features."""
    columns = [weight * found[name] for name, weight in weighed.items()]
    total: np.ndarray = np.sum(columns, axis=0)
    return total


def weights(mode: str) -> Weights:
    """The shipped weights of a mode: hybrid, keyword or semantic."""
    return _shipped()[mode]


@cache
def _shipped() -> dict[str, Weights]:
    return {
        mode: Weights(known["weights"], known["slope"], known["offset"])
        for mode, known in orjson.loads(WEIGHTS.read_bytes()).items()
    }


def candidates(query: Query, scope: Scope, *, at: datetime) -> Pool:
    """The passages that are worth ranking, with all their features."""
    sought = _Sought.of(query.text, scope, at=at)
    with tracing.span("search.meaning"):
        meant = meaning.of(sought.text) if query.mode != "keyword" else _NOTHING
    texts = _Texts(scope)
    with tracing.span("search.lexical"):
        asked, matches = _matched(sought, scope, texts)
    quoted = phrases.Phrases(asked)
    with tracing.span("search.dense"):
        near = _nearest(meant, matches, quoted, scope)
    mode, notes = query.mode, list(matches.notes)
    if mode != "keyword" and not near:
        notes.append(meant.note or "No vectors to compare with: ranked by words alone.")
        mode, meant = "keyword", _NOTHING
    best = _best_by_words(matches)
    if mode == "semantic":
        best = best[:0]
    spans = [
        (span.start.timestamp(), span.end.timestamp()) for span in sought.cues.spans
    ]
    followed = dated = best[:0]
    if mode != "semantic" and not quoted:
        dated = _dated(spans, scope)
        if _SENTENCE.search(query.text):
            followed = best[:_FOLLOWED]
    docs = _pooled(best, followed, dated, near, scope)
    cosines = _cosines(docs, near, meant, scope)
    values = features.matrix(
        docs,
        sought=features.Sought(
            terms=matches.terms,
            asks_when=sought.cues.asks_when,
            speakers=sought.speakers,
            roles=sought.roles,
            spans=spans,
        ),
        cosines=cosines,
        columns=scope.catalogue,
        mean_words=scope.reach.mean_words,
        source_words=scope.reach.source_words,
    )
    found = dict(zip(features.NAMES, values.T, strict=True))
    found["name"] = _names(docs, matches)
    is_home = scope.is_of(query.favoured_id or 0, docs)
    found["verbatim"] = _verbatim(query.text, asked, docs, found, texts, first=is_home)
    if query.group_by_source and not (matches.names or quoted):
        found["verbatim"] *= _VERBATIM_IN_SOURCE
    return Pool(docs, found, mode, notes)


@dataclass(frozen=True)
class _Sought:
    """A query read: its words, whose words it asks for, and when."""

    text: str
    asked: Asked
    cues: cues.Cues
    speakers: Sequence[str]
    roles: Sequence[str]

    @classmethod
    def of(cls, text: str, scope: Scope, *, at: datetime) -> _Sought:
        read = cues.read(text, now=at.astimezone(UTC), speakers=scope.catalogue.people)
        people = scope.people if read.names else ()
        speakers = [name for name in read.names if name in people]
        without = _without(speakers, text)
        asked = asking.read(without)
        if not asked.units:
            without, asked = text, asking.read(text)
        roles = list(read.roles)
        if "assistant" not in roles and _FIRST_PERSON.search(text):
            roles.append("user")
        # Where everybody is named, nobody is told apart.
        everybody = len(speakers) == len(people)
        return cls(without, asked, read, () if everybody else speakers, roles)


def _without(names: Sequence[str], text: str) -> str:
    """The text without the names of those whose words are asked for."""
    for name in names:
        for each in (name, name.split()[0]):
            text = re.sub(rf"\b{re.escape(each)}(?:['’]s?)?(?!\w)\s?", "", text)
    return text


def _matched(sought: _Sought, scope: Scope, texts: _Texts) -> tuple[Asked, Matches]:
    """What is asked for of a query, and the passages that may answer it.

    What stands in quotation marks has to be there. Beside other words it may also be a
    title that nobody wrote so; where it is nowhere, it is a few words like others.
    """
    asked, matches = sought.asked, lexical.match(sought.asked, scope)
    quoted = phrases.Phrases(asked)
    if not quoted:
        return asked, matches
    matches = _with_phrases(matches, quoted, texts)
    if len(matches.docs) or all(unit.is_phrase for unit in asked.units):
        return asked, matches
    asked = asking.read(sought.text.replace('"', " "))
    matches = lexical.match(asked, scope)
    matches.notes.append("What is quoted stands nowhere as it is: ranked by its words.")
    return asked, matches


def _best_by_words(matches: Matches) -> np.ndarray:
    """The most telling matches, best first."""
    docs = matches.docs
    if not len(docs):
        return docs
    raw = matches.raw
    value = 2 * raw / max(float(raw.max()), 1e-9) + 3 * matches.coverage
    if len(docs) > _BY_WORDS:
        kept = np.argpartition(-value, _BY_WORDS)[:_BY_WORDS]
        docs, value = docs[kept], value[kept]
    best: np.ndarray = docs[np.lexsort((-docs, -value))]
    return best


def _nearest(
    meant: Meaning, matches: Matches, quoted: Phrases, scope: Scope
) -> dict[int, float]:
    """Documents nearest in meaning, with their cosine."""
    if meant.vector is None:
        return {}
    near = dense.nearest(
        meant.vector, allowed=scope.allowed, embedder=meant.embedder, limit=_BY_MEANING
    )
    near = {at: cosine for at, cosine in near.items() if cosine >= _LEAST_COSINE}
    found = _by_doc(near, scope)
    if quoted:
        # What was quoted must be there, however near the meaning is.
        inside = set(matches.docs.tolist())
        found = {doc: cosine for doc, cosine in found.items() if doc in inside}
    return found


def _by_doc(cosines: Mapping[int, float], scope: Scope) -> dict[int, float]:
    ids = np.fromiter(cosines, np.int64, len(cosines))
    docs = scope.catalogue.locate(ids).tolist()
    return {
        doc: cosine
        for doc, cosine in zip(docs, cosines.values(), strict=True)
        if doc >= 0
    }


def _dated(spans: Sequence[tuple[float, float]], scope: Scope) -> np.ndarray:
    """Documents of the times named, the nearest and of these the newest."""
    times = scope.catalogue.times
    found = np.zeros(0, np.int64)
    for start, end in spans:
        first, last = features.around(start, end)
        inside = (times >= max(first, 1.0)) & (times < last)
        if scope.mask is not None:
            inside &= scope.mask
        found = np.union1d(found, np.flatnonzero(inside)[-_DATED_LOOKED_AT:])
    if len(found) > _DATED:
        near = features.date(times[found], spans)
        found = found[np.lexsort((times[found], near))[-_DATED:]]
    return found


def _pooled(
    best: np.ndarray,
    followed: np.ndarray,
    dated: np.ndarray,
    near: Mapping[int, float],
    scope: Scope,
) -> np.ndarray:
    known = scope.catalogue
    after = followed + 1
    after = after[after < known.size]
    after = after[known.sources[after] == known.sources[after - 1]]
    after = after[scope.seen(after)]
    nearest = np.fromiter(near, np.int64, len(near))
    return np.unique(np.concatenate([best, after, dated, nearest]))


def _cosines(
    docs: np.ndarray,
    near: Mapping[int, float],
    meant: Meaning,
    scope: Scope,
) -> np.ndarray:
    """The cosine of each document of the pool, NaN where there is none."""
    found = np.full(len(docs), np.nan)
    if meant.vector is None:
        return found
    known = dict(near)
    missing = [doc for doc in docs.tolist() if doc not in known]
    ids = scope.catalogue.passage_ids[missing].tolist() if missing else []
    known |= _by_doc(dense.cosines(meant.vector, ids, embedder=meant.embedder), scope)
    for place, doc in enumerate(docs.tolist()):
        found[place] = known.get(doc, math.nan)
    return found


def _names(docs: np.ndarray, matches: Matches) -> np.ndarray:
    """The share of the identifiers asked for that stand in a passage as a whole."""
    found = np.zeros(len(docs))
    total = sum(term.rarity for term in matches.names)
    for term in matches.names:
        found += term.rarity / max(total, 1e-9) * features.stands_in(term, docs)
    return found


def _verbatim(
    text: str,
    asked: Asked,
    docs: np.ndarray,
    found: Mapping[str, np.ndarray],
    texts: _Texts,
    *,
    first: np.ndarray,
) -> np.ndarray:
    """Whether the query stands in a passage just as it was typed.

    Of passages that match alike those marked `first` are looked at before others.
    """
    stands = np.zeros(len(docs))
    typed = _plain(text.strip().strip('"'))
    if " " not in typed and not any(unit.names for unit in asked.units):
        return stands
    coverage = found["coverage"]
    if len(asked.units) == 1 and not found["name"].any():
        least, most_read = 0.0, _READ_FOR_ONE
    else:
        # What stands nowhere, such as the name of a part of a path, is not missed.
        least = _WHOLE * coverage.max(initial=0.0)
        is_line = len(asked.units) >= _LINE_UNITS
        most_read = _READ_FOR_LINE if is_line else _READ
    whole = np.flatnonzero((coverage >= least) & (coverage > 0))
    order = np.lexsort((~first[whole], -found["words"][whole], -coverage[whole]))
    rows = whole[order[:most_read]]
    for start in range(0, len(rows), _READ_AT_ONCE):
        batch = rows[start : start + _READ_AT_ONCE]
        stands[batch] = [typed in _plain(text) for text in texts.of(docs[batch])]
        if np.count_nonzero(stands) >= _READ_AT_ONCE:
            # More than a page of them: what follows matches less in other ways too.
            break
    return stands


class _Texts:
    """The texts of passages, each read once for a query."""

    def __init__(self, scope: Scope) -> None:
        self._ids = scope.catalogue.passage_ids
        self._reading = scope.reading
        self._read: dict[int, str] = {}

    def of(self, docs: np.ndarray) -> list[str]:
        """The text of each document, "" where the passage has gone meanwhile."""
        ids = self._ids[docs].tolist()
        self._read |= self._reading.texts(
            [each for each in ids if each not in self._read]
        )
        return [self._read.get(each, "") for each in ids]


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text.casefold())


def _with_phrases(matches: Matches, quoted: Phrases, texts: _Texts) -> Matches:
    """The matches in which every quoted phrase stands."""
    best = np.argsort(-matches.raw, kind="stable")[:_MOST_PHRASES]
    if len(best) < len(matches.docs):
        matches.notes.append(
            f"Only the best {_MOST_PHRASES} passages with the words of the phrase were "
            "read."
        )
    best = np.sort(best)
    read = texts.of(matches.docs[best])
    return matches.only(best[[quoted.stand_in(text) for text in read]])
