"""What is erased is nowhere, what is not erased is as it was."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from zipfile import ZipFile

import pytest
from archiving import bytes_of, digest, in_child, jsonl
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import Client
from people import a_token
from recallable import ACTOR, ASSISTANT, NOW, project, publish, remember, upload
from rest_client import Caller
from threads import at_once

from access import scoping, tokens
from access.containers import ReadScope
from audit.models import Event
from audit.trail import Actor
from blobs import store
from blobs.models import Blob
from blobs.places import root as blob_root
from erasures import receipts, tombstones
from erasures.models import ErasedBlob, Erasure
from jobs.models import Job
from jobs.running import run_due
from knowledge import publishing
from knowledge import reading as documents
from knowledge.models import Document, Version
from mcp_api.endpoint import mcp_application
from memories import changing
from memories.models import Memory
from recall import (
    checking,
    erasing,
    proving,
    recalling,
    reindexing,
    statistics,
    verifying,
)
from recall import tombstones as replaying
from recall.erasing import Target
from recall.recalling import Wanted
from search.models import Block, Finding
from search.question import MODES
from sessions import uploads
from sessions.models import RedactedLine, Transcript
from workspaces import registering
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

CANARY = "quokkaberry"
SHARED = "# Shared\n\nA text of both.\n"
LATER = NOW + timedelta(hours=1)
Kind = Erasure.Kind
_examples = count()


def finish() -> None:
    run_due(clock=lambda: LATER)
    assert [str(job) for job in Job.objects.exclude(error="")] == []


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
    scope = ReadScope(scoping.readable(ASSISTANT), None, None)
    return {hit.text for hit in recalling.recall(scope, wanted, at=NOW).hits}


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
    publish(other, "shared.md", SHARED)
    publish(other, "own.md", "# Own\n\nMarmots whistle.\n")
    upload(other, "marmots again", session_id="m-1")
    remember(other, "Marmots sleep long.")
    finish()
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
    document = publish(here, "shared.md", SHARED)

    erasure = erase(erasing.of_document(document))

    assert (erasure.counts["blobs"], erasure.counts["shared_blobs"]) == (0, 1)
    kept = Document.objects.get(workspace=there, path="shared.md")
    assert documents.text_of(kept.versions.get()) == SHARED
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


def test_index_and_answers_are_the_same_when_made_anew(here, there):
    fill(here, "ordinary")
    erase(planted(here, "transcript"))
    before = found("ordinary"), found("marmots sleep", "hybrid")

    reindexing.reindex(
        workspaces=Workspace.objects.all(),
        actor=ACTOR,
        at=LATER,
        progress=lambda _: None,
    )
    finish()

    assert (found("ordinary"), found("marmots sleep", "hybrid")) == before


@pytest.mark.django_db(transaction=True)
def test_no_mode_of_any_wire_log_or_export_has_it(here, tmp_path, caplog, monkeypatch):
    """Beside the word that is asked for, its texts have one that no question has."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    there = project("other")
    fill(there, "ordinary")
    fill(here, f"{CANARY} jambalaya")
    token = a_token("admin", at=timezone.now())
    said = list(answers(token, here.slug))
    assert sum("jambalaya" in each for each in said) > len(said) * 3 // 4

    erasing.erase(erasing.of_workspace(here), actor=ACTOR, at=NOW)

    assert "jambalaya" not in "".join(answers(token, here.slug))
    finish()
    assert "jambalaya" not in "".join(answers(token, here.slug, modes=["keyword"]))
    call_command("export_tree", tmp_path / "tree")
    call_command("export_memories", tmp_path / "memories.zip")
    with ZipFile(tmp_path / "memories.zip") as package:
        package.extractall(tmp_path / "unzipped")
    monkeypatch.setattr("django.conf.settings.MEMORY_ROOT", tmp_path)
    assert places("jambalaya") == []
    assert len(places("ordinary")) > 4
    assert CANARY not in caplog.text


