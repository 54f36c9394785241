"""The clients that can speak with the server, and what each wants in which file."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memory_sync.install.edits import Edit
from memory_sync.stores.claude import claude_home
from memory_sync.stores.cline import cline_data
from memory_sync.stores.codex import codex_home
from memory_sync.stores.gemini import gemini_home

NAME = "memory"


@dataclasses.dataclass(frozen=True)
class Access:
    """Where the server is and how a client shows who asks.

    `variable` names an environment variable that holds the token; without one the
    token itself stands in the client's file.
    """

    url: str
    token: str
    variable: str = ""

    def header(self, form: str) -> dict[str, str]:
        """The header with the token, or with the variable as the client spells it."""
        value = form.format(self.variable) if self.variable and form else self.token
        return {"Authorization": f"Bearer {value}"}


@dataclasses.dataclass(frozen=True)
class Client:
    """A client: how it is recognised and what is edited for it."""

    name: str
    programs: tuple[str, ...]
    folders: Callable[[], list[Path]]
    edits: Callable[[Access], list[Edit]]
    note: str = ""

    def is_here(self) -> bool:
        """Whether this machine has the client, or had it once."""
        return any(each.exists() for each in self.folders()) or any(
            shutil.which(program) for program in self.programs
        )


def user_folder(product: str) -> Path:
    """Where editors of VS Code's family keep a person's settings."""
    if sys.platform == "darwin":
        return Path("~/Library/Application Support").expanduser() / product / "User"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~").expanduser() / product / "User"
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / product / "User"


def claude_json() -> Path:
    own = os.environ.get("CLAUDE_CONFIG_DIR")
    return (Path(own) if own else Path("~")).expanduser() / ".claude.json"


def _claude_code(access: Access) -> list[Edit]:
    value = {"type": "http", "url": access.url, "headers": access.header("${{{}}}")}
    return [_server(claude_json(), ("mcpServers", NAME), value)]


def _codex(access: Access) -> list[Edit]:
    values: dict[str, Any] = {"url": access.url}
    if access.variable:
        values["bearer_token_env_var"] = access.variable
    else:
        values["http_headers"] = access.header("")
    path = codex_home() / "config.toml"
    return [Edit(path, "table", (f"mcp_servers.{NAME}",), values, is_secret=True)]


def _cursor(access: Access) -> list[Edit]:
    value = {"url": access.url, "headers": access.header("${{env:{}}}")}
    path = Path("~/.cursor/mcp.json").expanduser()
    return [_server(path, ("mcpServers", NAME), value)]


def _vscode(access: Access) -> list[Edit]:
    # VS Code asks for the token once and keeps it in the system's keyring.
    path = user_folder("Code") / "mcp.json"
    value = {
        "type": "http",
        "url": access.url,
        "headers": {"Authorization": "Bearer ${input:memory-token}"},
    }
    asked = {
        "type": "promptString",
        "id": "memory-token",
        "description": "AI token of the memory server",
        "password": True,
    }
    return [
        Edit(path, "member", ("servers", NAME), value),
        Edit(path, "element", ("inputs",), asked, mark='"memory-token"'),
    ]


def _gemini(access: Access) -> list[Edit]:
    value = {"url": access.url, "type": "http", "headers": access.header("${{{}}}")}
    return [_server(gemini_home() / "settings.json", ("mcpServers", NAME), value)]


def _windsurf(access: Access) -> list[Edit]:
    # `url` is read as an older transport and does not connect.
    value = {"serverUrl": access.url, "headers": access.header("${{env:{}}}")}
    path = Path("~/.codeium/windsurf/mcp_config.json").expanduser()
    return [_server(path, ("mcpServers", NAME), value)]


def opencode_config() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    folder = Path(base).expanduser() / "opencode"
    plain = folder / "opencode.json"
    return plain if plain.exists() else folder / "opencode.jsonc"


def _opencode(access: Access) -> list[Edit]:
    value = {
        "type": "remote",
        "url": access.url,
        "headers": access.header("{{env:{}}}"),
        "enabled": True,
        # A bearer is given; looking for OAuth would only delay the start.
        "oauth": False,
    }
    return [_server(opencode_config(), ("mcp", NAME), value)]


def zed_settings() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~").expanduser() / "Zed/settings.json"
    base = os.environ.get("XDG_CONFIG_HOME") if sys.platform == "linux" else None
    return Path(base or "~/.config").expanduser() / "zed" / "settings.json"


def _zed(access: Access) -> list[Edit]:
    value = {"url": access.url, "headers": access.header("")}
    return [_server(zed_settings(), ("context_servers", NAME), value)]


def _cline(access: Access) -> list[Edit]:
    transport = {
        "type": "streamableHttp",
        "url": access.url,
        "headers": access.header(""),
    }
    path = cline_data() / "settings" / "cline_mcp_settings.json"
    return [_server(path, ("mcpServers", NAME), {"transport": transport})]


def _server(path: Path, place: tuple[str, ...], value: Any) -> Edit:
    return Edit(path, "member", place, value, is_secret=True)


CLIENTS = (
    Client(
        "claude-code",
        ("claude",),
        lambda: [claude_home(), claude_json()],
        _claude_code,
    ),
    Client(
        "codex",
        ("codex",),
        lambda: [codex_home()],
        _codex,
        "Codex runs hooks only after you trusted them: start codex, type /hooks and "
        "review them once. Until then the timer archives its sessions.",
    ),
    Client(
        "cursor",
        ("cursor", "cursor-agent"),
        lambda: [Path("~/.cursor").expanduser()],
        _cursor,
    ),
    Client(
        "vscode",
        ("code",),
        lambda: [user_folder("Code")],
        _vscode,
        "VS Code asks for the AI token when it first connects.",
    ),
    Client("gemini", ("gemini",), lambda: [gemini_home()], _gemini),
    Client(
        "windsurf",
        ("windsurf",),
        lambda: [Path("~/.codeium/windsurf").expanduser()],
        _windsurf,
    ),
    Client("opencode", ("opencode",), lambda: [opencode_config().parent], _opencode),
    Client("zed", ("zed",), lambda: [zed_settings().parent], _zed),
    Client("cline", ("cline",), lambda: [cline_data().parent], _cline),
)
