"""config.json with the environment on top, and what it says of projects."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any

from memory_sync.files import home, read_cache, read_json
from memory_sync.problems import SetupProblem
from memory_sync.tokens import load_tokens


@dataclasses.dataclass(frozen=True)
class Config:
    """config.json and tokens.json, with the environment on top."""

    url: str
    machine: str
    ai_token: str
    sync_token: str
    # Directory → project name, for those whose folder is not called like the project.
    projects: dict[str, str]
    # Patterns of what stays on this machine: projects, paths, tools.
    exclude: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    # Whether secrets are masked before anything leaves.
    is_masking: bool = False
    # How many characters of recent work a new session is told; 0 for none.
    context_chars: int = 0


def load_config() -> Config:
    """Read the configuration; values that are missing are empty."""
    stored = read_json(home() / "config.json")
    tokens = load_tokens(stored)
    url = _told("MCP_MEMORY_URL", "url") or str(stored.get("url") or "")
    machine = _told("", "machine") or str(stored.get("machine") or "")
    return Config(
        url=url.strip(),
        machine=machine or default_machine(),
        ai_token=_told("MCP_MEMORY_TOKEN", "ai_token") or str(tokens.get("ai") or ""),
        sync_token=_told("SYNC_TOKEN", "sync_token") or str(tokens.get("sync") or ""),
        projects=dict(stored.get("projects") or {}),
        exclude=_exclusions(stored.get("exclude")),
        is_masking=stored.get("mask") is True,
        context_chars=max(0, min(int(stored.get("context_chars") or 0), 4000)),
    )


def _told(variable: str, option: str) -> str:
    """What a variable says, else what Claude Code was told for our plugin."""
    told = os.environ.get(variable) if variable else ""
    return told or os.environ.get(f"CLAUDE_PLUGIN_OPTION_{option.upper()}") or ""


def apply_environment() -> None:
    """Find the clients' stores where the installer found them; what is set wins."""
    known = read_cache(home() / "config.json").get("environment")
    for name, value in (known if isinstance(known, dict) else {}).items():
        os.environ.setdefault(str(name), str(value))


def _exclusions(rules: Any) -> dict[str, list[str]]:
    """Rules that cannot be understood end the run: guessing might let things out."""
    if rules is None:
        return {}
    if not isinstance(rules, dict) or not set(rules) <= {"projects", "paths", "tools"}:
        raise SetupProblem('"exclude" in config.json takes projects, paths and tools.')
    for name, patterns in rules.items():
        if not isinstance(patterns, list) or not all(
            isinstance(each, str) and each for each in patterns
        ):
            raise SetupProblem(f'"exclude": "{name}" is not a list of patterns.')
    return rules


def default_machine() -> str:
    """This computer's name without its domain."""
    import platform

    return platform.node().split(".")[0] or "machine"


def rest_base(url: str) -> str:
    """The address of the server: the MCP URL without its last part."""
    return re.sub(r"(/v1)?/mcp/?$", "", url.strip()).rstrip("/")


def project_of(cwd: str, projects: Mapping[str, str]) -> str:
    """A project's name: as configured for the directory, else the directory's own."""
    place = path_parts(cwd)
    named = [(path_parts(known), name) for known, name in projects.items()]
    inside = [(k, name) for k, name in named if k and place[: len(k)] == k]
    if inside:
        return max(inside)[1]
    return re.split(r"[\\/]+", cwd.rstrip("\\/"))[-1].strip(":") if cwd else ""


def path_parts(path: str) -> tuple[str, ...]:
    """A directory in comparable form, whichever system wrote it."""
    parts = [part for part in re.split(r"[\\/]+", path) if part]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        return tuple(part.casefold() for part in parts)
    return tuple(parts)


def claude_slug(cwd: str) -> str:
    """The name that Claude Code gives a directory's folder below projects/."""
    data = cwd.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]
    plain = "".join(
        chr(unit) if chr(unit).isascii() and chr(unit).isalnum() else "-"
        for unit in units
    )
    if len(plain) <= 200:
        return plain
    total = 0
    for unit in units:
        total = (total * 31 + unit) & 0xFFFFFFFF
    total = abs(total - 0x100000000 if total & 0x80000000 else total)
    digits = ""
    while total:
        total, digit = divmod(total, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"{plain[:200]}-{digits or '0'}"