def answers(token: str, slug: str, modes=MODES) -> Iterator[str]:
    """What every way of asking says, kept answers too."""
    rest = Caller(token)
    mcp = Client(mcp_application, token, is_stateless=True)
    for mode in modes:
        asked = {"query": CANARY, "mode": mode}
        yield rest.get(f"search?q={CANARY}&mode={mode}").content.decode()
        told = rest.post("/v1/search", {"query": CANARY, "search_mode": mode})
        yield told.content.decode()
        for tool in ("search_knowledge", "search_sessions", "recall"):
            yield json.dumps(mcp.call(tool, **asked)) + mcp.text
    for tool, asked in (
        ("context", {"query": CANARY}),
        ("list_workspaces", {}),
        ("memory_list", {}),
        ("get_overview", {"workspace_id": slug}),
        ("list_knowledge", {"workspace_id": slug}),
        ("read_knowledge", {"workspace_id": slug, "path": "plan.md"}),
        ("list_sessions", {}),
        ("read_session", {"workspace_id": slug, "session_id": "s-1"}),
    ):
        yield json.dumps(mcp.call(tool, **asked)) + mcp.text
    yield rest.post("/v1/context", {"query": CANARY}).content.decode()
    yield rest.get(f"workspaces/{slug}/sessions/s-1?view=raw").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_leaves_no_bytes_that_another_does_not_remove():
    erasure = erasing.erase(
        erasing.of_document(publish(project("atlas"), "plan.md", CANARY)),
        actor=ACTOR,
        at=NOW,
    )

    def carry_out() -> None:
        receipt_id = str(erasure.receipt_id)
        erasing.carry_out(receipt_id, renew=lambda: None, clock=lambda: LATER)

    assert in_child(carry_out, crash_at="before-unlink") == -signal.SIGKILL
    assert not Blob.objects.exists()
    assert len(verifying.verify(deep=True, progress=lambda *_: None).orphans) == 1

    finish()

    assert places() == []
    assert_sound()


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(chosen=st.sets(st.integers(0, 11), min_size=1, max_size=11))
def test_whatever_is_erased_all_else_is_as_it_was(chosen, here):
    """Of two projects that have the same texts, some things in any order."""
    number = next(_examples)
    targets, texts = [], []
    for name in ("one", "two"):
        place = project(f"{name} {number}")
        for each in range(6):
            word = f"w{number}n{each}"
            if each < 2:
                document = publish(place, f"{word}.md", f"# D\n\nA {word} of both.\n")
                targets.append(erasing.of_document(document))
            elif each < 4:
                found_there = upload(place, f"say {word} now", session_id=word)
                targets.append(erasing.of_transcript(found_there))
            else:
                memory = remember(place, f"In {name} a {word} is kept.")
                targets.append(erasing.of_memory(memory))
            texts.append((word, targets[-1].workspace_slug))
    before = statistics.gather()

    for each in chosen:
        erasing.erase(targets[each], actor=ACTOR, at=NOW)
    finish()

    for each, (word, slug) in enumerate(texts):
        scope = ReadScope(Workspace.objects.filter(slug=slug), None, None)
        wanted = Wanted(text=word, mode="exact", limit=5, is_counted=False)
        hits = recalling.recall(scope, wanted, at=NOW).hits
        assert bool(hits) is (each not in chosen), word
    assert not Blob.objects.unreferenced().exists()
    assert_sound()
    after = statistics.gather()
    gone = [targets[each].kind for each in chosen]
    assert before.documents - after.documents == gone.count("document")
    assert before.versions - after.versions == gone.count("document")
    assert before.transcripts - after.transcripts == gone.count("transcript")
    assert before.lines - after.lines == gone.count("transcript")
    assert before.passages - after.passages == len(gone)


# -- what a client sends again ---------------------------------------------------------


def send(workspace: Workspace, *texts: str, session_id="s-1", **given):
    return uploads.receive(
        workspace=workspace,
        session_id=session_id,
        chunks=[jsonl(*texts)],
        actor=ACTOR,
        at=NOW,
        **given,
    )


def test_an_erased_session_does_not_come_back_by_the_next_sync(here):
    erasure = erase(erasing.of_transcript(upload(here, CANARY)))

    for agent_id in ("", "a-1"):
        with pytest.raises(receipts.Erased) as refused:
            send(here, CANARY, agent_id=agent_id)
        assert (refused.value.code, refused.value.status) == ("ERASED", 410)
        assert refused.value.detail == {"receipt_id": str(erasure.receipt_id)}
    local = checking.Local(sha256="0" * 64, size_bytes=9, session_id="s-1")
    assert [each.state for each in checking.check(workspace=here, items=[local])] == [
        "erased"
    ]
    assert places() == []
    assert send(here, "another", session_id="s-2").outcome == "stored"

    receipts.lift(erasure, actor=ACTOR, at=NOW)

    assert send(here, CANARY).outcome == "stored"
    assert Event.objects.filter(action="erasure.lift").count() == 1


