"""Programs from npm, at the versions of a lock file, for suites that need them."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from pathlib import Path

NODE = Path(__file__).resolve().parent / "conformance" / "requirements.txt"


def install(folder: Path, *options: str) -> Path:
    """Node from PyPI and a folder's packages from npm, unless they are there already.

    Gives the folder's node_modules. Nothing of a package runs while it is installed.
    """
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "-r", NODE], check=True)
    modules = folder / "node_modules"
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / "installed"
    if not stamp.is_file() or stamp.read_text() != lock:
        npm = [node().with_name("npm"), "ci", "--ignore-scripts", "--no-progress"]
        subprocess.run(
            [*npm, *options], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        stamp.write_text(lock)
    return modules


def node() -> Path:
    return Path(sys.executable).with_name("node")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
