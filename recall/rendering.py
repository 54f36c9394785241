"""Writing a context pack: facts, history and guidance within one budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from memories import reading as memory_reading
from memories.models import Link
from recall import budgets
from recall.budgets import Budget
from recall.profiles import Fact
from recall.recalling import KNOWLEDGE, MEMORY, Found

Step = Literal[
    "profile_trimmed", "history_tail_dropped", "history_text_cut", "guidance_trimmed"
]

# What these may take before the history; what it leaves goes to them.
_FACTS_SHARE = 0.3
_HINTS_SHARE = 0.15
_FACT_CHARS = 280
# A quotation shorter than this helps nobody: fewer blocks are shown then.
_LEAST_QUOTATION = 160
_PLACE_CHARS = 100
_FOCUS_WORDS = 5
_FACTS = "## About this project"
_HISTORY = "## What was recalled"
_GUIDANCE = "## Guidance"
_MARKS = re.compile(r"[«»]")


@dataclass(frozen=True)
class Piece:
    """What becomes a block: `found` is the best of its `hits`, which are in order."""

    found: Found
    hits: tuple[Found, ...]
    text: str


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
    """One numbered piece of history; `text` is what the pack shows of it."""

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
    """A memory that a block's memory is linked to; the text is cut and masked."""

    link: Link
    text: str

    @classmethod
    def of(cls, link: Link, *, chars: int) -> Linked:
        text = " ".join(memory_reading.shown_text(link.to_memory).split())
        return cls(link, budgets.cut(text, chars))


@dataclass(frozen=True)
class Rendered:
    """The text, and what of everything it shows."""

    text: str
    facts: list[Fact]
    blocks: list[Block]
    guidance: list[str]
    steps: list[Step]


def render(
    budget: Budget,
    *,
    title: str,
    facts: Sequence[Fact],
    pieces: Sequence[Piece],
    linked: Sequence[Linked],
    hints: Callable[[Sequence[Found]], Sequence[str]],
) -> Rendered:
    """Write the pack. Its text never exceeds the budget, however small that is.

    `pieces` come best first; those of the home are shown before others. `hints` gives
    the guidance that fits the hits in the order of their numbers.
    """
    head = title if budget.holds(title) else ""
    room = budget.less(head)
    lines = [_fact_line(fact) for fact in facts]
    likely = [piece.found for piece in _home_first(pieces)]
    # What facts and guidance take at most; the history has the rest.
    guide = _section(
        _GUIDANCE, _bullets(hints(likely)), budget.share(_HINTS_SHARE).at_most(room)
    )
    about = _section(_FACTS, lines, budget.share(_FACTS_SHARE).at_most(room))
    if not room.less(guide.text).holds(about.text):
        about = _section(_FACTS, lines, room.less(guide.text))
    history = _history(pieces, linked, room.less(guide.text).less(about.text))
    room = room.less(history.text)
    about = _section(_FACTS, lines, room.less(guide.text))
    room = room.less(about.text)
    told = hints([block.found for block in history.blocks])
    guide = _section(_GUIDANCE, _bullets(told), room)
    steps: list[Step] = []
    if about.count < len(facts):
        steps.append("profile_trimmed")
    steps += history.steps
    if guide.count < len(told):
        steps.append("guidance_trimmed")
    return Rendered(
        text=f"{head}{about.text}{history.text}{guide.text}".strip("\n"),
        facts=list(facts[: about.count]),
        blocks=history.blocks,
        guidance=list(told[: guide.count]),
        steps=steps,
    )


@dataclass(frozen=True)
class _Section:
    """A heading with so many of its lines; without lines there is no heading."""

    text: str = ""
    count: int = 0


@dataclass(frozen=True)
class _History:
    text: str = ""
    blocks: list[Block] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def _section(heading: str, lines: Sequence[str], budget: Budget) -> _Section:
    """As many whole lines, from the first, as the budget holds."""
    text, count = f"\n\n{heading}", 0
    if not budget.holds(text):
        return _Section()
    left = budget.less(text)
    for line in lines:
        if not left.holds(f"\n{line}"):
            break
        left = left.less(f"\n{line}")
        text += f"\n{line}"
        count += 1
    return _Section(text, count) if count else _Section()


