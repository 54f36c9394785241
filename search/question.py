"""What can be asked of search, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from refusals import Code, Refusal

Mode = Literal["hybrid", "keyword", "semantic", "regex", "exact"]
MODES: tuple[Mode, ...] = ("hybrid", "keyword", "semantic", "regex", "exact")

TEXT_CHARS = 2000
LIMIT = 100
# What passages of a favoured workspace count more, on the scale of scores.
FAVOUR = 0.05


class QueryInvalid(Refusal):
    """A query that is empty, too long, or outside a documented bound."""

    code = Code.INVALID_ARGUMENT


class QueryTooBroad(Refusal):
    """A query that would take longer than a search may."""

    code = Code.INVALID_ARGUMENT
    hint = "Add a rarer word, or narrow by workspace, time or role."


class RegexInvalid(Refusal):
    """A pattern that is not RE2, or that no index can help with."""

    code = Code.REGEX_INVALID


@dataclass(frozen=True)
class Query:
    """One search. Filters narrow what is searched before anything is ranked.

    `max_passage_id` and `offset` together turn pages: hand back the id that the first
    page's results carried. `at` is when it is asked, for "yesterday"; else now.
    """

    text: str
    mode: Mode
    workspace_ids: Sequence[int]
    kinds: Sequence[str]
    limit: int
    offset: int = 0
    max_passage_id: int | None = None
    source_ids: Sequence[int] | None = None
    roles: Sequence[str] = ()
    after: datetime | None = None
    before: datetime | None = None
    path_prefix: str = ""
    case_sensitive: bool = False
    group_by_source: bool = False
    explain: bool = False
    at: datetime | None = None
    favoured_id: int | None = None

    def check(self) -> None:
        """Raise QueryInvalid if a value is outside its bounds."""
        if self.mode not in MODES:
            raise QueryInvalid(
                f"There is no mode {self.mode!r}.", hint=f"Modes: {', '.join(MODES)}."
            )
        if not self.text.strip():
            raise QueryInvalid("The query is empty.", hint="Say what to look for.")
        if len(self.text) > TEXT_CHARS:
            raise QueryInvalid(
                f"The query has {len(self.text)} characters.",
                hint=f"At most {TEXT_CHARS} are read; ask for the words that matter.",
            )
        if not 1 <= self.limit <= LIMIT:
            raise QueryInvalid(f"limit must be 1 to {LIMIT}.", hint="The usual is 10.")
        if self.offset < 0:
            raise QueryInvalid("offset must not be negative.")


@dataclass(frozen=True)
class Weighed:
    """What a feature of a hit is, and what it counts: the score sums the products."""

    value: float
    weight: float


@dataclass(frozen=True)
class Hit:
    """One passage that answers, best first.

    `text` is all of it, masked; `snippet` the part around the match, marked with «…».
    `position` and `part` say which of its source's passages it is.
    """

    passage_id: int
    workspace_id: int
    kind: str
    source_id: int
    position: int
    part: int
    first_line: int
    last_line: int
    lines_sha256: str
    role: str
    speaker: str
    channel: str
    at: datetime | None
    path: str
    text: str
    snippet: str
    score: float
    also_in: list[int]
    features: dict[str, Weighed] | None = None


@dataclass(frozen=True)
class Searched:
    """How much was searched, and in words what a caller should know about it."""

    passages: int
    notes: list[str]


@dataclass(frozen=True)
class Results:
    """A page of hits, and of how many places it is one: at most MOST_PLACES."""

    hits: list[Hit]
    has_more: bool
    places: int
    max_passage_id: int
    vectors_pending: int
    searched: Searched
