"""The tokens: a file that its owner alone can read, or the system's keyring.

The keyring is asked through the system's own program, by standard input where a token
is handed over: arguments of a process can be read by every user. A timer that runs
while nobody is logged in finds the keyring locked; so the file is the default.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from memory_sync.files import home, read_json, write_json
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json

SERVICE = "memory-sync"
KINDS = ("ai", "sync")
KEYRING_SECONDS = 20


def load_tokens(config: Json) -> Json:
    """The tokens by kind, as config.json says where they are."""
    if config.get("tokens") == "keyring":
        return {kind: token for kind in KINDS if (token := _from_keyring(kind))}
    return read_json(home() / str(config.get("tokens_file") or "tokens.json"))


def keep_tokens(config: Json, tokens: Json) -> None:
    """Keep the tokens where config.json says."""
    if config.get("tokens") == "keyring":
        for kind, token in tokens.items():
            _to_keyring(kind, str(token))
    else:
        file = home() / str(config.get("tokens_file") or "tokens.json")
        write_json(file, tokens)


def forget_tokens(config: Json) -> None:
    """Take the tokens out of the keyring; the file goes with our home."""
    if config.get("tokens") == "keyring":
        for kind in KINDS:
            _run(_commands(kind)["forget"], "")


def has_keyring() -> bool:
    """Whether this system has a keyring that can be used without its window."""
    wanted = "security" if sys.platform == "darwin" else "secret-tool"
    return shutil.which(wanted) is not None


def _commands(kind: str) -> dict[str, list[str]]:
    if sys.platform == "darwin":
        place = ["-s", SERVICE, "-a", kind]
        return {
            "find": ["security", "find-generic-password", *place, "-w"],
            "keep": ["security", "-i"],
            "forget": ["security", "delete-generic-password", *place],
        }
    place = ["service", SERVICE, "kind", kind]
    return {
        "find": ["secret-tool", "lookup", *place],
        "keep": ["secret-tool", "store", f"--label={SERVICE} {kind}", *place],
        "forget": ["secret-tool", "clear", *place],
    }


def _from_keyring(kind: str) -> str:
    found = _run(_commands(kind)["find"], "")
    return found.stdout.strip() if found.returncode == 0 else ""


def _to_keyring(kind: str, token: str) -> None:
    if not has_keyring():
        raise SetupProblem("This system has no keyring that a script can use.")
    said = token
    if sys.platform == "darwin":
        if not set(token).isdisjoint("\"'\\ \n"):
            raise SetupProblem("The keychain's program cannot be told such a token.")
        said = f"add-generic-password -U -s {SERVICE} -a {kind} -w {token}\n"
    if _run(_commands(kind)["keep"], said).returncode:
        raise SetupProblem("The system's keyring does not take the token.")


def _run(command: list[str], said: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=said, capture_output=True, text=True, timeout=KEYRING_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupProblem(f"The system's keyring does not answer: {error}") from error
