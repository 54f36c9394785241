"""Our home folder, and files that are replaced at one stroke."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from memory_sync.home import home_folder, program_file
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json

LOG_LIMIT = 512 * 1024


def home() -> Path:
    """Where configuration, manifests, spool and caches live."""
    return Path(home_folder())


def program() -> Path:
    """What Python runs to start us: the built file, or this package's folder."""
    return Path(program_file())


def read_json(path: Path) -> Json:
    """A JSON object from a file; an empty one when there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SetupProblem(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise SetupProblem(f"{path} does not hold a JSON object.")
    return content


def read_cache(path: Path) -> Json:
    """Like read_json, but a damaged cache is only an empty one."""
    with contextlib.suppress(SetupProblem):
        return read_json(path)
    return {}


def write_json(path: Path, content: Json, *, indent: int | None = 1) -> None:
    """Replace a file at one stroke, readable by its owner alone."""
    text = json.dumps(content, indent=indent, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode("utf-8", "surrogatepass"))


def write_bytes(
    path: Path, content: bytes, *, mode: int = 0o600, is_durable: bool = False
) -> None:
    """Replace a file at one stroke; who reads it sees the old or the new.

    With `is_durable` also after a power cut; our own caches need not wait for the disk.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    if os.name == "posix":
        # The mask of the process may have taken bits away.
        temporary.chmod(mode)
    try:
        temporary.replace(path)
    except PermissionError:
        # On Windows a reader may hold the file for a moment.
        time.sleep(0.2)
        temporary.replace(path)


def tilde(path: Path) -> str:
    """A path as a person would write it."""
    try:
        return "~/" + path.absolute().relative_to(Path.home()).as_posix()
    except ValueError:
        return str(path.absolute())


def log(message: str) -> None:
    """Append to the log, which is the only place where a detached run can speak."""
    path = home() / "sync.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
            file.write(time.strftime("%Y-%m-%dT%H:%M:%S%z ") + message + "\n")
