"""Checks everything that archiving needs, and says what clients will soon delete."""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

from memory_sync import VERSION
from memory_sync.commands import transport_warnings, try_token
from memory_sync.config import Config, load_config, rest_base
from memory_sync.files import home, read_cache
from memory_sync.install.clients import CLIENTS
from memory_sync.install.hook_edits import MARK
from memory_sync.install.jsonc import loads
from memory_sync.problems import Problem, ServerAway, SetupProblem
from memory_sync.rendering import can_unpack
from memory_sync.server import Server
from memory_sync.shapes import Json
from memory_sync.state import State
from memory_sync.stores import claude, codex
from memory_sync.transcripts import Skip

DEFAULT_KEEP_DAYS = 30
SOON_DAYS = 7
CLOCK_SECONDS = 120
STALE_HOURS = 24


def doctor(options: argparse.Namespace) -> int:
    """Check the server, tokens, clock, clients, hooks, the timer and retention."""
    config = load_config()
    checks = [*_server_checks(config), *_machine_checks(config)]
    failed = [each for each in checks if each["state"] == "fail"]
    if options.json:
        print(json.dumps({"checks": checks, "ok": not failed}))
    else:
        for each in checks:
            print(f"{each['state']:4} {each['check']}: {each['reason']}")
            if each.get("hint"):
                print(f"     {each['hint']}")
    return 1 if failed else 0


def _said(check: str, state: str, reason: str, hint: str = "") -> Json:
    """A check's result: state is ok, note or fail."""
    return {"check": check, "state": state, "reason": reason, "hint": hint}


def _server_checks(config: Config) -> Iterator[Json]:
    try:
        server = Server(config.url, "")
        health = server.ask("GET", "/healthz")
    except (ServerAway, SetupProblem) as problem:
        yield _said("server", "fail", str(problem))
        return
    version = health.get("version", "?")
    yield _said("server", "ok", f"{server.base} answers, version {version}")
    yield clock(server)
    if server.scheme == "https":
        yield _said("TLS", "ok", f"trusted; {ssl.OPENSSL_VERSION}")
    for warning in transport_warnings(server):
        yield _said("transport", "note", warning)
    for kind, token in (("sync", config.sync_token), ("ai", config.ai_token)):
        try:
            tried = try_token(config.url, kind, token)
        except Problem as problem:
            tried = {"ok": False, "reason": str(problem)}
        state = "ok" if tried["ok"] else "fail"
        yield _said(f"{kind} token", state, str(tried["reason"]))
    server.close()


def clock(server: Server) -> Json:
    """Transcripts carry this machine's times; a wrong clock misplaces them."""
    date = server.last_date
    if not date:
        return _said("clock", "note", "the server does not tell its time")
    apart = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if apart > CLOCK_SECONDS:
        return _said(
            "clock", "fail", f"{apart:.0f} s apart from the server's", "Set the clock."
        )
    return _said("clock", "ok", f"{apart:.0f} s apart from the server's")


def _machine_checks(config: Config) -> Iterator[Json]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield _said("versions", "ok", f"memory_sync {VERSION}, Python {python}")
    record = read_cache(home() / "install.json")
    kind = record.get("schedule", {}).get("kind", "none")
    state = "note" if kind == "none" else "ok"
    hint = "Run `install`, or start `sync` from a timer." if kind == "none" else ""
    yield _said("timer", state, kind, hint)
    yield _last_run()
    yield from _hooks()
    edited = {each["path"] for each in record.get("files", [])}
    for client in CLIENTS:
        if client.is_here():
            yield _client(client.name, edited)
    if not can_unpack() and any(codex.codex_home().rglob("*.zst")):
        hint = "Install the program zstd, or use Python 3.14."
        yield _said("compressed Codex sessions", "fail", "cannot be read here", hint)
    yield from retention(config)


def _client(name: str, edited: set[str]) -> Json:
    from memory_sync.install.clients import Access

    client = next(each for each in CLIENTS if each.name == name)
    path = client.edits(Access("http://unused", "unused"))[0].path
    if os.path.realpath(path) in edited:
        return _said(name, "ok", f"connected in {path}")
    return _said(name, "note", "is here and not connected", "Run `install`.")


def _last_run() -> Json:
    last = read_cache(home() / "last_run.json")
    path = home() / "last_run.json"
    if not last:
        return _said("last run", "note", "none yet", "Run `sync`.")
    hours = (time.time() - path.stat().st_mtime) / 3600
    problem = last.get("problem") or ""
    if problem or hours > STALE_HOURS:
        return _said("last run", "fail", problem or f"{hours:.0f} hours ago")
    return _said("last run", "ok", f"{hours * 60:.0f} minutes ago")


def _hooks() -> Iterator[Json]:
    """Whether the clients that have hooks tell us of turns."""
    trusted = ", which Codex runs once you trusted it (/hooks)"
    for client, path, more in (
        ("Claude Code", claude.claude_home() / "settings.json", ""),
        ("Codex", codex.codex_home() / "hooks.json", trusted),
    ):
        if not path.parent.exists():
            continue
        if path.exists() and MARK in path.read_text(errors="replace"):
            yield _said("hooks", "ok", f"of {client} in {path}{more}")
        else:
            told = f"{client} does not tell us of turns"
            yield _said("hooks", "note", told, "Run `install`.")


def retention(config: Config) -> Iterator[Json]:
    """What Claude Code deletes by itself, and whether it is archived by then."""
    days = keep_days()
    if days is None:
        yield _said("retention", "note", "settings.json of Claude Code is not JSON")
        return
    now = time.time()
    state = State(rest_base(config.url))
    soon = lost = 0
    for item in claude.sweep():
        if isinstance(item, Skip):
            continue
        left = days - (now - item.mtime_ns / 1e9) / 86_400
        if left < SOON_DAYS:
            soon += 1
            known = state.known(item)
            # What is kept out of the archive on purpose is not lost to it.
            lost += not ("stored" in known or "excluded" in known)
    said = f"Claude Code deletes transcripts after {days} days; {soon} go within "
    said += f"{SOON_DAYS} days, {lost} of them not archived"
    level = "fail" if lost else "note" if days <= DEFAULT_KEEP_DAYS else "ok"
    hint = "`install --keep-days 365` raises it." if days <= DEFAULT_KEEP_DAYS else ""
    yield _said("retention", level, said, ("Run `sync` now. " if lost else "") + hint)


def keep_days() -> int | None:
    """How long Claude Code keeps transcripts; None when its settings are unreadable."""
    path: Path = claude.claude_home() / "settings.json"
    try:
        settings = loads(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    except (SetupProblem, OSError, UnicodeDecodeError):
        return None
    found = settings.get("cleanupPeriodDays") if isinstance(settings, dict) else None
    return found if isinstance(found, int) and found > 0 else DEFAULT_KEEP_DAYS