def test_a_subagent_alone_is_erased(here):
    upload(here, "main")
    send(here, CANARY, agent_id="a-1")

    erase(Target(Kind.TRANSCRIPT, "s-1/a-1", here.slug))

    assert places() == []
    assert send(here, "main", "more").outcome == "appended"
    with pytest.raises(receipts.Erased):
        send(here, CANARY, agent_id="a-1")


def test_an_erased_document_is_refused_to_machines_and_open_to_people(here):
    given = {"workspace": here, "path": "plan.md", "actor": ACTOR, "at": NOW}
    erase(erasing.of_document(publish(here, "plan.md", CANARY)))

    with pytest.raises(receipts.Erased):
        publishing.publish(text=CANARY, channel="sync", **given)
    local = checking.Local(sha256="0" * 64, size_bytes=9, path="plan.md")
    assert checking.check(workspace=here, items=[local])[0].state == "erased"
    anew = publishing.publish(text="# Anew", channel="assistant", **given)
    assert anew.version_number == 1


def test_an_erased_project_is_not_registered_again_and_a_container_is(here):
    erasure = erase(erasing.of_workspace(here))
    box = registering.container("box", actor=ACTOR, at=NOW)
    remember(box, CANARY)
    erase(erasing.of_workspace(box))

    with pytest.raises(receipts.Erased):
        project("atlas")
    assert registering.container("box", actor=ACTOR, at=NOW).pk != box.pk
    assert places() == []
    assert not Workspace.objects.filter(slug="laptop-claude-code-atlas").exists()
    receipts.lift(erasure, actor=ACTOR, at=NOW)
    assert project("atlas").pk != here.pk


@pytest.mark.django_db(transaction=True)
def test_uploads_that_race_with_an_erasure_are_refused_or_erased():
    here = project("atlas")
    transcript = upload(here, "one")

    def act(number: int) -> object:
        if number == 3:
            return erasing.erase(erasing.of_transcript(transcript), actor=ACTOR, at=NOW)
        return send(here, "one", CANARY, str(number))

    done = at_once(6, act)

    assert isinstance(done[3], Erasure)
    others = [each for number, each in enumerate(done) if number != 3]
    assert all(isinstance(each, uploads.Receipt | receipts.Erased) for each in others)
    finish()
    assert not Transcript.objects.exists()
    assert not Blob.objects.exists()
    assert places() == []


# -- what a token wrote ----------------------------------------------------------------

BAD = Actor(name="taken over", token_id=66)


def test_what_a_token_wrote_goes_and_what_stood_before_stands_again(here, there):
    before = rows_of(there)
    publish(here, "plan.md", "# Plan\n\nGood words.\n")
    publish(here, "gone.md", "# Gone\n\nA good thing.\n")
    good = remember(here, "Ovens bake bread.", memory_type="fact")
    revised = remember(here, "The gate is green.")
    send(here, "good")
    given = {"workspace": here, "channel": "sync", "actor": BAD, "at": LATER}
    publishing.publish(path="plan.md", text=f"# {CANARY}\n", **given)
    publishing.publish(path="bad.md", text=f"# {CANARY} again\n", **given)
    publishing.delete(path="gone.md", **given)
    replaced = remember(here, f"Ovens bake {CANARY}.", replaces=str(good.memory_id))
    Memory.objects.filter(pk=replaced.pk).update(token_id=66, created_at=LATER)
    changing.revise(
        memory=revised,
        text=f"The gate is {CANARY}.",
        reason="r",
        channel="assistant",
        actor=BAD,
        at=LATER,
    )
    for given in ({"session_id": "s-1"}, {"session_id": "s-9"}):
        uploads.receive(
            workspace=here,
            chunks=[jsonl("good", CANARY)],
            actor=BAD,
            at=LATER,
            **given,
        )
    finish()
    assert places()

    erasure = erase(Target(Kind.TOKEN, "66", since=LATER))

    assert places() == []
    assert found("bread") == {"Ovens bake bread."}
    assert found("gate") == {"The gate is green."}
    assert "A good thing." in "".join(found("good thing"))
    assert "Good words." in "".join(found("good words"))
    plan = Document.objects.get(workspace=here, path="plan.md")
    assert (plan.version_number, plan.sha256) == (
        3,
        digest(b"# Plan\n\nGood words.\n"),
    )
    assert not Document.objects.filter(path="bad.md").exists()
    transcript = Transcript.objects.get(workspace=here)
    assert bytes_of(transcript) == jsonl("good")
    assert rows_of(there) == before
    assert_sound()
    parts = {(part.kind, part.target, part.is_partial) for part in erasure.parts.all()}
    assert parts == {
        ("document", "plan.md", True),
        ("document", "gone.md", True),
        ("document", "bad.md", False),
        ("transcript", "s-1", True),
        ("transcript", "s-9", False),
    }
    assert all(part.carried_out_at for part in erasure.parts.all())


