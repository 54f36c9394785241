"""Machines: who is archived, who lags behind, and adding another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django import forms
from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from access import machines as access_machines
from access.machines import Enrolled, Known
from audit.admin import operator_of
from console.pages import operator_page, show
from operations import client_files
from refusals import Refusal
from sessions.models import Segment

DAYS = 14
# What memory_sync.py can connect; a test compares.
CLIENTS = {
    "claude-code": "Claude Code",
    "codex": "Codex",
    "cursor": "Cursor",
    "vscode": "VS Code",
    "gemini": "Gemini CLI",
    "windsurf": "Windsurf",
    "opencode": "opencode",
    "zed": "Zed",
    "cline": "Cline",
}


class NewMachine(forms.Form):
    name = forms.CharField(max_length=64)
    clients = forms.MultipleChoiceField(choices=list(CLIENTS.items()), required=False)


@dataclass(frozen=True)
class Row:
    """A machine as the page shows it; `bars` are the last DAYS days, 0 to 100."""

    known: Known
    lag: timedelta | None
    is_stale: bool
    is_behind: bool
    bars: list[int]


@operator_page
def machines(request: HttpRequest) -> HttpResponse:
    """Every machine: when it was last heard of and how far behind it is."""
    at = timezone.now()
    archived = _archived_by_day(at)
    rows = [_row(each, archived, at=at) for each in access_machines.known(at=at)]
    return show(request, "console/machines.html", title="Machines", rows=rows)


@operator_page
def add_machine(request: HttpRequest) -> HttpResponse:
    """Make a machine's own tokens and show, this once, the line that sets it up."""
    form = NewMachine(request.POST or None)
    context: dict[str, object] = {"form": form, "clients": CLIENTS}
    if request.method == "POST" and form.is_valid():
        try:
            enrolled = access_machines.enrol(
                name=form.cleaned_data["name"].strip(),
                actor=operator_of(request),
                at=timezone.now(),
            )
        except Refusal as refusal:
            context["refusal"] = refusal
        else:
            chosen = form.cleaned_data["clients"]
            context |= {"enrolled": enrolled, **install_lines(enrolled, chosen)}
    response = show(
        request, "console/add_machine.html", title="Add a machine", **context
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def install_lines(enrolled: Enrolled, clients: list[str]) -> dict[str, str]:
    """What sets the machine up: one line for shells, one for PowerShell.

    Each fetches the program from here and runs it only if it is what this page says by
    its SHA-256, so that plain HTTP cannot change it. Neither the name nor a token nor
    a client holds anything that a shell would read.
    """
    what = f"--url {settings.PUBLIC_URL}/mcp --machine {enrolled.name}"
    if clients:
        what += f" --clients {','.join(clients)}"
    digest = client_files.sha256(client_files.PROGRAM)
    lines = {
        "with_checkout": (
            f"bash install.sh {enrolled.ai_token} --sync-token {enrolled.sync_token}"
            f" {what}"
        )
    }
    if digest:
        fetch = _fetching(
            f"{settings.PUBLIC_URL}/client/{client_files.PROGRAM}", digest
        )
        lines["posix"] = (
            f'(cd "$(mktemp -d)" && python3 -c "{fetch}"'
            f" && MCP_MEMORY_TOKEN={enrolled.ai_token} SYNC_TOKEN={enrolled.sync_token}"
            f" python3 {client_files.PROGRAM} install {what})"
        )
        lines["powershell"] = (
            f"& {{ $env:MCP_MEMORY_TOKEN = '{enrolled.ai_token}';"
            f" $env:SYNC_TOKEN = '{enrolled.sync_token}';"
            " Push-Location (New-Item -ItemType Directory -Path (Join-Path"
            " ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())));"
            f' py -3 -c "{fetch}";'
            f" if ($?) {{ py -3 {client_files.PROGRAM} install {what} }};"
            " Pop-Location; Remove-Item Env:MCP_MEMORY_TOKEN;"
            " Remove-Item Env:SYNC_TOKEN }"
        )
    return lines


def _fetching(url: str, sha256: str) -> str:
    """Python that stands between double quotes in bash, zsh and PowerShell alike."""
    return (
        "import hashlib, urllib.request as web;"
        f" data = web.urlopen('{url}').read();"
        f" assert hashlib.sha256(data).hexdigest() == '{sha256}', 'changed on the way';"
        f" open('{client_files.PROGRAM}', 'wb').write(data)"
    )


def _row(known: Known, archived: dict[str, dict[date, int]], *, at: datetime) -> Row:
    by_day = archived.get(known.name, {})
    highest = max(by_day.values(), default=0) or 1
    days = [at.date() - timedelta(days=DAYS - 1 - index) for index in range(DAYS)]
    return Row(
        known=known,
        lag=known.lag(at=at),
        is_stale=known.is_stale(at=at),
        is_behind=known.is_behind(at=at),
        # A day with a little is told from one with nothing.
        bars=[-(-100 * by_day.get(day, 0) // highest) for day in days],
    )


def _archived_by_day(at: datetime) -> dict[str, dict[date, int]]:
    """Raw bytes of transcripts by machine and day, over the last DAYS days."""
    rows = (
        Segment.objects.filter(created_at__gte=at - timedelta(days=DAYS))
        .annotate(day=TruncDate("created_at"))
        .values_list("transcript__workspace__machine", "day")
        .annotate(total=Sum("size_bytes"))
    )
    found: dict[str, dict[date, int]] = {}
    for machine, day, total in rows:
        found.setdefault(machine, {})[day] = total
    return found
