"""What sync clients and hooks tell of machines, and the client that is handed out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from django.test import Client
from people import NOW, OPERATOR
from rest_client import Caller
from threads import at_once

from operations import client_files
from sessions import raw, telling
from sessions.models import Transcript
from workspaces import connectors
from workspaces.models import Machine, Workspace

pytestmark = pytest.mark.django_db
ACCOUNT = {"client_version": "2", "found": 4, "skipped": 1, "failed": 0, "waiting": 0}
HOOKS = "hooks/claude-code?machine=wren"


def hook(name: str, **more: object) -> dict[str, object]:
    event = {"hook_event_name": name, "session_id": "s-1", "cwd": "C:\\work\\shop"}
    return {**event, "transcript_path": "ignored", **more}


def said(session_id: str = "s-1") -> list[tuple[str, str]]:
    found = Transcript.objects.get(session_id=session_id)
    lines = b"".join(raw.read(found)).splitlines()
    return [(line["role"], line["content"]) for line in map(json.loads, lines)]


def test_an_account_is_kept_and_bounded(sync: Caller):
    answer = sync.put(
        "machines/wren", {**ACCOUNT, "oldest_waiting_at": NOW.isoformat()}
    )

    assert answer.status_code == 200
    assert Machine.objects.get(name="wren").oldest_waiting_at == NOW
    for wrong in ({"waiting": -1}, {"client_version": "x" * 33}, {"found": True}):
        assert sync.put("machines/wren", {**ACCOUNT, **wrong}).status_code == 400
    assert sync.put(f"machines/{'x' * 201}", ACCOUNT).status_code == 400


def test_hooks_make_a_session_of_what_was_asked_and_answered(sync: Caller):
    for event in (
        hook("UserPromptSubmit", prompt="Who sells pears?"),
        hook("Stop", last_assistant_message="Nobody.", stop_hook_active=False),
        hook("SessionEnd", reason="other"),
        hook("UserPromptSubmit", prompt="And plums?"),
        hook("Stop", last_assistant_message=None),
    ):
        answer = sync.post(HOOKS, event)
        assert (answer.status_code, answer.json()) == (200, {})

    workspace = Workspace.objects.get(machine="wren")
    assert workspace.tool == "claude-code-http"
    assert workspace.project == "shop"
    assert said() == [
        ("user", "Who sells pears?"),
        ("assistant", "Nobody."),
        ("user", "And plums?"),
    ]


def test_a_workspace_that_is_turned_off_takes_nothing_from_hooks(sync: Caller):
    sync.post(HOOKS, hook("SessionEnd"))
    connectors.update(
        workspace=Workspace.objects.get(machine="wren"),
        connector_id=connectors.SYNC_CLIENT,
        sync_enabled=False,
        actor=OPERATOR,
        at=NOW,
    )

    assert sync.post(HOOKS, hook("UserPromptSubmit", prompt="x")).status_code == 200
    assert not Transcript.objects.exists()


def test_hooks_without_a_machine_or_a_session_are_refused(sync: Caller):
    assert sync.post("hooks/claude-code", hook("Stop")).status_code == 400
    assert sync.post(HOOKS, {"hook_event_name": "Stop"}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_hooks_at_the_same_moment_each_keep_their_line(workspace: Workspace):
    given = {"workspace": workspace, "session_id": "s-1", "actor": OPERATOR, "at": NOW}

    def append(number: int) -> None:
        line = b'{"role": "user", "content": "%d"}\n' % number
        telling.append(line=line, **given)

    append(9)
    assert at_once(3, append) == [None] * 3

    told = [content for _, content in said()]
    assert (told[0], sorted(told[1:])) == ("9", ["0", "1", "2"])


def test_the_client_is_handed_out_as_the_build_makes_it(tmp_path):
    served = Client().get("/client/memory_sync.py")
    program = tmp_path / "memory_sync.py"
    program.write_bytes(served.content)

    assert hashlib.sha256(served.content).hexdigest() == client_files.sha256(
        "memory_sync.py"
    )
    done = subprocess.run(
        [sys.executable, program, "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert Client().get("/client/install.sh").content.startswith(b"#!/usr/bin/env bash")
    for name in ("build.py", "..%2Fmanage.py", "memory_sync"):
        assert Client().get(f"/client/{name}").status_code == 404