def test_a_whole_token_is_revoked(here):
    token, _ = tokens.create(name="t", kind="ai", created_by=ACTOR, at=NOW)
    Memory.objects.filter(pk=remember(here, CANARY).pk).update(token_id=token.pk)

    erasure = erase(Target(Kind.TOKEN, str(token.pk)))

    token.refresh_from_db()
    assert token.revoked_at == NOW
    assert erasure.counts["memories"] == 1
    assert places() == []


# -- a secret --------------------------------------------------------------------------

SECRET = "ghp_" + "Zx9Qw3Er7Ty1Ui5Op2As8Df4Gh6Jk0Lm3Nb7"


def leak(workspace: Workspace) -> str:
    """Let a secret in by every way there is; gives its fingerprint."""
    publish(workspace, "keys.md", f"# Keys\n\ntoken: {SECRET}\n\nend\n")
    publish(workspace, "keys.md", f"# Keys\n\ntoken: {SECRET} still\n\nend\n")
    publish(workspace, "clean.md", "# Clean\n\nnothing\n")
    send(workspace, "before", f"old {SECRET} revision")
    send(workspace, "a fork", f"key {SECRET} here")
    nested = json.dumps({"output": json.dumps({"said": f'"{SECRET}"/x'})})
    send(workspace, "a fork", f"key {SECRET} here", "between", nested)
    send(workspace, "a fork", f"key {SECRET} here", "between", nested, "after")
    remember(workspace, f"The key is {SECRET} today", metadata={"key": SECRET})
    finish()
    fingerprints = set(Finding.objects.values_list("fingerprint", flat=True))
    assert len(fingerprints) == 1
    return fingerprints.pop()


def test_a_secret_is_taken_out_of_everything_and_lines_stay(here, there):
    before = rows_of(there)
    fingerprint = leak(here)
    transcript = Transcript.objects.get(is_latest=True, workspace=here)
    lines = transcript.line_count
    old = transcript.head_sha256

    erasure = erase(Target(Kind.SECRET, fingerprint))

    assert places(SECRET) == []
    assert not Finding.objects.filter(workspace=here).exists()
    mark = f"[REDACTED:{erasure.facts['rule']}:{fingerprint}]"
    transcript.refresh_from_db()
    text = bytes_of(transcript).decode()
    assert (transcript.line_count, text.count(mark)) == (lines, 2)
    assert [json.loads(line)["role"] for line in text.splitlines()] == ["user"] * lines
    assert transcript.head_sha256 == digest(text.encode()) != old
    document = Document.objects.get(path="keys.md")
    versions = documents.history(document)
    assert [documents.text_of(each).count(mark) for each in versions] == [1, 1]
    assert [each.number for each in versions] == [2, 1]
    assert mark in Memory.objects.get(workspace=here).text
    assert rows_of(there) == before
    assert_sound()
    links = tombstones.read(tombstones.root())[0].links
    replaced = {row.sha256: row.replaced_by for row in ErasedBlob.objects.all()}
    assert dict(links) == replaced
    assert len(replaced) == 5


