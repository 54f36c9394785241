"""A file system in memory that forgets what was not fsynced, and fails when told to.

Run as a process: `python fuse_disk.py MOUNTPOINT`. Steered by extended attributes of
the mount point:

    user.fail  "fsync 1 5"   the first fsync from now on fails with errno 5, once
    user.short "1"           the next write takes only half of its bytes
    user.power "12"          from the 12th change on every call fails with EIO
    user.power "on SEED"     the power is back: of what was not synced, chance decides

Names in a directory last when the directory was fsynced, bytes when their file was.
Whatever was not may be there after a power loss or not, each by itself.
"""

from __future__ import annotations

import errno
import itertools
import random
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import PurePosixPath
from typing import Any

import mfusepy


@dataclass
class Inode:
    """A file's bytes, as they are and as they last."""

    mode: int
    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    mtime: int = field(default_factory=time.time_ns)
    links: int = 1


@dataclass
class Directory:
    """A directory's names, as they are and as they last; it lasts itself."""

    mode: int
    names: dict[str, Inode] = field(default_factory=dict)
    durable: dict[str, Inode] = field(default_factory=dict)


def may_fail(method: Callable[..., Any]) -> Callable[..., Any]:
    """A call that the rules are about."""

    @wraps(method)
    def told(self: Disk, *given: Any) -> Any:
        self.fail_if_told(method.__name__)
        return method(self, *given)

    return told


class Disk(mfusepy.Operations):
    """The file system; libfuse calls it from one thread."""

    # Times are nanoseconds.
    use_ns = True

    def __init__(self) -> None:
        self.directories = {"/": Directory(0o700)}
        self.open_files: dict[int, Inode] = {}
        self.handles = itertools.count(1)
        self.rule: tuple[str, int, int] | None = None
        self.is_short = False
        self.changes_left: int | None = None

    def fail_if_told(self, op: str) -> None:
        if self.changes_left is not None and op != "read":
            self.changes_left -= 1
        if self.changes_left is not None and self.changes_left <= 0:
            raise mfusepy.FuseOSError(errno.EIO)
        if self.rule and self.rule[0] == op:
            name, calls, number = self.rule
            self.rule = (name, calls - 1, number) if calls > 1 else None
            if calls == 1:
                raise mfusepy.FuseOSError(number)

    def setxattr(
        self, path: str, name: str, value: bytes, options: int, position: int = 0
    ) -> int:
        words = bytes(value).decode().split()
        if name == "user.fail":
            self.rule = (words[0], int(words[1]), int(words[2]))
        elif name == "user.short":
            self.is_short = True
        elif words[0] == "on":
            self._power_on(random.Random(int(words[1])))
        else:
            self.changes_left = int(words[0])
        return 0

    def _power_on(self, chance: random.Random) -> None:
        self.changes_left = None
        self.open_files.clear()
        for directory in self.directories.values():
            for name in set(directory.names) | set(directory.durable):
                survivor = chance.choice((directory.names, directory.durable)).get(name)
                if survivor is None:
                    directory.durable.pop(name, None)
                else:
                    directory.durable[name] = survivor
            directory.names = dict(directory.durable)
        for inode in {
            id(i): i for d in self.directories.values() for i in d.names.values()
        }.values():
            if inode.content != inode.durable:
                kept = chance.randint(0, len(inode.content))
                inode.content = bytearray(
                    chance.choice((inode.durable, bytes(inode.content[:kept])))
                )
            inode.durable = bytes(inode.content)

    def _place(self, path: str) -> tuple[Directory, str]:
        pure = PurePosixPath(path)
        return self.directories[str(pure.parent)], pure.name

    def _inode(self, path: str, fh: int | None = None) -> Inode:
        if fh and fh in self.open_files:
            return self.open_files[fh]
        directory, name = self._place(path)
        if name not in directory.names:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return directory.names[name]

    def _opened(self, inode: Inode) -> int:
        handle = next(self.handles)
        self.open_files[handle] = inode
        return handle

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        if path in self.directories:
            mode = stat.S_IFDIR | self.directories[path].mode
            return {"st_mode": mode, "st_nlink": 2, "st_mtime": time.time_ns()}
        inode = self._inode(path, fh)
        return {
            "st_mode": stat.S_IFREG | inode.mode,
            "st_nlink": inode.links,
            "st_size": len(inode.content),
            "st_mtime": inode.mtime,
        }

    def readdir(self, path: str, fh: int) -> list[str]:
        prefix = path.rstrip("/")
        below = [
            PurePosixPath(each).name
            for each in self.directories
            if each != "/" and str(PurePosixPath(each).parent).rstrip("/") == prefix
        ]
        return [".", "..", *below, *self.directories[path].names]

    def mkdir(self, path: str, mode: int) -> int:
        self.directories[path] = Directory(mode & 0o777)
        return 0

    @may_fail
    def create(self, path: str, mode: int, fi: Any = None) -> int:
        directory, name = self._place(path)
        directory.names[name] = Inode(mode & 0o777)
        return self._opened(directory.names[name])

    def open(self, path: str, flags: int) -> int:
        return self._opened(self._inode(path))

    def release(self, path: str, fh: int) -> int:
        self.open_files.pop(fh, None)
        return 0

    def flush(self, path: str, fh: int) -> int:
        return 0

    @may_fail
    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._inode(path, fh).content[offset : offset + size])

    @may_fail
    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        if self.is_short and len(data) > 1:
            self.is_short = False
            data = data[: len(data) // 2]
        content = self._inode(path, fh).content
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
        return len(data)

    @may_fail
    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        content = self._inode(path, fh).content
        del content[length:]
        content.extend(bytes(length - len(content)))
        return 0

    @may_fail
    def link(self, target: str, source: str) -> int:
        """Make `target` another name of `source`."""
        directory, name = self._place(target)
        if name in directory.names:
            raise mfusepy.FuseOSError(errno.EEXIST)
        directory.names[name] = self._inode(source)
        directory.names[name].links += 1
        return 0

    @may_fail
    def unlink(self, path: str) -> int:
        directory, name = self._place(path)
        self._inode(path).links -= 1
        del directory.names[name]
        return 0

    @may_fail
    def rename(self, old: str, new: str, *flags: int) -> int:
        inode = self._inode(old)
        directory, name = self._place(old)
        del directory.names[name]
        directory, name = self._place(new)
        directory.names[name] = inode
        return 0

    @may_fail
    def fsync(self, path: str, datasync: int, fh: int) -> int:
        inode = self._inode(path, fh)
        inode.durable = bytes(inode.content)
        return 0

    @may_fail
    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        directory = self.directories[path]
        directory.durable = dict(directory.names)
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        self._inode(path).mtime = times[1] if times else time.time_ns()
        return 0

    def chmod(self, path: str, mode: int) -> int:
        if path in self.directories:
            self.directories[path].mode = mode & 0o777
        else:
            self._inode(path).mode = mode & 0o777
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        return {
            "f_bsize": 4096,
            "f_blocks": 1 << 20,
            "f_bavail": 1 << 19,
            "f_bfree": 1 << 19,
        }


if __name__ == "__main__":
    mfusepy.FUSE(
        Disk(),
        sys.argv[1],
        foreground=True,
        nothreads=True,
        # Bytes come from here at every read, and names and sizes are asked for anew.
        direct_io=True,
        hard_remove=True,
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
    )
