"""The filters of a query as a mask; every leg applies it before it ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search.catalogue import Catalogue
from search.passages import Reading
from search.question import Query


@dataclass(frozen=True)
class Scope:
    """Which passages a query may see.

    `mask` has one entry a passage of the catalogue, or is None when all may be seen;
    `reach` is the same for the workspaces and kinds alone, whose statistics count, and
    `sources_in_reach` for the sources.
    """

    catalogue: Catalogue
    mask: np.ndarray | None
    reach: np.ndarray | None
    sources_in_reach: np.ndarray
    passages: int
    max_passage_id: int
    filters: list[str]

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
    def reading(self) -> Reading:
        """What the query has read of passages so far."""
        return Reading()

    @cached_property
    def reach_size(self) -> int:
        """How many passages are within reach."""
        if self.reach is None:
            return self.catalogue.size
        return int(np.count_nonzero(self.reach))

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The names of those within reach who said or wrote something."""
        if self.reach is None:
            return self.catalogue.people
        return self.catalogue.people_of(self.reach & self.catalogue.is_prose)

    @cached_property
    def mean_words(self) -> float:
        """The mean length of a passage within reach."""
        if self.reach is None:
            return self.catalogue.mean_words
        words = self.catalogue.source_words[self.sources_in_reach].sum()
        return max(float(words) / max(self.passages, 1), 1.0)


def of(query: Query, catalogue: Catalogue) -> Scope:
    """The scope of a query, fixed at the newest passage unless the query says which."""
    known = catalogue
    workspaces = np.array(list(query.workspace_ids), np.int64)
    sources = np.isin(known.source_workspaces, workspaces)
    nothing = np.zeros(len(known.source_keys), np.bool_)
    sources &= sum((known.kinds.get(kind, nothing) for kind in query.kinds), nothing)
    passages = int(known.source_sizes[sources].sum())
    reach = _of_passages(known, sources)
    reachable = sources & (known.source_sizes > 0)
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
        sources_in_reach=reachable,
        passages=passages,
        max_passage_id=newest,
        filters=filters,
    )


def _of_passages(known: Catalogue, sources: np.ndarray) -> np.ndarray | None:
    """The living passages of these sources; None for all there are."""
    if sources.all():
        return known.is_alive
    mask = sources[known.sources] if known.size else np.zeros(0, np.bool_)
    return mask if known.is_alive is None else mask & known.is_alive
