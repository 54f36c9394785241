"""The parts of the client that need no server."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import build
from memory_sync import tokens
from memory_sync.config import claude_slug, load_config, project_of, rest_base
from memory_sync.files import read_json, write_json
from memory_sync.hooks import spool
from memory_sync.identity import identity_of
from memory_sync.locking import RunLock
from memory_sync.manifests import load_manifest, tracked_notes
from memory_sync.problems import FileProblem, OtherRun, SetupProblem
from memory_sync.reading import digests
from memory_sync.server import Server
from memory_sync.state import State
from memory_sync.stores import sweep, transcript_at
from memory_sync.stores.claude import claude_transcript
from memory_sync.stores.codex import codex_transcript
from memory_sync.transcripts import Skip, Transcript


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMORY_SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    for name in ("SYNC_TOKEN", "MCP_MEMORY_TOKEN", "MCP_MEMORY_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


MODULES = sorted(build.PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_is_python_3_10_and_imports_the_standard_library_alone(
    module: Path,
) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 10))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names | {"memory_sync"}


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://host:7444/mcp", "http://host:7444"),
        ("https://host/v1/mcp/", "https://host"),
        ("https://host/memory/mcp", "https://host/memory"),
        ("http://host:8000", "http://host:8000"),
    ],
)
def test_the_rest_address_derives_from_the_mcp_address(url: str, base: str) -> None:
    assert rest_base(url) == base


@pytest.mark.parametrize(
    ("cwd", "slug"),
    [
        ("/home/me/proj", "-home-me-proj"),
        ("C:\\Users\\me\\my.app", "C--Users-me-my-app"),
        ("/home/jürgen/ü", "-home-j-rgen--"),
        # One character outside the basic plane is two UTF-16 units.
        ("/p/\N{GRINNING FACE}", "-p---"),
    ],
)
def test_claude_names_a_folder_after_a_directory(cwd: str, slug: str) -> None:
    assert claude_slug(cwd) == slug


def test_a_long_directory_gets_the_hash_that_javascript_gives() -> None:
    # h = (h << 5) - h + unit over int32, then base 36 of its absolute value:
    # "a" * 201 computed with node.
    slug = claude_slug("a" * 201)
    assert slug == "a" * 200 + "-rkvsv5"
    assert len(claude_slug("/" * 5000)) < 210


@pytest.mark.parametrize(
    ("cwd", "project"),
    [
        ("/home/me/shop", "shop"),
        ("/home/me/shop/", "shop"),
        ("C:\\Users\\me\\shop", "shop"),
        ("c:/users/me/shop\\", "shop"),
        ("/home/me/work", "billing"),
        ("/home/me/work/sub/deep", "billing"),
        ("/home/me/work/sub/own", "own-name"),
        ("/home/me/worker", "worker"),
        ("D:\\Code\\Api\\src", "api"),
        ("", ""),
    ],
)
def test_a_project_is_named_by_the_configuration_else_by_its_directory(
    cwd: str, project: str
) -> None:
    configured = {
        "/home/me/work": "billing",
        "/home/me/work/sub/own": "own-name",
        "d:/code/api": "api",
    }
    assert project_of(cwd, configured) == project


def test_a_claude_file_says_whose_it_is_by_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "claude" / "projects" / "-home-me-shop"
    main = claude_transcript(write(folder / "s1.jsonl", "{}\n"))
    nested = claude_transcript(
        write(folder / "s1" / "subagents" / "flow" / "agent-a7.jsonl", "{}\n")
    )
    flat = claude_transcript(write(folder / "agent-b8.jsonl", '{"sessionId": "s1"}\n'))
    assert isinstance(main, Transcript)
    assert isinstance(nested, Transcript)
    assert isinstance(flat, Transcript)
    assert (main.session_id, main.agent_id) == ("s1", "")
    assert (nested.session_id, nested.agent_id) == ("s1", "flow.a7")
    assert (flat.session_id, flat.agent_id) == ("s1", "b8")


def test_a_codex_session_is_named_by_the_id_in_its_file_name(tmp_path: Path) -> None:
    uuid = "019a8c1e-52c1-7d53-9a5e-0f1b2c3d4e5f"
    path = tmp_path / "codex/sessions/2026/11/01" / f"rollout-2026-11-01-{uuid}.jsonl"
    found = transcript_at(write(path, "{}\n"))
    assert isinstance(found, Transcript)
    assert (found.tool, found.session_id) == ("codex", uuid)


def test_what_cannot_be_archived_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "claude" / "projects" / "p"
    write(folder / "with space.jsonl", "{}\n")
    write(folder / "empty.jsonl", "")
    reasons = {
        item.path.name: item.reason for item in sweep() if isinstance(item, Skip)
    }
    assert "cannot be a session id" in reasons["with space.jsonl"]
    assert reasons["empty.jsonl"] == "empty"


def test_the_working_directory_comes_from_the_lines(tmp_path: Path) -> None:
    config = load_config()
    folder = tmp_path / "claude" / "projects" / "-srv-a-b"
    lines = '{"type": "summary"}\nnot json\n{"cwd": "/srv/a.b", "sessionId": "s"}\n'
    named = claude_transcript(write(folder / "s.jsonl", lines))
    silent = claude_transcript(write(folder / "t.jsonl", '{"a": 1}\n'))
    codex = codex_transcript(
        write(
            tmp_path / "codex/sessions/rollout-x.jsonl",
            json.dumps({"type": "session_meta", "payload": {"cwd": "/srv/tool"}}),
        )
    )
    projects = [
        identity_of(each, config).project
        for each in (named, silent, codex)
        if isinstance(each, Transcript)
    ]
    assert projects == ["a.b", "-srv-a-b", "tool"]


def test_a_subagent_belongs_where_its_parent_worked(tmp_path: Path) -> None:
    folder = tmp_path / "claude" / "projects" / "p"
    write(folder / "s.jsonl", '{"cwd": "/home/me/shop"}\n')
    agent = claude_transcript(
        write(folder / "s/subagents/agent-a.jsonl", '{"cwd": "/tmp/worktree-9"}\n')
    )
    assert isinstance(agent, Transcript)
    identity = identity_of(agent, load_config())
    assert identity.project == "shop"


def test_tracked_files_get_the_paths_that_the_manifest_says(tmp_path: Path) -> None:
    write(tmp_path / "notes" / "a.md", "a")
    write(tmp_path / "notes" / "sub" / "b.md", "b")
    write(tmp_path / "notes" / "c.txt", "c")
    secret = write(tmp_path / "secret.md", "s")
    (tmp_path / "notes" / "link.md").symlink_to(secret)
    manifest = {
        "machine": "m",
        "tool": "t",
        "project": "p",
        "tracked": [
            {"local": str(secret), "upload": "x/y.md"},
            {"local": str(tmp_path / "gone.md"), "upload": "gone.md"},
        ],
        "tracked_dirs": [
            {
                "local": str(tmp_path / "notes"),
                "upload_prefix": "auto/",
                "glob": "**/*.md",
            }
        ],
    }
    found = list(tracked_notes(manifest))
    notes = {each.upload for each in found if not isinstance(each, Skip)}
    skips = {each.path.name for each in found if isinstance(each, Skip)}
    assert notes == {"x/y.md", "auto/a.md", "auto/sub/b.md"}
    assert skips == {"gone.md", "link.md"}


@pytest.mark.parametrize(
    "manifest",
    [
        "[]",
        "{",
        '{"machine": "m", "tool": "t"}',
        '{"machine": "m", "tool": "t", "project": "p", "tracked": [{"local": "x"}]}',
        '{"machine": "m", "tool": "t", "project": "p", "tracked_dirs": ["x"]}',
    ],
)
def test_a_broken_manifest_is_a_set_up_problem(tmp_path: Path, manifest: str) -> None:
    path = write(tmp_path / "home" / "manifests" / "m.json", manifest)
    with pytest.raises(SetupProblem):
        load_manifest(path)


@given(content=st.binary(max_size=5000), marks=st.lists(st.integers(0, 6000)))
def test_digests_are_those_of_the_prefixes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, marks: list[int]
) -> None:
    path = tmp_path_factory.mktemp("digest") / "f"
    path.write_bytes(content + b"grown since")
    found = digests(path, len(content), marks)
    assert found == {
        mark: hashlib.sha256(content[:mark]).hexdigest()
        for mark in {*(mark for mark in marks if mark < len(content)), len(content)}
    }


def test_a_file_that_shrinks_while_it_is_read_is_left_for_later(tmp_path: Path) -> None:
    path = write(tmp_path / "f", "short")
    with pytest.raises(FileProblem):
        digests(path, 100)


def test_the_state_settles_a_file_until_it_changes_or_a_week_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "claude" / "projects" / "p" / "s.jsonl", "{}\n")
    found = claude_transcript(path)
    assert isinstance(found, Transcript)
    state = State("http://one")
    assert not state.settles(found)
    state.note(found)
    state.save()
    assert State("http://one").settles(found)
    assert not State("http://another").settles(found)
    path.write_bytes(b"{}\n{}\n")
    grown = claude_transcript(path)
    assert isinstance(grown, Transcript)
    assert not state.settles(grown)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * 86_400)
    assert not state.settles(found)


def test_a_damaged_state_is_an_empty_one(home: Path) -> None:
    write(home / "state.json", '{"url": "http://one", "files": {"transcript')
    assert State("http://one").files == {}


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_what_is_written_is_readable_by_its_owner_alone(home: Path) -> None:
    write_json(home / "tokens.json", {"sync": "s"})
    assert (home / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def test_the_environment_wins_over_the_files(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / "config.json", '{"url": "http://file/mcp", "machine": "m"}')
    write(home / "tokens.json", '{"sync": "from file", "ai": "ai from file"}')
    monkeypatch.setenv("MCP_MEMORY_URL", "http://env/mcp")
    monkeypatch.setenv("SYNC_TOKEN", "from env")
    config = load_config()
    assert (config.url, config.machine) == ("http://env/mcp", "m")
    assert (config.sync_token, config.ai_token) == ("from env", "ai from file")


def test_the_spool_is_bounded_and_drops_the_oldest(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_sync.hooks.SPOOL_LIMIT", 5)
    for number in range(9):
        spool({"session_id": str(number)})
    kept = [
        read_json(path)["session_id"]
        for path in sorted((home / "spool").glob("*.json"))
    ]
    assert kept == ["4", "5", "6", "7", "8"]


def test_a_second_run_leaves_or_waits_and_a_third_never_queues() -> None:
    first = RunLock(wait_seconds=0)
    waited = threading.Event()

    def wait() -> None:
        with RunLock(wait_seconds=20):
            waited.set()

    with first:
        with pytest.raises(OtherRun), RunLock(wait_seconds=0):
            pass
        second = threading.Thread(target=wait)
        second.start()
        place = RunLock(wait_seconds=0)
        while place._take("wait.lock"):
            place.__exit__()
        with pytest.raises(OtherRun), RunLock(wait_seconds=20):
            pass
        assert not waited.is_set()
    second.join(20)
    assert waited.is_set()


@pytest.mark.parametrize("url", ["", "host:80/mcp", "ftp://host/mcp", "http:///mcp"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SetupProblem):
        Server(url, "")


@pytest.mark.skipif(os.name == "nt", reason="a script for sh")
def test_the_keychain_is_told_tokens_by_its_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS: the arguments of a process can be read by every user."""
    program = tmp_path / "security"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/arguments\n'
        f'[ "$1" = -i ] && cat >> {tmp_path}/told\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "platform", "darwin")
    config = {"tokens": "keyring"}
    tokens.keep_tokens(config, {"sync": "fms_sync_secret"})
    tokens.forget_tokens(config)
    assert (tmp_path / "told").read_text() == (
        "add-generic-password -U -s memory-sync -a sync -w fms_sync_secret\n"
    )
    asked = (tmp_path / "arguments").read_text()
    assert "fms_sync_secret" not in asked
    assert asked.count("delete-generic-password -s memory-sync -a ") == 2
    with pytest.raises(SetupProblem):
        tokens.keep_tokens(config, {"sync": 'x" -T /bin/other'})
