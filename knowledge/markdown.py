"""As much of Markdown as finding and naming documents needs: headings and sections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge import texts
from search import masking

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\r?\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)"
)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+(?P<text>.*))?")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_MAX_TITLE_CHARS = 200
_MAX_SUMMARY_CHARS = 400
# A section past the first bound ends at the next paragraph, past the second at once.
_SOFT_SECTION_CHARS = 1200
_HARD_SECTION_CHARS = 3000


@dataclass(frozen=True)
class Line:
    """One line, numbered from 1; `heading` is its text if it is an ATX heading."""

    number: int
    text: str
    heading: str | None
    is_fenced: bool


@dataclass(frozen=True)
class Section:
    """Lines that belong together, from 1, both ends included and neither blank."""

    first_line: int
    last_line: int


def title(text: str, *, path: str) -> str:
    """The first heading, masked; else the file's name without its suffix."""
    for line in _marked(texts.shown_lines(_without_front_matter(text))):
        if line.heading:
            return line.heading[:_MAX_TITLE_CHARS]
    name = path.rpartition("/")[2]
    return masking.mask(name.rpartition(".")[0] or name)[:_MAX_TITLE_CHARS]


def summary(text: str) -> str:
    """The head of the text on one line, masked, without front matter and headings."""
    words = ""
    for line in _marked(texts.shown_lines(_without_front_matter(text))):
        if line.heading is None:
            words = " ".join(f"{words} {line.text}".split())
        if len(words) > _MAX_SUMMARY_CHARS:
            return words[: _MAX_SUMMARY_CHARS - 1].rstrip() + "…"
    return words


def sections(lines: Sequence[str], *, whole: Iterable[range] = ()) -> list[Section]:
    """Cut a document at its headings, and what is long between them at paragraphs.

    A heading stands with what follows it; code in fences is cut only when it is long,
    and the line ranges in `whole` never.
    """
    uncut = {number for lines_of_one in whole for number in lines_of_one[1:]}
    found: list[Section | None] = []
    start = size = 0
    has_body = False
    for index, line in enumerate(_marked(lines)):
        begins_block = not line.is_fenced and index > 0 and not lines[index - 1].strip()
        is_cut = (
            (line.heading is not None and has_body)
            or (size >= _SOFT_SECTION_CHARS and begins_block)
            or (size and size + len(line.text) > _HARD_SECTION_CHARS)
        )
        if is_cut and line.number not in uncut:
            found.append(_trimmed(lines, start, index))
            start, size, has_body = index, 0, False
        size += len(line.text)
        has_body = has_body or (line.heading is None and bool(line.text.strip()))
    found.append(_trimmed(lines, start, len(lines)))
    return [section for section in found if section is not None]


def _marked(lines: Sequence[str]) -> Iterator[Line]:
    fence = ""
    for number, text in enumerate(lines, start=1):
        mark = _FENCE.match(text)
        if fence:
            yield Line(number, text, None, is_fenced=True)
            if mark and mark[1].startswith(fence) and not text[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
            yield Line(number, text, None, is_fenced=False)
        else:
            heading = _HEADING.fullmatch(text.rstrip())
            words = _CLOSING_MARKS.sub("", heading["text"] or "") if heading else None
            yield Line(number, text, words, is_fenced=False)


def _trimmed(lines: Sequence[str], start: int, end: int) -> Section | None:
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return Section(start + 1, end) if start < end else None


def _without_front_matter(text: str) -> str:
    return _FRONT_MATTER.sub("", text, count=1)
