"""Keeping uploaded transcripts, which only ever grow.

An upload says what a client's file holds: all of it, or what follows a prefix that the
client names by length and digest. Compared with what is kept, those bytes are the same,
a continuation, a shorter state of it, or something else, which opens a new revision.
Where secrets were taken out, a client's file is compared as if they were not in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Literal

from django.conf import settings
from django.db import transaction

import changes
from audit import trail
from audit.trail import Actor
from blobs import crash, store
from blobs.store import HashMismatch, Staged
from erasures import receipts
from erasures.models import Erasure
from refusals import Code, InvalidArgument, Refusal
from sessions import citing, exclusion, indexing, prefixes, raw, redacting
from sessions.models import Segment, Transcript
from telemetry import metrics
from workspaces.models import Workspace

Outcome = Literal["stored", "deduplicated", "appended", "forked", "stale"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# How many revisions, newest first, an upload is compared with. Two machines that took
# the same session in different directions each keep growing their own.
_COMPARED_REVISIONS = 8


class BaseMismatch(Refusal):
    """An append to bytes that are not what is kept here."""

    code = Code.BASE_MISMATCH
    hint = (
        "Compare with size_bytes and sha256 of what is kept: send what follows that, "
        "or the whole file without a base."
    )


class NothingToKeep(Refusal):
    """A first upload without a single complete line."""

    code = Code.CONTENT_REFUSED
    hint = "Send the transcript again once its first line is written."


@dataclass(frozen=True)
class Receipt:
    """What became of an upload, and the head that is kept now.

    `cut_bytes` counts the end of a half-written last line, which was left out and is
    expected again with the next upload.
    """

    outcome: Outcome
    transcript: Transcript
    sha256: str
    size_bytes: int
    line_count: int
    cut_bytes: int


def receive(
    *,
    workspace: Workspace,
    session_id: str,
    agent_id: str = "",
    chunks: Iterable[bytes],
    base_offset: int | None = None,
    base_sha256: str | None = None,
    sha256: str | None = None,
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Keep one upload durably and queue what is new for indexing.

    `sha256` is the client's digest of the body; `base_offset` and `base_sha256` say
    what came before it in the client's file. Sending the same again is safe and answers
    `deduplicated`. Raises BaseMismatch, HashMismatch, NothingToKeep, InvalidArgument,
    receipts.Erased and what store.stage raises; nothing is stored then.
    """
    base = _base(base_offset, base_sha256)
    _check_names(session_id, agent_id)
    with store.stage(
        chunks,
        max_bytes=max(settings.MAX_TRANSCRIPT_BYTES - base.size_bytes, 0),
        max_line_bytes=settings.MAX_LINE_BYTES,
        max_lines=settings.MAX_UPLOAD_LINES,
        whole_lines=True,
    ) as staged:
        if sha256 is not None and sha256.lower() != staged.received_sha256:
            raise HashMismatch("The body does not have the digest it came with.")
        metrics.count_upload(staged.size_bytes)
        cut_bytes = staged.received_bytes - staged.size_bytes
        upload = _Upload(
            workspace, session_id, agent_id, base, staged, cut_bytes, actor, at
        )
        with transaction.atomic():
            receipt = upload.settle()
            crash.point("before-commit")
        crash.point("after-commit")
    crash.point("before-reply")
    return receipt


@dataclass(frozen=True)
class _Base:
    """What precedes the body in the client's file."""

    size_bytes: int
    sha256: str


def _base(offset: int | None, sha256: str | None) -> _Base:
    if offset is not None and offset < 0:
        raise InvalidArgument("base_offset is negative.")
    if not offset:
        return _Base(0, hashlib.sha256().hexdigest())
    if sha256 is None or not _SHA256.fullmatch(sha256.lower()):
        raise InvalidArgument(
            "base_sha256 is not a SHA-256 in hexadecimal.",
            hint="Send the digest of the file's first base_offset bytes.",
        )
    return _Base(offset, sha256.lower())


def _check_names(session_id: str, agent_id: str) -> None:
    for name, value in ("session_id", session_id), ("agent_id", agent_id or "x"):
        if not _NAME.fullmatch(value):
            raise InvalidArgument(
                f"{name} is not 1 to 128 letters, digits, dots, hyphens or underscores."
            )


