"""What is looked at before anything is started."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
import tempfile
import time
from pathlib import Path
from typing import NoReturn, TextIO

from memory_server.embedded.refusing import CannotStart

_PORT_SECONDS = 3.0
# What a memory root may hold; a directory with other things only is somebody else's.
OURS = frozenset(
    {"blobs", "secrets", "services", "static", "logs", "server.env", "supervisor.lock"}
)


def claim_root(root: Path) -> TextIO:
    """Make the memory root if need be and lock it; keep the file open while running."""
    try:
        is_new = not root.exists()
        root.mkdir(parents=True, exist_ok=True)
        if is_new:
            # The services' account must get through to its own directory.
            root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise CannotStart(
            f"MEMORY_ROOT {root} cannot be written ({error.strerror}); change its owner"
            " or choose another with MEMORY_ROOT=…"
        ) from None
    names = {path.name for path in root.iterdir()} - {"lost+found"}
    if names and not names & OURS:
        raise CannotStart(
            f"MEMORY_ROOT {root} holds files that this server did not make; choose an"
            " empty or a new directory."
        )
    lock = (root / "supervisor.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotStart(
            f"A server already runs on {root} ({lock.read().strip() or 'starting'});"
            " stop it or choose another MEMORY_ROOT."
        ) from None
    lock.truncate(0)
    return lock


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be had.

    What was killed a moment ago may hold it for a moment more.
    """
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        try:
            _try_port(host, port)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                _refuse_port(host, port, error)
        time.sleep(0.1)


def _try_port(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _refuse_port(host: str, port: int, error: OSError) -> NoReturn:
    if error.errno == errno.EADDRINUSE:
        reason = "is in use by another program; choose another with PORT=…"
    elif error.errno == errno.EACCES:
        reason = "is not open to this user; choose one above 1023 with PORT=…"
    else:
        reason = f"cannot be listened on ({error.strerror}); check HOST and PORT."
    raise CannotStart(f"Port {port} on {host} {reason}") from None


def ensure_secret_key(root: Path) -> None:
    """Leave the key that signs everything where settings.py looks for it."""
    if os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE"):
        return
    directory = root / "secrets"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o700)
    path = directory / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read; never leaves half of one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
