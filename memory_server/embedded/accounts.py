"""Which system account the embedded services run as."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory_server.embedded.refusing import CannotStart

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account of a child process."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """What makes subprocess drop to this account."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether the account may enter (or execute) an existing path.

        Asked of the kernel, because modes alone miss access lists and mount options.
        """
        if self.is_ours:
            return os.access(path, os.X_OK)
        asked = subprocess.run(
            ["/usr/bin/test", "-x", str(path)], cwd="/", **self.popen_arguments()
        )
        return asked.returncode == 0

    def own_directory(self, path: Path, *, mode: int = 0o700) -> Path:
        """Make a directory of this account, or take the one that it already has."""
        path.mkdir(parents=True, exist_ok=True)
        found = path.lstat()
        if path.is_symlink() or found.st_uid not in {self.uid, os.geteuid()}:
            raise CannotStart(
                f"{path} belongs to another user; move it away or choose another"
                " MEMORY_ROOT."
            )
        if not self.is_ours and found.st_uid != self.uid:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)
        return path


def service_account() -> Account:
    """Ourselves, or as root an existing account that may do nothing else.

    PostgreSQL refuses to run as root, and nothing is gained by making a login user.
    """
    if os.geteuid() != 0:
        return _named(os.geteuid())
    for name in UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=found.pw_uid, gid=found.pw_gid)
    raise CannotStart(
        "PostgreSQL cannot run as root and there is no user postgres or nobody;"
        " run as an ordinary user or give DATABASE_URL and REDIS_URL."
    )


def _named(uid: int) -> Account:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise CannotStart(
            f"User id {uid} has no entry in /etc/passwd, which PostgreSQL needs; add"
            " one or give DATABASE_URL and REDIS_URL."
        ) from None
    return Account(name=found.pw_name, uid=uid, gid=found.pw_gid)
