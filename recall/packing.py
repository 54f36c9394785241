"""Context packs: the answer to a question as one text within a hard budget.

The text is made of three parts: facts about the project, what was recalled (dated,
numbered, cited), and guidance. Whatever the budget, the text keeps to it: parts are cut
or left out, and `steps` says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Literal

from access.containers import ReadScope
from access.principals import Principal
from memories import linking
from memories.drafts import Scalar
from recall import budgets, guidance, profiles, recalling, rendering
from recall.budgets import Budget
from recall.recalling import Found, MetadataMode, Recalled, Wanted
from recall.rendering import Block, Citation, Linked, Piece, Step
from refusals import InvalidArgument
from search.finding import Hit
from search.question import Mode
from usage import metering

Emphasis = Literal["balanced", "precision", "recall"]
Strength = Literal["weak", "medium", "strong"]

LEAST_CHARS, MOST_CHARS = 200, 50_000
LEAST_TOKENS, MOST_TOKENS = 50, 20_000
# Below it a hit is noise; recall is asked for whatever there is.
_LEAST_SCORE: dict[Emphasis, float] = {
    "balanced": 0.05,
    "precision": recalling.LOW_CONFIDENCE,
    "recall": 0.0,
}
# Blocks this alike say the same; the longer one stays.
_ALIKE = 0.75
_WORD = re.compile(r"\w+")
_LINKED_CHARS, _LINKED_CHARS_IN_ALL = 500, 2000


@dataclass(frozen=True, kw_only=True)
class ContextPack:
    """The rendered text, what it was made of, and how far it can be trusted.

    `used_tokens` is counted as budgets.tokens says. `blocks` are in the order of their
    numbers. The signals are those of the contract, section 4.3.
    """

    text: str
    profile_facts: list[profiles.Fact]
    blocks: list[Block]
    guidance: list[str]
    linked: list[Linked]
    profile: profiles.Profile
    recalled: Recalled
    budget_chars: int
    budget_tokens: int | None
    used_chars: int
    used_tokens: int
    steps: list[Step]
    confidence: float
    source_count: int
    recall_strength: Strength
    diversity_score: float
    redundancy_penalty: float
    integrity_score: float

    @property
    def truncated(self) -> bool:
        return bool(self.steps)

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
    """Recall and pack what was found.

    `profile` "precision" leaves out facts about the project and whatever is uncertain,
    "recall" packs twice as many hits. Charged as a recall and one read more. Raises
    InvalidArgument and what recalling.recall does.
    """
    if profile not in _LEAST_SCORE:
        raise InvalidArgument(
            f"There is no profile {profile[:40]!r}.",
            hint=f"Profiles: {', '.join(_LEAST_SCORE)}.",
        )
    _check_budget("budget_chars", budget_chars, LEAST_CHARS, MOST_CHARS)
    if budget_tokens is not None:
        _check_budget("budget_tokens", budget_tokens, LEAST_TOKENS, MOST_TOKENS)
    wanted = Wanted(
        text=text,
        limit=min(2 * limit, recalling.MOST_HITS) if profile == "recall" else limit,
        offset=offset,
        mode=mode,
        kinds=kinds,
        memory_types=memory_types,
        metadata=metadata or {},
        metadata_mode=metadata_mode,
        start=start,
        end=end,
        min_score=_LEAST_SCORE[profile] if min_score is None else min_score,
        explain=explain,
    )
    wanted.check()
    cost = recalling.cost(wanted)
    cost = replace(cost, reads=cost.reads + 1)
    with metering.charged(payer, scope.home, cost, action="context", at=at):
        recalled = recalling.look_up(scope, wanted, asker=payer, at=at)
        return _packed(
            scope,
            wanted,
            recalled,
            with_facts=profile != "precision",
            budget_chars=budget_chars,
            budget_tokens=budget_tokens,
            at=at,
        )


def _packed(
    scope: ReadScope,
    wanted: Wanted,
    recalled: Recalled,
    *,
    with_facts: bool,
    budget_chars: int,
    budget_tokens: int | None,
    at: datetime,
) -> ContextPack:
    known = profiles.profile(
        scope, also=[hit.memory for hit in recalled.hits if hit.memory], at=at
    )
    pieces = list(_distinct(_joined(recalled.hits)))
    shown = {piece.found.id for piece in pieces}
    facts = [fact for fact in known.facts if fact.memory_id not in shown]
    linked = _linked(pieces, scope, at=at)
    pack = rendering.render(
        Budget.of(chars=budget_chars, tokens=budget_tokens),
        title=_title(scope, at),
        facts=facts[: profiles.MOST_FACTS] if with_facts else [],
        pieces=pieces,
        linked=linked,
        hints=lambda found: guidance.hints(wanted.text, recalled=recalled, shown=found),
    )
    signals = _signals([piece.found for piece in pieces], recalled)
    return ContextPack(
        text=pack.text,
        profile_facts=pack.facts,
        blocks=pack.blocks,
        guidance=pack.guidance,
        linked=linked,
        profile=known,
        recalled=recalled,
        budget_chars=budget_chars,
        budget_tokens=budget_tokens,
        used_chars=len(pack.text),
        used_tokens=budgets.tokens(pack.text),
        steps=pack.steps,
        confidence=signals.confidence,
        source_count=signals.sources,
        recall_strength=signals.strength,
        diversity_score=signals.diversity,
        redundancy_penalty=signals.redundancy,
        integrity_score=signals.integrity,
    )


def _title(scope: ReadScope, at: datetime) -> str:
    about = scope.home.slug if scope.home else "all workspaces"
    return f"# Memory of {about}, {at:%Y-%m-%d}"


# --- one piece for what belongs together, none for what repeats ---------------------


def _joined(hits: Sequence[Found]) -> list[Piece]:
    """Neighbouring hits of one source made one, at the best one's place."""
    groups: list[list[Found]] = []
    for hit in hits:
        beside = [group for group in groups if _touches(group, hit)]
        if not beside:
            groups.append([hit])
            continue
        # It may close the gap between two groups.
        first, *others = beside
        first.append(hit)
        for other in others:
            first += other
            groups.remove(other)
    return [_piece(group) for group in groups]


