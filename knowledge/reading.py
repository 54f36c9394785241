"""Reading documents at any version or time; everything that leaves here is masked."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime

from blobs import store
from knowledge import paths, texts
from knowledge.models import Document, Version
from refusals import Code, InvalidArgument, Refusal
from workspaces.models import Workspace

OVERVIEW_PATH = "overview.md"
# Past so many changed lines a difference is shown as one block taken out and one put
# in: finding the shortest one takes time quadratic in them.
_MAX_COMPARED_LINES = 5000


class DocumentNotFound(Refusal):
    code = Code.DOCUMENT_NOT_FOUND
    hint = "Call list_knowledge for the paths there are."


class VersionNotFound(Refusal):
    code = Code.VERSION_NOT_FOUND
    hint = "Call read_knowledge with history to see the versions there are."


@dataclass(frozen=True)
class Page:
    """A piece of one version of a document.

    `next_line` is where to go on, None at the end. A page that was cut for its budget
    is `truncated`; `cut_line` is a line that alone was longer than the whole budget.
    """

    document: Document
    version: Version
    text: str
    first_line: int
    total_lines: int
    next_line: int | None
    truncated: bool
    cut_line: int | None = None

    @property
    def version_number(self) -> int:
        return self.version.number


def read(
    *,
    workspace: Workspace,
    path: str,
    kind: str = Document.Kind.KNOWLEDGE,
    version: int | None = None,
    as_of: datetime | None = None,
    first_line: int = 1,
    line_count: int | None = None,
    max_chars: int = 20_000,
) -> Page:
    """Read the newest version, a given one, or the one that stood at a time.

    Raises PathInvalid, DocumentNotFound (also where the version is a deletion),
    VersionNotFound, and InvalidArgument for bounds below 1 or both ways at once.
    """
    if min(first_line, line_count or 1, max_chars) < 1 or line_count == 0:
        raise InvalidArgument(
            "first_line, line_count and max_chars start at 1.",
            hint="Leave them out to read from the beginning.",
        )
    document = find(workspace=workspace, path=path, kind=kind)
    chosen = _choose(document, version=version, as_of=as_of)
    lines = texts.shown_lines(text_of(chosen))
    last = len(lines) if line_count is None else first_line - 1 + line_count
    wanted = lines[first_line - 1 : last]
    kept, cut = _within(wanted, max_chars)
    next_line = first_line + max(len(kept), 1)
    return Page(
        document=document,
        version=chosen,
        text="".join(kept),
        first_line=first_line,
        total_lines=len(lines),
        next_line=next_line if next_line <= len(lines) else None,
        truncated=cut or len(kept) < len(wanted),
        cut_line=first_line if cut else None,
    )


def find(
    *, workspace: Workspace, path: str, kind: str = Document.Kind.KNOWLEDGE
) -> Document:
    """Find a document, deleted or not; raises PathInvalid and DocumentNotFound."""
    is_knowledge = kind == Document.Kind.KNOWLEDGE
    path = paths.normalise(path) if is_knowledge else OVERVIEW_PATH
    document = Document.objects.filter(
        workspace=workspace, kind=kind, path=path
    ).first()
    if document is None:
        raise DocumentNotFound(f"{workspace.slug} has no document {path!r}.")
    return document


def version_of(document: Document, number: int) -> Version:
    """Find a version by its number; raises VersionNotFound."""
    # PostgreSQL's integers end here; a larger number names nothing.
    within = 0 < number < 2**31
    found = document.versions.filter(number=number).select_related("blob").first()
    if not within or found is None:
        raise VersionNotFound(
            f"{document.path} has no version {number}.",
            current_version=document.version_number,
        )
    return found


def history(document: Document) -> list[Version]:
    """Every version, newest first."""
    return list(document.versions.select_related("blob").order_by("-number"))


def diff(document: Document, old: int, new: int) -> str:
    """The unified difference between two versions, masked; empty where they agree.

    A deletion counts as an empty text. Raises VersionNotFound.
    """
    before, after = (
        texts.shown_lines(text_of(version_of(document, number)))
        for number in (old, new)
    )
    names = (f"{document.path} version {old}", f"{document.path} version {new}")
    if max(len(before), len(after)) > _MAX_COMPARED_LINES:
        found = _rough_difference(before, after, names)
    else:
        found = list(difflib.unified_diff(before, after, *names))
    return "".join(line if line.endswith("\n") else line + "\n" for line in found)


def text_of(version: Version) -> str:
    """The verbatim text, for those that mask it themselves; empty for a deletion."""
    return store.read_text(version.blob) if version.blob else ""


def _choose(
    document: Document, *, version: int | None, as_of: datetime | None
) -> Version:
    if version is not None and as_of is not None:
        raise InvalidArgument(
            "Give version or as_of, not both.", hint="Leave one of them out."
        )
    if as_of is not None:
        chosen = (
            document.versions.filter(created_at__lte=as_of)
            .select_related("blob")
            .order_by("-number")
            .first()
        )
        if chosen is None:
            raise VersionNotFound(f"{document.path} did not exist yet at that time.")
    else:
        chosen = version_of(document, version or document.version_number)
    if chosen.is_tombstone:
        raise DocumentNotFound(
            f"{document.path} was deleted by version {chosen.number}.",
            hint=f"Its text is in the versions below {chosen.number}.",
            deleted_by_version=chosen.number,
        )
    return chosen


def _within(lines: list[str], max_chars: int) -> tuple[list[str], bool]:
    """The whole lines that fit, else the head of the first; says if it was cut."""
    left = max_chars
    for index, line in enumerate(lines):
        left -= len(line)
        if left < 0:
            return (lines[:index], False) if index else ([line[:max_chars]], True)
    return lines, False


def _rough_difference(
    before: list[str], after: list[str], names: tuple[str, str]
) -> list[str]:
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while (
        tail < min(len(before), len(after)) - head
        and before[len(before) - 1 - tail] == after[len(after) - 1 - tail]
    ):
        tail += 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(len(old), len(new)) <= _MAX_COMPARED_LINES:
        return list(difflib.unified_diff(before, after, *names))
    return [
        f"--- {names[0]}\n",
        f"+++ {names[1]}\n",
        f"@@ -{head + 1},{len(old)} +{head + 1},{len(new)} @@\n",
        *("-" + line for line in old),
        *("+" + line for line in new),
    ]
