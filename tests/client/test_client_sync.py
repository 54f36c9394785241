"""From the files that coding clients leave on a machine to the archive, over HTTP."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from pathlib import Path

import pytest
from archived import Archive
from machines import Machine, machine_at, turn
from relay import Relay

from benchmarks import corpus
from memory_server.scratch import Server
from memory_sync import VERSION
from memory_sync import archive as sending
from memory_sync import server as rest
from memory_sync.config import load_config
from memory_sync.identity import identity_of
from memory_sync.problems import OtherRun, ServerAway, TokenRefused
from memory_sync.reading import digests
from memory_sync.rendering import Content
from memory_sync.stores.claude import claude_transcript
from memory_sync.transcripts import Transcript


@pytest.fixture
def archive(server: Server, laptop: Machine) -> Archive:
    return Archive(server, laptop.name)


def test_a_session_waits_until_a_line_names_its_directory(
    laptop: Machine, archive: Archive
) -> None:
    """Claude Code begins a fork with lines that name none, sometimes long before it
    goes on; they must not make a workspace of their own.
    """
    begun = b'{"type":"mode","mode":"normal","sessionId":"s1"}\n'
    path = laptop.claude_session("s1", begun, cwd="/home/dev/shop")
    left_out = {"nothing said in it yet": 1}
    report = laptop.report("sync")
    assert (report["outcomes"], report["skipped"]) == ({}, left_out)
    assert laptop.report("sync")["skipped"] == left_out
    leaving = laptop.report("sync", "--dry-run")["leaving"]
    assert [each["reason"] for each in leaving] == ["nothing said in it yet"]

    path.write_bytes(begun + turn("hello", cwd="/home/dev/shop"))
    assert laptop.report("sync")["outcomes"] == {"stored": 1}
    assert archive.transcript("s1") == path.read_bytes()
    assert archive.projects() == {("claude-code", "shop")}

    # Nobody goes on with it any more, and what there is of it is archived all the same.
    path = laptop.claude_session("s2", begun, cwd="/home/dev/shop")
    yesterday = time.time() - 25 * 3600
    os.utime(path, (yesterday, yesterday))
    assert laptop.report("sync")["outcomes"] == {"stored": 1}
    assert archive.transcript("s2") == begun


def test_forty_sessions_are_archived_byte_for_byte(
    laptop: Machine, archive: Archive, server: Server
) -> None:
    chance = random.Random(40)
    contents = {}
    for number in range(40):
        session = corpus.transcript(
            number=number, wanted_bytes=int(10 ** chance.uniform(3.5, 5.5)), seed=3
        )
        # A real client's file may end without a newline.
        content = session.content[:-1] if number % 3 else session.content
        laptop.claude_session(
            session.session_id, content, cwd=f"/home/dev/{session.project}"
        )
        contents[session.session_id] = content
    report = laptop.report("sync")
    assert report["exit_code"] == 0
    assert (report["found"], report["outcomes"]) == (40, {"stored": 40})
    for session_id, content in contents.items():
        assert archive.transcript(session_id) == content
    assert archive.projects() <= {("claude-code", name) for name in corpus.PROJECTS}
    again = laptop.report("sync")
    assert (again["unchanged"], again["raw_bytes_sent"]) == (40, 0)
    told = "SELECT found, waiting, client_version FROM workspaces_machine"
    (account,) = server.query(f"{told} WHERE name = '{laptop.name}'")
    assert account == (40, 0, VERSION)


def test_only_new_bytes_travel_when_a_session_grows(
    server: Server, laptop: Machine, archive: Archive
) -> None:
    relay = Relay(server.port)
    start = corpus.transcript(number=1, wanted_bytes=600_000, seed=5).content
    path = laptop.claude_session("grows", start)
    assert laptop.report("sync", MCP_MEMORY_URL=relay.url)["outcomes"] == {"stored": 1}
    assert relay.bytes_up > 50_000
    relay.bytes_up = 0
    more = turn("one more question") + turn("and an answer", role="assistant")
    with path.open("ab") as file:
        file.write(more)
    report = laptop.report("sync", MCP_MEMORY_URL=relay.url)
    assert report["outcomes"] == {"appended": 1}
    assert report["raw_bytes_sent"] == len(more)
    assert relay.bytes_up < 3_000
    assert archive.segments("grows") == [start, more]
    relay.cut()


def test_a_lost_state_costs_hashing_but_no_bytes(
    laptop: Machine, archive: Archive
) -> None:
    laptop.claude_session("kept", turn("hello") * 50)
    laptop.report("sync")
    (laptop.sync_home / "state.json").unlink()
    report = laptop.report("sync")
    assert report["outcomes"] == {"deduplicated": 1}
    assert report["raw_bytes_sent"] == 0


def test_a_half_written_line_comes_when_it_is_whole(
    laptop: Machine, archive: Archive
) -> None:
    whole, last = turn("first") + turn("second"), turn("third, slowly written")
    path = laptop.claude_session("half", whole + last[:25])
    assert laptop.report("sync")["exit_code"] == 0
    assert archive.transcript("half") == whole
    path.write_bytes(whole + last)
    assert laptop.report("sync")["outcomes"] == {"appended": 1}
    assert archive.transcript("half") == whole + last


def test_a_rewritten_session_opens_a_revision_and_loses_nothing(
    laptop: Machine, archive: Archive
) -> None:
    old, new = turn("as it was") * 3, turn("as it is now") * 4
    path = laptop.claude_session("forks", old)
    laptop.report("sync")
    path.write_bytes(new)
    assert laptop.report("sync")["outcomes"] == {"forked": 1}
    assert archive.transcript("forks") == old
    assert archive.transcript("forks", revision=2) == new


def test_an_older_copy_of_a_session_changes_nothing(
    laptop: Machine, archive: Archive
) -> None:
    start, rest = turn("a") * 3, turn("b") * 3
    path = laptop.claude_session("older", start)
    laptop.report("sync")
    path.write_bytes(start + rest)
    laptop.report("sync")
    path.write_bytes(start)
    assert laptop.report("sync")["outcomes"] == {"stale": 1}
    assert archive.transcript("older") == start + rest


def test_what_another_copy_appended_meanwhile_is_met_where_it_ends(
    server: Server, laptop: Machine, archive: Archive, tmp_path: Path
) -> None:
    """The verdict is out of date when the upload arrives: 409, look again, append."""
    start, middle, end = turn("1") * 5, turn("2") * 5, turn("3") * 5
    path = laptop.claude_session("raced", start)
    laptop.report("sync")
    other = machine_at(tmp_path / "other", **_tokens(server))
    other.run("configure", "--url", server.url, "--machine", laptop.name)
    other.claude_session("raced", start + middle)
    other.report("sync")
    path.write_bytes(start + middle + end)

    os.environ.update(laptop.environment)
    sync = sending.Archive(load_config())
    transcript = claude_transcript(path)
    assert isinstance(transcript, Transcript)
    identity = identity_of(transcript, sync.config)
    marks = digests(path, transcript.size, [len(start)])
    content = Content(path, transcript.size)
    prepared = sending.Prepared(transcript, identity, content, marks)
    receipt = sync._put(prepared, len(start), marks[len(start)])
    sync.server.close()
    assert receipt["outcome"] == "appended"
    assert archive.segments("raced") == [start, middle, end]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what a test puts into this process's environment."""
    for name in machine_at(Path("/")).environment | _NAMES:
        monkeypatch.setenv(name, os.environ.get(name, ""))


