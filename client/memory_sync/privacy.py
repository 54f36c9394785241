"""What must not leave this machine: rules, .memoryignore files, masking.

config.json may hold

    "exclude": {"projects": ["secret-*"], "paths": ["~/acme"], "tools": ["cursor"]},
    "mask": true

`paths` are directories that sessions worked in, or files of notes; everything below
them counts. A .memoryignore in a directory names, one pattern a line, what below it
stays here, with the directory of a session and the file of a note; an empty one keeps
everything below it. `*` matches within a name, `**` across; `#` begins a comment.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from memory_sync.config import Config, path_parts
from memory_sync.identity import Identity
from memory_sync.manifests import Note
from memory_sync.transcripts import Transcript

IGNORE_FILE = ".memoryignore"
MAX_IGNORE_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Privacy:
    """The rules of this machine."""

    projects: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    mask: Callable[[bytes], bytes] | None = None
    mask_text: Callable[[str], str] | None = None

    @classmethod
    def of(cls, config: Config) -> Privacy:
        mask: Callable[[bytes], bytes] | None = None
        mask_text: Callable[[str], str] | None = None
        if config.is_masking:
            from memory_sync import masking

            mask = masking.mask_line
            mask_text = masking.mask
        rules = config.exclude
        return cls(
            tuple(rules.get("projects", ())),
            tuple(rules.get("paths", ())),
            tuple(rules.get("tools", ())),
            mask,
            mask_text,
        )

    @property
    def digest(self) -> str:
        """Changes with the rules, so that what they left out is looked at again."""
        rules = json.dumps([self.projects, self.paths, self.tools])
        return hashlib.sha256(rules.encode()).hexdigest()[:16]

    def refuses(self, transcript: Transcript, identity: Identity) -> str:
        """Why a session stays here; empty where it may leave."""
        if _matches(transcript.tool, self.tools):
            return f"excluded tool {transcript.tool}"
        if _matches(identity.project, self.projects):
            return f"excluded project {identity.project}"
        if identity.cwd:
            return self._refuses_place(identity.cwd)
        return ""

    def refuses_note(self, note: Note) -> str:
        """Why a note stays here; empty where it may leave."""
        if _matches(note.identity.project, self.projects):
            return f"excluded project {note.identity.project}"
        return self._refuses_place(str(note.path.absolute()))

    def _refuses_place(self, place: str) -> str:
        parts = path_parts(place)
        for rule in self.paths:
            ruled = path_parts(str(Path(rule).expanduser()))
            if ruled and _is_below(parts, ruled):
                return f"excluded path {rule}"
        return ignored(place)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    folded = name.casefold()
    return any(fnmatch.fnmatchcase(folded, each.casefold()) for each in patterns)


def _is_below(parts: tuple[str, ...], ruled: tuple[str, ...]) -> bool:
    return len(parts) >= len(ruled) and all(
        fnmatch.fnmatchcase(part, rule)
        for part, rule in zip(parts, ruled, strict=False)
    )


def ignored(place: str) -> str:
    """Which .memoryignore keeps a directory or file here; empty if none does."""
    path = Path(place)
    if not path.is_absolute():
        return ""
    for folder in (path, *path.parents):
        patterns = _patterns(str(folder))
        if patterns is None:
            continue
        below = path.relative_to(folder).as_posix()
        if not patterns or any(_covers(each, below) for each in patterns):
            return f"kept here by {folder / IGNORE_FILE}"
    return ""


@lru_cache(maxsize=4096)
def _patterns(folder: str) -> tuple[str, ...] | None:
    """The patterns of a folder's file; None where it has none.

    A file that cannot be read or understood keeps everything: silence is the safe side.
    """
    path = os.path.join(folder, IGNORE_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(MAX_IGNORE_BYTES).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return () if os.path.exists(path) else None
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(
        line.strip() for line in lines if line.strip() and not line.startswith("#")
    )


def _covers(pattern: str, below: str) -> bool:
    """Whether a pattern covers a path or one of the folders above it."""
    if pattern in ("*", "**"):
        return True
    is_anchored = "/" in pattern.rstrip("/")
    wanted = _expression(pattern.strip("/"))
    parts = [] if below == "." else below.split("/")
    places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(
        wanted.fullmatch(place if is_anchored else place.rpartition("/")[2])
        for place in places
    )


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/?|\*|\?)", pattern)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(special.get(each, re.escape(each)) for each in pieces))
