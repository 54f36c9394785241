"""What any tool saves, another client recalls at once, whatever it speaks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_client import Caller
from users import User

from access import webhook_secrets
from erasures.models import Erasure
from jobs import running
from mcp_api.registry import tools
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)

FACT = "The zebrafish pipeline deploys the shop every Friday at noon."
QUESTION = "When does the zebrafish deploy the shop?"
TALK = {
    "messages": [
        {"role": "user", "content": "When does it deploy?"},
        {"role": "assistant", "content": FACT},
    ]
}
TEXT = {"text": FACT}


def an_artefact(user: User) -> dict[str, str]:
    """Of the fact, as from another server: this one has forgotten that it knew it."""
    saved = user.remembers(FACT)
    exported = user.rest.get("/v1/export").json()["artefact_base64"]
    assert user.rest.delete(f"/v1/memories/{saved}").status_code == 200
    assert user.finds(QUESTION) == []
    # Else an import would withhold what was erased here.
    Erasure.objects.all().delete()
    return {"artefact_base64": exported}


def by_tool(tool: str, **arguments: Any) -> Callable[[User], None]:
    def save(user: User) -> None:
        answer = user.mcp.call(tool, **arguments)
        assert answer["status"] in ("saved", "ok"), answer

    return save


def by_route(route: str, body: Any) -> Callable[[User], None]:
    def save(user: User) -> None:
        answer = user.rest.post(route, body)
        assert answer.status_code == 200, answer.content

    return save


def by_ingest(kind: str, body: Any) -> dict[str, Callable[[User], None]]:
    payload = {"kind": kind, "body": body}
    return {
        f"ingest_dispatch {kind}": by_tool("ingest_dispatch", payload=payload),
        f"POST /v1/ingest {kind}": by_route("/v1/ingest", payload),
    }


def by_import_tool(kind: str) -> Callable[[User], None]:
    def save(user: User) -> None:
        payload = {"kind": kind, "body": an_artefact(user)}
        answer = user.mcp.call("ingest_dispatch", payload=payload)
        assert answer["data"]["counts"], answer

    return save


def by_import(user: User) -> None:
    answer = user.rest.post("/v1/import", an_artefact(user))
    assert answer.status_code == 200, answer.content


def by_import_of_bytes(user: User) -> None:
    artefact = an_artefact(user)
    answer = user.rest.ask(
        "POST",
        "/v1/import",
        base64.b64decode(artefact["artefact_base64"]),
        content_type="application/zip",
    )
    assert answer.status_code == 200, answer.content


def by_webhook(user: User) -> None:
    tagged = {"connector_id": "webhook", "containerTag": "default"}
    assert user.rest.patch("/v1/connectors/settings", tagged).status_code == 200
    workspace = Workspace.objects.get(container_tag="default")
    body = json.dumps({"workspace_id": workspace.slug, **TEXT}).encode()
    answer = Caller(None).ask(
        "POST",
        "/v1/webhooks/memory",
        body,
        X_MN_Webhook_Signature=webhook_secrets.sign(workspace, body),
    )
    assert answer.status_code == 200, answer.content


def by_revising(user: User) -> None:
    saved = user.remembers("To be said better.")
    answer = user.rest.patch(f"/v1/memories/{saved}", {"text": FACT})
    assert answer.status_code == 200, answer.content


SAVERS: dict[str, Callable[[User], None]] = {
    "memory": by_tool("memory", content=FACT),
    "memory_save": by_tool("memory_save", content=FACT),
    "memory_insert": by_tool("memory_insert", content=FACT),
    "memory_conversation_save": by_tool("memory_conversation_save", body=TALK),
    **by_ingest("text", TEXT),
    **by_ingest("memory", TEXT),
    **by_ingest("conversation", TALK),
    # Without a path a document is kept as a memory.
    **by_ingest("document", TEXT),
    "ingest_dispatch import": by_import_tool("import"),
    "ingest_dispatch bundle": by_import_tool("bundle"),
    "POST /v1/memories": by_route("/v1/memories", TEXT),
    "POST /v1/memories/conversation": by_route("/v1/memories/conversation", TALK),
    "PATCH /v1/memories/{id}": by_revising,
    "POST /v1/import": by_import,
    "POST /v1/import of bytes": by_import_of_bytes,
    "POST /v1/webhooks/memory": by_webhook,
}


@pytest.mark.parametrize("era", ["initialize", "stateless"])
@pytest.mark.parametrize("saver", SAVERS)
def test_what_any_tool_saves_another_client_recalls_at_once(anna, ben, saver, era):
    anna.mcp.is_stateless = ben.mcp.is_stateless = era == "stateless"
    # Another client has asked before: no answer of then may be given again.
    assert ben.finds(QUESTION) == ben.recalls(QUESTION) == []

    SAVERS[saver](anna)

    (found,) = ben.search(QUESTION)["results"]
    assert FACT in found["text"]
    for tool in ("recall", "search", "memory_search"):
        (hit,) = ben.mcp.call(tool, query=QUESTION)["results"]
        assert hit["memory_id"] == found["memory_id"]
        assert FACT in hit["text"]
        assert "zebrafish pipeline" in ben.mcp.text
    for tool in ("context", "context_pack", "memory_context"):
        assert FACT in ben.mcp.call(tool, query=QUESTION)["context_text"]
    packed = ben.rest.post("/v1/context", {"query": QUESTION}).json()
    assert FACT in packed["context_text"]
    assert [each["memory_id"] for each in packed["citations"]] == [found["memory_id"]]
    assert ben.lists() == [found["memory_id"]]


@pytest.mark.parametrize("saver", list(by_ingest("document", {})))
def test_a_document_with_a_path_is_recalled_once_it_is_indexed(anna, ben, saver):
    """It is knowledge and no memory, which the worker indexes."""
    body = {"path": "notes/deploy.md", "text": f"# Deploying\n\n{FACT}\n"}
    by_ingest("document", body)[saver](anna)
    running.run_due(limit=100)

    (found,) = ben.search(QUESTION)["results"]
    (hit,) = ben.mcp.call("recall", query=QUESTION)["results"]
    assert (found["kind"], found["path"]) == ("knowledge", "notes/deploy.md")
    assert FACT in hit["text"]


def test_every_tool_that_saves_is_one_of_these():
    """A new tool that writes is either here, or named as one that saves nothing."""
    saves_no_memory = {
        *("register_workspace", "write_overview", "delete_knowledge"),
        *("upload_knowledge", "upload_session"),
        *("memory_forget", "memory_forget_confirm", "memory_delete"),
        *("connector_settings_update", "billing_checkout_create"),
    }
    writing = {name for name, tool in tools().items() if not tool.reads_only}

    assert writing - saves_no_memory == {
        saver.split()[0] for saver in SAVERS if saver.split()[0] in tools()
    }
