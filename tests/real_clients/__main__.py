"""See the clients that people use work against a server of ours.

    make real-mcp-clients

Installs them beside this file at pinned versions, starts two web processes of one
server, and lets each client list, call, be refused and hear of changes; then lets those
that can sign in do so, with an operator who allows it. No model and no account is
needed. Prints a line for each client; exits with 1 if one of them does not work.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
sys.path += [str(PROJECT), str(PROJECT / "tests"), str(PROJECT / "tests" / "oauth")]

import npm  # noqa: E402
from codex import app_server  # noqa: E402
from operators import (  # noqa: E402
    Operator,
    an_operator,
    serving_clients_that_sign_in,
)
from terminal import sign_in  # noqa: E402

from memory_server import scratch  # noqa: E402
from memory_server.scratch import Server  # noqa: E402

BIN = HERE / "node_modules" / ".bin"
PYTHON_SDK = HERE / "node_modules" / "python-sdk"
PYTHON_SDK_WANTED = "mcp==2.3.0"
SECONDS = 120
FACT = "The shop is deployed on Tuesdays, after the backup."

Check = Callable[[], str]


def main() -> None:
    install()
    failed = []
    with two_processes() as (first, second):
        failed += tried(with_a_token(first, second))
    with (
        # Without documents, which lie on hosts that a test cannot reach.
        serving_clients_that_sign_in(
            OAUTH_DYNAMIC_REGISTRATION="1", OAUTH_CLIENT_HOSTS=""
        ) as server,
        an_operator(server) as operator,
    ):
        failed += tried(signing_in(server, operator))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def install() -> None:
    npm.install(HERE)
    if not (PYTHON_SDK / "bin" / "python").exists():
        venv.create(PYTHON_SDK, with_pip=True)
    pip = [PYTHON_SDK / "bin" / "python", "-m", "pip", "install", "-q"]
    subprocess.run([*pip, PYTHON_SDK_WANTED], check=True)


@contextmanager
def two_processes() -> Iterator[tuple[Server, Server]]:
    with scratch.serving(EMBEDDINGS_ENABLED="0") as first:
        second = replace(first, port=npm.free_port(), process=None)
        second.start()
        try:
            yield first, second
        finally:
            second.stop()


def tried(checks: dict[str, Check]) -> list[str]:
    """Run each check and tell how it went; the names of those that failed."""
    failed = []
    for name, check in checks.items():
        try:
            print(f"{name}: {check()}", flush=True)
        except (AssertionError, subprocess.SubprocessError) as error:
            print(f"{name}: FAILED\n{error}", flush=True)
            failed.append(name)
    return failed


# -- with a token ----------------------------------------------------------------------


def with_a_token(first: Server, second: Server) -> dict[str, Check]:
    eras = ("legacy", "auto", "modern")
    return {
        "Codex": lambda: codex(first, second),
        "Claude Code": lambda: claude_code(first, second),
        **{f"Inspector, {era}": partial_inspector(second, era) for era in eras},
        "Python SDK": lambda: python_sdk(first, second),
    }


def claude_code(first: Server, second: Server) -> str:
    with a_home() as environment:
        claude = claude_binary()
        add = [claude, "mcp", "add", "--transport", "http", "--scope", "user"]
        for name, server in (("first", first), ("second", second)):
            header = f"Authorization: Bearer {server.ai_token}"
            said([*add, name, server.url, "--header", header], environment)
        header = "Authorization: Bearer wrong"
        said([*add, "wrong", first.url, "--header", header], environment)
        listed = said([claude, "mcp", "list"], environment)
    connected = re.findall(r"^(\w+): .*✔ Connected", listed, re.MULTILINE)
    assert connected == ["first", "second"], listed
    return "mcp list connects to both processes, and is refused with a wrong token"


def codex(first: Server, second: Server) -> str:
    with a_home(MEMORY_TOKEN=first.ai_token) as environment:
        for name, server in (("first", first), ("second", second)):
            named = ["--url", server.url, "--bearer-token-env-var", "MEMORY_TOKEN"]
            said([BIN / "codex", "mcp", "add", name, *named], environment)
        with app_server(BIN / "codex", environment) as running:
            thread = running.begin(Path(environment["HOME"]))
            counts = running.tools()
            running.call(thread, "first", "memory_save", content=FACT)
            found = running.call(
                thread, "second", "recall", query="When is the shop deployed?"
            )
    assert counts == {"first": 17, "second": 17}, counts
    assert FACT in json.dumps(found), found
    return "17 tools at both processes; recalls at one what it saved at the other"


def partial_inspector(server: Server, era: str) -> Check:
    return lambda: inspector(server, era)


def inspector(server: Server, era: str) -> str:
    header = f"Authorization: Bearer {server.ai_token}"
    command = [BIN / "mcp-inspector", "--cli", server.url, "--transport", "http"]
    command += ["--header", header, "--format", "json", "--protocol-era", era]
    with a_home() as environment:
        listed = said(
            [*command, "--strict", "--method", "tools/list"], environment, only_out=True
        )
        asked = ["--tool-name", "recall", "--tool-arg", "query=shop deployed"]
        called = said(
            [*command, "--method", "tools/call", *asked], environment, only_out=True
        )
    names = re.findall(r'"name": ?"(\w+)"', listed)
    assert {"recall", "context", "list_workspaces"} <= set(names), listed
    assert FACT in called, called
    return "lists with --strict, and recalls"


def python_sdk(first: Server, second: Server) -> str:
    python = PYTHON_SDK / "bin" / "python"
    where = [first.url, second.url, first.ai_token]
    return "\n  ".join(
        ["", *said([python, HERE / "python_sdk.py", *where], os.environ).splitlines()]
    )


# -- signing in ------------------------------------------------------------------------


def signing_in(server: Server, operator: Operator) -> dict[str, Check]:
    return {
        "TypeScript SDK signs in": lambda: typescript_signs_in(server, operator),
        "Codex signs in": lambda: codex_signs_in(server, operator),
        "Claude Code signs in": lambda: claude_code_signs_in(server, operator),
        "Inspector signs in": lambda: inspector_signs_in(server, operator),
    }


def typescript_signs_in(server: Server, operator: Operator) -> str:
    command = [npm.node(), HERE / "typescript_sdk.mjs", server.url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        location = operator.answer(client.stdout.readline().strip())
        code = re.findall(r"[?&]code=([^&]+)", location)[0]
        shown, _ = client.communicate(f"{code}\n", timeout=SECONDS)
    assert shown.strip() == "17 tools", shown
    return shown.strip()


def codex_signs_in(server: Server, operator: Operator) -> str:
    with a_home() as environment:
        config = Path(environment["CODEX_HOME"]) / "config.toml"
        config.write_text(
            'mcp_oauth_credentials_store = "file"\n'
            f'[mcp_servers.memory]\nurl = "{server.url}"\n'
        )
        login = [BIN / "codex", "mcp", "login", "--no-browser", "memory"]
        sign_in(login, environment, operator, pastes=True)
        with app_server(BIN / "codex", environment) as running:
            thread = running.begin(Path(environment["HOME"]))
            counts = running.tools()
            running.call(thread, "memory", "memory_save", content=FACT)
    assert counts == {"memory": 17}, counts
    return "mcp login, then 17 tools, and it saves"


def claude_code_signs_in(server: Server, operator: Operator) -> str:
    with a_home() as environment:
        claude = claude_binary()
        add = [claude, "mcp", "add", "--transport", "http", "--scope", "user"]
        said([*add, "memory", server.url], environment)
        login = [claude, "mcp", "login", "--no-browser", "memory"]
        sign_in(login, environment, operator, pastes=True)
        listed = said([claude, "mcp", "list"], environment)
    assert "✔ Connected" in listed, listed
    return "mcp login, then mcp list connects"


def inspector_signs_in(server: Server, operator: Operator) -> str:
    command = [BIN / "mcp-inspector", "--cli", server.url, "--transport", "http"]
    command += ["--method", "tools/list", "--protocol-era", "auto"]
    with a_home() as environment:
        shown = sign_in(command, environment, operator, pastes=False)
    assert '"list_workspaces"' in shown, shown
    return "leads to the consent page, then lists"


# -- helpers ---------------------------------------------------------------------------


def claude_binary() -> Path:
    """Claude Code itself; its installer, which would link it to BIN, is not run."""
    (found,) = HERE.glob("node_modules/@anthropic-ai/claude-code-*/claude")
    return found


@contextmanager
def a_home(**more: str) -> Iterator[dict[str, str]]:
    """An environment in which a client finds nothing of anybody's, and leaves nothing.

    No browser is opened: an operator over HTTP stands for it.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        for name in ("claude", "codex"):
            Path(home, name).mkdir()
        yield {
            "PATH": f"{npm.node().parent}:{os.environ['PATH']}",
            "HOME": home,
            "CLAUDE_CONFIG_DIR": f"{home}/claude",
            "CODEX_HOME": f"{home}/codex",
            "BROWSER": "true",
            **more,
        }


def said(command: list[object], environment: object, *, only_out: bool = False) -> str:
    """What a command prints; raises AssertionError if it fails."""
    done = subprocess.run(
        [str(each) for each in command],
        env=environment,  # type: ignore[call-overload]
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{command[:4]}\n{done.stdout}\n{done.stderr}"
    return done.stdout if only_out else done.stdout + done.stderr


if __name__ == "__main__":
    main()