def _history(
    pieces: Sequence[Piece], linked: Sequence[Linked], room: Budget
) -> _History:
    """As many of the best pieces as can be quoted at a length that tells something."""
    for count in range(len(pieces), 0, -1):
        history = _quoting(_home_first(pieces[:count]), room)
        if history is not None:
            break
    else:
        return _History(steps=["history_tail_dropped"] if pieces else [])
    steps = list(history.steps)
    links = _linked_lines(linked, history.blocks)
    more = [f"\n{line}" for line in links]
    room = room.less(history.text)
    while more and not room.holds("".join(more)):
        more.pop()
    if count < len(pieces) or len(more) < len(linked):
        steps.insert(0, "history_tail_dropped")
    return _History(history.text + "".join(more), history.blocks, steps)


def _quoting(pieces: Sequence[Piece], room: Budget) -> _History | None:
    """All of these pieces, long ones cut; None when that would say too little."""
    heads = [f"\n{_head(n, piece)}\n" for n, piece in enumerate(pieces, start=1)]
    frame = f"\n\n{_HISTORY}" + "".join(heads)
    if not room.holds(frame):
        return None
    whole = [budgets.quoted(piece.text) for piece in pieces]
    share = budgets.even_share(whole, room.less(frame))
    is_short = min(share.chars, share.size_bytes) < _LEAST_QUOTATION
    if is_short and len(pieces) > 1 and not all(map(share.holds, whole)):
        return None
    texts = [
        budgets.quotation(piece.text, share, focus=_focus(piece)) for piece in pieces
    ]
    if not all(texts):
        return None
    body = "".join(part for pair in zip(heads, texts, strict=True) for part in pair)
    blocks = [
        Block(
            number=number,
            found=piece.found,
            text=text,
            is_cut=text != full,
            citations=_citations(number, piece),
        )
        for number, (piece, text, full) in enumerate(
            zip(pieces, texts, whole, strict=True), start=1
        )
    ]
    is_cut = any(block.is_cut for block in blocks)
    return _History(
        f"\n\n{_HISTORY}{body}", blocks, ["history_text_cut"] if is_cut else []
    )


def _home_first(pieces: Sequence[Piece]) -> list[Piece]:
    return sorted(pieces, key=lambda piece: not piece.found.is_home)


def _bullets(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _fact_line(fact: Fact) -> str:
    text = budgets.cut(" ".join(fact.text.split()), _FACT_CHARS)
    return f"- {fact.at:%Y-%m-%d}: {text}"


def _head(number: int, piece: Piece) -> str:
    """Where a block is from, in one line: when, what, and which project if another."""
    found = piece.found
    first = min(hit.passage.first_line for hit in piece.hits)
    last = max(hit.passage.last_line for hit in piece.hits)
    parts = [f"{found.at:%Y-%m-%d}" if found.at else "undated"]
    if found.memory is not None:
        parts.append(found.memory.memory_type or MEMORY)
    elif found.document is not None:
        parts.append(f"{KNOWLEDGE} {found.document.path} lines {first}-{last}")
    elif found.transcript is not None:
        session = found.transcript.session_id
        parts.append(f"{found.passage.role} in session {session} lines {first}-{last}")
    if not found.is_home:
        parts.append(f"of {found.workspace.slug}")
    return f"[{number}] " + ", ".join(part[:_PLACE_CHARS] for part in parts)


def _focus(piece: Piece) -> int:
    """Where in the text of a piece the first match of its best hit is."""
    _, mark, marked = piece.found.passage.snippet.partition("«")
    words = _MARKS.sub("", mark + marked).rstrip("…").split()
    # A snippet has single spaces; its last word may be cut.
    for count in (_FOCUS_WORDS, 1):
        told = r"\s+".join(map(re.escape, words[:count]))
        if told and (match := re.search(told, piece.text)):
            return match.start()
    return 0


def _citations(number: int, piece: Piece) -> list[Citation]:
    """What proves a block, each place once."""
    return [
        Citation(
            number=number,
            uri=hit.citation_uri,
            sha256=hit.passage.lines_sha256,
            memory_id=hit.id,
            passage_id=hit.passage.passage_id,
            chunk_index=hit.chunk_index,
        )
        for hit in {hit.citation_uri: hit for hit in reversed(piece.hits)}.values()
    ][::-1]


def _linked_lines(linked: Sequence[Linked], blocks: Sequence[Block]) -> list[str]:
    numbers = {
        block.found.memory.pk: block.number for block in blocks if block.found.memory
    }
    return [
        f"> linked to [{numbers[each.link.from_memory_id]}]"
        f" ({each.link.link_type}): {each.text}"
        for each in linked
        if each.link.from_memory_id in numbers
    ]
