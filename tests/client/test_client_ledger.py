"""Every file's fate is known, waiting is bounded, and work can be gone on with."""

from __future__ import annotations

import json
import os
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from archived import Archive
from machines import Machine, machine_at, turn

from memory_server.scratch import Server
from memory_sync import backoff, doctor
from memory_sync import server as rest
from memory_sync.problems import ServerAway


@pytest.fixture
def archive(server: Server, laptop: Machine) -> Archive:
    return Archive(server, laptop.name)


def fates(report: dict[str, Any]) -> int:
    """Everything that the ledger says became of files."""
    counted = sum(report[name] for name in ("stored", "duplicate", "fork", "waiting"))
    return counted + sum(report["skipped"].values()) + sum(report["failed"].values())


def test_the_ledger_reconciles_every_file(laptop: Machine, archive: Archive) -> None:
    laptop.claude_session("stored", turn("one"))
    laptop.claude_session("empty", b"")
    (laptop.sync_home / "config.json").write_text(
        json.dumps(
            {
                **json.loads((laptop.sync_home / "config.json").read_text()),
                "exclude": {"projects": ["closed"]},
            }
        )
    )
    laptop.claude_session("kept", turn("x", cwd="/closed"), cwd="/closed")
    broken = laptop.home / ".gemini" / "tmp" / "p" / "chats" / "session-1.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    laptop.report("sync")
    laptop.claude_session("stored", turn("changed"))
    laptop.claude_session("again", turn("two"))
    laptop.report("sync")
    (laptop.sync_home / "state.json").write_text(_without_entry(laptop, "again"))
    laptop.report("sync")
    laptop.claude_session("new", turn("not sent yet"))
    told = laptop.report("status", "--files")
    assert told["found"] == len(told["files"]) == fates(told) == 6
    by_name = {Path(each["file"]).stem: each for each in told["files"]}
    assert {name: each["fate"] for name, each in by_name.items()} == {
        "stored": "fork",
        "again": "duplicate",
        "empty": "skipped",
        "kept": "skipped",
        "session-1": "failed",
        "new": "waiting",
    }
    assert "not as its client writes it" in by_name["session-1"]["reason"]
    assert by_name["kept"]["reason"] == "excluded: excluded project closed"
    assert by_name["stored"]["workspace"].endswith("-claude-code-shop")


def _without_entry(laptop: Machine, name: str) -> str:
    state = json.loads((laptop.sync_home / "state.json").read_text())
    state["files"] = {
        key: known for key, known in state["files"].items() if f"/{name}." not in key
    }
    return json.dumps(state)


def test_what_the_server_lost_is_found_by_asking_and_sent_again(
    laptop: Machine, archive: Archive
) -> None:
    laptop.claude_session("lost", turn("one"))
    laptop.claude_session("there", turn("two"))
    laptop.report("sync")
    path = laptop.sync_home / "state.json"
    state = json.loads(path.read_text())
    for key, known in state["files"].items():
        if "/lost." in key:
            known["session"] = "never-sent"
    path.write_text(json.dumps(state))
    told = laptop.report("status", "--check")
    assert [Path(each).stem for each in told["server_lost"]] == ["lost"]
    assert (told["waiting"], told["stored"]) == (1, 1)
    assert laptop.report("sync")["outcomes"] == {"deduplicated": 1}
    assert laptop.report("status", "--check")["server_lost"] == []


