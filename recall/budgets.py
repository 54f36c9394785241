"""How much room a text has, in characters and tokens, and cutting what is too long.

A token is counted as three bytes of UTF-8. Usual tokenizers need fewer for prose and
code; only dense digits or rare scripts may need more.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES_A_TOKEN = 3
_CUT = "…"
_QUOTE = "> "


def tokens(text: str) -> int:
    """How many tokens a text counts for: ceil(UTF-8 bytes / 3)."""
    return -(-_size(text) // BYTES_A_TOKEN)


@dataclass(frozen=True)
class Budget:
    """Room for text; both bounds hold."""

    chars: int
    size_bytes: int

    @classmethod
    def of(cls, *, chars: int, tokens: int | None) -> Budget:
        # No character has more than four bytes.
        most = 4 * chars if tokens is None else BYTES_A_TOKEN * tokens
        return cls(max(chars, 0), max(most, 0))

    def holds(self, text: str) -> bool:
        return len(text) <= self.chars and _size(text) <= self.size_bytes

    def less(self, text: str) -> Budget:
        """What is left after this text, which it holds."""
        return Budget(self.chars - len(text), self.size_bytes - _size(text))

    def share(self, part: float) -> Budget:
        return Budget(int(self.chars * part), int(self.size_bytes * part))

    def at_most(self, other: Budget) -> Budget:
        return Budget(
            min(self.chars, other.chars), min(self.size_bytes, other.size_bytes)
        )


def even_share(texts: list[str], budget: Budget) -> Budget:
    """What each text may have so that all together keep to the budget.

    Texts that need less leave it to the others.
    """
    return Budget(
        _level([len(text) for text in texts], budget.chars),
        _level([_size(text) for text in texts], budget.size_bytes),
    )


def quoted(text: str) -> str:
    """Stored text as a quotation, so that none of its lines passes for one of ours."""
    return "\n".join(_QUOTE + line for line in text.split("\n") if line.strip())


def quotation(text: str, budget: Budget, *, focus: int = 0) -> str:
    """As much of a text around `focus` as the budget holds once it is quoted."""
    whole = quoted(text)
    if budget.holds(whole):
        return whole
    # The longest window that fits; cutting at words makes lengths jump a little.
    best, low, high = "", 1, min(len(text), budget.chars)
    while low <= high:
        middle = (low + high) // 2
        tried = quoted(cut(text, middle, focus=focus))
        if budget.holds(tried):
            best, low = tried, middle + 1
        else:
            high = middle - 1
    return best


def cut(text: str, chars: int, *, focus: int = 0) -> str:
    """At most so many characters around `focus`, cut between words where it can be."""
    if len(text) <= chars:
        return text
    room = chars - 2 * len(_CUT)
    if room <= 0:
        return ""
    start = max(min(focus - room // 4, len(text) - room), 0)
    end = start + room
    if start:
        space = text.find(" ", start, start + room // 4)
        start = space + 1 if space >= 0 else start
    if end < len(text):
        space = text.rfind(" ", end - room // 4, end)
        end = space if space > start else end
    before, after = _CUT if start else "", _CUT if end < len(text) else ""
    return f"{before}{text[start:end].strip()}{after}"


def _level(sizes: list[int], room: int) -> int:
    """The height up to which sizes are filled until nothing of the room is left."""
    left = max(room, 0)
    for count, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size * count > left:
            return left // count
        left -= size
    return max(sizes, default=0)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
