"""A real server with hostile text in it, and a real browser signed in to it."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from memory_server.scratch import Server, serving

PASSWORD = "a password of a test 1"
ATTACK = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"
BIDI = "safe\u202eevil"


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


def call(server: Server, method: str, path: str, body: bytes, **headers: str) -> Any:
    request = urllib.request.Request(
        f"{server.base}/api/v1/{path}",
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {server.sync_token}", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or b"{}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(EMBEDDINGS_ENABLED="0") as running:
        # Static files are found when the process starts.
        running.stop()
        running.manage("collectstatic", "--noinput", "-v0")
        running.start()
        running.manage(
            "createsuperuser",
            "--noinput",
            "--username=operator",
            "--email=operator@example.org",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        named = {"machine": ATTACK, "tool": "claude-code", "project": ATTACK}
        workspace = call(
            running,
            "POST",
            "workspaces",
            json.dumps({**named, "description": ATTACK}).encode(),
            **{"Content-Type": "application/json"},
        )
        home = f"workspaces/{workspace['workspace_id']}"
        write_token = {"X-Write-Token": workspace["write_token"]}
        for text in (
            f"# {ATTACK}\n\nfirst\n",
            f"# {ATTACK}\n\n[a](javascript:pwn())\n",
        ):
            call(
                running,
                "PUT",
                f"{home}/knowledge/notes.md",
                text.encode(),
                **{"Content-Type": "text/markdown"},
                **write_token,
            )
        lines = [
            {"role": "user", "content": f"{ATTACK} {BIDI} needle"},
            {"role": "assistant", "content": ATTACK, "name": ATTACK},
        ]
        call(
            running,
            "PUT",
            f"{home}/sessions/hostile",
            b"".join(json.dumps(line).encode() + b"\n" for line in lines),
            **write_token,
        )
        running.run_jobs()
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, server: Server, tmp_path: Path) -> Iterator[Page]:
    """A page of a signed-in operator."""
    context = browser.new_context(base_url=server.base)
    opened = context.new_page()
    opened.goto("/admin/")
    opened.fill("input[name=username]", "operator")
    opened.fill("input[name=password]", PASSWORD)
    opened.click("button[type=submit]")
    opened.wait_for_selector(".memory-figures")
    yield opened
    context.close()
