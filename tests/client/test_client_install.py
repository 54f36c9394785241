"""Installing and uninstalling on a machine with every client on it."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_powershell
import xmlschema
from machines import SCRIPT, Machine, machine_at
from tree_sitter import Language, Parser

from access.machines import Enrolled
from console.machines import install_lines
from memory_sync.install import scheduling
from memory_sync.install.clients import CLIENTS
from memory_sync.install.jsonc import loads
from memory_sync.problems import SetupProblem

URL = "https://memory.example/mcp"
AI, SYNC = "ai-token-that-is-secret", "sync-token-that-is-secret"

# Each client's file as a person left it, and where it must find the server.
FILES: dict[str, tuple[str, str]] = {
    "claude-code": (".claude/.claude.json", '{\n  "numStartups": 4\n}\n'),
    "codex": (".codex/config.toml", '# mine\nmodel = "x" # why\n'),
    "cursor": (".cursor/mcp.json", '{"mcpServers": {"other": {"url": "u"}}}'),
    "vscode": (".config/Code/User/mcp.json", '{\n\t// mine\n\t"servers": {},\n}\n'),
    "gemini": (".gemini/settings.json", "{}"),
    "windsurf": (".codeium/windsurf/mcp_config.json", '{\r\n  "a": 1\r\n}\r\n'),
    "opencode": (
        ".config/opencode/opencode.jsonc",
        '{\n  // theme\n  "theme": "x"\n}\n',
    ),
    "zed": (".config/zed/settings.json", '// Zed\n{\n  "vim_mode": true,\n}\n'),
    "cline": (".cline/data/settings/cline_mcp_settings.json", '{"mcpServers": {}}\n'),
}


@pytest.fixture
def desk(tmp_path: Path) -> Machine:
    """A computer with nine clients, each with a file of its person's own."""
    machine = machine_at(tmp_path, SYNC_TOKEN=SYNC, MCP_MEMORY_TOKEN=AI)
    machine.environment["XDG_CONFIG_HOME"] = str(tmp_path / ".config")
    for name, content in FILES.values():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    settings = tmp_path / ".claude" / "settings.json"
    settings.write_text(
        '{\n  "hooks": {\n    "Stop": [\n      {"hooks": []}\n    ]\n  }\n}\n'
    )
    return machine


def install(machine: Machine, *more: str) -> subprocess.CompletedProcess[bytes]:
    return machine.run(
        *("install", "--url", URL, "--machine", "desk", "--schedule", "none"), *more
    )


