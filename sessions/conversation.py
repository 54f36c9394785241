"""A transcript as people read it: what was said, with tool calls folded to a line."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime

from search import masking
from sessions import reading, shortening
from sessions.formats import lines as formats
from sessions.formats.messages import Message
from sessions.formats.state import State
from sessions.models import Transcript
from sessions.reading import Line

ROLES = ("user", "assistant", "tool_input", "tool_output", "summary")

# A line longer than this holds an attachment rather than talk.
READ_LINE_BYTES = 16 * 2**20
# A page whose lines say nothing goes on until something is said, but not for ever.
MOST_SILENT_LINES = 5000
# Enough lines before a page to know the names of the tools that answer in it.
_EARLIER_LINES = 60
_EARLIER_LINE_BYTES = 2**18
_FOLDED_CHARS = 160
# What may be masked beyond what is shown, for a secret that crosses the border.
_MARGIN_CHARS = 8_000
_NOTE_CHARS = 120


@dataclass(frozen=True)
class Turn:
    """One thing said, or one tool call and its answer folded into a line; masked."""

    first_line: int
    last_line: int
    role: str
    speaker: str
    channel: str
    at: datetime | None
    text: str


@dataclass(frozen=True)
class ConversationPage:
    """Turns in order. `truncated`: the budget, not the lines, ended the page."""

    turns: list[Turn]
    next_line: int | None
    previous_line: int | None
    total_lines: int
    truncated: bool


def page(
    transcript: Transcript,
    *,
    first_line: int = 1,
    line_count: int = 200,
    roles: Collection[str] = (),
    max_chars: int = 20_000,
) -> ConversationPage:
    """The turns of some lines, together at most `max_chars` characters long.

    With `roles` only those are given, and tool calls or outputs asked for by name come
    unfolded. If the lines hold no such turn, the page goes on to the first that do.
    Raises LinesNotFound and BlobDamaged.
    """
    state = State()
    _warm_up(transcript, first_line, state)
    writing = _Page(roles=frozenset(roles), room=max_chars)
    next_line: int | None = None
    with closing(
        reading.stream(transcript, first_line=first_line, max_bytes=READ_LINE_BYTES)
    ) as lines:
        for line in lines:
            past = line.number - first_line
            is_over = past >= line_count and (writing.turns or past > MOST_SILENT_LINES)
            if is_over or not writing.add(line, list(formats.read(line, state=state))):
                next_line = line.number
                break
            if writing.is_cut:
                next_line = line.number + 1
                break
    if next_line is not None and next_line > transcript.line_count:
        next_line = None
    return ConversationPage(
        turns=writing.turns,
        next_line=next_line,
        previous_line=max(first_line - line_count, 1) if first_line > 1 else None,
        total_lines=transcript.line_count,
        truncated=writing.truncated,
    )


def _warm_up(transcript: Transcript, first_line: int, state: State) -> None:
    start = max(first_line - _EARLIER_LINES, 1)
    with closing(
        reading.stream(transcript, first_line=start, max_bytes=_EARLIER_LINE_BYTES)
    ) as lines:
        for line in lines:
            if line.number >= first_line:
                return
            formats.read(line, state=state)


@dataclass
class _Page:
    """A page in the making, and how many characters it has left."""

    roles: frozenset[str]
    room: int
    turns: list[Turn] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    truncated: bool = False
    is_cut: bool = False

    def add(self, line: Line, messages: list[Message]) -> bool:
        """Add what a line says; False, and nothing added, if that does not fit."""
        before, room, calls = list(self.turns), self.room, dict(self.calls)
        for message in messages:
            if self.roles and message.role not in self.roles:
                continue
            if self._answer(message) or self._append(message):
                continue
            self.truncated = True
            if before:
                self.turns, self.room, self.calls = before, room, calls
                return False
            self._cut(message)
            break
        return True

    def _answer(self, message: Message) -> bool:
        """Complete the folded call that this output answers, if it is on the page."""
        place = self.calls.get(message.call_id)
        if message.role != "tool_output" or place is None:
            return False
        size = _size(message)
        call = self.turns[place]
        if len(size) > self.room:
            return False
        self.turns[place] = replace(
            call, last_line=message.line, text=f"{call.text} {size}"
        )
        self.room -= len(size) + 1
        del self.calls[message.call_id]
        return True

    def _append(self, message: Message) -> bool:
        text, is_whole = self._shown(message)
        if not is_whole or len(text) > self.room:
            return False
        if message.role == "tool_input" and message.call_id and not self.roles:
            self.calls[message.call_id] = len(self.turns)
        self.turns.append(_turn(message, text))
        self.room -= len(text)
        return True

    def _cut(self, message: Message) -> None:
        """Begin the page with as much of one huge turn as the budget takes."""
        text, _ = self._shown(message)
        kept = max(self.room - _NOTE_CHARS, 0)
        note = (
            f"\n[… cut here. Ask with a larger max_chars, or view=lines and "
            f"first_line={message.line}, for the rest.]"
        )
        text = (text[:kept] + note)[: self.room]
        self.turns.append(_turn(message, text))
        self.room = 0
        self.is_cut = True

    def _shown(self, message: Message) -> tuple[str, bool]:
        """The masked text, about as long as there is room for; whether it is all."""
        is_tool = message.role in ("tool_input", "tool_output")
        if is_tool and message.role not in self.roles:
            return _folded(message), True
        wanted = shortening.cut(message.text, self.room + _MARGIN_CHARS)
        return masking.mask(wanted).strip(), len(wanted) == len(message.text)


def _turn(message: Message, text: str) -> Turn:
    return Turn(
        first_line=message.line,
        last_line=message.line,
        role=message.role,
        speaker=masking.mask(message.speaker)[:100],
        channel=message.channel,
        at=message.at,
        text=text,
    )


def _folded(message: Message) -> str:
    name = masking.mask(message.tool_name)[:100] or "tool"
    if message.role == "tool_output":
        return f"{name} {_size(message)}"
    text = masking.mask(shortening.cut(message.text, _MARGIN_CHARS))
    short = " ".join(text[: 4 * _FOLDED_CHARS].split())
    if len(short) > _FOLDED_CHARS:
        short = f"{short[:_FOLDED_CHARS]}…"
    return f"{name}: {short}"


def _size(message: Message) -> str:
    return f"→ {len(message.text)} characters (line {message.line})"