_NAMES = dict.fromkeys(("MCP_MEMORY_URL", "SYNC_TOKEN", "MCP_MEMORY_TOKEN"), "")


def _tokens(server: Server) -> dict[str, str]:
    return {"SYNC_TOKEN": server.sync_token, "MCP_MEMORY_TOKEN": server.ai_token}


def test_subagents_go_to_their_parents_workspace_under_their_own_id(
    laptop: Machine, archive: Archive
) -> None:
    main = laptop.claude_session("parent", turn("main"))
    for place, text in (("agent-a1.jsonl", "one"), ("flow/agent-a1.jsonl", "two")):
        path = main.with_suffix("") / "subagents" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(turn(text, cwd="/tmp/worktree"))
    assert laptop.report("sync")["outcomes"] == {"stored": 3}
    assert archive.projects() == {("claude-code", "shop")}
    assert archive.transcript("parent", "a1") == turn("one", cwd="/tmp/worktree")
    assert archive.transcript("parent", "flow.a1") == turn("two", cwd="/tmp/worktree")


def test_codex_sessions_of_every_day_and_the_archived_ones_are_found(
    laptop: Machine, archive: Archive
) -> None:
    ids = [f"019a8c1e-52c1-7d53-9a5e-0f1b2c3d4e0{n}" for n in range(3)]
    places = ["sessions/2025/01/02", "sessions/2026/11/20", "archived_sessions"]
    meta = {"type": "session_meta", "payload": {"cwd": "/home/me/tool", "id": "x"}}
    content = json.dumps(meta).encode() + b"\n"
    for session_id, place in zip(ids, places, strict=True):
        folder = laptop.home / ".codex" / place
        folder.mkdir(parents=True)
        (folder / f"rollout-2026-01-02T03-04-05-{session_id}.jsonl").write_bytes(
            content
        )
    assert laptop.report("sync")["outcomes"] == {"stored": 3}
    assert archive.projects() == {("codex", "tool")}
    assert [archive.transcript(each) for each in ids] == [content] * 3


