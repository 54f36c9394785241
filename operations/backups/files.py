"""The files of a backup: written and read with their digests, plain or encrypted.

Encrypted ones are what `age` makes and reads (https://age-encryption.org/v1), so that a
backup can be opened without this server.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from refusals import Code, InvalidArgument, Refusal

LIST = "files.jsonl"
ENCRYPTED = ".age"
_CHUNK_BYTES = 2**20
_KEY_FILE_BYTES = 64 * 1024


class BackupDamaged(Refusal):
    """A backup that is not what was written."""

    code = Code.BLOB_DAMAGED
    hint = "Use another backup; `manage.py backup DIR --check` says what is wrong."


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list; `content_sha256` is of what is inside the encryption."""

    path: str
    size_bytes: int
    sha256: str
    content_sha256: str

    @property
    def content_path(self) -> str:
        return self.path.removesuffix(ENCRYPTED)

    def line(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"


class Counted:
    """A stream that counts and hashes what passes through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._note(data)
        return data

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._note(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def _note(self, data: bytes) -> None:
        self._digest.update(data)
        self.size_bytes += len(data)


@contextmanager
def private() -> Iterator[None]:
    """What is made meanwhile is nobody else's; for commands, not for threads."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def entries(home: Path) -> Iterator[Entry]:
    """The list of a backup in its order. Raises BackupDamaged and OSError."""
    with (home / LIST).open(encoding="utf-8") as lines:
        for line in lines:
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise BackupDamaged(f"{home / LIST} has an unreadable line.") from error
            if entry.path.startswith("/") or ".." in entry.path.split("/"):
                raise BackupDamaged(f"{home / LIST} names a path outside the backup.")
            yield entry


def put(source: BinaryIO, *, home: Path, path: str, recipients: Sequence[str]) -> Entry:
    """Write what `source` holds as the backup's file `path`. Raises OSError."""
    name = path + ENCRYPTED if recipients else path
    target = home / name
    target.parent.mkdir(parents=True, exist_ok=True)
    content = Counted(source)
    with target.open("xb") as file:
        written = Counted(file)
        if recipients:
            pyrage.encrypt_io(content, written, [*map(_recipient, recipients)])
        else:
            shutil.copyfileobj(content, written, _CHUNK_BYTES)
    return Entry(name, written.size_bytes, written.sha256, content.sha256)


def take(
    entry: Entry, *, home: Path, target: BinaryIO, identities: Sequence[Any]
) -> None:
    """Write a file's content to `target`. Raises BackupDamaged and OSError."""
    content = Counted(target)
    with (home / entry.path).open("rb") as source:
        if entry.path.endswith(ENCRYPTED):
            _decrypt(source, content, identities)
        else:
            shutil.copyfileobj(source, content, _CHUNK_BYTES)
    if content.sha256 != entry.content_sha256:
        raise BackupDamaged(f"{home / entry.path} is not what was written.")


def link(entry: Entry, *, from_home: Path, home: Path) -> None:
    """Have the other backup's file here as well, without its bytes where possible."""
    source, target = from_home / entry.path, home / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # Not every disk has links, and those that do allow only so many of one file.
        shutil.copyfile(source, target)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file as it lies. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recipients_in(path: Path) -> list[str]:
    """Who will be able to read: the public keys in a file. Raises InvalidArgument."""
    found = _key_lines(path)
    for text in found:
        _recipient(text)
    return found


def identities_in(path: Path) -> list[Any]:
    """The secret keys in a file, of age or of SSH. Raises InvalidArgument."""
    try:
        if path.read_bytes().startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(path.read_bytes())]
        return [pyrage.x25519.Identity.from_str(line) for line in _key_lines(path)]
    except pyrage.IdentityError as error:
        raise InvalidArgument(
            f"{path} holds a line that is no age identity.",
            hint="Name what age-keygen wrote, or an SSH key without passphrase.",
        ) from error


@cache
def _recipient(text: str) -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise InvalidArgument(
            f"{text[:40]!r} is no age recipient.",
            hint="Use the public key that age-keygen prints, or an SSH public key.",
        ) from error


def _key_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(_KEY_FILE_BYTES)
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise InvalidArgument(f"{path} holds no key.", hint="One key a line.")
    return keys


def _decrypt(source: BinaryIO, target: Counted, identities: Sequence[Any]) -> None:
    if not identities:
        raise InvalidArgument(
            "This backup is encrypted.", hint="Name the key's file with --identity."
        )
    try:
        pyrage.decrypt_io(source, target, identities)
    except pyrage.DecryptError as error:
        raise BackupDamaged(
            "A file does not decrypt: another key made it, or it changed.",
            hint="Name the identity whose recipient the backup was made for.",
        ) from error
