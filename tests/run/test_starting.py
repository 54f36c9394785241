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
from running import BASE, alive, wait_until


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


def test_second_start_is_quick_and_shows_no_secret_again(server):
    server.start()
    ai, sync = server.secret("ai_token"), server.secret("sync_token")
    password = server.secret("admin_password")
    shown = [word in server.output for word in (ai, sync, password)]
    modes = [p.stat().st_mode & 0o777 for p in (server.root / "secrets").iterdir()]
    assert server.health() == 200
    register(server, sync)
    below = server.children()
    server.stop(signal.SIGINT)

    assert shown == [True, True, True]
    assert set(modes) == {0o600}
    assert alive(below) == []

    server.start()
    assert server.started_seconds < 10
    assert not any(word in server.output for word in (ai, sync, password))
    assert listed(server, ai) == ["atlas-codex-kept"]
    server.stop()


def test_everything_killed_recovers(server):
    server.start()
    register(server, server.secret("sync_token"))
    server.kill()

    server.start()
    assert listed(server, server.secret("ai_token")) == ["atlas-codex-kept"]

    # The supervisor alone: the kernel tells its children, and nothing is in the way.
    below = server.children()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.start()
    assert wait_until(lambda: alive(below) == [])
    assert listed(server, server.secret("ai_token")) == ["atlas-codex-kept"]
    server.stop()


def test_crashed_process_is_started_again(server):
    server.start()
    web = server.children_named("memory_server.asgi")
    os.kill(web[0], signal.SIGKILL)

    assert wait_until(lambda: "web stopped" in server.output)
    assert wait_until(lambda: server.health() == 200)
    assert server.children_named("memory_server.asgi") != web
    server.stop()


def test_given_tokens_are_used_and_not_shown(server):
    given = {"MCP_TOKEN": "a-given-token-for-ai", "SYNC_TOKEN": "a-given-sync-token"}
    server.environment |= given
    server.start()

    assert listed(server, given["MCP_TOKEN"]) == []
    assert register(server, given["SYNC_TOKEN"]) == "atlas-codex-kept"
    assert not any(token in server.output for token in given.values())
    assert not (server.root / "secrets" / "ai_token").exists()
    server.stop()


def test_management_commands_find_the_running_services(server):
    server.environment["DEMO"] = "1"
    server.start()
    count = "from workspaces.models import *; print(Workspace.objects.count())"
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", count],
        cwd=BASE,
        env={"PATH": os.environ["PATH"], "MEMORY_ROOT": str(server.root)},
        capture_output=True,
        text=True,
    )
    server.stop()

    assert said.stdout.strip() == "4", said.stderr


def test_ordinary_user_can_run_it(server, nobody):
    # The test's own Python may lie in a home that nobody can enter; Debian's is the
    # same version and takes the same packages.
    server.account = nobody
    server.environment |= {"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
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