def test_a_manifest_names_the_project_and_its_notes_follow(
    laptop: Machine, archive: Archive
) -> None:
    done = laptop.report(
        *("init-manifest", "--tool", "claude-code"),
        *("--project", "billing", "--cwd", "/home/me/work"),
    )
    path = Path(done["manifest"])
    manifest = json.loads(path.read_text())
    assert path.name == f"{manifest['workspace_id']}.json"
    assert set(manifest) == {
        *("workspace_id", "machine", "tool", "project", "tracked", "tracked_dirs")
    }
    assert manifest["tracked_dirs"] == [
        {
            "local": "~/.claude/projects/-home-me-work/memory",
            "upload_prefix": "auto/",
            "glob": "*.md",
        }
    ]
    memory = laptop.claude_projects / "-home-me-work" / "memory"
    memory.mkdir(parents=True)
    (memory / "testing.md").write_text("# Testing\n\nWith pytest.\n")
    design = laptop.home / "design.md"
    design.write_bytes(b"# Design\r\n\r\nWindows line ends stay.\r\n")
    manifest["tracked"] = [{"local": str(design), "upload": "design.md"}]
    path.write_text(json.dumps(manifest))
    laptop.claude_session("s1", turn("hi", cwd="/home/me/work"), cwd="/home/me/work")

    report = laptop.report("sync")
    assert report["outcomes"] == {"published": 2, "stored": 1}
    assert archive.projects() == {("claude-code", "billing")}
    assert archive.document("design.md") == (design.read_bytes(), 1)
    assert archive.document("auto/testing.md") == (b"# Testing\n\nWith pytest.\n", 1)

    design.write_text("# Design\n\nRewritten.\n")
    assert laptop.report("sync")["outcomes"] == {"published": 1}
    assert archive.document("design.md") == (b"# Design\n\nRewritten.\n", 2)
    assert laptop.report("sync")["unchanged"] == 3
    again = laptop.run(
        *("init-manifest", "--tool", "claude-code"),
        *("--project", "billing", "--cwd", "/home/me/work"),
    )
    assert again.returncode == 0
    assert json.loads(path.read_text()) == manifest


def test_a_note_deleted_on_the_server_stays_deleted_until_it_is_edited(
    laptop: Machine, archive: Archive
) -> None:
    note = _tracked(laptop, "plan.md", "# Plan\n")
    laptop.report("sync")
    _delete(laptop, "plan.md")
    report = laptop.report("sync", "--full")
    assert report["outcomes"] == {"deleted on the server, left so": 1}
    assert archive.document("plan.md") == (None, 2)
    note.write_text("# Plan\n\nAgain.\n")
    laptop.report("sync")
    assert archive.document("plan.md") == (b"# Plan\n\nAgain.\n", 3)


def test_what_is_turned_off_on_the_server_stays_here_until_it_is_turned_on(
    laptop: Machine, archive: Archive
) -> None:
    _tracked(laptop, "plan.md", "# Plan\n")
    laptop.report("sync")
    _tracked(laptop, "later.md", "# Later\n")
    laptop.claude_session("s1", turn("hi", cwd="/home/me/shop"), cwd="/home/me/shop")

    _choose(laptop, archive, sync_enabled=False)
    report = laptop.report("sync")

    assert report["exit_code"] == 0
    assert report["skipped"] == {sending.TURNED_OFF: 2}
    assert archive.document("later.md") is None
    assert laptop.report("sync")["skipped"] == {sending.TURNED_OFF: 2}

    _choose(laptop, archive, sync_enabled=True, capture_types={"md": False})
    report = laptop.report("sync")

    assert report["outcomes"] == {"stored": 1}
    assert report["skipped"] == {sending.TURNED_OFF: 1}

    _choose(laptop, archive, capture_types={})
    assert laptop.report("sync")["outcomes"] == {"published": 1}


