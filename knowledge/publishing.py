"""Writing documents: every change is a new version, nothing is ever written over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

import changes
from audit import trail
from blobs import store
from blobs.models import Blob
from erasures import receipts
from erasures.models import Erasure
from jobs import outbox
from knowledge import citing, markdown, paths, reading, texts
from knowledge.models import Document, Version
from knowledge.reading import OVERVIEW_PATH, DocumentNotFound, VersionNotFound
from refusals import Code, Refusal
from search import passages
from workspaces.models import Workspace

INDEX = "knowledge.index"
SYNC = "sync"
_MAX_CONFLICT_CHARS = 20_000


class VersionConflict(Refusal):
    """Somebody wrote meanwhile; the detail carries what stands there now."""

    code = Code.VERSION_CONFLICT
    hint = "Merge your text with current_text and send it for current_version."


@dataclass(frozen=True)
class Published:
    document: Document
    version_number: int
    changed: bool


def publish(
    *,
    workspace: Workspace,
    kind: str = Document.Kind.KNOWLEDGE,
    path: str,
    text: str,
    expected_version: int | None = None,
    sha256: str | None = None,
    channel: str,
    actor: trail.Actor,
    at: datetime,
) -> Published:
    """Make a text the newest version of a document.

    The text that already stands there changes nothing, whatever version was expected.
    `expected_version` 0 means that the document must not exist yet. Raises PathInvalid,
    VersionConflict, receipts.Erased for what a sync client sends to an erased path, and
    the errors of texts.checked and blobs.store.
    """
    is_overview = kind == Document.Kind.OVERVIEW
    path = OVERVIEW_PATH if is_overview else paths.normalise(path)
    most = settings.MAX_OVERVIEW_BYTES if is_overview else settings.MAX_DOCUMENT_BYTES
    raw = _redacted(texts.checked(text, max_bytes=most, sha256=sha256))
    text, digest = raw.decode(), hashlib.sha256(raw).hexdigest()
    with transaction.atomic():
        if channel == SYNC:
            # A machine sends its files again and again; people mean what they write.
            receipts.refuse_erased(Erasure.Kind.DOCUMENT, workspace.slug, path)
        document = _locked_or_new(workspace, kind, path, actor=actor, at=at)
        if document.deleted_at is None and document.sha256 == digest:
            return Published(document, document.version_number, changed=False)
        _expect(document, expected_version)
        with store.stage([raw], max_bytes=most) as staged:
            blob = store.keep(staged, at=at)
        document.advance(
            title=markdown.title(text, path=path),
            summary=markdown.summary(text),
            sha256=blob.sha256,
            size_bytes=blob.size_bytes,
        )
        verb = "overview.write" if is_overview else "knowledge.publish"
        version = _append(
            document, verb=verb, blob=blob, channel=channel, actor=actor, at=at
        )
    return Published(document, version.number, changed=True)


def delete(
    *,
    workspace: Workspace,
    path: str,
    expected_version: int | None = None,
    channel: str,
    actor: trail.Actor,
    at: datetime,
) -> Version:
    """Put a tombstone on a document; its versions stay readable and restorable.

    Search stops finding it when this commits. Raises PathInvalid, DocumentNotFound
    (also where it is deleted already) and VersionConflict.
    """
    found = reading.find(workspace=workspace, path=path)
    with transaction.atomic():
        document = _locked(found)
        if document.deleted_at is not None:
            raise DocumentNotFound(
                f"{document.path} is deleted already.",
                hint="Its earlier versions can be restored.",
                deleted_by_version=document.version_number,
            )
        _expect(document, expected_version)
        document.bury(at=at)
        passages.remove(source_of(document))
        return _append(
            document,
            verb="knowledge.delete",
            blob=None,
            channel=channel,
            actor=actor,
            at=at,
        )


def restore(
    *, document: Document, number: int, actor: trail.Actor, at: datetime
) -> Published:
    """Make the text of an old version the newest one.

    It keeps the channel that the text first came through: bringing it back makes it no
    more trustworthy. Raises VersionNotFound, also for a version that is a deletion.
    """
    old = reading.version_of(document, number)
    if old.blob is None:
        raise VersionNotFound(f"Version {number} is a deletion and has no text.")
    with transaction.atomic():
        document = _locked(document)
        if document.deleted_at is None and document.sha256 == old.blob.sha256:
            return Published(document, document.version_number, changed=False)
        version = stand_on(document, old, actor=actor, at=at)
    return Published(document, version.number, changed=True)


def stand_on(
    document: Document, old: Version | None, *, actor: trail.Actor, at: datetime
) -> Version:
    """Make an earlier version of a locked document the newest; None deletes it."""
    if old is None or old.blob is None:
        document.bury(at=at)
        return _append(
            document,
            verb="knowledge.delete",
            blob=None,
            channel="operator",
            actor=actor,
            at=at,
        )
    text = reading.text_of(old)
    document.advance(
        title=markdown.title(text, path=document.path),
        summary=markdown.summary(text),
        sha256=old.blob.sha256,
        size_bytes=old.blob.size_bytes,
    )
    return _append(
        document,
        verb="knowledge.restore",
        blob=old.blob,
        channel=old.channel,
        actor=actor,
        at=at,
        restored=old.number,
    )


def source_of(document: Document) -> passages.Source:
    """Under which name search keeps a document's passages."""
    return passages.Source(document.workspace_id, document.kind, document.pk)