def test_unchanged_bytes_are_not_hashed_again_when_trust_has_run_out(
    laptop: Machine, archive: Archive
) -> None:
    path = laptop.claude_session("s", turn("hello"))
    laptop.report("sync")
    cache = laptop.sync_home / "state.json"
    state = json.loads(cache.read_text())
    for known in state["files"].values():
        known["at"] = 0
    cache.write_text(json.dumps(state))
    stat = path.stat()
    # Other bytes of one length, time and inode: only a hash could tell.
    path.write_bytes(turn("hellO"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert laptop.report("sync")["outcomes"] == {"deduplicated": 1}


def test_a_server_that_is_away_is_left_alone_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_SYNC_HOME", str(tmp_path))
    waits = []
    for _ in range(8):
        backoff.away("gone")
        waits.append(round(backoff.wait_seconds() / 10) * 10)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    backoff.back()
    assert backoff.wait_seconds() == 0


def test_only_runs_that_nobody_waits_for_step_back(laptop: Machine) -> None:
    away = {"MCP_MEMORY_URL": "http://127.0.0.1:9/mcp"}
    laptop.claude_session("s", turn("hi"))
    assert laptop.run("sync", **away).returncode == ServerAway.exit_code
    started = time.monotonic()
    assert laptop.run("sync", "--background").returncode == ServerAway.exit_code
    assert not (laptop.sync_home / "sync.log").exists()
    assert time.monotonic() - started < 60
    assert laptop.run("sync").returncode == 0
    assert not (laptop.sync_home / "away.json").exists()


def test_recent_work_is_listed_with_the_command_that_goes_on(
    server: Server, laptop: Machine, tmp_path: Path
) -> None:
    laptop.claude_session("11111111-2222-3333-4444-555555555555", turn("fix the till"))
    laptop.report("sync")
    other = machine_at(tmp_path / "other", **_tokens(server))
    name = f"{laptop.name}-b"[-40:]
    other.run("configure", "--url", server.url, "--machine", name)
    other.claude_session("elsewhere", turn("on another machine"))
    other.report("sync")

    def listed() -> dict[str, dict[str, Any]]:
        told = laptop.report("resume", "--project", "shop", "--limit", "100")
        return {each["session_id"]: each for each in told["sessions"]}

    deadline = time.monotonic() + 30
    while len(listed().keys() & {"elsewhere", MINE}) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    mine, others = listed()[MINE], listed()["elsewhere"]
    assert mine["command"] == f"cd /home/me/shop && claude --resume {MINE}"
    assert others["command"] is None
    assert others["why"] == f"on {name}: resume it there"


MINE = "11111111-2222-3333-4444-555555555555"


def _tokens(server: Server) -> dict[str, str]:
    return {"SYNC_TOKEN": server.sync_token, "MCP_MEMORY_TOKEN": server.ai_token}


def test_a_new_session_is_told_nothing_unless_that_was_asked_for(
    laptop: Machine,
) -> None:
    laptop.claude_session("s", turn("earlier question"))
    laptop.report("sync")
    hook = json.dumps({"hook_event_name": "SessionStart", "cwd": "/home/me/shop"})
    assert laptop.run("claude-hook", stdin=hook.encode()).stdout == b""
    path = laptop.sync_home / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "context_chars": 300}))
    while laptop.run("sync").returncode == 5:
        time.sleep(0.1)
    done = laptop.run("claude-hook", stdin=hook.encode())
    assert 0 < len(done.stdout.decode()) <= 300
    assert b"no orders" in done.stdout
    elsewhere = json.dumps({"hook_event_name": "SessionStart", "cwd": "/elsewhere"})
    assert laptop.run("claude-hook", stdin=elsewhere.encode()).stdout == b""


def test_the_doctor_names_what_is_wrong(laptop: Machine) -> None:
    old = laptop.claude_session("old", turn("soon deleted"))
    os.utime(old, (time.time() - 28 * 86_400,) * 2)
    checks = _checks(laptop)
    assert checks["server"]["state"] == checks["clock"]["state"] == "ok"
    assert checks["sync token"]["state"] == checks["ai token"]["state"] == "ok"
    assert checks["retention"]["state"] == "fail"
    assert "1 go within 7 days, 1 of them not archived" in checks["retention"]["reason"]
    assert "--keep-days" in checks["retention"]["hint"]
    assert checks["hooks"]["state"] == "note"
    laptop.report("sync")
    url = json.loads((laptop.sync_home / "config.json").read_text())["url"]
    installed = laptop.run(
        *("install", "--url", url, "--schedule", "none", "--keep-days", "365"),
        *("--clients", "claude-code"),
    )
    assert installed.returncode == 0, installed.stderr.decode()
    checks = _checks(laptop)
    assert checks["retention"]["state"] == "ok"
    assert checks["hooks"]["state"] == checks["claude-code"]["state"] == "ok"
    assert checks["last run"]["state"] == "ok"
    done = laptop.run("doctor", MCP_MEMORY_URL="http://127.0.0.1:9/mcp")
    assert done.returncode == 1
    assert b"fail server: Nothing listens" in done.stdout


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-60, "ok"), (600, "fail"), (-600, "fail")]
)
def test_a_clock_that_is_wrong_is_named(seconds: int, state: str) -> None:
    server = rest.Server("http://host/mcp", "")
    assert doctor.clock(server)["state"] == "note"
    server.last_date = formatdate(time.time() + seconds, usegmt=True)
    assert doctor.clock(server)["state"] == state


def _checks(laptop: Machine) -> dict[str, dict[str, Any]]:
    told = laptop.report("doctor")
    return {each["check"]: each for each in told["checks"]}


def test_a_manifest_takes_the_projects_own_instructions_when_asked(
    laptop: Machine, archive: Archive
) -> None:
    project = laptop.home / "shop"
    project.mkdir()
    (project / "CLAUDE.md").write_text("# How we work\n")
    asked = ("--tool", "claude-code", "--cwd", str(project), "--instructions")
    for _ in range(2):
        done = laptop.report("init-manifest", *asked)
    manifest = json.loads(Path(done["manifest"]).read_text())
    assert [each["upload"] for each in manifest["tracked"]] == ["CLAUDE.md"]
    laptop.report("sync")
    assert archive.document("CLAUDE.md") == (b"# How we work\n", 1)


def test_a_spool_left_for_a_week_loses_nothing(
    laptop: Machine, archive: Archive
) -> None:
    """The spool is bounded: what it dropped is found by looking at every file."""
    for number in range(30):
        laptop.claude_session(f"s{number}", turn(f"said {number}"))
    spool = laptop.sync_home / "spool"
    spool.mkdir()
    (spool / "1.json").write_text("{damaged")
    (spool / "2.json").write_text(json.dumps({"transcript_path": "/gone.jsonl"}))
    assert laptop.report("sync")["outcomes"] == {"stored": 30}
    assert list(spool.iterdir()) == []
