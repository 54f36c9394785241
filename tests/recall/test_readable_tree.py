from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from archiving import AT, bytes_of, jsonl, make_workspace, receive
from django.core.management import CommandError, call_command

from audit.trail import Actor
from knowledge import publishing
from knowledge.models import Document, Version
from sessions.models import Transcript
from workspaces.models import Workspace

ACTOR = Actor(name="operator")


def fill(workspace: Workspace) -> None:
    for kind, path, text in [
        ("overview", "overview.md", "# Where we stand\n"),
        ("knowledge", "design/blobs.md", "# Blobs ☂\n"),
    ]:
        publishing.publish(
            workspace=workspace,
            kind=kind,
            path=path,
            text=text,
            channel="operator",
            actor=ACTOR,
            at=AT,
        )
    receive(workspace, jsonl("one"))
    receive(workspace, jsonl("one", "two"))
    receive(workspace, jsonl("different"))
    receive(workspace, jsonl("helper"), agent_id="a1")


@pytest.mark.django_db
def test_the_tree_holds_the_bytes_and_zcat_reads_them(tmp_path: Path) -> None:
    workspace = make_workspace()
    fill(workspace)

    call_command("export_tree", tmp_path)

    home = tmp_path / "workspaces" / workspace.slug
    assert (home / "overview.md").read_text() == "# Where we stand\n"
    assert (home / "knowledge/design/blobs.md").read_text() == "# Blobs ☂\n"
    older = next(home.rglob("one@1.jsonl.gz"))
    assert subprocess.run(["zcat", older], capture_output=True).stdout == jsonl(
        "one", "two"
    )
    newest = next(home.rglob("one.jsonl.gz")).read_bytes()
    assert gzip.decompress(newest) == jsonl("different")
    subagent = next(home.rglob("one+a1.jsonl.gz")).read_bytes()
    assert gzip.decompress(subagent) == jsonl("helper")
    listed = json.loads((tmp_path / "_meta/workspaces.json").read_text())
    assert [entry["workspace_id"] for entry in listed] == [workspace.slug]


def contents() -> dict[object, object]:
    documents = {
        (d.workspace.slug, d.kind, d.path): d.sha256
        for d in Document.objects.select_related("workspace")
    }
    transcripts = {
        (t.workspace.slug, t.session_id, t.agent_id, t.revision): bytes_of(t)
        for t in Transcript.objects.select_related("workspace")
    }
    return {**documents, **transcripts}


@pytest.mark.django_db
def test_what_went_out_comes_in_again_and_only_once(tmp_path: Path) -> None:
    fill(make_workspace("laptop-claude-code-memory"))
    before = contents()
    call_command("export_tree", tmp_path)
    Version.objects.all().delete()
    Workspace.objects.all().delete()

    call_command("import_tree", tmp_path)
    first = contents()
    call_command("import_tree", tmp_path)

    assert {key[1:]: value for key, value in first.items()} == {
        key[1:]: value for key, value in before.items()
    }
    assert contents() == first


@pytest.mark.django_db
def test_an_older_file_based_memory_moves_in(tmp_path: Path) -> None:
    home = tmp_path / "workspaces" / "desk-codex-atlas"
    (home / "knowledge").mkdir(parents=True)
    (home / "sessions" / "2025" / "03").mkdir(parents=True)
    (home / "knowledge" / "notes.md").write_text("# Notes\n")
    (home / "sessions/2025/03/abc.jsonl").write_bytes(jsonl("hello"))
    (tmp_path / "_meta").mkdir()
    (tmp_path / "_meta" / "workspaces.json").write_text(
        json.dumps(
            {
                "workspaces": {
                    "desk-codex-atlas": {
                        "machine": "desk",
                        "tool": "codex",
                        "project": "atlas",
                    }
                }
            }
        )
    )

    call_command("import_tree", tmp_path)

    workspace = Workspace.objects.get(slug="desk-codex-atlas")
    assert Document.objects.get(workspace=workspace).title == "Notes"
    assert bytes_of(Transcript.objects.get(session_id="abc")) == jsonl("hello")


@pytest.mark.django_db
def test_a_refused_file_is_named_and_the_rest_comes_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_workspace()
    fill(workspace)
    call_command("export_tree", tmp_path)
    home = tmp_path / "workspaces" / workspace.slug
    (home / "knowledge" / "broken.md").write_bytes(b"\xff\xfe")
    (home / "sessions" / "torn.jsonl.gz").write_bytes(gzip.compress(b"{}\n")[:-4])

    with pytest.raises(CommandError, match="left out"):
        call_command("import_tree", tmp_path)

    told = capsys.readouterr().err
    assert "broken.md" in told
    assert "torn.jsonl.gz" in told
    assert not Document.objects.filter(path="broken.md").exists()
    assert not Transcript.objects.filter(session_id="torn").exists()


@pytest.mark.django_db
def test_a_directory_that_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no workspaces"):
        call_command("import_tree", tmp_path)
