"""Commands for the archive: configure, test, register, init-manifest, sync."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from memory_sync import backoff
from memory_sync.archive import Archive
from memory_sync.config import (
    claude_slug,
    default_machine,
    load_config,
    project_of,
)
from memory_sync.draining import drain
from memory_sync.files import home, log, read_json, tilde, write_json
from memory_sync.identity import Identity
from memory_sync.locking import RunLock
from memory_sync.problems import Problem, Refused, ServerAway, TokenRefused
from memory_sync.rendering import clear_work
from memory_sync.reporting import tell
from memory_sync.server import Server
from memory_sync.shapes import Json
from memory_sync.stores import sweep
from memory_sync.stores.claude import claude_home
from memory_sync.tokens import keep_tokens, load_tokens


def say(options: argparse.Namespace, line: str, result: Json | None = None) -> None:
    """Print for a person, or the result for a program."""
    if not options.json:
        print(line)
    elif result is not None:
        print(json.dumps(result))


def configure(options: argparse.Namespace) -> int:
    """Write config.json, and keep the tokens from the environment."""
    kept = written_config(options.url, options.machine, keyring=options.keyring)
    path = home() / "config.json"
    said = " and ".join(kept) or "no"
    say(options, f"{path} written; {said} token kept.", {"config": str(path)})
    return 0


def written_config(
    url: str | None, machine: str | None, *, keyring: bool = False
) -> list[str]:
    """Write the configuration; returns the kinds of the tokens that are kept."""
    path = home() / "config.json"
    stored = read_json(path)
    if url:
        Server(url, "")  # Refuses what is no address.
        stored["url"] = url
    if machine:
        stored["machine"] = machine
    stored.setdefault("machine", default_machine())
    if keyring:
        stored["tokens"] = "keyring"
    write_json(path, stored)
    tokens = load_tokens(stored)
    for name, variable in (("ai", "MCP_MEMORY_TOKEN"), ("sync", "SYNC_TOKEN")):
        if os.environ.get(variable):
            tokens[name] = os.environ[variable]
    if tokens:
        keep_tokens(stored, tokens)
    return sorted(tokens)


def test(options: argparse.Namespace) -> int:
    """Say whether the server answers and takes both tokens, and if not, why."""
    config = load_config()
    server = Server(config.url, "")
    health = server.ask("GET", "/healthz")
    checks: list[Json] = [
        {
            "check": "server",
            "ok": True,
            "reason": f"{server.base} answers, version {health.get('version', '?')}",
        }
    ]
    for kind, token in (("sync", config.sync_token), ("ai", config.ai_token)):
        checks.append({"check": f"{kind} token", **try_token(config.url, kind, token)})
    for check in checks:
        mark = "ok  " if check["ok"] else "FAIL"
        say(options, f"{mark} {check['check']}: {check['reason']}")
    warnings = list(transport_warnings(server))
    for warning in warnings:
        say(options, f"note {warning}")
    if options.json:
        print(json.dumps({"checks": checks, "warnings": warnings}))
    return 0 if all(check["ok"] for check in checks) else TokenRefused.exit_code


def try_token(url: str, kind: str, token: str) -> Json:
    """Whether the server takes a token for what its kind is for."""
    if not token and kind == "ai":
        return {"ok": True, "reason": "not set (MCP_MEMORY_TOKEN); syncing needs none"}
    if not token:
        return {"ok": False, "reason": "not set; set SYNC_TOKEN or run `configure`"}
    try:
        me = Server(url, token).ask("GET", "/api/v1/me")
    except (TokenRefused, Refused) as problem:
        return {"ok": False, "reason": str(problem)}
    if me.get("kind") not in (kind, "admin"):
        return {"ok": False, "reason": f"is of the kind {me.get('kind')}, not {kind}"}
    missing = {"sync": "upload", "ai": "read"}[kind]
    if missing not in me.get("scopes", []):
        return {"ok": False, "reason": f"lacks the scope {missing}"}
    return {"ok": True, "reason": f"{me.get('name')}, may {', '.join(me['scopes'])}"}


def transport_warnings(server: Server) -> Iterator[str]:
    loopback = server.host in ("localhost", "::1") or server.host.startswith("127.")
    if server.scheme == "http" and not loopback:
        yield "tokens travel unencrypted over http://; prefer https://"
    path = home() / "tokens.json"
    if os.name == "posix" and path.exists() and path.stat().st_mode & 0o077:
        yield f"{path} can be read by others; chmod 600 it"


def register(options: argparse.Namespace) -> int:
    """Register a workspace and remember its write token."""
    identity, archive = _asked_identity(options)
    workspace = archive.workspaces.of(identity, again=True)
    name = str(workspace["workspace_id"])
    say(options, f"{name} registered.", {"workspace_id": name})
    return 0


def init_manifest(options: argparse.Namespace) -> int:
    """Register a workspace and lay out its manifest; what one tracks already stays."""
    identity, archive = _asked_identity(options)
    name = str(archive.workspaces.of(identity, again=True)["workspace_id"])
    path = home() / "manifests" / f"{name}.json"
    old = read_json(path)
    tracked = old.get("tracked", [])
    tracked_dirs = old.get("tracked_dirs", [])
    if identity.tool == "claude-code" and not tracked_dirs:
        memory = claude_home() / "projects" / claude_slug(identity.cwd) / "memory"
        tracked_dirs = [
            {"local": tilde(memory), "upload_prefix": "auto/", "glob": "*.md"}
        ]
    if options.instructions:
        tracked = tracked + _instructions(identity, tracked)
    manifest: Json = {
        "workspace_id": name,
        "machine": identity.machine,
        "tool": identity.tool,
        "project": identity.project,
        "tracked": tracked,
        "tracked_dirs": tracked_dirs,
    }
    write_json(path, manifest)
    config_path = home() / "config.json"
    config = read_json(config_path)
    config.setdefault("projects", {})[identity.cwd] = identity.project
    write_json(config_path, config)
    say(options, f"{path} written.", {"manifest": str(path), "workspace_id": name})
    return 0


def _instructions(identity: Identity, tracked: list[Json]) -> list[Json]:
    """The project's own instructions to assistants that are not tracked yet."""
    known = {str(entry.get("upload")) for entry in tracked}
    names = {"claude-code": ("CLAUDE.md", "AGENTS.md"), "gemini-cli": ("GEMINI.md",)}
    return [
        {"local": tilde(Path(identity.cwd) / name), "upload": name}
        for name in names.get(identity.tool, ("AGENTS.md",))
        if name not in known and (Path(identity.cwd) / name).is_file()
    ]