def _redacted(raw: bytes) -> bytes:
    """What took the place of these bytes when a secret was taken out of them."""
    digest = hashlib.sha256(raw).hexdigest()
    instead = receipts.replacements([digest]).get(digest)
    blob = Blob.objects.filter(sha256=instead).first() if instead else None
    return b"".join(store.read(blob)) if blob else raw


def _locked_or_new(
    workspace: Workspace, kind: str, path: str, *, actor: trail.Actor, at: datetime
) -> Document:
    # A twin that makes the same document waits in its INSERT until this transaction
    # ends, then finds the row and waits for nothing more.
    document, _ = Document.objects.get_or_create(
        workspace=workspace,
        kind=kind,
        path=path,
        defaults={
            "version_number": 0,
            "size_bytes": 0,
            "created_at": at,
            "updated_at": at,
            "updated_by": actor.name[:200],
        },
    )
    return _locked(document)


def _locked(document: Document) -> Document:
    return (
        Document.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=document.pk)
    )


def _append(
    document: Document,
    *,
    verb: str,
    blob: Blob | None,
    channel: str,
    actor: trail.Actor,
    at: datetime,
    **detail: int,
) -> Version:
    """Give the locked document its next version, and tell everyone who must know."""
    number = document.version_number + 1
    document.stamp(number=number, by=actor.name, at=at)
    version = Version.objects.create(
        document=document,
        number=number,
        blob=blob,
        is_tombstone=blob is None,
        created_at=at,
        created_by=actor.name[:200],
        channel=channel,
        token_id=actor.token_id,
    )
    trail.record(
        actor=actor,
        action=verb,
        at=at,
        workspace_slug=document.workspace.slug,
        target=document.path,
        detail={
            "version": number,
            "sha256": document.sha256,
            "size_bytes": document.size_bytes,
            **detail,
        },
    )
    if blob is not None and document.kind == Document.Kind.KNOWLEDGE:
        outbox.ask(verb=INDEX, subject=str(document.pk), at=at)
    uri = citing.resource(document)
    changes.tell(uri)
    if document.kind == Document.Kind.OVERVIEW and number == 1:
        changes.tell_list("resources", uri=uri)
    document.workspace.mark_active(at=at)
    return version


def _expect(document: Document, expected_version: int | None) -> None:
    """Raise VersionConflict unless the document stands where the writer thinks."""
    is_gone = document.version_number == 0 or document.deleted_at is not None
    if expected_version in (None, document.version_number):
        return
    if expected_version == 0 and is_gone:
        return
    shown = ""
    if not is_gone:
        current = reading.version_of(document, document.version_number)
        shown = "".join(texts.shown_lines(reading.text_of(current)))
    raise VersionConflict(
        f"{document.path} is at version {document.version_number}, "
        f"not {expected_version}.",
        current_version=document.version_number,
        current_sha256=document.sha256,
        current_text=shown[:_MAX_CONFLICT_CHARS],
        truncated=len(shown) > _MAX_CONFLICT_CHARS,
        deleted=document.deleted_at is not None,
    )