def everything(home: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, with its bytes and mode; folders too."""
    return {
        str(path.relative_to(home)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode & 0o777,
        )
        for path in sorted(home.rglob("*"))
    }


def test_every_client_finds_the_server_with_its_token(desk: Machine) -> None:
    done = install(desk)
    assert done.returncode == 0, done.stderr.decode()
    told = {
        name: loads((desk.home / path).read_text())
        for name, (path, _) in FILES.items()
        if name != "codex"
    }
    bearer = {"Authorization": f"Bearer {AI}"}
    remote = {"url": URL, "headers": bearer}
    assert told["claude-code"]["mcpServers"]["memory"] == {"type": "http", **remote}
    assert told["cursor"]["mcpServers"]["memory"] == remote
    assert told["cursor"]["mcpServers"]["other"] == {"url": "u"}
    assert told["gemini"]["mcpServers"]["memory"] == {"type": "http", **remote}
    assert told["windsurf"]["mcpServers"]["memory"] == {
        "serverUrl": URL,
        "headers": bearer,
    }
    opencode = told["opencode"]["mcp"]["memory"]
    assert opencode == {"type": "remote", "enabled": True, "oauth": False, **remote}
    assert told["zed"]["context_servers"]["memory"] == remote
    assert told["cline"]["mcpServers"]["memory"] == {
        "transport": {"type": "streamableHttp", **remote}
    }
    asked = "Bearer ${input:memory-token}"
    assert told["vscode"]["servers"]["memory"]["headers"] == {"Authorization": asked}
    assert [each["id"] for each in told["vscode"]["inputs"]] == ["memory-token"]
    codex = tomllib.loads((desk.home / FILES["codex"][0]).read_text())
    assert codex["mcp_servers"]["memory"] == {"url": URL, "http_headers": bearer}


def test_a_variable_keeps_the_token_out_of_the_clients_files(desk: Machine) -> None:
    done = install(desk, "--token-variable", "MEMORY_TOKEN")
    assert done.returncode == 0, done.stderr.decode()
    for name in ("claude-code", "codex", "cursor", "gemini", "windsurf", "opencode"):
        text = (desk.home / FILES[name][0]).read_text()
        assert "MEMORY_TOKEN" in text
        assert AI not in text


def test_comments_and_foreign_settings_are_kept(desk: Machine) -> None:
    install(desk)
    assert "// mine" in (desk.home / FILES["vscode"][0]).read_text()
    assert "// theme" in (desk.home / FILES["opencode"][0]).read_text()
    assert '# mine\nmodel = "x" # why\n' in (desk.home / FILES["codex"][0]).read_text()
    hooks = json.loads((desk.home / ".claude/settings.json").read_text())["hooks"]
    assert hooks["Stop"][0] == {"hooks": []}


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_no_file_with_a_token_can_be_read_by_others(desk: Machine) -> None:
    install(desk)
    open_files = [
        str(path)
        for path in desk.home.rglob("*")
        if path.is_file()
        and path.stat().st_mode & 0o077
        and any(token.encode() in path.read_bytes() for token in (AI, SYNC))
    ]
    assert open_files == []


def test_hooks_run_without_a_shell_and_within_their_own_time(desk: Machine) -> None:
    install(desk)
    settings = json.loads((desk.home / ".claude/settings.json").read_text())
    for event in ("SessionStart", "Stop", "SubagentStop", "PreCompact", "SessionEnd"):
        hook = settings["hooks"][event][-1]["hooks"][0]
        assert hook["timeout"] == 10
        assert hook["args"] == [
            "-I",
            "-S",
            str(desk.sync_home / "bin" / "memory_sync.py"),
            "claude-hook",
        ]
        done = subprocess.run(
            [hook["command"], *hook["args"]],
            input=b"{}",
            capture_output=True,
            env=desk.environment,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    codex = json.loads((desk.home / ".codex/hooks.json").read_text())
    command = codex["hooks"]["Stop"][0]["hooks"][0]["command"]
    assert shlex.split(command)[1:] == hook["args"]


def test_a_dry_run_shows_the_changes_without_tokens_and_makes_none(
    desk: Machine,
) -> None:
    before = everything(desk.home)
    done = install(desk, "--dry-run")
    assert everything(desk.home) == before
    assert b'+      "url": "https://memory.example/mcp"' in done.stdout
    assert AI.encode() not in done.stdout
    assert "‹token›" in done.stdout.decode()


def test_uninstall_leaves_the_home_as_it_was_byte_for_byte(desk: Machine) -> None:
    before = everything(desk.home)
    assert install(desk, "--keep-days", "365").returncode == 0
    assert everything(desk.home) != before
    done = desk.run("uninstall")
    assert done.returncode == 0, done.stderr.decode()
    assert everything(desk.home) == before


def test_installing_twice_changes_nothing_more_and_is_undone_whole(
    desk: Machine,
) -> None:
    before = everything(desk.home)
    install(desk)
    once = {
        name: told
        for name, told in everything(desk.home).items()
        if "install.json" not in name
    }
    again = install(desk)
    assert again.returncode == 0
    assert {
        name: told
        for name, told in everything(desk.home).items()
        if "install.json" not in name
    } == once
    desk.run("uninstall")
    assert everything(desk.home) == before


def test_what_a_client_wrote_since_survives_uninstall(desk: Machine) -> None:
    install(desk)
    path = desk.home / FILES["claude-code"][0]
    told = json.loads(path.read_text())
    told["numStartups"] = 5
    told["mcpServers"]["later"] = {"url": "x"}
    path.write_text(json.dumps(told))
    codex = desk.home / FILES["codex"][0]
    codex.write_text(codex.read_text() + "\n[added]\nby = 'codex'\n")
    desk.run("uninstall")
    assert json.loads(path.read_text()) == {
        "numStartups": 5,
        "mcpServers": {"later": {"url": "x"}},
    }
    assert codex.read_text() == FILES["codex"][1] + "\n[added]\nby = 'codex'\n"


def test_a_file_that_is_not_json_stops_the_install_before_any_change(
    desk: Machine,
) -> None:
    (desk.home / FILES["gemini"][0]).write_text('{"a": ')
    before = everything(desk.home)
    done = install(desk)
    assert done.returncode == SetupProblem.exit_code
    assert b"settings.json: line 1 is not JSON" in done.stderr
    assert everything(desk.home) == before


def test_a_linked_file_stays_a_link(desk: Machine) -> None:
    path = desk.home / FILES["zed"][0]
    target = desk.home / "dotfiles" / "zed.json"
    target.parent.mkdir()
    path.rename(target)
    path.symlink_to(target)
    install(desk, "--clients", "zed")
    assert path.is_symlink()
    assert "memory.example" in target.read_text()
    desk.run("uninstall")
    assert target.read_text() == FILES["zed"][1]


def test_only_clients_that_are_here_are_edited(tmp_path: Path) -> None:
    bare = machine_at(tmp_path / "home", SYNC_TOKEN=SYNC, MCP_MEMORY_TOKEN=AI, PATH="")
    (tmp_path / "home" / ".gemini").mkdir(parents=True)
    bare.environment["PATH"] = os.path.dirname(SCRIPT)
    report = bare.report("install", "--url", URL, "--schedule", "none")
    assert report["clients"] == ["gemini"]
    unknown = bare.run("install", "--url", URL, "--clients", "nano")
    assert unknown.returncode == SetupProblem.exit_code
    assert all(client.name.encode() in unknown.stderr for client in CLIENTS)


@pytest.mark.skipif(os.name == "nt", reason="a script for bash")
def test_the_install_script_takes_tokens_and_options(desk: Machine) -> None:
    for name in ("SYNC_TOKEN", "MCP_MEMORY_TOKEN"):
        desk.environment.pop(name)
    script = Path(SCRIPT).with_name("install.sh")
    done = subprocess.run(
        shlex.split(
            f"bash {script} {AI} --sync-token {SYNC} --url {URL} --machine desk"
            " --schedule=none --clients cursor"
        ),
        env=desk.environment,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    kept = json.loads((desk.sync_home / "tokens.json").read_text())
    assert kept == {"ai": AI, "sync": SYNC}
    assert AI in (desk.home / FILES["cursor"][0]).read_text()
    assert AI.encode() not in done.stdout


def test_what_powershell_is_given_is_powershell() -> None:
    """Its own parser is not to be had here; the grammar that editors use is."""
    enrolled = Enrolled("wren", "fms_ai_x", "fms_sync_x")
    texts = {
        "install.ps1": Path(SCRIPT).with_name("install.ps1").read_text(),
        "the console's line": install_lines(enrolled, ["codex"])["powershell"],
    }
    parser = Parser(Language(tree_sitter_powershell.language()))
    wrong = {
        name: str(tree.root_node)
        for name, text in texts.items()
        if (tree := parser.parse(text.encode())).root_node.has_error
    }
    assert wrong == {}
    assert parser.parse(b"if ($x { }").root_node.has_error


# The timers, as text


PYTHON, PROGRAM = (
    "/opt/my python/bin/python3",
    Path("/home/me/100% $HOME/memory_sync.py"),
)


def test_a_systemd_timer_starts_one_short_gentle_run() -> None:
    told = scheduling.systemd(PYTHON, PROGRAM)
    service, timer = (str(edit.value) for edit in told.files)
    assert (
        'ExecStart="/opt/my python/bin/python3" '
        '"/home/me/100%% $$HOME/memory_sync.py" sync --background\n' in service
    )
    assert "Type=oneshot" in service
    assert "Nice=10" in service
    assert "MemoryMax=" in service
    assert "OnUnitInactiveSec=15min" in timer
    assert told.on[-1][-3:] == ["enable", "--now", "memory-sync.timer"]
    assert told.off == [
        ["systemctl", "--user", "disable", "--now", "memory-sync.timer"]
    ]


def test_a_launch_agent_is_a_property_list_that_launchd_reads() -> None:
    told = scheduling.launchd(PYTHON, PROGRAM)
    (edit,) = told.files
    assert edit.path.match("Library/LaunchAgents/org.memory-sync.sync.plist")
    agent = plistlib.loads(str(edit.value).encode())
    assert agent["ProgramArguments"] == [PYTHON, str(PROGRAM), "sync", "--background"]
    assert (agent["StartInterval"], agent["Nice"]) == (900, 10)
    assert told.on[0][:2] == ["launchctl", "bootstrap"]


def test_a_windows_task_quotes_its_paths_and_opens_no_window(tmp_path: Path) -> None:
    python = tmp_path / "with space" / "python.exe"
    python.parent.mkdir()
    (python.parent / "pythonw.exe").touch()
    script = Path("C:/Users/Zoë & co/memory_sync.py")
    told = scheduling.schtasks(str(python), script)
    ((edit,), (command,)) = told.files, told.on
    assert command[-2:] == ["/XML", str(edit.path)]
    assert edit.value.isascii()
    schema = xmlschema.XMLSchema(Path(__file__).with_name("task_scheduler.xsd"))
    task = schema.to_dict(edit.value)
    (run,) = task["Actions"]["Exec"]
    assert run["Command"] == str(python.parent / "pythonw.exe")
    assert run["Arguments"] == f'"{script}" sync --background'
    assert task["Triggers"]["TimeTrigger"][0]["Repetition"]["Interval"] == "PT15M"
    assert task["Settings"]["DisallowStartIfOnBatteries"] is False


def test_a_crontab_keeps_its_other_lines() -> None:
    before = "MAILTO=me\n0 1 * * * backup"
    after = scheduling.crontab_with(before, PYTHON, PROGRAM)
    assert after.startswith(before + "\n*/15 * * * * ")
    assert r"100\% $HOME" in after
    assert scheduling.crontab_with(after, PYTHON, PROGRAM) == after
    assert scheduling.crontab_without(after) == before + "\n"


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The system's crontab, kept in a file."""
    table = tmp_path / "table"
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\ncase $1 in\n"
        f"-l) test -f {table} && cat {table} ;;\n"
        f"-r) rm {table} ;;\n-) cat > {table} ;;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return table


@pytest.mark.skipif(os.name == "nt", reason="cron")
def test_cron_is_told_and_untold(crontab: Path, tmp_path: Path) -> None:
    machine = machine_at(tmp_path / "home", SYNC_TOKEN=SYNC, MCP_MEMORY_TOKEN=AI)
    (tmp_path / "home").mkdir()
    done = machine.run(
        "install", "--url", URL, "--clients", "none", "--schedule", "cron"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert crontab.read_text().count("sync --background") == 1
    machine.run("uninstall")
    assert not crontab.exists()
