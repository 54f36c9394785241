"""What a person is told once the server is up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from memory_server.supervising.wanted import Wanted

SECRETS = ("ai_token", "sync_token", "admin_password")
_VARIABLES = {"ai_token": "MCP_TOKEN", "sync_token": "SYNC_TOKEN"}


def existing_secrets(root: Path) -> set[str]:
    """Secrets that an earlier start made and showed."""
    return {name for name in SECRETS if (root / "secrets" / name).exists()}


def lines(
    wanted: Wanted,
    *,
    environment: Mapping[str, str],
    shown_before: set[str],
    seconds: float,
    memory_megabytes: Mapping[str, float],
) -> list[str]:
    """The closing message; a generated secret is in it once, at its first start."""

    def secret(name: str) -> str:
        variable = _VARIABLES.get(name, "")
        if environment.get(variable) or environment.get(f"{variable}_FILE"):
            return f"as given in {variable}"
        path = wanted.root / "secrets" / name
        if not path.exists():
            return "unchanged"
        if name in shown_before:
            return f"kept in {path}"
        return f"{path.read_text().strip()}   (shown once; kept in {path})"

    def pasted(name: str) -> str:
        """How a shell gets at the token, without this text holding it twice."""
        variable = _VARIABLES[name]
        if environment.get(variable):
            return f"${variable}"
        path = environment.get(f"{variable}_FILE") or wanted.root / "secrets" / name
        return f"$(cat {path})"

    mcp_url = f"{wanted.public_url}/mcp"
    total = sum(memory_megabytes.values())
    shares = ", ".join(
        f"{name} {megabytes:.0f}"
        for name, megabytes in sorted(memory_megabytes.items(), key=lambda kv: -kv[1])
    )
    return [
        "",
        f"The memory server is up after {seconds:.1f} s and takes {total:.0f} MB"
        f" ({shares}).",
        "",
        f"  MCP         {mcp_url}",
        f"  Console     {wanted.public_url}/   user admin, password"
        f" {secret('admin_password')}",
        f"  AI token    {secret('ai_token')}",
        f"  Sync token  {secret('sync_token')}",
        "",
        "Connect Claude Code:",
        f"  claude mcp add --transport http --scope user memory {mcp_url} \\",
        f'    --header "Authorization: Bearer {pasted("ai_token")}"',
        "Connect Codex (keep the variable in your shell's profile):",
        f'  export MCP_MEMORY_TOKEN="{pasted("ai_token")}"',
        f"  codex mcp add memory --url {mcp_url} \\",
        "    --bearer-token-env-var MCP_MEMORY_TOKEN",
        "",
        f"Logs are in {wanted.root / 'logs'}. Ctrl-C stops everything.",
    ]
