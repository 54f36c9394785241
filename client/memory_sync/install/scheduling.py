"""A timer of the system's own that starts `sync --background` every quarter of an hour.

systemd, cron, launchd or Task Scheduler, whichever is there. What each is told is made
here as text, so that it can be tested on any system.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from memory_sync.files import home
from memory_sync.install.edits import Edit
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json

MINUTES = 15
LABEL = "memory-sync"
LAUNCHD_LABEL = "org.memory-sync.sync"
COMMAND_SECONDS = 30
TASK_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A timer: the files that are ours, and what turns it on and off."""

    kind: str
    files: list[Edit]
    on: list[list[str]]
    off: list[list[str]]

    def as_json(self) -> Json:
        return {"kind": self.kind, "off": self.off}


def chosen(kind: str) -> str:
    """The kind of timer to use; raises SetupProblem for one that is not here."""
    if kind != "auto":
        return kind
    if sys.platform == "darwin":
        return "launchd"
    if sys.platform == "win32":
        return "schtasks"
    if _has_user_systemd():
        return "systemd"
    return "cron" if shutil.which("crontab") else "none"


def _has_user_systemd() -> bool:
    if shutil.which("systemctl") is None:
        return False
    command = ["systemctl", "--user", "show-environment"]
    return _run(command).returncode == 0


def schedule(kind: str, python: str, script: Path) -> Schedule | None:
    """The timer of a kind; None for cron, which `crontab` edits, and for none."""
    if kind == "systemd":
        return systemd(python, script)
    if kind == "launchd":
        return launchd(python, script)
    if kind == "schtasks":
        return schtasks(python, script)
    return None


def systemd(python: str, script: Path) -> Schedule:
    folder = _systemd_folder()
    command = " ".join(_systemd_quoted(each) for each in (python, str(script)))
    service = (
        "[Unit]\nDescription=Archive AI coding sessions on the memory server\n\n"
        f"[Service]\nType=oneshot\nExecStart={command} sync --background\n"
        "Nice=10\nIOSchedulingClass=idle\nMemoryMax=512M\nCPUQuota=50%\n"
        "TimeoutStartSec=2h\n"
    )
    timer = (
        "[Unit]\nDescription=Archive AI coding sessions regularly\n\n"
        f"[Timer]\nOnStartupSec=2min\nOnUnitInactiveSec={MINUTES}min\n"
        "RandomizedDelaySec=1min\n\n[Install]\nWantedBy=timers.target\n"
    )
    files = [
        Edit(folder / f"{LABEL}.service", "whole", (), service),
        Edit(folder / f"{LABEL}.timer", "whole", (), timer),
    ]
    user = ["systemctl", "--user"]
    return Schedule(
        "systemd",
        files,
        on=[[*user, "daemon-reload"], [*user, "enable", "--now", f"{LABEL}.timer"]],
        off=[[*user, "disable", "--now", f"{LABEL}.timer"]],
    )


def _systemd_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "systemd" / "user"


def _systemd_quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("%", "%%").replace("$", "$$") + '"'


def launchd(python: str, script: Path) -> Schedule:
    path = Path("~/Library/LaunchAgents").expanduser() / f"{LAUNCHD_LABEL}.plist"
    words = [python, str(script), "sync", "--background"]
    strings = "\n".join(f"    <string>{escape(each)}</string>" for each in words)
    plist = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"'
        ' "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        '<plist version="1.0">\n<dict>\n'
        f"  <key>Label</key>\n  <string>{LAUNCHD_LABEL}</string>\n"
        f"  <key>ProgramArguments</key>\n  <array>\n{strings}\n  </array>\n"
        f"  <key>StartInterval</key>\n  <integer>{MINUTES * 60}</integer>\n"
        "  <key>RunAtLoad</key>\n  <true/>\n"
        "  <key>ProcessType</key>\n  <string>Background</string>\n"
        "  <key>Nice</key>\n  <integer>10</integer>\n"
        "  <key>LowPriorityIO</key>\n  <true/>\n"
        "</dict>\n</plist>\n"
    )
    place = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    return Schedule(
        "launchd",
        [Edit(path, "whole", (), plist)],
        on=[["launchctl", "bootstrap", place, str(path)]],
        off=[["launchctl", "bootout", f"{place}/{LAUNCHD_LABEL}"]],
    )