def test_one_bad_file_fails_alone_and_is_not_sent_again(
    laptop: Machine, archive: Archive
) -> None:
    laptop.claude_session("good", turn("fine"))
    _tracked(laptop, "con.md", "a name that Windows keeps for itself")
    first = laptop.report("sync")
    assert first["exit_code"] == 1
    assert [Path(each["file"]).name for each in first["failed"]] == ["con.md"]
    assert first["outcomes"] == {"stored": 1}
    second = laptop.report("sync")
    assert second["exit_code"] == 0
    assert second["skipped"] == {"refused before: PATH_INVALID": 1}


def test_a_broken_manifest_does_not_stop_the_archive(
    laptop: Machine, archive: Archive
) -> None:
    laptop.claude_session("s", turn("hi"))
    folder = laptop.sync_home / "manifests"
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    report = laptop.report("sync")
    assert report["exit_code"] == 1
    assert archive.transcript("s") == turn("hi")


def test_a_rotated_write_token_is_asked_for_anew(
    laptop: Machine, archive: Archive
) -> None:
    path = laptop.claude_session("s", turn("one"))
    laptop.report("sync")
    cache = laptop.sync_home / "workspaces.json"
    stored = json.loads(cache.read_text())
    for workspace in stored["workspaces"].values():
        workspace["write_token"] = workspace["write_token"][:-4] + "AAAA"
    cache.write_text(json.dumps(stored))
    path.write_bytes(turn("one") + turn("two"))
    assert laptop.report("sync")["outcomes"] == {"appended": 1}
    assert json.loads(cache.read_text()) != stored


