from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

from memory_server.scratch import Server

PAGES = [
    "/admin/",
    "/admin/workspaces/workspace/",
    "/admin/workspaces/workspace/1/change/",
    "/admin/workspaces/serverreadme/",
    "/admin/knowledge/document/",
    "/admin/knowledge/document/1/change/",
    "/admin/transcripts/transcript/",
    "/admin/transcripts/transcript/1/change/",
    "/admin/access/token/",
    "/admin/access/token/1/change/",
    "/admin/access/token/add/",
    "/admin/audit/event/",
    "/admin/audit/event/1/change/",
    "/admin/search/finding/",
    "/admin/erasures/erasure/",
    "/console/erase/?of=document&id=1",
    "/console/erase/?of=workspace&id=1",
    "/admin/jobs/job/",
    "/admin/blobs/blob/",
    "/admin/auth/user/",
    "/console/transcripts/1/",
    "/console/documents/1/",
    "/console/documents/1/?version=1",
    "/console/search/?q=needle",
    "/console/search/?q=%3Cscript%3E&mode=exact",
    "/console/live/",
    "/console/machines/",
    "/console/machines/add/",
]


@pytest.mark.parametrize("path", PAGES)
def test_hostile_text_never_runs_in_an_operators_page(page: Page, path: str) -> None:
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on(
        "console",
        lambda told: broken.append(told.text) if told.type == "error" else None,
    )

    response = page.goto(path)
    page.wait_for_timeout(150)

    assert response is not None
    assert response.status == 200
    assert page.evaluate("window.pwned") is None
    assert page.locator("a[href^='javascript:']").count() == 0
    assert broken == []


def test_a_hidden_direction_mark_is_shown(page: Page) -> None:
    page.goto("/console/transcripts/1/")

    text = page.inner_text(".memory-turn >> nth=0")

    assert "\u202e" not in text
    assert "202E" in text


def test_a_new_token_is_shown_once_and_can_be_revoked(page: Page) -> None:
    page.goto("/admin/access/token/add/")
    page.fill("input[name=name]", "cursor on wren")
    page.click("input[type=submit][name=_save], button[name=_save]")
    page.wait_for_url("**/admin/access/token/")
    shown = page.inner_text("body")
    page.goto("/admin/access/token/")
    later = page.inner_text("body")

    token = next(word for word in shown.split() if word.startswith("fms_ai_"))
    assert token not in later
    assert token[-4:] in later

    row = page.locator("tr", has_text="cursor on wren")
    row.locator("input[name=_selected_action]").check()
    page.select_option("select[name=action]", "revoke")
    page.click("button[name=index]")
    page.wait_for_selector("text=1 tokens revoked")


def test_a_machine_is_added_and_then_listed(page: Page, server: Server) -> None:
    page.goto("/console/machines/")
    page.click("text=Add a machine")
    page.fill("input[name=name]", "finch-7")
    page.check("input[name=clients][value=codex]")
    page.click("button[value=allow]")
    line = page.inner_text("#posix")
    token = page.inner_text("#sync-token")
    assert token in line
    assert "--machine finch-7 --clients codex" in line

    # The line, typed by a person into a shell, sets that machine up.
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            ["bash", "-c", line[:-1] + " --schedule none)"],
            env={"HOME": home, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        kept = json.loads((Path(home) / ".memory-sync/tokens.json").read_text())
        assert kept["sync"] == token
        subprocess.run(
            [sys.executable, Path(home) / ".memory-sync/bin/memory_sync.py", "sync"],
            env={"HOME": home, "PATH": os.environ["PATH"]},
            check=True,
        )

    page.goto("/console/machines/")
    row = page.inner_text("tr:has-text('finch-7')")
    assert "0 found" in row
    assert token[-4:] in row
    assert token not in page.content()
    assert "silent" not in row


def test_search_leads_to_the_line_it_found(page: Page) -> None:
    page.goto("/console/search/?q=needle")
    page.click(".memory-hits a >> nth=0")

    page.wait_for_selector("#L1")
    assert "needle" in page.inner_text("#L1")


def test_a_document_shows_what_its_last_version_changed(page: Page) -> None:
    page.goto("/console/documents/1/")

    assert "first" in page.inner_text(".memory-removed >> text=first")
    assert page.locator(".memory-versions li").count() == 2


def test_the_live_page_tells_what_happens(page: Page) -> None:
    page.goto("/console/live/")

    page.wait_for_selector("#live-events tr")
    assert "operator.login" in page.inner_text("#live-events")
    assert page.inner_text("#live-state") == "Connected."


def test_the_console_is_closed_to_strangers(page: Page) -> None:
    page.context.clear_cookies()

    for path in PAGES:
        page.goto(path)
        assert "/admin/login/" in page.url


def test_a_document_is_erased_after_a_second_look(page: Page) -> None:
    page.goto("/admin/knowledge/document/")
    page.locator("input[name=_selected_action] >> nth=0").check()
    page.select_option("select[name=action]", "erase")
    page.click("button[name=index]")
    page.wait_for_url("**/console/erase/**")
    assert "versions" in page.inner_text("table")
    page.click("text=Erase for good >> nth=-1")
    page.wait_for_url("**/admin/erasures/erasure/")

    assert "1 erased" in page.inner_text("body")
    gone = page.goto("/console/documents/1/")
    assert gone is not None
    assert gone.status == 404