def schtasks(python: str, script: Path) -> Schedule:
    """A task told as XML: the command line can neither name long paths nor say that a
    laptop on its battery is archived too.
    """
    # pythonw opens no window.
    windowless = Path(python).with_name("pythonw.exe")
    runner = str(windowless) if windowless.exists() else python
    arguments = subprocess.list2cmdline([str(script), "sync", "--background"])
    task = (
        # No encoding is named: the file is ASCII, whatever the paths hold.
        '<?xml version="1.0"?>\n'
        f'<Task version="1.2" xmlns="{TASK_NAMESPACE}">\n'
        "  <RegistrationInfo><Description>Archive AI coding sessions on the memory"
        " server</Description></RegistrationInfo>\n"
        "  <Triggers><TimeTrigger><Enabled>true</Enabled>"
        "<StartBoundary>2026-01-01T00:00:00</StartBoundary>"
        f"<Repetition><Interval>PT{MINUTES}M</Interval></Repetition>"
        "</TimeTrigger></Triggers>\n"
        '  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType>'
        "<RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n"
        "  <Settings>\n"
        "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n"
        "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n"
        "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n"
        "    <StartWhenAvailable>true</StartWhenAvailable>\n"
        "    <ExecutionTimeLimit>PT2H</ExecutionTimeLimit>\n"
        "    <Priority>8</Priority>\n"
        "  </Settings>\n"
        f'  <Actions Context="Author"><Exec><Command>{escape(runner)}</Command>'
        f"<Arguments>{escape(arguments)}</Arguments></Exec></Actions>\n"
        "</Task>\n"
    )
    ascii_task = task.encode("ascii", "xmlcharrefreplace").decode()
    path = home().absolute() / "task.xml"
    return Schedule(
        "schtasks",
        [Edit(path, "whole", (), ascii_task)],
        on=[["schtasks", "/Create", "/F", "/TN", LABEL, "/XML", str(path)]],
        off=[["schtasks", "/Delete", "/F", "/TN", LABEL]],
    )


def crontab_with(before: str, python: str, script: Path) -> str:
    """A crontab with our line, at its end or where it stood."""
    words = shlex.join([python, str(script), "sync", "--background"])
    # cron takes a % for the end of the command.
    words = words.replace("%", r"\%")
    line = f"*/{MINUTES} * * * * {words} >/dev/null 2>&1 # {LABEL}\n"
    kept = crontab_without(before)
    gap = "" if not kept or kept.endswith("\n") else "\n"
    return kept + gap + line


def crontab_without(before: str) -> str:
    """A crontab without our line."""
    lines = before.splitlines(keepends=True)
    return "".join(line for line in lines if not line.rstrip().endswith(f"# {LABEL}"))


def read_crontab() -> str:
    found = _run(["crontab", "-l"])
    return found.stdout if found.returncode == 0 else ""


def write_crontab(text: str) -> None:
    """Replace the crontab; an empty one is removed, as if there never was one."""
    done = _run(["crontab", "-"], text) if text else _run(["crontab", "-r"])
    if done.returncode:
        raise SetupProblem(f"crontab refuses: {done.stderr.strip()}")


def run_all(commands: list[list[str]], *, must: bool) -> None:
    """Run commands in order; raises SetupProblem when one that must work fails."""
    for command in commands:
        done = _run(command)
        if must and done.returncode:
            said = done.stderr.strip() or done.stdout.strip()
            raise SetupProblem(f"{shlex.join(command)} fails: {said}")


def _run(command: list[str], said: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=said, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
