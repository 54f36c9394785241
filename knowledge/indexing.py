"""Making the newest version of a document findable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from knowledge import citing, markdown, reading, texts
from knowledge.models import Document, Version
from knowledge.publishing import source_of
from search import passages

ROLE = "document"


def index(document_id: int, *, at: datetime) -> None:
    """Replace a document's passages by those of its newest version.

    Safe to run twice, at once, and for a document that is gone or deleted: its passages
    are removed then. Overviews are read whole, never searched.
    """
    with transaction.atomic():
        # Writers of this document wait; so what becomes findable is never outdated.
        document = (
            Document.objects.select_for_update(of=("self",))
            .filter(pk=document_id, kind=Document.Kind.KNOWLEDGE)
            .first()
        )
        if document is None:
            return
        version = reading.version_of(document, document.version_number)
        source = source_of(document)
        passages.remove(source)
        passages.add(source, _messages(document, version), at=at)
        document.mark_indexed(number=version.number)


def _messages(document: Document, version: Version) -> Iterator[passages.Message]:
    text = reading.text_of(version)
    lines = texts.lines(text)
    # Half a private key would not be known for one; so no section ends inside a secret.
    whole = texts.secret_line_ranges(text)
    for position, section in enumerate(markdown.sections(lines, whole=whole)):
        cited = lines[section.first_line - 1 : section.last_line]
        yield passages.Message(
            position=position,
            first_line=section.first_line,
            last_line=section.last_line,
            lines_sha256=citing.digest(cited),
            role=ROLE,
            speaker=version.created_by,
            channel=version.channel,
            at=version.created_at,
            text="".join(cited),
            path=document.path,
        )