def test_a_hook_spools_in_silence_and_the_transcript_arrives(
    laptop: Machine, archive: Archive
) -> None:
    path = laptop.claude_session("hooked", turn("by hook"))
    agent = path.with_suffix("") / "subagents" / "agent-a.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_bytes(turn("by its side"))
    _tracked(laptop, "note.md", "# Note\n")
    done = laptop.run("claude-hook", stdin=_hook(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    _until(lambda: not _spooled(laptop) and archive.document("note.md"))
    assert archive.transcript("hooked") == turn("by hook")
    assert archive.transcript("hooked", "a") == turn("by its side")


@pytest.mark.parametrize("stdin", [b"", b"not json", b"[1]", b'{"cwd": 3}', b"\xff"])
def test_a_hook_never_disturbs_the_conversation(laptop: Machine, stdin: bytes) -> None:
    done = laptop.run("claude-hook", stdin=stdin)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_happens_while_the_server_is_away_arrives_later(
    server: Server, laptop: Machine, archive: Archive
) -> None:
    relay = Relay(server.port)
    relay.cut()
    path = laptop.claude_session("away", turn("said while away"))
    for _ in range(3):
        done = laptop.run("claude-hook", stdin=_hook(path), MCP_MEMORY_URL=relay.url)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    report = laptop.report("sync", MCP_MEMORY_URL=relay.url)
    while report["exit_code"] == OtherRun.exit_code:
        time.sleep(0.2)
        report = laptop.report("sync", MCP_MEMORY_URL=relay.url)
    assert report["exit_code"] == ServerAway.exit_code
    assert "Nothing listens" in report["problem"]
    assert _spooled(laptop) == 3
    # The hooks' own runs must have given up, or one of them would take the work.
    _until(lambda: not _is_running(laptop, relay.url))
    relay.mend()
    report = laptop.report("sync", "--spool", MCP_MEMORY_URL=relay.url)
    assert report["outcomes"] == {"stored": 1}
    assert _spooled(laptop) == 0
    assert archive.transcript("away") == turn("said while away")
    relay.cut()


def test_tokens_appear_in_no_output_and_no_log(server: Server, laptop: Machine) -> None:
    laptop.claude_session("s", turn("hi"))
    outputs = [
        laptop.run(*command)
        for command in (
            ["test"],
            ["register", "--tool", "codex", "--project", "p"],
            ["sync"],
            ["status"],
            ["sync", "--json", "--full"],
        )
    ]
    said = b"".join(done.stdout + done.stderr for done in outputs)
    logs = [laptop.sync_home / name for name in ("sync.log", "last_run.json")]
    said += b"".join(log.read_bytes() for log in logs if log.exists())
    cache = json.loads((laptop.sync_home / "workspaces.json").read_text())
    secrets = {server.ai_token, server.sync_token} | {
        workspace["write_token"] for workspace in cache["workspaces"].values()
    }
    assert all(len(secret) > 15 for secret in secrets)
    assert not [secret for secret in secrets if secret.encode() in said]


def test_the_set_up_is_tested_with_clear_reasons(
    server: Server, laptop: Machine
) -> None:
    fine = laptop.run("test")
    assert fine.returncode == 0, fine.stdout.decode() + fine.stderr.decode()
    assert fine.stdout.count(b"ok ") == 3
    wrong = laptop.run("test", SYNC_TOKEN="not-a-token-of-this-server")
    assert wrong.returncode == TokenRefused.exit_code
    assert b"FAIL sync token" in wrong.stdout
    assert b"UNAUTHENTICATED" in wrong.stdout
    for variable, code in (("MCP_MEMORY_TOKEN", 0), ("SYNC_TOKEN", 4)):
        (laptop.sync_home / "tokens.json").unlink(missing_ok=True)
        unset = laptop.run("test", **{variable: ""})
        assert unset.returncode == code
        assert b"not set" in unset.stdout
    swapped = laptop.run("test", SYNC_TOKEN=server.ai_token)
    assert b"of the kind ai, not sync" in swapped.stdout
    away = laptop.run("test", MCP_MEMORY_URL="http://127.0.0.1:9/mcp")
    assert away.returncode == ServerAway.exit_code
    assert b"Nothing listens" in away.stderr
    unknown = laptop.run("test", MCP_MEMORY_URL="http://no-such-host.invalid/mcp")
    assert b"not known" in unknown.stderr


def test_status_counts_what_is_not_archived_yet(laptop: Machine) -> None:
    laptop.claude_session("a", turn("a"))
    before = laptop.report("status")
    assert (before["transcripts"], before["not_archived"]) == (1, 1)
    laptop.report("sync")
    after = laptop.report("status")
    assert (after["transcripts"], after["not_archived"]) == (1, 0)
    assert after["last_run"]["exit_code"] == 0


def _hook(path: Path) -> bytes:
    payload = {
        "hook_event_name": "Stop",
        "session_id": path.stem,
        "transcript_path": str(path),
        "cwd": "/home/me/shop",
        "last_assistant_message": "x" * 100_000,
    }
    return json.dumps(payload).encode()


def _tracked(laptop: Machine, upload: str, text: str) -> Path:
    """A note in the workspace of /home/me/shop, tracked by its manifest."""
    cwd = ("--cwd", "/home/me/shop")
    done = laptop.report("init-manifest", "--tool", "claude-code", *cwd)
    path = laptop.home / upload
    path.write_text(text)
    manifest = json.loads(Path(done["manifest"]).read_text())
    manifest["tracked"].append({"local": str(path), "upload": upload})
    Path(done["manifest"]).write_text(json.dumps(manifest))
    return path


def _choose(laptop: Machine, archive: Archive, **chosen: object) -> None:
    """Say on the server what the client may capture."""
    cache = json.loads((laptop.sync_home / "workspaces.json").read_text())
    (workspace,) = cache["workspaces"].values()
    server = rest.Server(cache["url"], archive.server.ai_token)
    body = {"connector_id": "memory-sync", **chosen}
    tag = {"X-Memory-Workspace": workspace["workspace_id"]}
    server.ask("PATCH", "/v1/connectors/settings", json_body=body, headers=tag)
    server.close()


def _delete(laptop: Machine, path: str) -> None:
    cache = json.loads((laptop.sync_home / "workspaces.json").read_text())
    (workspace,) = cache["workspaces"].values()
    server = rest.Server(cache["url"], laptop.environment["SYNC_TOKEN"])
    server.ask(
        "DELETE",
        f"/api/v1/workspaces/{workspace['workspace_id']}/knowledge/{path}",
        headers={"X-Write-Token": workspace["write_token"]},
    )
    server.close()


def _spooled(laptop: Machine) -> int:
    return len(list((laptop.sync_home / "spool").glob("*.json")))


def _is_running(laptop: Machine, url: str) -> bool:
    return laptop.run("sync", MCP_MEMORY_URL=url).returncode == 5


def _until(condition: object, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_archived_file_is_plain_gzip(laptop: Machine, server: Server) -> None:
    laptop.claude_session("zcat", turn("readable without us") * 3)
    laptop.report("sync")
    found = [
        path
        for path in server.blobs.glob("*/*.gz")
        if b"readable without us" in gzip.decompress(path.read_bytes())
    ]
    assert len(found) == 1
