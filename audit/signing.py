"""The key that signs what leaves this server, and proving who signed something.

Ed25519 by `cryptography`. The key is made when first needed and kept in
MEMORY_ROOT/secrets; whoever has its public half can check a signature without us:

    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in FILE -sigfile FILE.sig
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings

from refusals import InvalidArgument

_FILE = "signing_key.pem"
MAX_KEY_BYTES = 4096


def sign(message: bytes) -> bytes:
    """The signature of this server, 64 bytes."""
    return _key().sign(message)


def own_key() -> Ed25519PublicKey:
    """The public half of this server's key."""
    return _key().public_key()


def own_keys() -> list[Ed25519PublicKey]:
    """The same if there is a key already; nothing is made."""
    return [own_key()] if _path().exists() else []


def pem_of(key: Ed25519PublicKey) -> str:
    """The key as others keep it: a PEM file's text."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_of(pem: bytes) -> Ed25519PublicKey:
    """Read a PEM file's public key; raises InvalidArgument."""
    try:
        key = load_pem_public_key(pem[:MAX_KEY_BYTES])
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidArgument(
            "This is no Ed25519 public key in PEM.",
            hint="Use what `manage.py artefact_key` printed on the other server.",
        )
    return key


def keys_in(path: Path | None) -> list[Ed25519PublicKey]:
    """The key in a PEM file, or none without one; raises InvalidArgument, OSError."""
    return [] if path is None else [key_of(path.read_bytes())]


def key_id(key: Ed25519PublicKey) -> str:
    """A short name for a key: 16 hex digits of its SHA-256."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def is_signed_by(key: Ed25519PublicKey, *, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _key() -> Ed25519PrivateKey:
    path = _path()
    if not path.exists():
        _make(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 - `_make` wrote it
    return key


def _path() -> Path:
    return Path(settings.MEMORY_ROOT) / "secrets" / _FILE


def _make(path: Path) -> None:
    """Write a new key unless another process is first; never leaves half of one."""
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o700)
    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_FILE}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never takes the place of the key that came first.
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
