"""What each coding client leaves on a machine is found and read as JSON lines."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from memory_sync import rendering
from memory_sync.config import load_config
from memory_sync.identity import identity_of
from memory_sync.problems import FileProblem
from memory_sync.stores import sweep
from memory_sync.transcripts import Skip, Transcript

UUIDS = [f"019a8c1e-52c1-7d53-9a5e-0f1b2c3d4e0{n}" for n in range(4)]
LONG_AGO = time.time() - 86_400


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home, with nothing of ours or of clients in it yet."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "CLINE_DIR", "CLINE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SYNC_TOKEN", "MCP_MEMORY_TOKEN", "MCP_MEMORY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GEMINI_CLI_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".local" / "share"))
    monkeypatch.setenv("MEMORY_SYNC_HOME", str(tmp_path / ".memory-sync"))
    return tmp_path


def write(path: Path, content: Any, *, at: float = LONG_AGO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at, at))
    return path


def found() -> list[Transcript]:
    return [each for each in sweep() if isinstance(each, Transcript)]


def lines_of(transcript: Transcript) -> list[dict[str, Any]]:
    with rendering.content_of(transcript) as content:
        text = content.path.read_bytes()
        assert len(text) == content.size
    return [json.loads(line) for line in text.splitlines()]


def said(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["role"], line["content"]) for line in lines if "role" in line]


def test_a_gemini_session_is_read_from_its_lines_and_from_one_document(
    person: Path,
) -> None:
    messages = [
        {
            "id": "1",
            "timestamp": "2026-11-01T10:00:00Z",
            "type": "user",
            "content": "hi",
        },
        {"id": "2", "type": "info", "content": "not said by anyone"},
        {
            "id": "3",
            "type": "gemini",
            "content": [{"text": "hello"}],
            "toolCalls": [
                {"id": "c", "name": "ls", "args": {"p": "."}, "resultDisplay": "a b"}
            ],
        },
    ]
    folder = person / ".gemini" / "tmp" / "shop"
    write(folder / ".project_root", "/home/me/shop\n")
    head = {"sessionId": "s", "startTime": "2026-11-01T10:00:00Z"}
    again = {**messages[0], "content": "hi again"}
    lines = [json.dumps(each) for each in (head, *messages, again)]
    write(folder / "chats" / "session-1.jsonl", "\n".join(lines) + "\n{half")
    write(folder / "chats" / "session-0.json", {**head, "messages": messages})
    old, new = found()
    told = lines_of(old)
    assert said(told) == [("user", "hi"), ("assistant", "hello"), ("tool", "a b")]
    assert told[2]["tool_calls"][0]["function"] == {
        "name": "ls",
        "arguments": '{"p": "."}',
    }
    assert told[2]["original"] == messages[2]
    assert said(lines_of(new))[0] == ("user", "hi again")
    identity = identity_of(new, load_config())
    assert (identity.tool, identity.project) == ("gemini-cli", "shop")


def test_a_cline_session_and_its_teammates_are_read(person: Path) -> None:
    folder = person / ".cline" / "data" / "sessions" / "s1"
    write(folder / "s1.json", {"session_id": "s1", "cwd": "/home/me/tool"})
    messages = [
        {"id": "1", "role": "user", "ts": 1793527200000, "content": [_text("do it")]},
        {
            "id": "2",
            "role": "assistant",
            "content": [
                _text("done"),
                {"type": "tool_use", "id": "t", "name": "run", "input": {"c": "ls"}},
            ],
        },
        {
            "id": "3",
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "out"}],
        },
    ]
    write(folder / "s1.messages.json", {"version": 1, "messages": messages})
    write(folder / "mate" / "m2.messages.json", {"messages": messages[:1]})
    mate, main = sorted(found(), key=lambda each: each.agent_id, reverse=True)
    assert (main.session_id, mate.session_id, mate.agent_id) == ("s1", "s1", "m2")
    told = said(lines_of(main))
    assert told[:2] == [("user", "do it"), ("assistant", "done")]
    assert told[-1] == ("tool", "out")
    assert lines_of(main)[1]["timestamp"] == "2026-11-01T10:00:00.000Z"
    assert identity_of(main, load_config()).project == "tool"


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_cursor_sessions_are_read_in_both_shapes(person: Path) -> None:
    folder = person / ".cursor" / "projects" / "home-me-shop" / "agent-transcripts"
    line = {"role": "user", "message": {"content": [_text("hi")]}}
    write(folder / "a1" / "a1.jsonl", json.dumps(line) + "\n")
    write(folder / "a1" / "subagents" / "b2.jsonl", json.dumps(line) + "\n")
    write(folder / "c3.txt", "user:\nfirst\nline\nassistant:\nanswer\n")
    by_name = {(each.session_id, each.agent_id): each for each in found()}
    assert set(by_name) == {("a1", ""), ("a1", "b2"), ("c3", "")}
    assert said(lines_of(by_name["a1", ""])) == [("user", "hi")]
    assert said(lines_of(by_name["c3", ""])) == [
        ("user", "first\nline"),
        ("assistant", "answer"),
    ]
    assert identity_of(by_name["c3", ""], load_config()).project == "home-me-shop"


def opencode(person: Path) -> sqlite3.Connection:
    path = person / ".local" / "share" / "opencode" / "opencode.db"
    path.parent.mkdir(parents=True)
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE session (id TEXT, parent_id TEXT, directory TEXT);"
        "CREATE TABLE message (id TEXT, session_id TEXT, time_created INT, data TEXT);"
        "CREATE TABLE part (id TEXT, message_id TEXT, session_id TEXT,"
        " time_created INT, time_updated INT, data TEXT);"
    )
    return database


def test_opencode_sessions_are_rows_of_a_database(person: Path) -> None:
    database = opencode(person)
    tool = {"type": "tool", "tool": "bash", "callID": "c"}
    tool["state"] = {"input": {"command": "ls"}, "output": "files"}  # type: ignore[assignment]
    database.executescript(
        "INSERT INTO session VALUES ('ses_1', NULL, '/home/me/shop'),"
        " ('ses_2', 'ses_1', '/home/me/shop'), ('ses_3', NULL, '/empty');"
        """INSERT INTO message VALUES ('m1', 'ses_1', 1793527200000, '{"role":"user"}'),
        ('m2', 'ses_1', 1793527201000, '{"role":"assistant"}'),
        ('m3', 'ses_2', 1793527202000, '{"role":"user"}');"""
    )
    for part in (
        ("p1", "m1", "ses_1", 1, 1793527200000, json.dumps(_text("hi"))),
        ("p2", "m2", "ses_1", 2, 1793527201000, json.dumps(_text("there"))),
        ("p3", "m2", "ses_1", 3, 1793527201000, json.dumps(tool)),
        ("p4", "m3", "ses_2", 4, 1793527202000, json.dumps(_text("sub"))),
    ):
        database.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)
    database.commit()
    main, agent = found()
    assert (main.session_id, main.agent_id) == ("ses_1", "")
    assert (agent.session_id, agent.agent_id) == ("ses_1", "ses_2")
    assert main.key != agent.key
    assert said(lines_of(main)) == [
        ("user", "hi"),
        ("assistant", "there"),
        ("tool", "files"),
    ]
    assert said(lines_of(agent)) == [("user", "sub")]
    database.execute("UPDATE part SET time_updated = 1793527300000 WHERE id = 'p2'")
    database.commit()
    assert found()[0].mtime_ns != main.mtime_ns
    database.close()


def test_goose_sessions_are_rows_of_a_database(person: Path) -> None:
    path = person / ".local" / "share" / "goose" / "sessions" / "sessions.db"
    path.parent.mkdir(parents=True)
    asked = {
        "type": "toolRequest",
        "id": "call-1",
        "toolCall": {
            "status": "success",
            "value": {"name": "shell", "arguments": {"command": "ls"}},
        },
    }
    given = {
        "type": "toolResponse",
        "id": "call-1",
        "toolResult": {
            "status": "success",
            "value": {"content": [{"type": "text", "text": "a.py"}], "isError": False},
        },
    }
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE sessions (id TEXT, working_dir TEXT, parent_session_id TEXT);"
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT,"
            " content_json TEXT, created_timestamp INTEGER);"
            "INSERT INTO sessions VALUES ('20261101_1', '/home/me/shop', NULL);"
            "INSERT INTO sessions VALUES ('20261101_2', '/home/me/shop', '20261101_1');"
        )
        for session, role, content in (
            ("20261101_1", "user", [{"type": "text", "text": "what is here?"}]),
            ("20261101_1", "assistant", [asked]),
            ("20261101_1", "user", [given]),
            ("20261101_2", "assistant", [{"type": "text", "text": "done"}]),
        ):
            database.execute(
                "INSERT INTO messages (session_id, role, content_json,"
                " created_timestamp) VALUES (?, ?, ?, 1793527200)",
                [session, role, json.dumps(content)],
            )
    database.close()
    main, agent = found()
    lines = lines_of(main)
    assert said(lines) == [
        ("user", "what is here?"),
        ("assistant", ""),
        ("user", ""),
        ("tool", "a.py"),
    ]
    assert lines[1]["timestamp"] == "2026-11-01T10:00:00.000Z"
    assert lines[2]["tool_calls"][0]["function"]["name"] == "shell"
    assert identity_of(main, load_config()).project == "shop"
    assert (agent.session_id, agent.agent_id) == ("20261101_1", "20261101_2")
    assert said(lines_of(agent)) == [("assistant", "done")]


@pytest.mark.skipif(not rendering.can_unpack(), reason="needs zstd")
def test_zed_threads_are_compressed_documents_in_a_database(person: Path) -> None:
    path = person / ".local" / "share" / "zed" / "threads" / "threads.db"
    path.parent.mkdir(parents=True)
    use = {"id": "toolu_1", "name": "terminal", "raw_input": '{"command": "ls"}'}
    result = {"tool_name": "terminal", "content": [{"Text": "a.py"}]}
    thread = {
        "version": "0.3.0",
        "messages": [
            {"User": {"id": "u1", "content": [{"Text": "what is here?"}]}},
            "Resume",
            {
                "Agent": {
                    "content": [{"Text": "I look."}, {"ToolUse": use}],
                    "tool_results": {"toolu_1": result},
                }
            },
        ],
    }
    before = {
        "version": "0.2.0",
        "messages": [{"role": "user", "segments": [{"text": "old"}]}],
    }
    packed = subprocess.run(
        ["zstd", "-q", "-c"], input=json.dumps(thread).encode(), capture_output=True
    ).stdout
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE threads (id TEXT, summary TEXT, updated_at TEXT, data_type"
            " TEXT, data BLOB, parent_id TEXT, folder_paths TEXT)"
        )
        at = "2026-11-01T10:00:00.123456789+00:00"
        rows = [
            ("t1", "zstd", packed, None, "/home/me/shop\n/home/me/other"),
            ("t2", "json", json.dumps(before).encode(), "t1", None),
        ]
        for name, kind, data, parent, folders in rows:
            database.execute(
                "INSERT INTO threads VALUES (?, '', ?, ?, ?, ?, ?)",
                [name, at, kind, data, parent, folders],
            )
    database.close()
    main, agent = found()
    lines = lines_of(main)
    assert said(lines) == [
        ("user", "what is here?"),
        ("assistant", "I look."),
        ("tool", "a.py"),
    ]
    assert lines[2]["tool_calls"][0]["function"] == {
        "name": "terminal",
        "arguments": '{"command": "ls"}',
    }
    assert identity_of(main, load_config()).project == "shop"
    assert (agent.session_id, agent.agent_id) == ("t1", "t2")
    assert said(lines_of(agent)) == [("user", "old")]


def test_copilot_sessions_are_read_from_their_events(person: Path) -> None:
    def event(kind: str, **data: Any) -> str:
        told = {"type": kind, "id": kind, "timestamp": "2026-11-01T10:00:00Z"}
        return json.dumps({**told, "data": data}) + "\n"

    request = {"toolCallId": "c1", "name": "view", "arguments": {"path": "a.py"}}
    write(
        person / ".copilot" / "session-state" / UUIDS[0] / "events.jsonl",
        event("session.start", sessionId=UUIDS[0], context={"cwd": "/home/me/shop"})
        + event("user.message", content="what is here?")
        + event("assistant.message", content="I look.", toolRequests=[request])
        + event("tool.execution_complete", toolCallId="c1", result={"content": "x = 1"})
        + '{"type": "assistant.mess',
    )
    write(
        person / ".copilot" / "session-state" / f"{UUIDS[1]}.jsonl",
        event("user.message", content="before"),
    )
    current, before = sorted(found(), key=lambda each: each.session_id)
    with rendering.content_of(current) as content:
        assert identity_of(current, load_config(), content.path).project == "shop"
    lines = lines_of(current)
    assert said(lines) == [
        ("user", "what is here?"),
        ("assistant", "I look."),
        ("tool", "x = 1"),
    ]
    assert lines[2]["tool_calls"][0]["id"] == "c1"
    assert (before.session_id, said(lines_of(before))) == (
        UUIDS[1],
        [("user", "before")],
    )


def test_two_rows_of_a_database_have_two_entries_in_the_state(person: Path) -> None:
    database = opencode(person)
    for name in ("ses_1", "ses_2"):
        database.execute("INSERT INTO session VALUES (?, NULL, '/x')", [name])
        row = (name, "m", name, 1, 1793527200000, json.dumps(_text(name)))
        database.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    assert len({each.key for each in found()}) == 2


def test_codex_threads_that_lie_in_sqlite_alone_are_read(person: Path) -> None:
    codex = person / ".codex"
    meta = {"type": "session_meta", "payload": {"cwd": "/home/me/a"}}
    name = f"rollout-2026-11-01T10-00-00-{UUIDS[0]}.jsonl"
    write(codex / "sessions" / "2026" / "11" / "01" / name, json.dumps(meta) + "\n")
    database = sqlite3.connect(codex / "thread_history_1.sqlite")
    database.execute(
        "CREATE TABLE thread_items (thread_id TEXT, turn_id TEXT, item_id TEXT,"
        " rollout_ordinal INT, created_at_ms INT, item_json TEXT)"
    )
    for thread, ordinal, item in (
        (UUIDS[0], 1, {"type": "userMessage", "content": [_text("has a file")]}),
        (UUIDS[1], 2, {"type": "agentMessage", "content": [_text("answer")]}),
        (UUIDS[1], 1, {"type": "userMessage", "content": [_text("question")]}),
    ):
        row = (thread, "t", str(ordinal), ordinal, 1793527200000, json.dumps(item))
        database.execute("INSERT INTO thread_items VALUES (?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    state = sqlite3.connect(codex / "state_5.sqlite")
    state.execute("CREATE TABLE threads (id TEXT, cwd TEXT)")
    state.execute("INSERT INTO threads VALUES (?, '/home/me/b')", [UUIDS[1]])
    state.commit()
    state.close()
    rollout, thread = found()
    assert (rollout.session_id, rollout.form) == (UUIDS[0], "")
    assert thread.session_id == UUIDS[1]
    assert identity_of(thread, load_config()).project == "b"
    told = lines_of(thread)
    assert told[0]["type"] == "session_meta"
    assert [each["payload"]["item"]["type"] for each in told[1:]] == [
        "UserMessage",
        "AgentMessage",
    ]


def test_a_damaged_database_is_named_and_the_others_are_read(person: Path) -> None:
    write(person / ".codex" / "thread_history_1.sqlite", b"not a database" * 100)
    write(person / ".claude" / "projects" / "p" / "s.jsonl", '{"cwd": "/x"}\n')
    every = list(sweep())
    assert [each.path.name for each in every if isinstance(each, Transcript)] == [
        "s.jsonl"
    ]
    (skip,) = [each for each in every if isinstance(each, Skip)]
    assert "cannot be read" in skip.reason


@pytest.mark.skipif(shutil.which("zstd") is None, reason="needs zstd")
def test_a_compressed_rollout_is_unpacked(person: Path) -> None:
    meta = {"type": "session_meta", "payload": {"cwd": "/home/me/packed"}}
    folder = person / ".codex" / "archived_sessions"
    path = write(folder / f"rollout-x-{UUIDS[0]}.jsonl", json.dumps(meta) + "\n")
    subprocess.run(["zstd", "--quiet", "--rm", str(path)], check=True)
    (packed,) = found()
    assert (packed.session_id, packed.form) == (UUIDS[0], "zst")
    with rendering.content_of(packed) as content:
        assert identity_of(packed, load_config(), content.path).project == "packed"
        assert json.loads(content.path.read_bytes()) == meta
    assert list((person / ".memory-sync" / "work").iterdir()) == []
    path.with_suffix(".jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd broken")
    with pytest.raises(FileProblem, match="unpacked"), rendering.content_of(packed):
        pass


def test_without_a_decompressor_a_compressed_rollout_is_left_out_with_its_reason(
    person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(person / ".codex" / "sessions" / f"rollout-{UUIDS[0]}.jsonl.zst", b"x")
    monkeypatch.setenv("PATH", str(person))
    rendering.can_unpack.cache_clear()
    try:
        (skip,) = sweep()
    finally:
        rendering.can_unpack.cache_clear()
    assert isinstance(skip, Skip)
    assert "zstd" in skip.reason


def test_a_message_that_may_still_grow_is_held_back(person: Path) -> None:
    messages = [
        {"id": "1", "type": "user", "content": "hi"},
        {"id": "2", "type": "gemini", "content": "I am still writ"},
    ]
    folder = person / ".gemini" / "tmp" / "p" / "chats"
    text = "\n".join(map(json.dumps, messages))
    path = write(folder / "session-1.jsonl", text, at=time.time())
    (fresh,) = found()
    with rendering.content_of(fresh) as content:
        assert not content.is_complete
        assert b"still writ" not in content.path.read_bytes()
    os.utime(path, (LONG_AGO, LONG_AGO))
    (quiet,) = found()
    with rendering.content_of(quiet) as content:
        assert content.is_complete
        assert b"still writ" in content.path.read_bytes()


def test_a_document_that_is_half_written_fails_alone(person: Path) -> None:
    write(
        person / ".gemini" / "tmp" / "p" / "chats" / "session-1.json", '{"messages": ['
    )
    (half,) = found()
    with pytest.raises(FileProblem, match="not as its client"):
        lines_of(half)
