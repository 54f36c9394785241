"""The page on which an operator confirms what is to be erased for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from access.models import Token
from audit.admin import operator_of
from audit.moments import moment
from console.pages import operator_page, show
from erasures.models import Erasure
from knowledge.models import Document
from memories.models import Memory
from recall import erasing, foreseeing
from recall.erasing import Target
from refusals import InvalidArgument, Refusal
from search.models import Finding
from sessions.models import Transcript
from workspaces.models import Workspace

MOST_AT_ONCE = 100
_OF: dict[str, tuple[Any, Callable[[Any], Target]]] = {
    "document": (Document, erasing.of_document),
    "finding": (Finding, lambda row: Target(Erasure.Kind.SECRET, row.fingerprint)),
    "memory": (Memory, erasing.of_memory),
    "token": (Token, lambda row: Target(Erasure.Kind.TOKEN, str(row.pk))),
    "transcript": (Transcript, erasing.of_transcript),
    "workspace": (Workspace, erasing.of_workspace),
}


@operator_page
def erase(request: HttpRequest) -> HttpResponse:
    """Show what would go; a POST of the same page erases it."""
    asked = request.POST if request.method == "POST" else request.GET
    of = asked.get("of", "")
    since = _moment(asked.get("since", "")) if of == "token" else None
    targets = _targets(of, asked.getlist("id"), since)
    if request.method == "POST":
        return _erased(request, targets)
    foreseen, refusals = [], []
    for target in targets:
        try:
            foreseen.append(foreseeing.foresee(target))
        except Refusal as refusal:
            refusals.append(refusal)
    return show(
        request,
        "console/erase.html",
        title="Erase",
        of=of,
        ids=asked.getlist("id"),
        since=asked.get("since", ""),
        foreseen=foreseen,
        refusals=refusals,
    )


def _erased(request: HttpRequest, targets: list[Target]) -> HttpResponse:
    actor, done = operator_of(request), 0
    for target in targets:
        try:
            erasing.erase(target, actor=actor, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, f"{target}: {refusal.message}")
        else:
            done += 1
    messages.success(request, f"{done} erased; the receipts follow.")
    return redirect("admin:erasures_erasure_changelist")


def _targets(of: str, ids: list[str], since: datetime | None) -> list[Target]:
    """What rows of a list stand for, each once; a gone one is left out."""
    if of not in _OF or not 0 < len(ids) <= MOST_AT_ONCE:
        raise BadRequest(f"Choose 1 to {MOST_AT_ONCE} rows of a list.")
    if not all(each.isdigit() and len(each) < 19 for each in ids):
        raise BadRequest("id is not a number.")
    model, target_of = _OF[of]
    rows = model._default_manager.filter(pk__in=ids).order_by("pk")
    targets = dict.fromkeys(target_of(row) for row in rows)
    if since is None:
        return list(targets)
    return [Target(each.kind, each.name, since=since) for each in targets]


def _moment(text: str) -> datetime | None:
    try:
        return moment(text) if text else None
    except InvalidArgument as refusal:
        raise BadRequest("since is no time.") from refusal
