"""The filters of a query as a mask; every leg applies it before it ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search.catalogue import Catalogue
from search.passages import Reading
from search.question import Query

# So many combinations of workspaces and kinds are remembered for one catalogue.
_REACHES = 16


@dataclass(frozen=True, eq=False)
class Reach:
    """The living passages of some workspaces and kinds, whose statistics count.

    `mask` has one entry a passage of the catalogue, or is None where none is left out;
    there are `passages` of them. `source_words` is 0 for sources out of reach.
    """

    mask: np.ndarray | None
    passages: int
    mean_words: float
    source_words: np.ndarray


@dataclass(frozen=True)
class Scope:
    """Which passages a query may see.

    `mask` has one entry a passage of the catalogue, or is None when all may be seen.
    """

    catalogue: Catalogue
    mask: np.ndarray | None
    reach: Reach
    max_passage_id: int
    filters: list[str]

    @property
    def passages(self) -> int:
        """How many living passages are within reach."""
        return self.reach.passages

    def seen(self, docs: np.ndarray) -> np.ndarray:
        """For each document number whether it may be seen."""
        if self.mask is None:
            return np.ones(len(docs), np.bool_)
        seen: np.ndarray = self.mask[docs]
        return seen

    def is_of(self, workspace_id: int, docs: np.ndarray) -> np.ndarray:
        """For each document number whether it belongs to this workspace."""
        known = self.catalogue
        belongs: np.ndarray = (
            known.source_workspaces[known.sources[docs]] == workspace_id
        )
        return belongs

    def allowed(self, passage_ids: np.ndarray) -> np.ndarray:
        """For each passage id whether it may be seen."""
        docs = self.catalogue.located(passage_ids)
        there = docs >= 0
        allowed: np.ndarray = there.copy()
        # Only of those: vectors may be held of the last passages, which are gone.
        allowed[there] = self.seen(docs[there])
        return allowed

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The names of those within reach who said or wrote something."""
        if self.reach.mask is None:
            return self.catalogue.people
        return self.catalogue.people_of(self.reach.mask & self.catalogue.is_prose)

    @cached_property
    def reading(self) -> Reading:
        """What the query has read of passages so far."""
        return Reading()


def of(query: Query, catalogue: Catalogue) -> Scope:
    """The scope of a query, fixed at the newest passage unless the query says which."""
    known = catalogue
    workspaces = np.array(list(query.workspace_ids), np.int64)
    sources = np.isin(known.source_workspaces, workspaces)
    nothing = np.zeros(len(known.source_keys), np.bool_)
    sources &= sum((known.kinds.get(kind, nothing) for kind in query.kinds), nothing)
    reach = _reach(known, sources)
    mask = reach.mask
    filters: list[str] = []
    if query.source_ids is not None:
        sources &= np.isin(known.source_ids, np.array(list(query.source_ids), np.int64))
        filters.append(f"{len(query.source_ids)} chosen sources")
    if query.path_prefix:
        sources &= np.array(
            [key.path.startswith(query.path_prefix) for key in known.source_keys],
            np.bool_,
        )
        filters.append(f"paths under {query.path_prefix}")
    if filters:
        mask = _of_passages(known, sources)

    def narrow(condition: np.ndarray) -> None:
        nonlocal mask
        mask = condition if mask is None else mask & condition

    newest = known.newest_passage_id
    if query.max_passage_id is not None and query.max_passage_id < newest:
        newest = query.max_passage_id
        narrow(known.passage_ids <= newest)
    if query.roles:
        roles = sorted(query.roles)
        named = [n for n, role in enumerate(known.role_names) if role in query.roles]
        narrow(np.isin(known.roles, named))
        filters.append(f"roles {', '.join(roles)}")
    # Times are kept in whole seconds; what is shown is compared exactly once more.
    if query.after is not None:
        narrow(known.times >= max(math.floor(query.after.timestamp()), 1))
        filters.append(f"after {query.after:%F %T}")
    if query.before is not None:
        last = max(math.ceil(query.before.timestamp()), 0)
        narrow((known.times < last) & (known.times > 0))
        filters.append(f"before {query.before:%F %T}")
    return Scope(
        catalogue=known,
        mask=mask,
        reach=reach,
        max_passage_id=newest,
        filters=filters,
    )


def _reach(known: Catalogue, sources: np.ndarray) -> Reach:
    """What these sources reach; most queries reach as far as one before."""
    key = np.packbits(sources).tobytes()
    found: Reach | None = known.derived.get(key)
    if found is None:
        found = _made(known, sources)
        if len(known.derived) >= _REACHES:
            known.derived.clear()
        known.derived[key] = found
    return found


def _made(known: Catalogue, sources: np.ndarray) -> Reach:
    mask = _of_passages(known, sources)
    passages = int(known.source_sizes[sources].sum())
    # A source without living passages has no words either.
    words = known.source_words * sources
    return Reach(
        mask=mask,
        passages=passages,
        mean_words=max(float(words.sum()) / max(passages, 1), 1.0),
        source_words=words,
    )


def _of_passages(known: Catalogue, sources: np.ndarray) -> np.ndarray | None:
    """The living passages of these sources; None for all there are."""
    if sources.all():
        return known.is_alive
    mask = sources[known.sources] if known.size else np.zeros(0, np.bool_)
    return mask if known.is_alive is None else mask & known.is_alive
