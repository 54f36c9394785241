"""Taking one secret out of everything that is kept, by its fingerprint.

Findings tell where search saw it. From there it is read once more, held in memory
alone, and looked for in every document's versions, every transcript's revisions and
every memory. What has the findings comes last: as long as they are there, a job that
was stopped knows what to look for when it begins again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from erasures.models import Erasure
from erasures.receipts import NothingToErase
from knowledge import redacting as documents
from knowledge.models import Document
from memories import redacting as memories
from memories.models import Memory
from search import redacting
from search.models import Finding
from search.redacting import Redactor
from sessions import redacting as transcripts
from sessions.models import Transcript
from workspaces.models import Workspace

_FINGERPRINT = re.compile(r"[0-9a-f]{8}")


def rule_of(fingerprint: str) -> str:
    """The rule that found the secret of a fingerprint; raises NothingToErase."""
    found = (
        Finding.objects.filter(fingerprint=fingerprint).order_by("pk").first()
        if _FINGERPRINT.fullmatch(fingerprint)
        else None
    )
    if found is None:
        raise NothingToErase(f"No secret {fingerprint[:20]!r} was found anywhere.")
    return found.rule


def redact(
    erasure: Erasure, *, renew: Callable[[], None], clock: Callable[[], datetime]
) -> None:
    """Take a secret out; safe to run twice and to stop anywhere."""
    findings = Finding.objects.filter(fingerprint=erasure.target)
    secrets: set[str] = set()
    for finding in findings.order_by("pk").iterator():
        renew()
        secrets |= _read(finding)
    if not secrets:
        # All were taken out already, or are not what they were when they were found.
        return
    mark = redacting.mark(erasure.facts["rule"], erasure.target)
    redactor = Redactor(frozenset(secrets), mark)
    for has_findings in (False, True):
        for document in _rows(Document, findings, "knowledge", has_findings):
            renew()
            documents.redact(document, redactor, erasure=erasure, at=clock())
        for transcript in _rows(Transcript, findings, "transcript", has_findings):
            renew()
            transcripts.redact(
                transcript, redactor, erasure=erasure, renew=renew, at=clock()
            )
        if not has_findings:
            memories.redact_beside(redactor)
            _redact_workspaces(redactor)
        for memory in _rows(Memory, findings, "memory", has_findings):
            renew()
            memories.redact(memory, redactor, erasure=erasure, at=clock())


def _read(finding: Finding) -> set[str]:
    if finding.kind == "transcript":
        return transcripts.secrets_at(
            finding.source_id, finding.line, finding.fingerprint
        )
    if finding.kind == "memory":
        return memories.secrets_of(finding.source_id, finding.fingerprint)
    return documents.secrets_of(finding.source_id, finding.fingerprint)


def _rows(
    model: Any, findings: QuerySet[Finding], kind: str, has_findings: bool
) -> Iterator[Any]:
    """The rows of a model in which search did, or did not, find the secret."""
    known = set(findings.filter(kind=kind).values_list("source_id", flat=True))
    rows = model.objects.select_related("workspace").order_by("pk")
    chosen = rows.filter(pk__in=known) if has_findings else rows.exclude(pk__in=known)
    yield from chosen.iterator(chunk_size=200)


def _redact_workspaces(redactor: Redactor) -> None:
    for workspace in Workspace.objects.exclude(description="", cwd=""):
        workspace.describe(
            cwd=redactor.text(workspace.cwd),
            description=redactor.text(workspace.description),
        )
