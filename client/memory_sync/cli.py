"""The command line."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import memory_sync
from memory_sync.problems import Problem


def _in(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A command that is imported when it runs: most runs need one of them."""

    def run(options: argparse.Namespace) -> int:
        found = getattr(importlib.import_module(f"memory_sync.{module}"), name)
        code: int = found(options)
        return code

    return run


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="memory_sync.py",
        description=memory_sync.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=memory_sync.VERSION)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Any:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="answer in JSON")
        command.set_defaults(run=run)
        return command

    _add_set_up(add)
    _add_archive(add)
    return top


def _add_set_up(add: Callable[..., Any]) -> None:
    install = add(
        "install",
        _in("install.commands", "install"),
        "Set up this machine: the configuration, every client found, hooks, a timer.",
    )
    install.add_argument("--url", help="the MCP URL, such as http://HOST:7444/mcp")
    install.add_argument("--machine", help="this machine's name in workspace ids")
    install.add_argument("--clients", help="only these, comma-separated; or none")
    install.add_argument(
        "--schedule",
        default="auto",
        choices=["auto", "systemd", "cron", "launchd", "schtasks", "none"],
    )
    install.add_argument("--no-hooks", action="store_true")
    install.add_argument(
        "--token-variable",
        metavar="NAME",
        help="let clients read the AI token from this environment variable",
    )
    install.add_argument("--keyring", action="store_true", help="keep the tokens there")
    install.add_argument(
        "--keep-days",
        type=int,
        metavar="N",
        help="raise the days that Claude Code keeps transcripts to N",
    )
    install.add_argument(
        "--dry-run", action="store_true", help="show what would change"
    )
    uninstall = add(
        "uninstall", _in("install.commands", "uninstall"), "Undo all that install did."
    )
    uninstall.add_argument("--dry-run", action="store_true")
    add(
        "doctor",
        _in("doctor", "doctor"),
        "Check everything that archiving needs, and what clients will soon delete.",
    )
    configure = add(
        "configure",
        _in("commands", "configure"),
        "Write config.json, and keep the tokens from the environment.",
    )
    configure.add_argument("--url", help="the MCP URL, such as http://HOST:7444/mcp")
    configure.add_argument("--machine", help="this machine's name in workspace ids")
    configure.add_argument("--keyring", action="store_true")
    add(
        "test",
        _in("commands", "test"),
        "Say whether the server answers and takes both tokens, and if not, why.",
    )


def _add_archive(add: Callable[..., Any]) -> None:
    for name, text in (
        ("register", "Register a workspace and remember its write token."),
        (
            "init-manifest",
            "Register a workspace and lay out its manifest; what one tracks stays.",
        ),
    ):
        command = add(name, _in("commands", name.replace("-", "_")), text)
        command.add_argument("--tool", required=True, help="claude-code, codex, …")
        command.add_argument("--project", help="default: the directory's name")
        command.add_argument("--cwd", help="default: the current directory")
        if name == "init-manifest":
            command.add_argument(
                "--instructions",
                action="store_true",
                help="track the project's CLAUDE.md or AGENTS.md too",
            )
    sync = add(
        "sync",
        _in("commands", "sync"),
        "Archive what is new: notes, then every client's sessions.",
    )
    sync.add_argument("--spool", action="store_true", help="only what hooks reported")
    sync.add_argument("--full", action="store_true", help="ask about every file again")
    sync.add_argument(
        "--dry-run", action="store_true", help="show what would leave; asks no server"
    )
    sync.add_argument(
        "--background",
        action="store_true",
        help="as a timer does: low priority, and leave a server alone that was away",
    )
    add("claude-hook", _hook, "Read a hook's JSON, leave word and start a run.")
    status = add(
        "status",
        _in("ledger", "status"),
        "What became of every file; found = stored + duplicate + fork + skipped + "
        "failed + waiting.",
    )
    status.add_argument("--files", action="store_true", help="name every file")
    status.add_argument(
        "--check", action="store_true", help="ask the server whether it still has them"
    )
    resume = add(
        "resume",
        _in("resuming", "resume"),
        "Recent work on all machines, and the command that goes on with it.",
    )
    resume.add_argument("--project")
    resume.add_argument("--limit", type=int, default=10)


def _hook(options: argparse.Namespace) -> int:
    from memory_sync.hooks import run_hook

    return run_hook()


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if options.run is not _hook:
            from memory_sync.config import apply_environment

            apply_environment()
        code: int = options.run(options)
        return code
    except Problem as problem:
        print(f"memory_sync: {problem}", file=sys.stderr)
        if options.json:
            print(json.dumps({"problem": str(problem), "exit_code": problem.exit_code}))
        return problem.exit_code
