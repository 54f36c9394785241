"""Manifests: the notes that a workspace tracks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from memory_sync.files import home, read_json
from memory_sync.identity import Identity
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json
from memory_sync.transcripts import Skip

MAX_NOTE_BYTES = 8 * 2**20


@dataclasses.dataclass(frozen=True)
class Note:
    """A knowledge file that a manifest tracks."""

    identity: Identity
    upload: str
    path: Path
    size: int
    mtime_ns: int
    inode: int = 0

    @property
    def key(self) -> str:
        return f"note {self.identity.key} {self.upload}"


def manifest_paths() -> list[Path]:
    return sorted((home() / "manifests").glob("*.json"))


def load_manifest(path: Path) -> Json:
    """A manifest whose entries have what the others here rely on."""
    manifest = read_json(path)
    for name in ("machine", "tool", "project"):
        if not isinstance(manifest.get(name), str) or not manifest[name]:
            raise SetupProblem(f"does not say its {name}")
    for list_name, needed in (("tracked", "upload"), ("tracked_dirs", "local")):
        for entry in manifest.get(list_name) or []:
            if not (
                isinstance(entry, dict) and entry.get("local") and entry.get(needed)
            ):
                raise SetupProblem(f"{list_name} has an entry that lacks a path")
    return manifest


def manifest_identity(manifest: Json) -> Identity:
    return Identity(manifest["machine"], manifest["tool"], manifest["project"])


def tracked_notes(manifest: Json) -> Iterator[Note | Skip]:
    """Every file that a manifest tracks, with the path it has on the server."""
    identity = manifest_identity(manifest)
    for entry in manifest.get("tracked") or []:
        path = Path(str(entry["local"])).expanduser()
        yield _note(identity, str(entry["upload"]), path)
    for entry in manifest.get("tracked_dirs") or []:
        root = Path(str(entry["local"])).expanduser()
        for path in sorted(
            root.glob(str(entry.get("glob") or "*.md").lstrip("/") or "*.md")
        ):
            if not path.is_file():
                continue
            if root.resolve() not in path.resolve().parents:
                # A link in a folder that assistants write to must not publish others.
                yield Skip(path, "a link out of the tracked folder")
                continue
            upload = str(entry.get("upload_prefix") or "")
            upload += path.relative_to(root).as_posix()
            yield _note(identity, upload, path)


def _note(identity: Identity, upload: str, path: Path) -> Note | Skip:
    import unicodedata

    try:
        stat = path.stat()
    except OSError as error:
        return Skip(path, f"cannot be read: {error.strerror}")
    if stat.st_size > MAX_NOTE_BYTES:
        return Skip(path, "too large for a knowledge document")
    # macOS hands out decomposed names; the server's paths are composed.
    upload = unicodedata.normalize("NFC", upload)
    return Note(identity, upload, path, stat.st_size, stat.st_mtime_ns, stat.st_ino)
