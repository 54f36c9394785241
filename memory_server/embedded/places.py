"""Where the embedded services keep data, sockets and binaries."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from memory_server.embedded.accounts import Account
from memory_server.embedded.refusing import CannotStart

# Used when root's MEMORY_ROOT lies where the services' account cannot go, such as
# under a 0700 home; nobody's home is ever opened up for it.
FALLBACK = Path("/var/lib/federated-memory")

# sockaddr_un holds 107 bytes and a NUL.
SOCKET_PATH_BYTES = 107
_LONGEST_SOCKET = "postgres/.s.PGSQL.5432.lock"
# Socket paths travel inside URLs, and not every client decodes those alike.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True)
class Places:
    """The directories of one memory root."""

    root: Path
    home: Path
    runtime: Path
    account: Account


def arrange(root: Path, account: Account) -> Places:
    """Choose the places for a memory root; the same root gives the same places."""
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    home = root / "services"
    if not account.can_reach(root):
        home = FALLBACK / digest
        _passable(FALLBACK)
    _passable(home)
    _claim(home, root)
    runtime = home / "run"
    if not _fits_socket(runtime):
        runtime = Path(tempfile.gettempdir()) / f"memory-{os.geteuid()}-{digest}"
        if not _fits_socket(runtime):
            raise CannotStart(f"TMPDIR {tempfile.gettempdir()} is too long; unset it.")
    return Places(root=root, home=home, runtime=runtime, account=account)


def socket_directory(places: Places, service: str) -> Path:
    """A directory that only the services' account and root can enter."""
    if not places.runtime.exists():
        _passable(places.runtime)
    found = places.runtime.lstat()
    if places.runtime.is_symlink() or found.st_uid != os.geteuid():
        raise CannotStart(
            f"{places.runtime} belongs to somebody else; remove it or set TMPDIR."
        )
    return places.account.own_directory(places.runtime / service)


def binaries(places: Places, package: str, *, beside: tuple[str, ...] = ()) -> Path:
    """The package's directory, or a copy of it where the account can read.

    `beside` names neighbours that its binaries load by a path relative to themselves.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(
            f"The package {package} is not installed; run `make install`."
        )
    installed = Path(spec.origin).parent
    if places.account.can_reach(installed):
        return installed
    version = importlib.metadata.version(package)
    kept = places.home / "binaries" / f"{package}-{version}"
    if not kept.exists():
        _copy(installed.parent, (package, *beside), kept)
    return kept / package


def _passable(path: Path) -> None:
    """A directory that others may go through but not list, whatever the umask."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o711)


def _copy(source: Path, names: tuple[str, ...], target: Path) -> None:
    _passable(target.parent)
    half_done = Path(tempfile.mkdtemp(dir=target.parent))
    for name in names:
        shutil.copytree(source / name, half_done / name)
    # A strict umask at installation time would otherwise be copied along.
    for path in (half_done, *half_done.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
    half_done.rename(target)


def _claim(home: Path, root: Path) -> None:
    """Tie a services directory to its memory root, and refuse that of another."""
    marker = home / "memory-root"
    if marker.is_file():
        owner = marker.read_text().strip()
        if owner != str(root) and Path(owner).exists():
            raise CannotStart(
                f"{home} holds the services of {owner}, not of {root}; set MEMORY_ROOT"
                " to that directory or move one of them away."
            )
    elif any(home.iterdir()):
        raise CannotStart(
            f"{home} holds files that this server did not make; choose another"
            " MEMORY_ROOT or move them away."
        )
    marker.write_text(f"{root}\n")


def _fits_socket(runtime: Path) -> bool:
    path = os.fsencode(runtime / _LONGEST_SOCKET)
    return len(path) <= SOCKET_PATH_BYTES and bool(
        _PLAIN_PATH.fullmatch(os.fsdecode(path))
    )
