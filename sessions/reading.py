"""Reading a transcript's lines from wherever they are kept.

Lines are numbered from 1 over the whole transcript. Any of them is found by two binary
searches, over segments and over the members of one blob, so a page from the middle of
a huge transcript costs as little as its first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from blobs import members
from refusals import Code, Refusal
from sessions import raw
from sessions.models import Transcript
from workspaces.models import Workspace, WorkspaceQuerySet


class SessionNotFound(Refusal):
    """A transcript that is not here, or not for this caller."""

    code = Code.SESSION_NOT_FOUND
    hint = "list_sessions shows the session ids of a workspace."


class LinesNotFound(Refusal):
    """Lines that the transcript does not have."""

    code = Code.INVALID_ARGUMENT
    hint = "Lines are numbered from 1 to total_lines."


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its newline, if it has one; cut when it was past the bound."""

    number: int
    raw: bytes
    size_bytes: int

    @property
    def is_cut(self) -> bool:
        return len(self.raw) < self.size_bytes


def head(
    workspace: Workspace, session_id: str, agent_id: str = ""
) -> Transcript | None:
    """The newest revision, or None."""
    return Transcript.objects.filter(
        workspace=workspace, session_id=session_id, agent_id=agent_id, is_latest=True
    ).first()


def find(
    *,
    workspaces: WorkspaceQuerySet,
    workspace_slug: str,
    session_id: str,
    agent_id: str = "",
    revision: int | None = None,
) -> Transcript:
    """One transcript of the given workspaces, by default its newest revision.

    Raises SessionNotFound.
    """
    found = Transcript.objects.select_related("workspace").filter(
        workspace__in=workspaces.filter(slug=workspace_slug),
        session_id=session_id,
        agent_id=agent_id,
    )
    wanted = {"is_latest": True} if revision is None else {"revision": revision}
    transcript = found.filter(**wanted).first()
    if transcript is None:
        raise SessionNotFound("No such session in this workspace.")
    return transcript


def lines(
    transcript: Transcript,
    *,
    first_line: int,
    line_count: int,
    max_bytes: int,
) -> list[Line]:
    """At most `line_count` lines that together fit into `max_bytes`.

    A first line that alone is longer is given cut, so that a reader can always go on.
    Empty past the end. Raises BlobDamaged.
    """
    _check_first(first_line)
    page: list[Line] = []
    room = max_bytes
    with closing(
        stream(transcript, first_line=first_line, max_bytes=max_bytes)
    ) as found:
        for line in found:
            if page and line.size_bytes > room:
                break
            page.append(line)
            room -= line.size_bytes
            if len(page) >= line_count or room <= 0:
                break
    return page


def stream(
    transcript: Transcript, *, first_line: int = 1, max_bytes: int | None = None
) -> Generator[Line]:
    """Every line from `first_line` on, one at a time; each is cut at `max_bytes`.

    The transcript as it was loaded: lines appended meanwhile are not part of it.
    """
    _check_first(first_line)
    if first_line > transcript.line_count:
        return
    number, size = first_line, 0
    held: list[bytes] = []
    held_bytes = 0
    for piece in _pieces_from_line(transcript, first_line):
        position = 0
        while position < len(piece):
            end = piece.find(b"\n", position) + 1
            part = piece[position : end or len(piece)]
            position += len(part)
            size += len(part)
            if max_bytes is not None:
                part = part[: max_bytes - held_bytes]
            held.append(part)
            held_bytes += len(part)
            if end:
                yield Line(number, b"".join(held), size)
                number, size, held, held_bytes = number + 1, 0, [], 0
    if size:
        yield Line(number, b"".join(held), size)


def first_line_from_end(transcript: Transcript, line_count: int) -> int:
    """Where a page of the last `line_count` lines begins."""
    return max(transcript.line_count - line_count + 1, 1)


def first_line_around(transcript: Transcript, line: int, line_count: int) -> int:
    """Where a page of `line_count` lines begins that has `line` in its middle."""
    latest = first_line_from_end(transcript, line_count)
    return max(min(line - line_count // 2, latest), 1)


def lines_sha256(transcript: Transcript, first_line: int, last_line: int) -> str:
    """SHA-256 of the raw lines, joined as they are kept. Raises LinesNotFound."""
    if not 1 <= first_line <= last_line <= transcript.line_count:
        raise LinesNotFound(
            f"The transcript has no lines {first_line} to {last_line}.",
            total_lines=transcript.line_count,
        )
    digest = hashlib.sha256()
    left = last_line - first_line + 1
    for piece in _pieces_from_line(transcript, first_line):
        end = 0
        while left:
            newline = piece.find(b"\n", end)
            if newline < 0:
                end = len(piece)
                break
            end, left = newline + 1, left - 1
        digest.update(piece[:end])
        if not left:
            break
    return digest.hexdigest()


def _check_first(first_line: int) -> None:
    if first_line < 1:
        raise LinesNotFound("Lines are numbered from 1.")


def _pieces_from_line(transcript: Transcript, line: int) -> Iterator[bytes]:
    """Raw bytes from the first one of a line to the transcript's end."""
    offset, newlines = _locate(transcript, line)
    pieces = raw.read(transcript, offset=offset)
    for piece in pieces:
        start = 0
        while newlines and (end := piece.find(b"\n", start) + 1):
            start, newlines = end, newlines - 1
        if not newlines:
            yield piece[start:]
            break
    yield from pieces


def _locate(transcript: Transcript, line: int) -> tuple[int, int]:
    """Where a member begins, and how many newlines after it the line begins."""
    newlines = line - 1
    if not newlines:
        return 0, 0
    segment = (
        transcript.segments.select_related("blob")
        .filter(newlines_before__lt=newlines)
        .order_by("-number")[0]
    )
    newlines -= segment.newlines_before
    member = members.Table(segment.blob.members).after_newline(newlines)
    return segment.first_offset + member.raw_offset, newlines - member.newlines_before
