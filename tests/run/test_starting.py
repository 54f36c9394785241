"""Starting, stopping and surviving, with every process a real one."""

from __future__ import annotations

import json
import os
import signal
import site
import subprocess
import sys
import urllib.request

import pytest
from running import BASE, RunningServer, alive, wait_until


def ask(server, path: str, token: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        f"{server.url}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def register(server, token: str) -> str:
    names = {"machine": "atlas", "tool": "codex", "project": "kept"}
    return ask(server, "/api/v1/workspaces", token, names)["workspace_id"]


def listed(server, token: str) -> list[str]:
    answer = ask(server, "/api/v1/workspaces", token)
    return [each["workspace_id"] for each in answer["workspaces"]]


def test_secrets_are_private_and_shown_once(running):
    secrets = [running.secret(n) for n in ("ai_token", "sync_token", "admin_password")]
    first_output = running.output
    modes = {p.stat().st_mode & 0o777 for p in (running.root / "secrets").iterdir()}
    running.stop()
    running.start()

    assert [secret in first_output for secret in secrets] == [True, True, True]
    assert modes == {0o600}
    assert not any(secret in running.output for secret in secrets)


def test_archive_is_nobody_elses_to_read(running):
    for name in ("blobs", "secrets", "logs", "services/postgres", "services/valkey"):
        assert (running.root / name).stat().st_mode & 0o077 == 0, name
    assert (running.root / "server.env").stat().st_mode & 0o077 == 0


def test_second_start_repeats_nothing_of_the_first(running):
    running.stop()
    running.start()

    assert running.health() == 200
    for once in ("Applying", "Collecting", "Compiling", "Loading demo"):
        assert once not in running.output


def test_interrupt_leaves_no_process(running):
    below = running.children()
    assert len(below) > 5
    running.stop(signal.SIGINT)

    assert alive(below) == []


def test_everything_killed_recovers(running):
    register(running, running.secret("sync_token"))
    running.kill()
    running.start()

    assert "atlas-codex-kept" in listed(running, running.secret("ai_token"))


def test_killed_supervisor_leaves_nothing_in_the_way(running):
    below = running.children()
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    running.start()

    assert wait_until(lambda: alive(below) == [])
    assert running.health() == 200


def test_crashed_process_is_started_again(running):
    web = running.children_named("memory_server.asgi")
    os.kill(web[0], signal.SIGKILL)

    assert wait_until(lambda: "web stopped" in running.output)
    assert wait_until(lambda: running.health() == 200)
    assert running.children_named("memory_server.asgi") != web


def test_second_server_on_the_same_root_is_refused(running):
    second = RunningServer(running.root)
    second.log = running.log.with_suffix(".second")
    said = second.refusal()

    assert f"process {running.process.pid}, port {running.port}" in said
    assert len(said.splitlines()) == 1


def test_management_commands_find_the_running_services(running):
    count = "from workspaces.models import *; print(Workspace.objects.count())"
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", count],
        cwd=BASE,
        env={"PATH": os.environ["PATH"], "MEMORY_ROOT": str(running.root)},
        capture_output=True,
        text=True,
    )

    assert int(said.stdout) >= 4, said.stderr


def test_given_tokens_are_used_and_not_shown(server):
    given = {"MCP_TOKEN": "a-given-token-for-ai", "SYNC_TOKEN": "a-given-sync-token"}
    server.environment |= given
    server.start()

    assert listed(server, given["MCP_TOKEN"]) == []
    assert register(server, given["SYNC_TOKEN"]) == "atlas-codex-kept"
    assert not any(token in server.output for token in given.values())
    assert not (server.root / "secrets" / "ai_token").exists()
    server.stop()


def test_ordinary_user_can_run_it(server, nobody):
    # The test's own Python may lie in a home that nobody can enter; Debian's is the
    # same version and takes the same packages.
    server.account = nobody
    server.environment |= {"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    # The one that all tests share is root's.
    server.environment["CACHE_ROOT"] = ""
    if not nobody.can_reach(server.python):
        server.python = "/usr/bin/python3"
        server.environment["PYTHONPATH"] = site.getsitepackages()[0]
    server.start()

    assert server.health() == 200
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in server.children()}
    assert owners == {nobody.uid}
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="An ordinary user has no such problem.")
def test_root_may_keep_it_where_the_database_cannot_go(server, hidden_root):
    server.root = hidden_root
    server.start()

    assert server.health() == 200
    assert not (hidden_root / "services").exists()
    server.stop()