def test_a_client_whose_file_still_has_the_secret_goes_on(here):
    erasure = erase(Target(Kind.SECRET, leak(here)))
    head = Transcript.objects.get(is_latest=True, workspace=here)
    nested = json.dumps({"output": json.dumps({"said": f'"{SECRET}"/x'})})
    mine = ["a fork", f"key {SECRET} here", "between", nested, "after"]
    whole = jsonl(*mine)

    with pytest.raises(uploads.BaseMismatch) as refused:
        uploads.receive(
            workspace=here,
            session_id="s-1",
            chunks=[jsonl("later")],
            base_offset=len(whole),
            base_sha256=digest(whole),
            actor=ACTOR,
            at=NOW,
        )
    assert refused.value.detail["size_bytes"] == 0
    again = send(here, *mine, sha256=digest(whole))
    more = send(here, *mine, "later", sha256=digest(jsonl(*mine, "later")))

    assert again.outcome == "deduplicated"
    assert (more.outcome, more.transcript.pk) == ("appended", head.pk)
    assert more.line_count == 6
    finish()
    assert places(SECRET) == []
    assert_sound()
    assert set(RedactedLine.objects.values_list("receipt_id", flat=True)) == {
        erasure.receipt_id
    }
    # A document with the secret is known as the one without.
    text = f"# Keys\n\ntoken: {SECRET} still\n\nend\n"
    published = publishing.publish(
        workspace=here, path="keys.md", text=text, channel="sync", actor=ACTOR, at=NOW
    )
    assert not published.changed
    local = checking.Local(sha256=digest(text.encode()), size_bytes=9, path="keys.md")
    assert checking.check(workspace=here, items=[local])[0].state == "same"


# -- stopped, told, restored -----------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.mark.parametrize("kind", ["workspace", "transcript", "secret", "token"])
def test_work_that_is_stopped_anywhere_goes_on(here, there, kind):
    """Killed at each of its steps in turn, begun again, until it is done."""
    before = rows_of(there)
    fill(here)
    word, target = CANARY, erasing.of_workspace(here)
    if kind == "transcript":
        Workspace.objects.filter(pk=here.pk).update(description="", cwd="")
        word = f"appended {CANARY}"
        target = Target(Kind.TRANSCRIPT, "s-1", here.slug)
    elif kind == "secret":
        word, target = SECRET, Target(Kind.SECRET, leak(here))
    elif kind == "token":
        Workspace.objects.filter(pk=here.pk).update(description="", cwd="")
        Memory.objects.filter(workspace=here).update(token_id=7)
        before = []
        target = Target(Kind.TOKEN, "7")
    erasure = erasing.erase(target, actor=ACTOR, at=NOW)
    steps = 0

    def die_at(number: int):
        left = iter(range(number))

        def renew() -> None:
            if next(left, None) is None:
                raise Killed

        return renew

    while not erasure.carried_out_at:
        steps += 1
        assert steps < 200
        with suppress(Killed):
            erasing.carry_out(
                str(erasure.receipt_id), renew=die_at(3 * steps), clock=lambda: LATER
            )
        erasure.refresh_from_db()
    finish()

    assert steps > 1
    assert places(word) == []
    assert rows_of(there) == before or kind == "token"
    assert_sound()


def test_a_restored_database_is_told_again(here, there):
    fill(here)
    other = upload(there, CANARY, session_id="s-7")
    planted_there = publish(there, "bad.md", CANARY)
    backup = dump()
    files = {path: path.read_bytes() for path in blob_root().rglob("*.gz")}
    before = erase(erasing.of_transcript(other))
    lifted = erase(erasing.of_document(planted_there))
    receipts.lift(lifted, actor=ACTOR, at=NOW)
    erase(erasing.of_workspace(here))
    assert places() == []

    restore(backup)
    for path, data in files.items():
        path.write_bytes(data)
    assert places()

    assert replaying.replay(clock=lambda: LATER) == 3
    assert places() == []
    again = Erasure.objects.get(receipt_id=before.receipt_id)
    assert (again.kind, again.erased_at) == ("transcript", NOW)
    assert Erasure.objects.get(receipt_id=lifted.receipt_id).lifted_at == NOW
    with pytest.raises(receipts.Erased):
        project("atlas")
    assert replaying.replay(clock=lambda: LATER) == 0
    assert_sound()


def dump() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as a backup has them."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = cursor.fetchall(), [each[0] for each in cursor.description]
    return rows


