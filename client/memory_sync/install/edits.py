"""Edits of other programs' files: planned, shown, made at one stroke, and undone.

install.json in our home records each file: whether it was there, its mode, a copy of
it as it was, and what was edited. A file that nobody has touched since gets its old
bytes back; of one that its program wrote since, only our parts are taken out.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from memory_sync.files import home, write_bytes
from memory_sync.install import jsonc, toml
from memory_sync.problems import SetupProblem
from memory_sync.shapes import Json


@dataclasses.dataclass(frozen=True)
class Edit:
    """One change of one file.

    `kind` is member (of a JSON object), element (of a JSON array, ours by `mark`),
    table (of TOML) or whole (the file is ours).
    """

    path: Path
    kind: str
    place: tuple[str, ...]
    value: Any
    mark: str = ""
    is_secret: bool = False

    def applied(self, text: str) -> str:
        keys = list(self.place)
        if self.kind == "whole":
            return str(self.value)
        if self.kind == "table":
            after = toml.set_table(text, self.place[0], self.value)
            toml.check_same(text, after, self.place[0])
            return after
        if self.kind == "member":
            after = jsonc.set_member(text, keys, self.value)
        else:
            after = jsonc.add_element(text, keys, self.value, mark=self.mark)
        undone = self.undone(after)
        if jsonc.loads(undone) != jsonc.loads(self.undone(text)):
            raise SetupProblem("cannot be edited safely; edit it by hand.")
        return after

    def undone(self, text: str) -> str:
        """The text without this edit; parents that are left empty go too."""
        if self.kind == "whole" or not text.strip():
            return ""
        if self.kind == "table":
            return toml.remove_table(text, self.place[0])
        keys = list(self.place)
        if self.kind == "member":
            text = jsonc.remove_member(text, keys)
            keys.pop()
        else:
            text = jsonc.remove_elements(text, keys, mark=self.mark)
        while keys:
            text = jsonc.prune(text, keys)
            keys.pop()
        return text

    def as_json(self) -> Json:
        """What undoing needs; never the value, which may hold a token."""
        return {"kind": self.kind, "place": list(self.place), "mark": self.mark}


@dataclasses.dataclass
class Change:
    """A file before and after all of its edits."""

    path: Path
    before: bytes | None
    after: bytes
    edits: list[Edit]

    @property
    def is_change(self) -> bool:
        return self.before != self.after

    def diff(self, secrets: Iterable[str]) -> str:
        """A unified diff without secrets."""
        old = (self.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        new = self.after.decode("utf-8", "replace").splitlines(keepends=True)
        name = str(self.path)
        lines = [
            line if line.endswith("\n") else line + "\n"
            for line in difflib.unified_diff(old, new, name, name)
        ]
        text = "".join(lines)
        for secret in filter(None, secrets):
            text = text.replace(secret, "‹token›")
        return text


def planned(edits: Iterable[Edit]) -> Iterator[Change]:
    """The changes that edits make together; raises SetupProblem naming the file."""
    by_path: dict[Path, list[Edit]] = {}
    for edit in edits:
        # A link stays a link: what it points at is edited.
        by_path.setdefault(Path(os.path.realpath(edit.path)), []).append(edit)
    for path, members in by_path.items():
        before = path.read_bytes() if path.exists() else None
        try:
            text = (before or b"").decode("utf-8-sig")
            for edit in members:
                text = edit.applied(text)
        except (SetupProblem, UnicodeDecodeError) as error:
            raise SetupProblem(f"{path}: {error}") from error
        mark = b"\xef\xbb\xbf" if (before or b"").startswith(b"\xef\xbb\xbf") else b""
        yield Change(path, before, mark + text.encode(), members)


def made(change: Change, known: Json | None) -> Json:
    """Make a change; returns its record. `known` is the record of an earlier one."""
    path = change.path
    mode = path.stat().st_mode & 0o777 if change.before is not None else None
    record: Json = known or {
        "path": str(path),
        "existed": change.before is not None,
        "mode": mode,
        "folders": [str(each) for each in _missing_folders(path)],
        "backup": _backed_up(path, change.before),
    }
    is_secret = any(edit.is_secret for edit in change.edits)
    mode_now = 0o600 if is_secret or not mode else mode
    write_bytes(path, change.after, mode=mode_now, is_durable=True)
    record["written_sha256"] = hashlib.sha256(change.after).hexdigest()
    ours = [edit.as_json() for edit in change.edits]
    older = [each for each in record.get("edits", []) if each not in ours]
    record["edits"] = older + ours
    return record


def undo(record: Json) -> str:
    """Undo what was done to a file; returns what happened, in words."""
    path = Path(record["path"])
    if not path.exists():
        return "is gone already"
    now = path.read_bytes()
    backup = home() / "backups" / str(record["backup"])
    if hashlib.sha256(now).hexdigest() == record["written_sha256"]:
        if record["existed"]:
            write_bytes(path, backup.read_bytes(), mode=record["mode"], is_durable=True)
            return "is as it was"
        after = ""
    else:
        after = now.decode("utf-8-sig")
        for each in reversed(record["edits"]):
            edit = Edit(
                path, each["kind"], tuple(each["place"]), None, mark=each["mark"]
            )
            after = edit.undone(after)
    if not record["existed"] and after.strip() in ("", "{}"):
        path.unlink()
        _remove_folders(record["folders"])
        return "is removed"
    mark = b"\xef\xbb\xbf" if now.startswith(b"\xef\xbb\xbf") else b""
    mode = record["mode"] or path.stat().st_mode & 0o777
    write_bytes(path, mark + after.encode(), mode=mode, is_durable=True)
    return "keeps what others wrote since; our part is gone"


def _missing_folders(path: Path) -> list[Path]:
    return [each for each in path.parents if not each.exists()]


def _remove_folders(folders: list[str]) -> None:
    for folder in folders:  # The innermost comes first.
        try:
            Path(folder).rmdir()
        except OSError:
            return


def _backed_up(path: Path, content: bytes | None) -> str:
    name = f"{hashlib.sha256(str(path).encode()).hexdigest()[:12]}-{path.name}"
    if content is not None:
        write_bytes(home() / "backups" / name, content, is_durable=True)
    return name
