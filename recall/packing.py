"""Context packs: the answer to a question as one text within a hard budget.

The text is made of three parts: facts about the project, what was recalled (dated,
numbered, cited), and guidance. Whatever the budget, the text keeps to it: parts are cut
or left out, and `steps` says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from access.containers import ReadScope
from access.principals import Principal
from memories.models import Link
from memories.searching import MetadataMode, Scalar
from recall import profiles, recalling
from recall.recalling import Found
from search.question import Mode

Emphasis = Literal["balanced", "precision", "recall"]
Strength = Literal["weak", "medium", "strong"]
Step = Literal[
    "profile_trimmed", "history_tail_dropped", "history_text_cut", "guidance_trimmed"
]


@dataclass(frozen=True)
class Citation:
    """Where lines of the block with this number stand, and what proves them."""

    number: int
    uri: str
    sha256: str
    memory_id: str
    passage_id: int
    chunk_index: int


@dataclass(frozen=True)
class Block:
    """One numbered piece of history: a hit, or neighbouring hits of one source.

    `found` is the best of them, `text` what the pack shows of them.
    """

    number: int
    found: Found
    text: str
    is_cut: bool
    citations: list[Citation]

    @property
    def score(self) -> float:
        return self.found.score


@dataclass(frozen=True)
class Linked:
    """A memory that one of the blocks is linked to, and how."""

    link: Link
    text: str


@dataclass(frozen=True, kw_only=True)
class ContextPack:
    """The rendered text, what it was made of, and how far it can be trusted.

    `used_tokens` is ceil(UTF-8 bytes / 3), which no usual tokenizer exceeds. `blocks`
    are in the order of their numbers.
    """

    text: str
    profile_facts: list[profiles.Fact]
    blocks: list[Block]
    guidance: list[str]
    linked: list[Linked]
    profile: profiles.Profile
    recalled: recalling.Recalled
    budget_chars: int
    budget_tokens: int | None
    used_chars: int
    used_tokens: int
    truncated: bool
    steps: list[Step]
    confidence: float
    source_count: int
    recall_strength: Strength
    diversity_score: float
    redundancy_penalty: float
    integrity_score: float

    @property
    def citations(self) -> list[Citation]:
        return [each for block in self.blocks for each in block.citations]


def context(
    scope: ReadScope,
    text: str,
    *,
    limit: int = 5,
    offset: int = 0,
    profile: Emphasis = "balanced",
    budget_chars: int = 2500,
    budget_tokens: int | None = None,
    mode: Mode = "hybrid",
    kinds: Sequence[str] = recalling.KINDS,
    memory_types: Sequence[str] = (),
    metadata: Mapping[str, Scalar] | None = None,
    metadata_mode: MetadataMode = "and",
    start: datetime | None = None,
    end: datetime | None = None,
    min_score: float | None = None,
    explain: bool = False,
    payer: Principal | None = None,
    at: datetime,
) -> ContextPack:
    """Recall and pack. Raises what recalling.recall does, and InvalidArgument."""
    raise NotImplementedError
