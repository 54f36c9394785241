"""Reader pages for operators: transcripts, documents, search and what happens now."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit import status as audit_status
from console import dashboard
from console.markdown import as_html
from console.pages import operator_page, show
from console.searching import find_everywhere
from knowledge import reading as documents
from knowledge.models import Document
from operations import doctor as examining
from refusals import Refusal
from sessions import conversation
from sessions.models import Transcript

LINES_A_PAGE = 200
PAGE_CHARS = 60_000


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 12:
        raise BadRequest(f"{name} is not a number")
    return int(text)


@operator_page
def transcript(request: HttpRequest, pk: int) -> HttpResponse:
    """One transcript as a readable, masked conversation, a page at a time."""
    found = get_object_or_404(Transcript.objects.select_related("workspace"), pk=pk)
    page = conversation.page(
        found,
        first_line=max(1, _number(request, "line", 1)),
        line_count=LINES_A_PAGE,
        max_chars=PAGE_CHARS,
    )
    return show(
        request,
        "console/transcript.html",
        title=found.title or found.session_id,
        transcript=found,
        page=page,
    )


@operator_page
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """One document at any version or time, and what a version changed."""
    found = get_object_or_404(Document.objects.select_related("workspace"), pk=pk)
    chosen = _number(request, "version", 0) or None
    as_of = parse_datetime(request.GET.get("as_of", "")) if not chosen else None
    context: dict[str, object] = {"document": found, "refusal": None}
    try:
        page = documents.read(
            workspace=found.workspace,
            path=found.path,
            kind=found.kind,
            version=chosen,
            as_of=as_of,
            max_chars=1_100_000,
        )
        context |= {"page": page, "html": as_html(page.text)}
        if page.version_number > 1:
            before = _number(request, "from", page.version_number - 1)
            change = documents.diff(found, before, page.version_number)
            context |= {"diff": change.splitlines(), "diff_from": before}
    except Refusal as error:
        context["refusal"] = error
    context["versions"] = documents.history(found)
    return show(request, "console/document.html", title=found.path, **context)


@operator_page
def search(request: HttpRequest) -> HttpResponse:
    """Search everything, as the assistants do."""
    query = request.GET.get("q", "").strip()[:1000]
    mode = request.GET.get("mode", "hybrid")
    context: dict[str, object] = {"query": query, "mode": mode}
    if query:
        try:
            context["found"] = find_everywhere(query, mode=mode)
        except Refusal as error:
            context["refusal"] = error
    return show(request, "console/search.html", title="Search", **context)


@operator_page
def audit(request: HttpRequest) -> HttpResponse:
    """How far the audit trail is sealed, and what the last verification said."""
    today = timezone.now().date()
    since = timezone.now() - timedelta(days=dashboard.DAYS)
    return show(
        request,
        "console/audit.html",
        title="Audit",
        status=audit_status.gather(),
        bars=dashboard.bars(audit_status.sealed_by_day(since), today=today),
        chart=dashboard.CHART,
    )


@operator_page
def live(request: HttpRequest) -> HttpResponse:
    """What is being archived, indexed and refused right now."""
    return show(request, "console/live.html", title="Live")


@operator_page
def doctor(request: HttpRequest) -> HttpResponse:
    """What is wrong with the installation, why it matters and what mends it."""
    found = examining.examine()
    return show(
        request,
        "console/doctor.html",
        title="Doctor",
        state=examining.state_of(found),
        wrong=[each for each in found if each.state != "ok"],
        fine=[each for each in found if each.state == "ok"],
    )
