"""A transcript's lines as they stand in the file: masked, or raw with a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit import trail
from search import masking
from sessions import reading
from sessions.conversation import READ_LINE_BYTES
from sessions.models import Transcript
from sessions.reading import Line

# JSON escapes and framing make a line longer than what is read out of it.
_RAW_BYTES_A_CHAR = 4


@dataclass(frozen=True)
class ShownLine:
    """One line without its newline; cut when it alone is past the budget."""

    number: int
    text: str


@dataclass(frozen=True)
class LinePage:
    """Lines in order and where to go on; `truncated`: the budget ended the page."""

    lines: list[ShownLine]
    next_line: int | None
    previous_line: int | None
    total_lines: int
    truncated: bool


def masked_lines(
    transcript: Transcript, *, first_line: int, line_count: int, max_chars: int
) -> LinePage:
    """JSONL word for word, secrets masked, within `max_chars`."""
    return _page(transcript, first_line, line_count, max_chars, show=_masked)


def raw_lines(
    transcript: Transcript,
    *,
    first_line: int,
    line_count: int,
    max_chars: int,
    actor: trail.Actor,
    at: datetime,
) -> LinePage:
    """The same unmasked, which leaves an audit event. The caller checks the scope."""
    page = _page(transcript, first_line, line_count, max_chars, show=_raw)
    trail.record(
        actor=actor,
        action="session.read_raw",
        at=at,
        workspace_slug=transcript.workspace.slug,
        target=str(transcript),
        detail={"first_line": first_line, "line_count": len(page.lines)},
    )
    return page


def _page(
    transcript: Transcript,
    first_line: int,
    line_count: int,
    max_chars: int,
    *,
    show: Callable[[Line], str],
) -> LinePage:
    found = reading.lines(
        transcript,
        first_line=first_line,
        line_count=line_count,
        max_bytes=_RAW_BYTES_A_CHAR * max_chars,
    )
    if found and found[0].is_cut:
        # A line is masked whole and cut only then: half a secret is not known for one,
        # and half a line is not JSON.
        found = reading.lines(
            transcript, first_line=first_line, line_count=1, max_bytes=READ_LINE_BYTES
        )
    shown: list[ShownLine] = []
    left = max_chars
    is_cut = False
    for line in found:
        text = show(line).removesuffix("\n")
        if shown and len(text) > left:
            break
        is_cut = len(text) > left
        shown.append(ShownLine(line.number, text[:left]))
        left -= len(text)
    following = first_line + len(shown)
    return LinePage(
        lines=shown,
        next_line=following if following <= transcript.line_count else None,
        previous_line=max(1, first_line - line_count) if first_line > 1 else None,
        total_lines=transcript.line_count,
        truncated=is_cut or len(shown) < min(line_count, _left(transcript, first_line)),
    )


def _left(transcript: Transcript, first_line: int) -> int:
    return max(0, transcript.line_count - first_line + 1)


def _masked(line: Line) -> str:
    if line.is_cut:
        return f"[a line of {line.size_bytes} bytes, too long to be masked]"
    return masking.mask_json_line(line.raw)


def _raw(line: Line) -> str:
    return line.raw.decode("utf-8", "replace")
