"""Citations of documents: where lines stand, and the digest that proves them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import quote

from knowledge import reading, texts
from knowledge.models import Document
from refusals import Code, Refusal
from workspaces.models import Workspace


class LinesNotFound(Refusal):
    """The document has fewer lines than the citation names."""

    code = Code.CITATION_NOT_FOUND
    hint = "Search again for a citation of what stands there now."


def uri(document: Document, *, version: int, first_line: int, last_line: int) -> str:
    """Where lines of a version stand; `document.workspace` is read."""
    return f"{resource(document)}?version={version}#L{first_line}-L{last_line}"


def resource(document: Document) -> str:
    """The URI of a document, whichever version is the newest."""
    place = (
        f"knowledge/{quote(document.path)}"
        if document.kind == Document.Kind.KNOWLEDGE
        else reading.OVERVIEW_PATH
    )
    return f"memory://{document.workspace.slug}/{place}"


def lines_sha256(
    *,
    workspace: Workspace,
    path: str,
    kind: str = Document.Kind.KNOWLEDGE,
    version: int | None = None,
    first_line: int,
    last_line: int,
) -> str:
    """Recompute the digest of cited lines from the archived bytes.

    Without `version` it is the newest one. Raises PathInvalid, DocumentNotFound,
    VersionNotFound, LinesNotFound and blobs.store.BlobDamaged.
    """
    document = reading.find(workspace=workspace, path=path, kind=kind)
    chosen = reading.version_of(
        document, document.version_number if version is None else version
    )
    lines = texts.lines(reading.text_of(chosen))
    if not 1 <= first_line <= last_line <= len(lines):
        raise LinesNotFound(
            f"{document.path} version {chosen.number} has {len(lines)} lines."
        )
    return digest(lines[first_line - 1 : last_line])


def digest(lines: Iterable[str]) -> str:
    """The SHA-256 of verbatim lines, joined as in the bytes."""
    return hashlib.sha256("".join(lines).encode()).hexdigest()
