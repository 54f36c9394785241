"""What is erased is nowhere, what is not erased is as it was."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from archiving import digest
from recallable import ACTOR, NOW, everywhere, project, publish, remember, upload

from access import tokens
from audit.models import Event
from blobs import store
from blobs.models import Blob
from erasures.models import Erasure
from jobs.running import run_due
from knowledge import publishing
from knowledge import reading as documents
from knowledge.models import Document, Version
from memories import changing
from memories.models import Memory
from recall import (
    erasing,
    proving,
    recalling,
    statistics,
    verifying,
)
from recall.erasing import Target
from recall.recalling import Wanted
from search.models import Block, Finding
from sessions import uploads
from sessions.models import Transcript
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

CANARY = "quokkaberry"
LATER = NOW + timedelta(hours=1)
Kind = Erasure.Kind


def finish() -> None:
    run_due(clock=lambda: LATER)


def erase(target: Target, **given) -> Erasure:
    """Erase and let the jobs run; the receipt as it is then."""
    erasure = erasing.erase(target, **{"actor": ACTOR, "at": NOW, **given})
    finish()
    erasure.refresh_from_db()
    assert erasure.carried_out_at
    assert erasure.purged_at
    return erasure


def places(word: str = CANARY) -> list[str]:
    return list(proving.places_of(word))


def found(text: str, mode: str = "keyword") -> set[str]:
    """The texts that a question to everything brings."""
    wanted = Wanted(text=text, mode=mode, limit=50, is_counted=False)
    return {hit.text for hit in recalling.recall(everywhere(), wanted, at=NOW).hits}


def assert_sound() -> None:
    """No damages, no file without a row, and the same answers from a new index."""
    report = verifying.verify(deep=True, progress=lambda *_: None)
    assert (report.damages, report.orphans, report.strays) == ([], [], [])


def rows_of(workspace: Workspace) -> list[object]:
    """Everything that a workspace has, to be compared."""
    return [
        *Document.objects.filter(workspace=workspace).order_by("pk").values(),
        *Version.objects.filter(document__workspace=workspace).order_by("pk").values(),
        *Transcript.objects.filter(workspace=workspace).order_by("pk").values(),
        *Memory.objects.filter(workspace=workspace).order_by("pk").values(),
        *Block.objects.filter(workspace=workspace).order_by("pk").values("pk", "body"),
        *Finding.objects.filter(workspace=workspace).order_by("pk").values(),
    ]


@pytest.fixture
def here():
    return project("atlas")


@pytest.fixture
def there():
    """A workspace that has some of the same, and is to stay as it is."""
    other = project("other")
    publish(other, "shared.md", f"# Shared\n\nA {CANARY.upper()}-free text of both.\n")
    publish(other, "own.md", "# Own\n\nMarmots whistle.\n")
    upload(other, "marmots again", session_id="m-1")
    remember(other, "Marmots sleep long.")
    return other


# -- the canary ------------------------------------------------------------------------


def fill(workspace: Workspace, word: str = CANARY) -> None:
    """Plant a word in every kind of memory, in every state that each can have."""
    for number in range(3):
        publish(workspace, "plan.md", f"# Plan {number}\n\nThe {word} in {number}.\n")
    publishing.publish(
        workspace=workspace,
        kind="overview",
        path="overview.md",
        text=f"# Overview\n\n{word}\n",
        channel="assistant",
        actor=ACTOR,
        at=NOW,
    )
    upload(workspace, f"first {word}")
    upload(workspace, f"first {word}", f"appended {word}")
    upload(workspace, f"forked {word}")
    uploads.receive(
        workspace=workspace,
        session_id="s-1",
        agent_id="a-1",
        chunks=[tool_lines(word)],
        actor=ACTOR,
        at=NOW,
    )
    memory = remember(workspace, f"A {word} keeps.", metadata={word: word})
    changing.revise(
        memory=memory,
        text=f"A {word} keeps long.",
        reason="r",
        channel="assistant",
        actor=ACTOR,
        at=NOW,
    )
    workspace.describe(cwd=f"/home/{word}", description=word)
    finish()


def tool_lines(word: str) -> bytes:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": word}}
    told = {"type": "tool_result", "tool_use_id": "t1", "content": f"out {word}"}
    rows = [
        {"type": "assistant", "message": {"role": "assistant", "content": [call]}},
        {"type": "user", "message": {"role": "user", "content": [told]}},
    ]
    return b"".join(
        json.dumps({**row, "uuid": str(n), "sessionId": "s-1"}).encode() + b"\n"
        for n, row in enumerate(rows)
    )


def test_the_proof_finds_a_word_wherever_it_is(here):
    fill(here)

    told = "\n".join(places())

    for place in ("memories_memory", "memories_revision", "workspaces_workspace"):
        assert f"table {place}" in told
    for place in ("passages of memory", "passages of knowledge", "index segment"):
        assert place in told
    assert told.count("file blobs/") == Blob.objects.count()


def test_an_erased_workspace_is_nowhere(here, there):
    fill(here)
    before, slug, others = rows_of(there), here.slug, statistics.gather()
    token, _ = tokens.create(
        name="pinned", kind="ai", workspace=here, created_by=ACTOR, at=NOW
    )

    erasure = erasing.erase(erasing.of_workspace(here), actor=ACTOR, at=NOW)

    # At once, before any job has run.
    assert CANARY not in "".join(found(CANARY) | found(CANARY, "exact"))
    assert not Workspace.objects.standing().filter(slug=slug).exists()
    token.refresh_from_db()
    assert (token.revoked_at, token.workspace) == (NOW, None)
    finish()
    assert places() == []
    assert rows_of(there) == before
    assert_sound()
    erasure.refresh_from_db()
    assert erasure.counts["documents"] == 2
    assert erasure.counts["transcripts"] == 3
    assert erasure.counts["memories"] == 1
    assert erasure.counts["blobs"] == others.versions - 2 + 4
    left = statistics.gather()
    assert (left.workspaces, left.documents, left.transcripts) == (1, 2, 1)


@pytest.mark.parametrize("kind", ["document", "overview", "transcript", "memory"])
def test_one_thing_erased_is_nowhere_and_its_neighbours_stay(here, there, kind):
    fill(here, "ordinary")
    before = rows_of(there)
    target = planted(here, kind)
    assert places()

    erasure = erasing.erase(target, actor=ACTOR, at=NOW)

    assert CANARY not in "".join(found(CANARY) | found(CANARY, "exact"))
    finish()
    assert places() == []
    assert found("ordinary")
    assert rows_of(there) == before
    assert_sound()
    event = Event.objects.get(action=f"{kind}.erase")
    assert event.detail["receipt_id"] == str(erasure.receipt_id)


def planted(workspace: Workspace, kind: str) -> Target:
    if kind == "memory":
        return erasing.of_memory(remember(workspace, f"The {CANARY} is blue."))
    if kind == "transcript":
        upload(workspace, f"a {CANARY}", session_id="s-2")
        upload(workspace, f"another {CANARY}", session_id="s-2")
        transcript = upload(workspace, f"another {CANARY}", "more", session_id="s-2")
        return erasing.of_transcript(transcript)
    path, text = "overview.md", f"# O\n\n{CANARY}\n"
    if kind == "document":
        publish(workspace, "secret.md", f"# {CANARY}\n")
        publishing.delete(
            workspace=workspace,
            path="secret.md",
            channel="assistant",
            actor=ACTOR,
            at=NOW,
        )
        path, text = "secret.md", f"# S\n\n{CANARY} {CANARY}\n"
        return erasing.of_document(publish(workspace, path, text))
    publishing.publish(
        workspace=workspace,
        kind="overview",
        path=path,
        text=text,
        channel="assistant",
        actor=ACTOR,
        at=NOW,
    )
    return erasing.of_document(Document.objects.get(workspace=workspace, path=path))


def test_bytes_that_others_have_too_stay(here, there):
    text = f"# Shared\n\nA {CANARY.upper()}-free text of both.\n"
    document = publish(here, "shared.md", text)

    erasure = erase(erasing.of_document(document))

    assert (erasure.counts["blobs"], erasure.counts["shared_blobs"]) == (0, 1)
    kept = Document.objects.get(workspace=there, path="shared.md")
    assert documents.text_of(kept.versions.get()) == text
    assert_sound()


def test_an_upload_of_the_same_bytes_meanwhile_keeps_them(here, there):
    """Whoever is first: the bytes of a living document are always there."""
    text = "# Same\n\nof both\n"
    for number in range(3):
        document = publish(here, f"same-{number}.md", text)
        erasing.erase(erasing.of_document(document), actor=ACTOR, at=NOW)
        publish(there, f"same-{number}.md", text)
        finish()

        assert store.read_text(Blob.objects.get(sha256=digest(text.encode()))) == text
        erase(erasing.of_document(Document.objects.get(path=f"same-{number}.md")))
        assert not Blob.objects.filter(sha256=digest(text.encode())).exists()
        assert_sound()