def _asked_identity(options: argparse.Namespace) -> tuple[Identity, Archive]:
    config = load_config()
    cwd = str(Path(options.cwd or Path.cwd()).expanduser().absolute())
    project = options.project or project_of(cwd, config.projects) or "unknown"
    return Identity(config.machine, options.tool, project, cwd), Archive(config)


def sync(options: argparse.Namespace) -> int:
    """Archive what is new: notes, then every client's sessions; or the spool alone."""
    if options.dry_run:
        from memory_sync.ledger import dry_run

        return dry_run(options)
    if options.background:
        _step_back()
        if backoff.wait_seconds():
            return ServerAway.exit_code
    with RunLock(wait_seconds=120.0 if options.spool else 0.0):
        clear_work()
        archive = Archive(load_config())
        if options.full:
            archive.state.files.clear()
        problem = _run(archive, only_spool=options.spool)
        exit_code = problem.exit_code if problem else int(bool(archive.report.failed))
        result = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "exit_code": exit_code,
            "problem": str(problem) if problem else None,
            **archive.report.as_json(),
        }
        write_json(home() / "last_run.json", result)
    for line in archive.report.lines():
        say(options, line)
    if (options.spool or options.background) and (problem or archive.report.failed):
        log(f"sync: {problem or archive.report.failed[:5]}")
    if options.json:
        print(json.dumps(result))
    elif problem:
        print(f"memory_sync: {problem}", file=sys.stderr)
    return exit_code


def _run(archive: Archive, *, only_spool: bool) -> Problem | None:
    """Send what there is to send; what stopped it, if anything did."""
    problem: Problem | None = None
    try:
        drain(archive)
        if not only_spool:
            archive.send_manifests()
            archive.state.forget_missing(archive.send_transcripts(sweep()))
            drain(archive)
            tell(archive)
            if archive.config.context_chars:
                from memory_sync.resuming import prepare_context

                prepare_context(archive)
        backoff.back()
    except Problem as error:
        problem = error
        if isinstance(error, ServerAway):
            backoff.away(str(error))
    finally:
        archive.server.close()
        archive.state.save()
    return problem


def _step_back() -> None:
    """Yield to whatever the person is doing: a background run is in no hurry."""
    if sys.platform != "win32":
        os.nice(10)
