"""The artefact's container: a ZIP of known files of JSON lines, hashed and signed.

    manifest.json      version, counts, and for each file its SHA-256 and size
    manifest.sig       64 bytes of Ed25519 over manifest.json, if it is signed
    NAME.ndjson        one JSON object a line, in a fixed order

The same rows make the same bytes: times inside the ZIP are fixed and keys are sorted.
What comes in is inflated by the piece and counted, so that no declared size is trusted.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from audit import signing
from refusals import Code, Refusal

VERSION = 1
FILES = ("memories.ndjson", "revisions.ndjson", "links.ndjson", "conflicts.ndjson")
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"

# The earliest that a ZIP can say, for every file of every artefact.
_WHEN = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 2**16
_MANIFEST_BYTES = 2**16
_SIGNATURE_BYTES = 64
# A memory at its longest takes 300 kB of JSON.
_LINE_BYTES = 2**20
# What a hostile ZIP makes zipfile and zlib raise.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class ArtefactTooLarge(Refusal):
    """An artefact over its bound, compressed or inflated."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Take one workspace at a time, or use the commands of the operator."


class ArtefactBroken(Refusal):
    """Bytes that are no artefact of a version that this server reads."""

    code = Code.CONTENT_REFUSED
    hint = "Send the bytes that an export gave."


class ArtefactChanged(Refusal):
    """A digest or the signature does not fit: somebody changed the artefact."""

    code = Code.HASH_MISMATCH
    hint = "Fetch the export again; do not trust this copy."


@dataclass(frozen=True)
class Bounds:
    """How many bytes an artefact may have, as it is and inflated."""

    packed: int
    inflated: int


WIRE = Bounds(packed=10 * 2**20, inflated=64 * 2**20)
# An operator's own file.
SHELL = Bounds(packed=2**28, inflated=2**30)


@dataclass(frozen=True)
class Package:
    """An artefact whose digests hold."""

    manifest: dict[str, Any]
    manifest_bytes: bytes
    signature: bytes
    data: bytes

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """The objects of one file, in order; raises ArtefactBroken."""
        with (
            _refusing_what_is_broken(),
            zipfile.ZipFile(io.BytesIO(self.data)) as archive,
            archive.open(name) as file,
        ):
            number = 0
            while line := file.readline(_LINE_BYTES + 1):
                number += 1
                yield _object(line, f"{name}, line {number}")


def pack(
    files: Mapping[str, Iterable[Mapping[str, Any]]],
    about: Mapping[str, Any],
    *,
    is_signed: bool,
    bounds: Bounds,
) -> tuple[bytes, dict[str, int]]:
    """The artefact of these files and how many lines each has.

    `about` goes into the manifest. Raises ArtefactTooLarge as soon as it is.
    """
    packed = io.BytesIO()
    room = bounds.inflated
    told: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    with zipfile.ZipFile(packed, "w") as archive:
        for name in FILES:
            written = _write(archive, name, files.get(name, ()), room)
            room -= written.size_bytes
            told[name] = {"sha256": written.sha256, "size_bytes": written.size_bytes}
            counts[_stem(name)] = written.lines
            _check_size(packed.tell(), bounds)
        signer = signing.key_id(signing.own_key()) if is_signed else ""
        manifest = {
            **about,
            "version": VERSION,
            "counts": counts,
            "files": told,
            "signed_by": signer,
        }
        raw = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
        archive.writestr(_entry(MANIFEST), raw)
        if is_signed:
            archive.writestr(_entry(SIGNATURE), signing.sign(raw))
    _check_size(packed.tell(), bounds)
    return packed.getvalue(), counts