def _touches(group: Sequence[Found], hit: Found) -> bool:
    if hit.memory is not None:
        return False
    return any(
        (one.kind, one.passage.source_id) == (hit.kind, hit.passage.source_id)
        and _are_neighbours(one.passage, hit.passage)
        for one in group
    )


def _are_neighbours(one: Hit, other: Hit) -> bool:
    """Whether nothing lies between them but blank lines."""
    is_next = abs(one.passage_id - other.passage_id) == 1
    return is_next or (
        one.first_line <= other.last_line + 1 and other.first_line <= one.last_line + 1
    )


def _piece(group: Sequence[Found]) -> Piece:
    in_order = sorted(group, key=lambda hit: (hit.passage.position, hit.passage.part))
    return Piece(
        found=group[0],
        hits=tuple(in_order),
        text="\n".join(hit.text for hit in in_order),
    )


def _distinct(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Without pieces that are contained in another or say three quarters the same.

    The longer one stays, at the better place.
    """
    kept: list[Piece] = []
    for piece in pieces:
        twin = next((n for n, one in enumerate(kept) if _repeats(piece, one)), None)
        if twin is None:
            kept.append(piece)
        elif len(piece.text) > len(kept[twin].text):
            kept[twin] = piece
    return iter(kept)


def _repeats(one: Piece, other: Piece) -> bool:
    shorter, longer = sorted((one.text, other.text), key=len)
    return _flat(shorter) in _flat(longer) or _jaccard(shorter, longer) >= _ALIKE


def _flat(text: str) -> str:
    return " ".join(text.lower().split())


def _jaccard(one: str, other: str) -> float:
    words, others = (set(_WORD.findall(text.lower())) for text in (one, other))
    return len(words & others) / max(len(words | others), 1)


def _linked(pieces: Sequence[Piece], scope: ReadScope, *, at: datetime) -> list[Linked]:
    """What the best memories are linked to, where the pack does not show it anyway."""
    memories = [piece.found.memory for piece in pieces if piece.found.memory]
    if not memories:
        return []
    links = linking.linked(memories, workspaces=scope.workspaces, at=at)
    found: list[Linked] = []
    left = _LINKED_CHARS_IN_ALL
    for link in links:
        other = Linked.of(link, chars=min(_LINKED_CHARS, left))
        if other.text:
            found.append(other)
            left -= len(other.text)
    return found


# --- the signals of section 4.3, over calibrated scores ------------------------------


@dataclass(frozen=True)
class _Signals:
    confidence: float
    sources: int
    strength: Strength
    diversity: float
    redundancy: float
    integrity: float


def _signals(found: Sequence[Found], recalled: Recalled) -> _Signals:
    sources = len({(hit.kind, hit.passage.source_id) for hit in found})
    diversity = sources / len(found) if found else 0.0
    pairs = [_jaccard(one.text, other.text) for one, other in combinations(found, 2)]
    redundancy = sum(pairs) / len(pairs) if pairs else 0.0
    integrity = diversity * (1 - 0.7 * redundancy)
    return _Signals(
        confidence=recalled.confidence * (0.5 + 0.5 * integrity),
        sources=sources,
        strength=_strength(found, integrity),
        diversity=diversity,
        redundancy=redundancy,
        integrity=integrity,
    )


def _strength(found: Sequence[Found], integrity: float) -> Strength:
    scores = sorted((hit.passage.score for hit in found), reverse=True)
    top, second = [*scores, 0.0, 0.0][:2]
    if integrity < 0.35 or top < 0.4:
        return "weak"
    is_clear = top >= 0.75 and top - second >= 0.1
    return "strong" if is_clear and integrity >= 0.55 else "medium"


def _check_budget(name: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        raise InvalidArgument(f"{name} must be {least} to {most}.")
