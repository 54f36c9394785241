"""What a person tries first after `make run`."""

from __future__ import annotations

import urllib.request

import pytest


def texts(found) -> str:
    return " ".join(hit["snippet"] for hit in found["hits"]).replace("«", "")


def test_first_question_is_answered_from_a_session(assistant):
    found = assistant.call(
        "search_sessions", query="why did we choose Postgres over SQLite"
    )

    assert found["hits"][0]["workspace_id"] == "atlas-claude-code-parcel-api"
    assert "Postgres" in texts(found)


def test_first_question_is_answered_from_knowledge(assistant):
    found = assistant.call(
        "search_knowledge", query="why did we choose Postgres over SQLite"
    )

    assert found["hits"][0]["path"] == "decisions/0003-postgres-over-sqlite.md"


@pytest.mark.parametrize(
    ("identifier", "workspace"),
    [
        ("reconcile_scan_events", "atlas-claude-code-parcel-api"),
        ("RETRY_BACKOFF_CEILING", "wren-codex-parcel-api"),
        ("backoffWithJitter", "wren-claude-code-tide-web"),
        ("max_slot_wal_keep_size", "forge-codex-orchard-infra"),
    ],
)
def test_identifier_is_found_whichever_client_wrote_it(
    assistant, identifier, workspace
):
    for mode in ("hybrid", "exact", "keyword"):
        found = assistant.call("search_sessions", query=identifier, mode=mode)

        assert found["hits"][0]["workspace_id"] == workspace, mode


def test_overview_shows_every_workspace_of_the_demo(assistant):
    shown = assistant.call("get_overview")

    assert {each["workspace_id"] for each in shown["workspaces"]} == {
        "atlas-claude-code-parcel-api",
        "wren-codex-parcel-api",
        "wren-claude-code-tide-web",
        "forge-codex-orchard-infra",
    }


def test_subagent_of_a_session_is_listed_with_it(assistant):
    listed = assistant.call(
        "list_sessions", workspace_id="atlas-claude-code-parcel-api"
    )
    by_agent = {each["agent_id"]: each["session_id"] for each in listed["sessions"]}

    assert by_agent["label-fields"] in {
        each["session_id"] for each in listed["sessions"] if not each["agent_id"]
    }


def test_landing_page_and_console_answer(live_server_url):
    for path in ("/", "/admin/login/", "/healthz"):
        with urllib.request.urlopen(f"{live_server_url}{path}", timeout=10) as answer:
            assert answer.status == 200, path
