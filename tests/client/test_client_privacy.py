"""What must not leave a machine does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archived import Archive
from machines import Machine, turn

from memory_server.scratch import Server
from memory_sync.privacy import _patterns, ignored

SECRET = "AKIAQ3EGU5XJ7RTSNK2P"


@pytest.fixture
def archive(server: Server, laptop: Machine) -> Archive:
    return Archive(server, laptop.name)


def configure(machine: Machine, **settings: object) -> None:
    path = machine.sync_home / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.fixture(autouse=True)
def no_cache() -> None:
    _patterns.cache_clear()


def test_excluded_projects_paths_and_tools_stay_here(
    laptop: Machine, archive: Archive
) -> None:
    laptop.claude_session("open", turn("fine"))
    for name, cwd in (("a", "/home/me/secret-plan"), ("b", "/srv/acme/x/y")):
        laptop.claude_session(name, turn("hidden", cwd=cwd), cwd=cwd)
    rollout = laptop.codex_sessions / "rollout-1.jsonl"
    rollout.parent.mkdir(parents=True)
    rollout.write_bytes(turn("hidden"))
    rules = {"projects": ["secret-*"], "paths": ["/srv/acme"], "tools": ["codex"]}
    configure(laptop, exclude=rules)
    report = laptop.report("sync")
    assert report["outcomes"] == {"stored": 1}
    assert report["skipped"] == {
        "excluded project secret-plan": 1,
        "excluded path /srv/acme": 1,
        "excluded tool codex": 1,
    }
    assert archive.projects() == {("claude-code", "shop")}
    assert laptop.report("sync")["skipped"] == report["skipped"]
    configure(laptop, exclude={"tools": ["codex"]})
    assert laptop.report("sync")["outcomes"] == {"stored": 2}


@pytest.mark.parametrize(
    "rules", ["secret", {"project": ["x"]}, {"paths": "x"}, {"paths": [""]}]
)
def test_rules_that_cannot_be_understood_stop_everything(
    laptop: Machine, archive: Archive, rules: object
) -> None:
    laptop.claude_session("s", turn("hi"))
    configure(laptop, exclude=rules)
    assert laptop.run("sync").returncode == 2
    assert archive.projects() == set()


def test_a_memoryignore_keeps_sessions_and_notes_here(
    laptop: Machine, archive: Archive
) -> None:
    work = laptop.home / "work"
    for name in ("open", "closed", "closed/deep"):
        (work / name).mkdir(parents=True)
        cwd = str(work / name)
        laptop.claude_session(name.replace("/", "-"), turn("x", cwd=cwd), cwd=cwd)
    (work / ".memoryignore").write_text("# ours\nclosed/\n*.private.md\n")
    report = laptop.report("sync")
    assert report["outcomes"] == {"stored": 1}
    assert sum(report["skipped"].values()) == 2
    assert archive.projects() == {("claude-code", "open")}


@pytest.mark.parametrize(
    ("content", "below", "is_kept"),
    [
        ("", "any/thing.md", True),
        ("# only a comment\n", "any/thing.md", True),
        ("*", "any/thing.md", True),
        ("drafts", "a/drafts/x.md", True),
        ("drafts/", "drafts", True),
        ("/drafts/old", "a/drafts/old", False),
        ("a/drafts", "a/drafts/x.md", True),
        ("*.tmp.md", "a/b.tmp.md", True),
        ("a/*/c", "a/b/c/d.md", True),
        ("a/*/c", "a/b/x/c", False),
        ("a/**/c", "a/b/x/c", True),
        ("b?d", "bad/x.md", True),
        ("other", "mine/x.md", False),
    ],
)
def test_a_pattern_covers_what_a_person_expects(
    tmp_path: Path, content: str, below: str, is_kept: bool
) -> None:
    (tmp_path / ".memoryignore").write_text(content)
    assert bool(ignored(str(tmp_path / below))) is is_kept


def test_an_ignore_file_that_cannot_be_read_keeps_everything(tmp_path: Path) -> None:
    (tmp_path / ".memoryignore").write_bytes(b"\xff\xfe\x00")
    assert ignored(str(tmp_path / "x"))


def test_secrets_are_masked_before_they_leave_and_growth_still_appends(
    laptop: Machine, archive: Archive
) -> None:
    configure(laptop, mask=True)
    first = turn(f"the key is {SECRET} today")
    path = laptop.claude_session("s", first)
    assert laptop.report("sync")["outcomes"] == {"stored": 1}
    stored = archive.transcript("s")
    assert SECRET.encode() not in stored
    assert b"[REDACTED:aws-access-key-id:" in stored
    path.write_bytes(first + turn("no secret") + b'{"half": "')
    assert laptop.report("sync")["outcomes"] == {"appended": 1}
    assert archive.transcript("s") == stored + turn("no secret")
    assert laptop.report("sync")["unchanged"] == 1


def test_a_dry_run_shows_what_would_leave_and_sends_nothing(
    laptop: Machine, archive: Archive
) -> None:
    configure(laptop, exclude={"projects": ["closed"]}, mask=True)
    laptop.claude_session("a", turn(f"key {SECRET}"))
    laptop.claude_session("b", turn("x", cwd="/w/closed"), cwd="/w/closed")
    asked = ("--tool", "claude-code", "--cwd", "/home/me/shop")
    manifest = Path(laptop.report("init-manifest", *asked)["manifest"])
    note = laptop.home / "plan.md"
    note.write_text("# Plan")
    tracked = [{"local": str(note), "upload": "plan.md"}]
    told = {**json.loads(manifest.read_text()), "tracked": tracked}
    manifest.write_text(json.dumps(told))
    shown = laptop.report("sync", "--dry-run", MCP_MEMORY_URL="http://127.0.0.1:9/mcp")
    by_name = {Path(each["file"]).stem: each for each in shown["leaving"]}
    assert by_name["a"]["masked"] == 2  # The line's uuid repeats its text.
    assert by_name["a"]["project"] == "shop"
    assert by_name["plan"]["bytes"] == 6
    assert by_name["a"]["bytes"] == shown["bytes"] - 6 > 0
    assert by_name["b"]["reason"] == "excluded project closed"
    assert archive.document("plan.md") is None
    laptop.report("sync")
    assert laptop.report("sync", "--dry-run")["bytes"] == 0
