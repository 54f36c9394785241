"""Programs from npm for tests, at the versions of a directory's lock file."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from pathlib import Path


def install(directory: Path) -> None:
    """Node from PyPI and what the directory locks from npm, unless they are there."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    wanted = ["-r", directory / "requirements.txt"]
    subprocess.run([*pip, *wanted], check=True)
    lock = hashlib.sha256((directory / "package-lock.json").read_bytes()).hexdigest()
    stamp = directory / "node_modules" / "installed"
    if not stamp.is_file() or stamp.read_text() != lock:
        # Nothing of it needs to run while it is installed.
        npm = [node().with_name("npm"), "ci", "--ignore-scripts", "--no-progress"]
        subprocess.run(npm, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        stamp.write_text(lock)


def node() -> Path:
    return Path(sys.executable).with_name("node")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
