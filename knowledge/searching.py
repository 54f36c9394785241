"""Searching documents: search's passages, with what only this app knows about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from knowledge import citing
from knowledge.models import Document
from search import finding, passages
from search.question import Mode


@dataclass(frozen=True)
class DocumentHit:
    """Lines of a document that answer, proved by their URI and `passage.lines_sha256`.

    `document.workspace` is loaded. `passage` holds snippet, score, lines, role, time,
    channel and speaker, which is who wrote the version.
    """

    passage: finding.Hit
    document: Document
    version_number: int
    citation_uri: str


@dataclass(frozen=True)
class DocumentResults:
    """Hits, best first, and how complete the search was.

    `pending_words` counts documents of the searched scope whose newest text cannot be
    found yet, `pending_vectors` passages that are found by words but not by meaning.
    """

    hits: list[DocumentHit]
    has_more: bool
    max_passage_id: int
    pending_words: int
    pending_vectors: int
    searched: finding.Searched


def search(
    *,
    workspace_ids: Sequence[int],
    text: str,
    mode: Mode = "hybrid",
    path_prefix: str = "",
    after: datetime | None = None,
    before: datetime | None = None,
    limit: int = 10,
    offset: int = 0,
    max_passage_id: int | None = None,
    case_sensitive: bool = False,
    group_by_document: bool = False,
    explain: bool = False,
) -> DocumentResults:
    """Search the current documents of these workspaces.

    `after` and `before` bound when the version was written. For the next page pass the
    first page's `max_passage_id` and a larger `offset`. Raises what search.finding.find
    raises.
    """
    found = finding.find(
        finding.Query(
            text=text,
            mode=mode,
            workspace_ids=workspace_ids,
            kinds=[Document.Kind.KNOWLEDGE],
            limit=limit,
            offset=offset,
            max_passage_id=max_passage_id,
            after=after,
            before=before,
            path_prefix=path_prefix,
            case_sensitive=case_sensitive,
            group_by_source=group_by_document,
            explain=explain,
        )
    )
    return DocumentResults(
        hits=with_documents(found.hits),
        has_more=found.has_more,
        max_passage_id=found.max_passage_id,
        pending_words=Document.objects.count_waiting(
            workspace_ids, path_prefix=path_prefix
        ),
        pending_vectors=found.vectors_pending,
        searched=found.searched,
    )


def with_documents(hits: Sequence[finding.Hit]) -> list[DocumentHit]:
    """The hits whose document still has them, in their order."""
    if not hits:
        return []
    documents = Document.objects.of_hits({hit.source_id for hit in hits})
    # Indexing replaces passages and indexed_version together. A passage that is still
    # here after the documents were read belongs to the version they named.
    standing = passages.standing([hit.passage_id for hit in hits])
    return [
        _with_document(hit, documents[hit.source_id])
        for hit in hits
        if hit.passage_id in standing and hit.source_id in documents
    ]


def _with_document(hit: finding.Hit, document: Document) -> DocumentHit:
    version_number = document.indexed_version
    return DocumentHit(
        passage=hit,
        document=document,
        version_number=version_number,
        citation_uri=citing.uri(
            document,
            version=version_number,
            first_line=hit.first_line,
            last_line=hit.last_line,
        ),
    )