def unpack(data: bytes, *, bounds: Bounds) -> Package:
    """Open an artefact and hold every file to its digest.

    Raises ArtefactTooLarge, ArtefactBroken and ArtefactChanged. Who signed it is left
    to the caller.
    """
    _check_size(len(data), bounds)
    with (
        _refusing_what_is_broken(),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
    ):
        names = _names(archive)
        raw = _small(archive, MANIFEST, _MANIFEST_BYTES)
        manifest = _object(raw, MANIFEST)
        signature = b""
        if SIGNATURE in names:
            signature = _small(archive, SIGNATURE, _SIGNATURE_BYTES)
        _check_manifest(manifest, names, signature)
        room = bounds.inflated
        for name in FILES:
            room -= _check_file(archive, name, manifest["files"][name], room)
    return Package(manifest, raw, signature, data)


@dataclass(frozen=True)
class _Written:
    sha256: str
    size_bytes: int
    lines: int


def _write(
    archive: zipfile.ZipFile, name: str, rows: Iterable[Mapping[str, Any]], room: int
) -> _Written:
    digest, size, count = hashlib.sha256(), 0, 0
    with archive.open(_entry(name), "w", force_zip64=True) as file:
        for row in rows:
            line = orjson.dumps(
                row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
            )
            size += len(line)
            count += 1
            if size > room:
                raise ArtefactTooLarge(f"{name} would be over its bound.")
            digest.update(line)
            file.write(line)
    return _Written(digest.hexdigest(), size, count)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o600 << 16
    return entry


def _names(archive: zipfile.ZipFile) -> set[str]:
    """The files inside: each of the known ones once, plain or deflated."""
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    allowed = {MANIFEST, SIGNATURE, *FILES}
    if len(names) != len(entries) or not names <= allowed:
        raise ArtefactBroken("The ZIP holds files that no artefact has.")
    if not {MANIFEST, *FILES} <= names:
        raise ArtefactBroken("The ZIP lacks files that every artefact has.")
    for entry in entries:
        is_plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if entry.flag_bits & 1 or not is_plain:
            raise ArtefactBroken(f"{entry.filename} is encrypted or oddly compressed.")
    return names


def _small(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ArtefactBroken(f"{name} has more than {most} bytes.")
    return raw


def _check_manifest(
    manifest: dict[str, Any], names: set[str], signature: bytes
) -> None:
    if manifest.get("version") != VERSION:
        raise ArtefactBroken(f"This server reads artefacts of version {VERSION} only.")
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != set(FILES):
        raise ArtefactBroken("The manifest does not list the files.")
    for name, told in files.items():
        if not isinstance(told, dict) or set(told) != {"sha256", "size_bytes"}:
            raise ArtefactBroken(f"The manifest does not describe {name}.")
    counts = manifest.get("counts")
    if not isinstance(counts, dict) or not all(
        isinstance(counts.get(_stem(name)), int) for name in FILES
    ):
        raise ArtefactBroken("The manifest does not count the lines.")
    signer = manifest.get("signed_by")
    if not isinstance(signer, str):
        raise ArtefactBroken("The manifest does not say who signed it.")
    if bool(signer) != bool(signature):
        raise ArtefactChanged("The signature was taken away or put in.")


def _check_file(
    archive: zipfile.ZipFile, name: str, told: Mapping[str, Any], room: int
) -> int:
    """Inflate one file to compare it with the manifest; returns its size."""
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as file:
        while chunk := file.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > room:
                raise ArtefactTooLarge("The artefact inflates past its bound.")
            digest.update(chunk)
    if size != told["size_bytes"] or digest.hexdigest() != told["sha256"]:
        raise ArtefactChanged(f"{name} is not what the manifest says.")
    return size


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _object(raw: bytes, where: str) -> dict[str, Any]:
    if len(raw) > _LINE_BYTES:
        raise ArtefactBroken(f"{where} is too long.")
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ArtefactBroken(f"{where} is no JSON.") from error
    if not isinstance(found, dict):
        raise ArtefactBroken(f"{where} is no JSON object.")
    return found


def _check_size(size: int, bounds: Bounds) -> None:
    if size > bounds.packed:
        raise ArtefactTooLarge(
            f"The artefact has more than {bounds.packed:,} bytes.",
            max_bytes=bounds.packed,
        )


@contextmanager
def _refusing_what_is_broken() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise ArtefactBroken("The bytes are no sound ZIP.") from error
