from __future__ import annotations

from datetime import timedelta

import client_lines as written
import pytest
from django.utils import timezone

from audit.trail import Actor
from sessions import browsing, indexing, uploads
from workspaces import registering
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

SYNC = Actor(name="sync")


def session(name, second, *, machine="loom-1", lines=()):
    at = timezone.now()
    workspace, _ = registering.register(
        machine=machine, tool="claude-code", project="weaving", actor=SYNC, at=at
    )
    receipt = uploads.receive(
        workspace=workspace,
        session_id=name,
        chunks=[written.prompt(second, f"Prompt of {name}"), *lines],
        actor=SYNC,
        at=at,
    )
    indexing.index(receipt.transcript.pk, renew=lambda: None, at=at)
    return receipt.transcript


def names(**filters):
    found = browsing.transcripts(workspaces=Workspace.objects.all(), **filters)
    return [transcript.session_id for transcript in found]


def test_sessions_come_newest_first():
    for name, second in ("old", 0), ("new", 200), ("middle", 100):
        session(name, second)

    assert names() == ["new", "middle", "old"]


def test_pages_are_stable_while_sessions_arrive():
    for number in range(7):
        # Three start in the same second.
        session(f"s{number}", number // 3)
    page = browsing.transcripts(workspaces=Workspace.objects.all(), limit=3)
    seen = [transcript.session_id for transcript in page]
    session("late", 900)
    while page:
        page = browsing.transcripts(
            workspaces=Workspace.objects.all(),
            limit=3,
            position=browsing.position(page[-1]),
        )
        seen += [transcript.session_id for transcript in page]

    assert sorted(seen) == [f"s{number}" for number in range(7)]


def test_sessions_are_chosen_by_what_their_workspace_is():
    session("here", 0)
    session("there", 1, machine="loom-2")

    assert names(machine="loom-2") == ["there"]
    assert names(machine="loom-2", project="dyeing") == []
    assert browsing.transcripts(workspaces=Workspace.objects.none()) == []


def test_a_time_span_keeps_what_was_going_on_in_it():
    session("short", 0)
    session("long", 1, lines=[written.prompt(500, "still here")])
    later = written.START + timedelta(seconds=100)

    assert names(after=later) == ["long"]
    assert names(before=written.START + timedelta(seconds=1)) == ["short"]


def test_only_the_newest_revision_is_listed():
    session("twice", 0)
    session("twice", 50)

    found = browsing.transcripts(workspaces=Workspace.objects.all())
    assert [(each.session_id, each.revision) for each in found] == [("twice", 2)]