def restore(rows) -> None:
    left_alone = {"audit_event", "django_migrations"}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table, (saved, columns) in rows.items():
            if table in left_alone:
                continue
            cursor.execute(f'DELETE FROM "{table}"')
            names = ", ".join(f'"{each}"' for each in columns)
            marks = ", ".join(["%s"] * len(columns))
            for row in saved:
                cursor.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', row)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_a_tombstone_that_was_cut_short_spoils_no_other(here):
    for number in range(2):
        path = next(iter(tombstones.root().glob("*")), None)
        if path:
            with path.open("ab") as file:
                file.write(b'{"v": 1, "erased": {"receipt')
        erase(erasing.of_memory(remember(here, f"number {number}")))

    told = tombstones.read(tombstones.root())

    assert [each.kind for each in told] == ["memory", "memory"]
    assert "number" not in path.read_text()


def test_nothing_is_erased_without_its_tombstone(here, memory_root):
    memory = remember(here, CANARY)
    (memory_root / "tombstones").write_text("in the way")

    with pytest.raises(store.StorageUnavailable):
        erasing.erase(erasing.of_memory(memory), actor=ACTOR, at=NOW)

    assert Memory.objects.filter(pk=memory.pk).exists()
    assert not Erasure.objects.exists()


# -- the shell and the console ---------------------------------------------------------


def test_the_proof_looks_wherever_blobs_lie(each_place, here):
    publish(here, "plan.md", f"# Plan\n\n{CANARY}\n")
    where = "blob s3://" if each_place == "bucket" else "file blobs/"
    assert any(each.startswith(where) for each in places())

    call_command("erase", "document", "plan.md", "--workspace", here.slug, "--yes")

    assert places() == []


def test_the_command_tells_first_and_erases_when_told(here, capsys, monkeypatch):
    publish(here, "plan.md", f"# Plan\n\n{CANARY}\n")
    told = ["erase", "document", "plan.md", "--workspace", here.slug]

    call_command(*told)
    assert "Nothing was erased" in capsys.readouterr().out
    assert Document.objects.exists()
    call_command(*told, "--yes")

    assert "1 documents" in capsys.readouterr().out
    assert places() == []
    assert Erasure.objects.get().purged_at
    with pytest.raises(CommandError):
        call_command(*told, "--yes")
    for word, status in ((CANARY, None), ("plan.md", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(word + "\n"))
        if status:
            with pytest.raises(SystemExit):
                call_command("prove_erased")
            assert "erasures_erasedblob" not in capsys.readouterr().out
        else:
            call_command("prove_erased")
            assert "Nowhere." in capsys.readouterr().out
    call_command("replay_tombstones")
    assert "0 erasures" in capsys.readouterr().out


def test_operators_confirm_what_goes(here, client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("ada"))
    rows = {
        "workspaces_workspace": project("second"),
        "knowledge_document": publish(here, "plan.md", CANARY),
        "transcripts_transcript": upload(here, f"{CANARY} {SECRET}"),
        "access_token": tokens.create(name="t", kind="ai", created_by=ACTOR, at=NOW)[0],
        "memories_memory": remember(here, CANARY),
    }
    rows = {"search_finding": Finding.objects.get(), **rows}
    for name, row in rows.items():
        chosen = {"action": "erase", "_selected_action": [row.pk]}
        page = client.post(f"/admin/{name.replace('_', '/')}/", chosen, follow=True)
        assert page.status_code == 200
        assert "Erase for good" in page.content.decode(), name
        of = page.redirect_chain[-1][0].partition("of=")[2].partition("&")[0]

        listed = client.post("/console/erase/", {"of": of, "id": row.pk}, follow=True)

        assert "1 erased" in listed.content.decode(), name
    assert Erasure.objects.filter(erased_by="ada").count() == len(rows)
    # The console erases by the clock.
    run_due()
    assert places() == []
    assert places(SECRET) == []
    detail = client.get(f"/admin/erasures/erasure/{Erasure.objects.first().pk}/change/")
    assert detail.status_code == 200
    for asked in ("", "?of=document", "?of=nothing&id=1", "?of=token&id=1&since=soon"):
        assert client.get(f"/console/erase/{asked}").status_code == 400