@dataclass(frozen=True)
class _Upload:
    """One upload on its way in; the client's file is the base and then `staged`."""

    workspace: Workspace
    session_id: str
    agent_id: str
    base: _Base
    staged: Staged
    cut_bytes: int
    actor: Actor
    at: datetime

    @property
    def size_bytes(self) -> int:
        """Of the client's file, as far as it is taken."""
        return self.base.size_bytes + self.staged.size_bytes

    def settle(self) -> Receipt:
        """Compare with what is kept and keep what is new, inside a transaction."""
        exclusion.hold(self.workspace, self.session_id)
        receipts.refuse_erased(
            Erasure.Kind.TRANSCRIPT,
            self.workspace.slug,
            self.session_id,
            f"{self.session_id}/{self.agent_id}",
        )
        lines = redacting.known_lines(self.workspace, self.session_id, self.agent_id)
        if not lines:
            return self._settle()
        if self.base.size_bytes:
            # Where its bytes were changed here, a client's offsets are not ours.
            raise _mismatch(None)
        with _restage(redacting.redacted(self.staged.read(), lines)) as staged:
            return replace(self, staged=staged)._settle()

    def _settle(self) -> Receipt:
        revisions = list(
            Transcript.objects.select_for_update(no_key=True)
            .filter(
                workspace=self.workspace,
                session_id=self.session_id,
                agent_id=self.agent_id,
            )
            .order_by("-revision")[:_COMPARED_REVISIONS]
        )
        if not revisions:
            return self._store()
        started = [
            revision
            for revision in revisions
            if prefixes.starts_with(revision, self.base.size_bytes, self.base.sha256)
        ]
        if not started:
            raise _mismatch(revisions[0])
        digests = self._digests(started)
        for revision in started:
            outcome = self._compare(revision, digests)
            if outcome == "appended":
                self._append(revision, digests[self.size_bytes])
            if outcome != "forked":
                return self._receipt(outcome, revision)
        return self._fork(revisions[0], started[0], digests[self.size_bytes])

    def _digests(self, revisions: list[Transcript]) -> dict[int, str]:
        """Of the client's file, up to its end and up to where each revision ends."""
        known = {} if self.base.size_bytes else {self.size_bytes: self.staged.sha256}
        ends = {revision.size_bytes for revision in revisions} | {self.size_bytes}
        wanted = {end for end in ends if end <= self.size_bytes} - set(known)
        if not wanted:
            return known
        return known | prefixes.digests(
            self.staged.read(),
            ends=wanted,
            start=self.base.size_bytes,
            before=prefixes.hasher(revisions[0], self.base.size_bytes),
        )

    def _compare(self, kept: Transcript, digests: dict[int, str]) -> Outcome:
        if kept.size_bytes > self.size_bytes:
            digest = digests[self.size_bytes]
            is_prefix = prefixes.starts_with(kept, self.size_bytes, digest)
            return "stale" if is_prefix else "forked"
        if digests[kept.size_bytes] != kept.head_sha256:
            return "forked"
        return "deduplicated" if kept.size_bytes == self.size_bytes else "appended"

    def _store(self) -> Receipt:
        if self.base.size_bytes:
            raise _mismatch(None)
        if not self.size_bytes:
            raise NothingToKeep("The upload holds no complete line.")
        return self._open("stored", self.staged, self.staged.sha256, previous=None)

    def _fork(self, newest: Transcript, base: Transcript, sha256: str) -> Receipt:
        with ExitStack() as stack:
            whole = self.staged
            if self.base.size_bytes:
                head = raw.read(base, end=self.base.size_bytes)
                whole = stack.enter_context(_restage(chain(head, self.staged.read())))
            return self._open("forked", whole, sha256, previous=newest)

    def _open(
        self,
        outcome: Outcome,
        whole: Staged,
        sha256: str,
        *,
        previous: Transcript | None,
    ) -> Receipt:
        """Begin a revision and put the whole file into its first segment."""
        if previous:
            previous.mark_superseded()
        transcript = Transcript.objects.create(
            workspace=self.workspace,
            session_id=self.session_id,
            agent_id=self.agent_id,
            revision=previous.revision + 1 if previous else 1,
            forked_from=previous,
            started_at=self.at,
            ended_at=self.at,
            created_at=self.at,
            updated_at=self.at,
        )
        self._add_segment(transcript, whole, sha256)
        self._announce(outcome, transcript)
        return self._receipt(outcome, transcript)

    def _append(self, transcript: Transcript, sha256: str) -> None:
        known = transcript.size_bytes - self.base.size_bytes
        with ExitStack() as stack:
            tail = self.staged
            if known:
                tail = stack.enter_context(_restage(self.staged.read(known)))
            self._add_segment(transcript, tail, sha256)
        self._announce("appended", transcript)

    def _add_segment(self, transcript: Transcript, tail: Staged, sha256: str) -> None:
        segment = Segment.objects.create(
            transcript=transcript,
            number=transcript.segments.count() + 1,
            blob=store.keep(tail, at=self.at),
            first_offset=transcript.size_bytes,
            size_bytes=tail.size_bytes,
            newlines_before=transcript.newline_count,
            prefix_sha256=sha256,
            uploaded_by=self.actor.name[:200],
            token_id=self.actor.token_id,
            created_at=self.at,
        )
        transcript.extend_by(
            segment, newline_count=tail.newline_count, ends_whole=tail.ends_with_newline
        )

    def _announce(self, outcome: Outcome, transcript: Transcript) -> None:
        trail.record(
            actor=self.actor,
            action="session.upload",
            at=self.at,
            workspace_slug=self.workspace.slug,
            target=str(transcript),
            detail={
                "outcome": outcome,
                "revision": transcript.revision,
                "size_bytes": transcript.size_bytes,
                "sha256": transcript.head_sha256,
            },
        )
        indexing.ask(transcript, at=self.at)
        changes.tell(citing.resource(transcript))
        # Last, because it locks a row that every upload of the workspace needs.
        self.workspace.mark_active(at=self.at)

    def _receipt(self, outcome: Outcome, transcript: Transcript) -> Receipt:
        return Receipt(
            outcome=outcome,
            transcript=transcript,
            sha256=transcript.head_sha256,
            size_bytes=transcript.size_bytes,
            line_count=transcript.line_count,
            cut_bytes=self.cut_bytes,
        )


def _restage(chunks: Iterable[bytes]) -> Staged:
    """Stage bytes that have been accepted already."""
    return store.stage(chunks, max_bytes=settings.MAX_TRANSCRIPT_BYTES)


def _mismatch(head: Transcript | None) -> BaseMismatch:
    return BaseMismatch(
        "The base is not what is kept here.",
        size_bytes=head.size_bytes if head else 0,
        sha256=head.head_sha256 if head else hashlib.sha256().hexdigest(),
    )
