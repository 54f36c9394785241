from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from people import NOW, OPERATOR, a_principal, a_workspace

from knowledge.models import Document
from memories.models import Memory
from memories.owners import Owner
from recall import artefacts, ingesting
from refusals import Code, InvalidArgument, Refusal
from usage.models import Meter
from workspaces.models import Workspace


def dispatch(workspace, kind, body, **given):
    principal = given.pop("principal", None) or a_principal()
    return ingesting.dispatch(
        principal=principal,
        workspace=workspace,
        kind=kind,
        body=body,
        channel="assistant",
        at=NOW,
        **given,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["text", "memory"])
@pytest.mark.parametrize("name", ["text", "content"])
def test_a_text_is_a_memory(kind, name):
    done = dispatch(a_workspace(), kind, {name: "The office is in Graz."})

    assert done.kind == "memory"
    assert done.saved.memory == Memory.objects.get()
    assert done.saved.memory.text == "The office is in Graz."


@pytest.mark.django_db
def test_messages_are_a_conversation():
    body = {"messages": [{"role": "user", "content": "hello"}], "user_id": "maria"}

    done = dispatch(a_workspace(), "conversation", body)

    assert done.kind == "conversation"
    assert done.conversation.memory.text == "user: hello"
    assert done.conversation.memory.owner_id == "maria"


@pytest.mark.django_db
def test_a_document_with_a_path_is_knowledge():
    workspace = a_workspace()
    body = {"path": "notes/office.md", "text": "# Office\n\nIn Graz.\n"}

    done = dispatch(workspace, "document", body)

    assert done.document.version_number == 1
    found = Document.objects.get()
    assert (found.path, found.workspace) == ("notes/office.md", workspace)
    assert not Memory.objects.exists()


@pytest.mark.django_db
def test_a_document_without_a_path_is_a_memory():
    done = dispatch(
        a_workspace(), "document", {"text": "# Office", "chunk_profile": "document"}
    )

    assert done.saved.memory.text == "# Office"
    assert not Document.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["import", "bundle"])
def test_an_artefact_is_imported(kind):
    workspace, other = a_workspace(), a_workspace(project="other")
    dispatch(workspace, "text", {"text": "The office is in Graz."})
    made = artefacts.export(
        workspaces=Workspace.objects.filter(pk=workspace.pk), actor=OPERATOR, at=NOW
    )
    body = {"artefact_base64": base64.b64encode(made.data).decode()}

    done = dispatch(other, kind, {**body, "mode": "skip_existing"})

    assert (done.kind, done.imported.created) == ("import", 1)
    assert dispatch(other, kind, body).imported.unchanged == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("video", {}, Code.INVALID_ARGUMENT),
        ("text", {}, Code.INVALID_ARGUMENT),
        ("text", {"text": ""}, Code.INVALID_ARGUMENT),
        ("text", {"text": "x", "metadata": {"n": 1e19}}, Code.INVALID_ARGUMENT),
        ("document", {"path": "notes/x.md"}, Code.INVALID_ARGUMENT),
        ("document", {"path": "../x.md", "text": "x"}, Code.PATH_INVALID),
        ("document", {"path": 7, "text": "x"}, Code.INVALID_ARGUMENT),
        ("import", {}, Code.CONTENT_REFUSED),
        ("import", {"artefact_base64": "AAAA"}, Code.CONTENT_REFUSED),
        ("import", {"artefact_base64": 7}, Code.INVALID_ARGUMENT),
        ("import", {"artefact_base64": "AAAA", "mode": "x"}, Code.INVALID_ARGUMENT),
        ("conversation", {"text": "hello"}, Code.INVALID_ARGUMENT),
    ],
)
def test_what_cannot_be_taken_in_is_refused(kind, body, code):
    with pytest.raises(Refusal) as refused:
        dispatch(a_workspace(), kind, body)

    assert refused.value.code == code
    assert not Memory.objects.exists()
    assert not Document.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_every_kind_is_charged_to_who_sent_it():
    workspace, payer = a_workspace(), a_principal()
    for kind, body in [
        ("text", {"text": "one"}),
        ("conversation", {"transcript": "two"}),
        ("document", {"path": "three.md", "text": "three"}),
    ]:
        dispatch(workspace, kind, body, principal=payer, payer=payer)

    assert Meter.objects.get().writes == 3


def test_a_body_describes_a_memory():
    draft = ingesting.draft_of(
        {
            "text": "hello",
            "memory_type": "fact",
            "metadata": {"a": 1},
            "userId": "maria",
            "entity_id": "maria",
            "owner_type": "agent",
            "subject": "greetings",
            "importance": 5,
            "confidence": 0.5,
            "pinned": True,
            "effective_at": "2026-11-21T09:00:00Z",
            "expires_at": "2026-12-21T10:00:00+01:00",
            "replaces_memory_id": "one",
            "source_memory_id": "two",
            "chunk_profile": "dense",
            "containerTag": "not looked at",
            "extract": True,
        }
    )

    assert draft.owner == Owner("maria", "app")
    assert (draft.memory_type, draft.metadata, draft.subject) == (
        "fact",
        {"a": 1},
        "greetings",
    )
    assert (draft.importance, draft.confidence, draft.is_pinned) == (5, 0.5, True)
    assert draft.effective_at == NOW
    assert draft.expires_at == datetime(2026, 12, 21, 9, 0, tzinfo=UTC)
    assert (draft.replaces, draft.source_memory_id) == ("one", "two")


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": 7},
        {"text": None},
        {"memory_type": 7},
        {"metadata": []},
        {"metadata": "a"},
        {"user_id": "a", "owner_id": "b"},
        {"importance": "5"},
        {"importance": True},
        {"confidence": []},
        {"pinned": "yes"},
        {"effective_at": "tomorrow"},
        {"effective_at": "2026-11-21T09:00:00"},
        {"expires_at": 1700000000},
        {"replaces_memory_id": 7},
        {"chunk_profile": "huge"},
    ],
)
def test_a_value_of_the_wrong_type_is_refused(wrong):
    with pytest.raises(InvalidArgument):
        ingesting.draft_of({"text": "hello", **wrong})
