"""Code and prose to make a corpus of: what is installed beside this Python anyway."""

from __future__ import annotations

import re
import sysconfig
from functools import cache
from pathlib import Path

_CODE_BYTES = 30_000_000
_SKIPPED = {"site-packages", "dist-packages", "test", "tests", "idlelib", "migrations"}
_DOCSTRING = re.compile(r'"""(.{80,20000}?)"""', re.DOTALL)


@cache
def library_code() -> list[tuple[str, list[str]]]:
    """(path, lines) of modules: the standard library first, then what is installed."""
    found: list[tuple[str, list[str]]] = []
    size = 0
    roots = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
    for root in map(Path, dict.fromkeys(roots)):
        for path in sorted(root.rglob("*.py")):
            inside = path.relative_to(root)
            if _SKIPPED.intersection(inside.parts):
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if 1500 < len(text) < 400_000:
                found.append((inside.as_posix(), text.split("\n")))
                size += len(text)
            if size > _CODE_BYTES:
                return found
    return found


@cache
def library_prose() -> list[str]:
    """Paragraphs of the modules' docstrings."""
    found: dict[str, None] = {}
    for _, lines in library_code():
        for text in _DOCSTRING.findall("\n".join(lines)):
            for paragraph in text.split("\n\n"):
                flat = " ".join(paragraph.split())
                letters = sum(map(str.isalpha, flat)) + flat.count(" ")
                if 80 < len(flat) < 1500 and letters > 0.82 * len(flat):
                    found[flat] = None
    return list(found)
