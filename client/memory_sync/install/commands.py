"""install and uninstall."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_sync.commands import written_config
from memory_sync.config import load_config
from memory_sync.files import home, program, read_cache, read_json, write_bytes
from memory_sync.files import write_json as write
from memory_sync.install import hook_edits, scheduling
from memory_sync.install.clients import CLIENTS, Access, Client
from memory_sync.install.edits import Change, Edit, made, planned, undo
from memory_sync.install.packing import program_bytes
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json
from memory_sync.tokens import forget_tokens

# Where clients keep their things may be set for a shell and not for a timer.
REMEMBERED = (
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GEMINI_CLI_HOME",
    "CLINE_DIR",
    "CLINE_DATA_DIR",
    "COPILOT_HOME",
    "GOOSE_PATH_ROOT",
    "XDG_DATA_HOME",
)


def install(options: argparse.Namespace) -> int:
    """Set up this machine: the configuration, every client found, hooks, a timer."""
    url = options.url or os.environ.get("MCP_MEMORY_URL") or load_config().url
    if not url:
        raise SetupProblem("Say where the server is: --url http://HOST:7444/mcp")
    config = load_config()
    access = Access(url, config.ai_token, options.token_variable or "")
    clients = list(_chosen(options.clients))
    edits, notes = _edits_for(clients, access, options)
    kind = scheduling.chosen(options.schedule)
    timer = scheduling.schedule(kind, python(), script())
    changes = list(planned([*edits, *(timer.files if timer else [])]))
    secrets = (config.ai_token, config.sync_token)
    report: Json = {
        "clients": [each.name for each in clients],
        "files": [str(each.path) for each in changes if each.is_change],
        "schedule": kind,
        "notes": notes,
        "dry_run": options.dry_run,
    }
    if options.dry_run:
        report["diff"] = "".join(each.diff(secrets) for each in changes)
    else:
        _make(options, url, changes, timer, kind)
    _tell(options, report)
    return 0


def _make(
    options: argparse.Namespace,
    url: str,
    changes: list[Change],
    timer: scheduling.Schedule | None,
    kind: str,
) -> None:
    is_new = not home().exists()
    write_bytes(script(), program_bytes(program()), mode=0o755)
    written_config(url, options.machine, keyring=options.keyring)
    _remember_environment()
    path = home() / "install.json"
    record = read_json(path) or {"made_home": is_new, "files": []}
    known = {each["path"]: each for each in record["files"]}
    for change in changes:
        if change.is_change:
            # Written after each file: an installer that is killed can be undone.
            known[str(change.path)] = made(change, known.get(str(change.path)))
            record["files"] = list(known.values())
            write(path, record)
    record["at"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    if kind == "cron":
        before = scheduling.read_crontab()
        scheduling.write_crontab(scheduling.crontab_with(before, python(), script()))
    record["schedule"] = timer.as_json() if timer else {"kind": kind, "off": []}
    write(path, record)
    if timer:
        scheduling.run_all(timer.off, must=False)
        scheduling.run_all(timer.on, must=True)


def uninstall(options: argparse.Namespace) -> int:
    """Undo all that install did; what others wrote into the files since stays."""
    record = read_cache(home() / "install.json")
    if not record:
        raise SetupProblem(f"Nothing was installed from {home()}.")
    said: Json = {}
    off = record.get("schedule", {})
    if options.dry_run:
        said = {each["path"]: "would be undone" for each in record["files"]}
    else:
        scheduling.run_all(off.get("off", []), must=False)
        if off.get("kind") == "cron":
            _leave_crontab()
        for each in reversed(record["files"]):
            said[each["path"]] = undo(each)
        forget_tokens(read_cache(home() / "config.json"))
        said[str(home())] = _leave_home(made_it=bool(record.get("made_home")))
    if options.json:
        print(json.dumps({"files": said, "schedule": off.get("kind")}))
    else:
        for path, outcome in said.items():
            print(f"{path}: {outcome}")
    return 0


def _leave_crontab() -> None:
    before = scheduling.read_crontab()
    after = scheduling.crontab_without(before)
    if after != before:
        scheduling.write_crontab(after)


def _leave_home(*, made_it: bool) -> str:
    """Remove our home; manifests that a person wrote into are left."""
    kept = [
        path
        for path in (home() / "manifests").glob("*.json")
        if read_cache(path).get("tracked")
    ]
    if made_it and not kept:
        shutil.rmtree(home())
        return "is removed"
    for entry in list(home().iterdir()):
        if entry.name in ("manifests", "config.json") and (kept or not made_it):
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return "keeps config.json and the manifests that were written by hand"


def _edits_for(
    clients: list[Client], access: Access, options: argparse.Namespace
) -> tuple[list[Edit], list[str]]:
    edits: list[Edit] = []
    notes: list[str] = []
    if not access.token and not access.variable:
        notes.append(
            "No AI token (MCP_MEMORY_TOKEN): clients are not connected, only archived."
        )
    for client in clients:
        if access.token or access.variable:
            edits += client.edits(access)
            notes += [client.note] if client.note else []
    names = {client.name for client in clients}
    if not options.no_hooks and "claude-code" in names:
        edits += hook_edits.claude_hooks(python(), script())
    if not options.no_hooks and "codex" in names:
        edits += hook_edits.codex_hooks(python(), script())
    if options.keep_days and "claude-code" in names:
        if options.keep_days < 1:
            raise SetupProblem("--keep-days takes 1 or more.")
        edits += hook_edits.retention(options.keep_days)
    return edits, notes


def _chosen(names: str | None) -> Iterator[Client]:
    if names is None:
        yield from (client for client in CLIENTS if client.is_here())
        return
    wanted = {each.strip() for each in names.split(",")} - {"", "none"}
    if unknown := wanted - {client.name for client in CLIENTS}:
        known = ", ".join(client.name for client in CLIENTS)
        raise SetupProblem(f"{', '.join(sorted(unknown))}: not among {known}.")
    yield from (client for client in CLIENTS if client.name in wanted)


def script() -> Path:
    """Where the installed program lies."""
    return home().absolute() / "bin" / "memory_sync.py"


def python() -> str:
    """The Python to start it with: not a virtual environment's, which may vanish."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _remember_environment() -> None:
    path = home() / "config.json"
    config = read_json(path)
    found = {name: os.environ[name] for name in REMEMBERED if os.environ.get(name)}
    if found:
        config["environment"] = found
        write(path, config)


def _tell(options: argparse.Namespace, report: Any) -> None:
    if options.json:
        print(json.dumps(report))
        return
    print(report.get("diff", ""), end="")
    done = "would be" if report["dry_run"] else "is"
    print(f"Clients: {', '.join(report['clients']) or 'none found'}")
    for path in report["files"]:
        print(f"  {path} {done} changed")
    print(f"Timer: {report['schedule']}")
    for note in report["notes"]:
        print(f"Note: {note}")
    if not report["dry_run"]:
        print(f"Next: {python()} {script()} doctor")
