"""The tokens in the Secret Service of a desktop, through secret-tool."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from machines import Machine, machine_at

NEEDED = ("dbus-run-session", "gnome-keyring-daemon", "secret-tool")
AI, SYNC = "ai-token-that-is-secret", "sync-token-that-is-secret"
UNLOCKED = (
    "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
    ' && exec "$0" "$@"'
)


@pytest.fixture
def desktop(tmp_path: Path) -> Machine:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, (
        f"Without {missing}: apt-get install dbus gnome-keyring libsecret-tools"
    )
    machine = machine_at(tmp_path)
    machine.environment["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    (tmp_path / "run").mkdir(mode=0o700)
    return machine


def test_tokens_are_kept_in_the_keyring_and_leave_it_again(desktop: Machine) -> None:
    from machines import SCRIPT

    program = f"python3 {SCRIPT}"
    asked = " && ".join(
        (
            f"SYNC_TOKEN={SYNC} MCP_MEMORY_TOKEN={AI} {program} install --keyring"
            " --url http://127.0.0.1:9/mcp --machine desk --clients none"
            " --schedule none >/dev/null",
            f"{program} status --json",
            "secret-tool lookup service memory-sync kind sync",
            'echo "" && grep -rl that-is-secret "$HOME/.memory-sync" ; true',
            f"{program} uninstall >/dev/null",
            "! secret-tool lookup service memory-sync kind sync",
        )
    )
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", UNLOCKED, "sh", "-c", asked],
        env=desktop.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    status, kept, *files = done.stdout.strip().splitlines()
    told = json.loads(status)
    assert (told["ai_token"], told["sync_token"]) == (True, True)
    assert kept == SYNC
    # In no file of ours does a token stand.
    assert files == []
