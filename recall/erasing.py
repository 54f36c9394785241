"""Erasing: one path for whatever is to be gone for good, over rows, index and bytes.

`erase` makes it invisible and writes the receipt, in one transaction; `carry_out`, a
job, removes what takes long and the bytes; `purge`, another, what is left of its words
in the index's files. Both jobs may be stopped anywhere and begun again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

import changes
from access import idempotency, tokens
from access.models import Token
from audit import trail
from audit.trail import Actor
from blobs import erasing as blob_erasing
from erasures import receipts, tombstones
from erasures.models import Erasure
from erasures.receipts import NothingToErase
from jobs import outbox
from keystore import generations
from knowledge import erasing as document_erasing
from knowledge.models import Document, Version
from memories import erasing as memory_erasing
from memories import reading as memory_reading
from memories.models import Memory, Revision
from recall import redacting
from refusals import InvalidArgument, Refusal
from search import passages, purging
from sessions import erasing as transcript_erasing
from sessions.models import Segment, Transcript, TranscriptQuerySet
from workspaces import registering
from workspaces.models import Workspace

Kind = Erasure.Kind
Renew = Callable[[], None]
Clock = Callable[[], datetime]

_AT_ONCE = 50
_DOCUMENT_KINDS = {
    Kind.DOCUMENT: Document.Kind.KNOWLEDGE,
    Kind.OVERVIEW: Document.Kind.OVERVIEW,
}


@dataclass(frozen=True)
class Target:
    """What to erase, by names that mean the same in a restored database.

    `name` is a memory's id, a document's path, a session or session/agent, a
    workspace_id, a token's number or a secret's fingerprint. `since` leaves what a
    token wrote before alone.
    """

    kind: str
    name: str
    workspace_slug: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        place = f" in {self.workspace_slug}" if self.workspace_slug else ""
        since = f" since {self.since.isoformat()}" if self.since else ""
        return f"{self.kind} {self.name}{place}{since}"


def of_document(document: Document) -> Target:
    kind = Kind.OVERVIEW if document.kind == Document.Kind.OVERVIEW else Kind.DOCUMENT
    return Target(kind, document.path, document.workspace.slug)


def of_transcript(transcript: Transcript) -> Target:
    return Target(Kind.TRANSCRIPT, str(transcript), transcript.workspace.slug)


def of_memory(memory: Memory) -> Target:
    return Target(Kind.MEMORY, str(memory.memory_id), memory.workspace.slug)


def of_workspace(workspace: Workspace) -> Target:
    return Target(Kind.WORKSPACE, workspace.slug, workspace.slug)


def erase(
    target: Target, *, actor: Actor, at: datetime, receipt_id: uuid.UUID | None = None
) -> Erasure:
    """Make something invisible for good and give the receipt; the rest is a job.

    Of a token, and of a secret, each piece goes with the job. `receipt_id` is that of
    a tombstone that is replayed. Raises NothingToErase, InvalidArgument, and
    StorageFull and StorageUnavailable where the tombstone cannot be written.
    """
    with transaction.atomic():
        if target.kind == Kind.MEMORY:
            memory = memory_of(target)
            return memory_erasing.erase(
                memory=memory, actor=actor, at=at, receipt_id=receipt_id
            )
        erasure = receipts.new(
            kind=target.kind,
            target=target.name,
            workspace_slug=target.workspace_slug,
            since=target.since,
            receipt_id=receipt_id,
            at=at,
        )
        begin = _BEGIN.get(target.kind)
        if begin is None:
            raise InvalidArgument(f"A {target.kind[:20]!r} cannot be erased.")
        erasure.save()
        begin(target, erasure, actor)
        return receipts.acknowledge(erasure, actor=actor)


def carry_out(receipt_id: str, *, renew: Renew, clock: Clock) -> None:
    """Do what is left of an erasure: its pieces, its passages, its bytes.

    Safe to run twice, at once, and to stop anywhere. Calls `renew` before each step.
    """
    erasure = Erasure.objects.filter(receipt_id=receipt_id).first()
    if erasure is None or erasure.carried_out_at is not None:
        return
    work = _WORK.get(erasure.kind)
    if work is not None:
        work(erasure, renew, clock)
    transcript_erasing.drop_passages(erasure, renew=renew)
    _drop_blobs(erasure, renew=renew, clock=clock)
    with transaction.atomic():
        erasure.refresh_from_db()
        erasure.mark_carried_out(at=clock())
        outbox.ask(verb=receipts.PURGE, subject="all", at=clock())
        trail.record(
            actor=Actor(name=erasure.erased_by, transport="job"),
            action="erasure.carry_out",
            at=clock(),
            workspace_slug=erasure.workspace_slug,
            target=erasure.target,
            detail={
                "receipt_id": str(erasure.receipt_id),
                "kind": erasure.kind,
                **erasure.counts,
            },
        )


def purge(*, renew: Renew, clock: Clock) -> int:
    """Write the index anew where erased words are left; returns how many erasures.

    Safe to run twice and to stop anywhere.
    """
    waiting = list(Erasure.objects.unpurged().values_list("pk", flat=True))
    if waiting:
        kinds = ["memory", Document.Kind.KNOWLEDGE.value, "transcript"]
        purging.purge(kinds=kinds, renew=renew)
        generations.forget_answers()
    return Erasure.objects.filter(pk__in=waiting).mark_purged(at=clock())


def finish(erasure: Erasure, *, renew: Renew, clock: Clock) -> None:
    """Do all that is left of an erasure here and now, for an operator who waits."""
    carry_out(str(erasure.receipt_id), renew=renew, clock=clock)
    for part in erasure.parts.order_by("pk"):
        carry_out(str(part.receipt_id), renew=renew, clock=clock)
    purge(renew=renew, clock=clock)
    erasure.refresh_from_db()


# -- what happens at once --------------------------------------------------------------


def _erase_document(target: Target, erasure: Erasure, actor: Actor) -> None:
    erasure.counts = document_erasing.remove(
        document_of(target), erasure=erasure, at=erasure.erased_at
    )
    idempotency.forget_answers([target.name])


def _erase_transcript(target: Target, erasure: Erasure, actor: Actor) -> None:
    session_id, _, agent_id = target.name.partition("/")
    workspace = workspace_of(target)
    transcripts_of(target)
    erasure.counts = transcript_erasing.remove(
        workspace, session_id, agent_id, erasure=erasure, at=erasure.erased_at
    )
    idempotency.forget_answers([session_id])


def _erase_workspace(target: Target, erasure: Erasure, actor: Actor) -> None:
    workspace = Workspace.objects.select_for_update().filter(slug=target.name).first()
    if workspace is None or workspace.erased_at is not None:
        raise NothingToErase(f"There is no {target}.")
    pinned = Token.objects.filter(workspace=workspace)
    erasure.counts = {
        "tokens": tokens.revoke(pinned, actor=actor, at=erasure.erased_at)
    }
    # Revoked ones stay behind old audit events, the workspace does not.
    pinned.update(workspace=None)
    erasure.facts = {"workspace": workspace.pk}
    if workspace.machine != registering.CONTAINER:
        # A machine would register it again; a container is made by who writes there.
        erasure.facts["identity"] = registering.identity_digest(
            machine=workspace.machine, tool=workspace.tool, project=workspace.project
        )
    workspace.hide(name=f"erased-{erasure.receipt_id}", at=erasure.erased_at)
    idempotency.forget_answers([target.name])
    changes.tell_list("resources")


def _erase_token(target: Target, erasure: Erasure, actor: Actor) -> None:
    token_id = token_id_of(target)
    chosen = Token.objects.filter(pk=token_id)
    if not chosen.exists() and not written_by(token_id, target.since):
        raise NothingToErase(f"There is no {target}.")
    if target.since is None:
        revoked = tokens.revoke(chosen, actor=actor, at=erasure.erased_at)
        erasure.counts = {"tokens_revoked": revoked}


def _erase_secret(target: Target, erasure: Erasure, actor: Actor) -> None:
    erasure.facts = {"rule": redacting.rule_of(target.name)}


# -- what takes longer -----------------------------------------------------------------


def _empty_workspace(erasure: Erasure, renew: Renew, clock: Clock) -> None:
    workspace = Workspace.objects.filter(pk=erasure.facts["workspace"]).first()
    if workspace is None:
        return
    actor = Actor(name=erasure.erased_by, transport="job")
    while workspace.memory_set.exists():
        renew()
        with transaction.atomic():
            memory_erasing.wait_for_others()
            some = workspace.memory_set.select_related("workspace").order_by("pk")
            batch = list(some.select_for_update(of=("self",))[:_AT_ONCE])
            if batch:
                gone = memory_erasing.remove(batch, actor=actor, at=clock())
                erasure.add_counts(gone)
    document_erasing.remove_all(workspace, erasure=erasure, renew=renew)
    transcript_erasing.remove_all(workspace, erasure=erasure, renew=renew)
    passages.drop_workspace(workspace.pk, renew=renew)
    renew()
    with transaction.atomic():
        Token.objects.filter(workspace=workspace).update(
            workspace=None, revoked_at=clock(), revoked_by=erasure.erased_by[:150]
        )
        workspace.delete()


def _undo_token(erasure: Erasure, renew: Renew, clock: Clock) -> None:
    token_id, since = int(erasure.target), erasure.since
    actor = Actor(name=erasure.erased_by, transport="job")
    written = written_by(token_id, since)
    for memory in _each(written.memories, renew):
        memory_erasing.undo(memory=memory, erasure=erasure, actor=actor, at=clock())
    for memory in _each(written.revised, renew):
        mine = written.revisions.filter(memory=memory)
        memory_erasing.undo_revisions(
            memory=memory,
            numbers=list(mine.values_list("number", flat=True)),
            erasure=erasure,
            actor=actor,
            at=clock(),
        )
    for document in _each(written.documents, renew):
        _undo_document(document, written, erasure, actor=actor, at=clock())
    for transcript in _each(written.transcripts, renew):
        _undo_transcript(transcript, written, erasure, actor=actor, at=clock())
    renew()
    memory_erasing.forget_calls(erasure, token_id=token_id, since=since)


def _undo_document(
    document: Document,
    written: Written,
    erasure: Erasure,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    mine = written.versions.filter(document=document)
    others = document.versions.exclude(pk__in=mine.values("pk")).exclude(blob=None)
    target = of_document(document)
    with transaction.atomic():
        part = _part(erasure, target, is_partial=others.exists(), at=at)
        if part.is_partial:
            numbers = list(mine.values_list("number", flat=True))
            part.counts = document_erasing.undo(
                document, numbers, erasure=part, actor=actor, at=at
            )
        else:
            part.counts = document_erasing.remove(document, erasure=part, at=at)
        idempotency.forget_answers([target.name])
        _acknowledge_part(part, erasure, actor=actor)


def _undo_transcript(
    transcript: Transcript,
    written: Written,
    erasure: Erasure,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    with transaction.atomic():
        part = _part(erasure, of_transcript(transcript), is_partial=True, at=at)
        part.counts, part.is_partial = transcript_erasing.undo(
            transcript, written.segments, erasure=part, at=at
        )
        if not part.counts:
            part.delete()
            return
        idempotency.forget_answers([transcript.session_id])
        _acknowledge_part(part, erasure, actor=actor)


def _part(
    erasure: Erasure, target: Target, *, is_partial: bool, at: datetime
) -> Erasure:
    part = receipts.new(
        kind=target.kind,
        target=target.name,
        workspace_slug=target.workspace_slug,
        since=erasure.since,
        is_partial=is_partial,
        parent=erasure,
        at=at,
    )
    part.save()
    return part


def _acknowledge_part(part: Erasure, erasure: Erasure, *, actor: Actor) -> None:
    receipts.acknowledge(part, actor=actor)
    erasure.add_counts(part.counts)


def _redact(erasure: Erasure, renew: Renew, clock: Clock) -> None:
    redacting.redact(erasure, renew=renew, clock=clock)


def _drop_blobs(erasure: Erasure, *, renew: Renew, clock: Clock) -> None:
    for row in erasure.blobs.unsettled().order_by("pk").iterator(chunk_size=500):
        renew()
        is_gone = blob_erasing.erase(row.sha256)
        row.settle(is_kept=not is_gone, at=clock())
    blob_erasing.clear_leftovers()
    links = [
        (row.sha256, row.replaced_by) for row in erasure.blobs.exclude(replaced_by="")
    ]
    if links:
        tombstones.write_links(erasure, links, at=clock())
    with transaction.atomic():
        erasure.set_counts(
            {
                "blobs": erasure.blobs.filter(is_kept=False).count(),
                "shared_blobs": erasure.blobs.filter(is_kept=True).count(),
            }
        )


# -- what a token wrote ----------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """Rows that a token wrote, from a time on."""

    memories: Any
    revisions: Any
    versions: Any
    segments: Any

    def __bool__(self) -> bool:
        return any(
            rows.exists()
            for rows in (self.memories, self.revisions, self.versions, self.segments)
        )

    @property
    def revised(self) -> Any:
        return Memory.objects.filter(pk__in=self.revisions.values("memory"))

    @property
    def documents(self) -> Any:
        chosen = Document.objects.filter(pk__in=self.versions.values("document"))
        return chosen.select_related("workspace")

    @property
    def transcripts(self) -> Any:
        """One revision of each session and agent that it wrote to."""
        chosen = Transcript.objects.filter(pk__in=self.segments.values("transcript"))
        one_each = chosen.order_by(
            "workspace_id", "session_id", "agent_id", "-revision"
        ).distinct("workspace_id", "session_id", "agent_id")
        return Transcript.objects.filter(pk__in=one_each.values("pk")).select_related(
            "workspace"
        )


def written_by(token_id: int, since: datetime | None) -> Written:
    """What a token wrote, from a time on."""
    when = {"created_at__gte": since} if since else {}
    mine = {"token_id": token_id, **when}
    memories = Memory.objects.filter(**mine).select_related("workspace")
    return Written(
        memories=memories,
        revisions=Revision.objects.filter(**mine).exclude(
            memory__in=memories.values("pk")
        ),
        # Deletions too: what was deleted comes back.
        versions=Version.objects.filter(**mine),
        segments=Segment.objects.filter(**mine),
    )


def _each(rows: Any, renew: Renew) -> Iterable[Any]:
    """These rows as they were listed; some may be gone when their turn comes."""
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)):
        renew()
        row = rows.model.objects.select_related("workspace").filter(pk=pk).first()
        if row is not None:
            yield row


def memory_of(target: Target) -> Memory:
    """The memory that a target names; raises NothingToErase."""
    try:
        return memory_reading.find(target.name, workspaces=Workspace.objects.all())
    except Refusal as error:
        raise NothingToErase(f"There is no {target}.") from error


def workspace_of(target: Target) -> Workspace:
    """The workspace that a target is in; raises NothingToErase."""
    found = Workspace.objects.standing().filter(slug=target.workspace_slug).first()
    if found is None:
        raise NothingToErase(f"There is no workspace {target.workspace_slug!r}.")
    return found


def document_of(target: Target) -> Document:
    """The document or overview that a target names; raises NothingToErase."""
    document = Document.objects.filter(
        workspace=workspace_of(target),
        kind=_DOCUMENT_KINDS[Kind(target.kind)],
        path=target.name,
    ).first()
    if document is None:
        raise NothingToErase(f"There is no {target}.")
    return document


def transcripts_of(target: Target) -> TranscriptQuerySet:
    """Every revision that a target names; raises NothingToErase."""
    session_id, _, agent_id = target.name.partition("/")
    found = transcript_erasing.named(workspace_of(target), session_id, agent_id)
    if not found.exists():
        raise NothingToErase(f"There is no {target}.")
    return found.order_by("pk")


def token_id_of(target: Target) -> int:
    """The number that a target names; raises InvalidArgument."""
    if not target.name.isdigit() or len(target.name) > 18:
        raise InvalidArgument(
            "A token is named by its number.", hint="list_tokens shows the numbers."
        )
    return int(target.name)


Begin = Callable[[Target, Erasure, Actor], None]
Work = Callable[[Erasure, Renew, Clock], None]
_BEGIN: dict[str, Begin] = {
    Kind.DOCUMENT: _erase_document,
    Kind.OVERVIEW: _erase_document,
    Kind.TRANSCRIPT: _erase_transcript,
    Kind.WORKSPACE: _erase_workspace,
    Kind.TOKEN: _erase_token,
    Kind.SECRET: _erase_secret,
}
_WORK: dict[str, Work] = {
    Kind.WORKSPACE: _empty_workspace,
    Kind.TOKEN: _undo_token,
    Kind.SECRET: _redact,
}
