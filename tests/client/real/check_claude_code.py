"""Claude Code itself, with a model that stands in: what it writes arrives whole."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from archived import Archive
from conftest import Desk, wait_until

PRINT = ("claude", "-p", "--output-format", "json")


def files_of(desk: Desk) -> dict[Path, tuple[str, str]]:
    """Every session file with the names it must be archived under."""
    found = {}
    for path in desk.machine.claude_projects.rglob("*.jsonl"):
        if "subagents" in path.parts:
            agent = path.stem.removeprefix("agent-")
            found[path] = (path.parent.parent.name, agent)
        else:
            found[path] = (path.stem, "")
    return found


def session_of(printed: str) -> str:
    told = json.loads(printed)
    last = told[-1] if isinstance(told, list) else told
    return str(last["session_id"])


def test_sessions_arrive_whole_however_they_go_on(desk: Desk) -> None:
    """Start, resume, fork, compact and a subagent; the hooks bring the first."""
    session = session_of(desk.run(*PRINT, "How is the shop doing?"))
    desk.uninterrupted()
    archive = Archive(desk.server, desk.machine.name)
    # No sweep has run: this came by the hooks alone.
    wait_until(lambda: archive.transcript(session), "the hooks' upload")
    assert b"How is the shop doing?" in archive.transcript(session)

    desk.run(*PRINT, "--resume", session, "And tomorrow?")
    fork = desk.run(*PRINT, "--resume", session, "--fork-session", "Or elsewhere?")
    assert session_of(fork) != session
    desk.run(*PRINT, "--resume", session, "/compact")
    desk.run(*PRINT, "DELEGATE this", "--allowedTools", "Agent,Task")
    desk.sync()

    files = files_of(desk)
    assert len(files) == 4, files
    assert any(agent for _, agent in files.values()), "no subagent ran"
    texts = b"".join(path.read_bytes() for path in files)
    assert b"compact_boundary" in texts
    desk.archived_exactly(files)
    assert desk.sync()["outcomes"] == {}


def test_a_session_that_is_killed_in_the_middle_goes_on(desk: Desk) -> None:
    running = desk.start(
        *PRINT, "--output-format", "stream-json", "--verbose", "SLOWLY"
    )
    wait_until(
        lambda: any(b"SLOWLY" in path.read_bytes() for path in files_of(desk)),
        "the prompt to be written",
    )
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    (path,) = files_of(desk)
    desk.sync()
    archived = Archive(desk.server, desk.machine.name).transcript(path.stem)
    whole = path.read_bytes()
    assert archived == whole[: whole.rfind(b"\n") + 1]

    desk.run(*PRINT, "--resume", path.stem, "Go on")
    desk.sync()
    desk.archived_exactly(files_of(desk))


def test_hooks_that_it_posts_by_itself_need_nothing_of_ours(desk: Desk) -> None:
    """HTTP hooks: what was asked and answered, on a machine without our program."""
    desk.machine.run("uninstall")
    hook = {
        "type": "http",
        "url": f"{desk.server.base}/api/v1/hooks/claude-code?machine=elsewhere",
        "headers": {"Authorization": "Bearer $MEMORY_SYNC_TOKEN"},
        "allowedEnvVars": ["MEMORY_SYNC_TOKEN"],
        "timeout": 5,
    }
    events = ("UserPromptSubmit", "Stop", "SessionEnd")
    settings = {"hooks": {event: [{"hooks": [hook]}] for event in events}}
    path = desk.machine.home / ".claude" / "settings.json"
    path.write_text(json.dumps(settings))
    token = {"MEMORY_SYNC_TOKEN": desk.server.sync_token}
    session = session_of(desk.run(*PRINT, "Who sells pears?", **token))
    desk.run(*PRINT, "--resume", session, "And plums?", **token)

    archive = Archive(desk.server, "elsewhere")
    wait_until(lambda: archive.transcript(session).count(b"\n") == 4, "four lines")
    lines = [json.loads(line) for line in archive.transcript(session).splitlines()]
    assert [(each["role"], each["content"]) for each in lines] == [
        ("user", "Who sells pears?"),
        ("assistant", "The answer to: Who sells pears?"),
        ("user", "And plums?"),
        ("assistant", "The answer to: And plums?"),
    ]
