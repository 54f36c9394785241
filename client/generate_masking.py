"""Writes memory_sync/masking_rules.py from the server's masking, so that they agree.

    python client/generate_masking.py            needs the server's environment

Copied are the server's rules and the functions that judge a match, word for word; the
packaged detector's rules are copied as patterns that Python's `re` reads. The test
tests/client/test_client_masking.py fails while the file is not what this would write.
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

HERE = Path(__file__).resolve().parent
SERVER = HERE.parent / "search" / "masking.py"
TARGET = HERE / "memory_sync" / "masking_rules.py"
# What is copied from the server's module, by name, in its order.
COPIED = (
    "_LOOKS",
    "_MARKER",
    "_JSON_STRING",
    "_COLON",
    "Span",
    "mask_json_line",
    "_SHORTEST_SECRET",
    "_VALUE",
    "_NAME",
    "_RULES",
    "_NEEDLE",
    "_NOT_A_SECRET_NAME",
    "_PLACEHOLDER",
    "_REFERENCE",
    "_UUID",
    "_DOCUMENTED_PASSWORDS",
    "_ruled",
    "_is_secret",
    "_is_placeholder",
    "_entropy",
    "_merged",
    "_replaced",
    "_mask_together",
    "_decoded",
)
HEAD = '''"""The server's masking rules, written by client/generate_masking.py.

`spans`, `mask`, `neutralise` and `_compiled` are what this file leaves to masking.py,
which sets them when it is imported.
"""

# mypy: ignore-errors

from __future__ import annotations

import bisect
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
'''
SHORTEST_NEEDLE = 3


def generated() -> str:
    """The text of masking_rules.py."""
    source = SERVER.read_text(encoding="utf-8")
    parts = dict(_definitions(source))
    copied = [parts[name] for name in COPIED]
    body = "\n\n".join(copied)
    # What the server reads with faster libraries reads the same with Python's own.
    body = body.replace("orjson.loads(", "json.loads(").replace("re2.", "re.")
    rules = "".join(f"    {rule!r},\n" for rule in detector_rules())
    return (
        f"{HEAD}\n{body}\n\n"
        "# The packaged detector: (name, pattern, group, least entropy, needles). One\n"
        "# of the needles, in lower case, is in every text that the pattern matches.\n"
        f"DETECTOR = (\n{rules})\n"
    )


def _definitions(source: str) -> list[tuple[str, str]]:
    found = []
    for node in ast.parse(source).body:
        names = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names = [node.targets[0].id]
        for name in names:
            segment = ast.get_source_segment(source, node) or ""
            if isinstance(node, ast.ClassDef):
                segment = "@dataclass(frozen=True)\n" + segment
            found.append((name, segment))
    return found


def detector_rules() -> list[tuple[str, str, int, float, tuple[str, ...]]]:
    """The detector's rules, in its order; those alone that the server acts upon."""
    sys.path.insert(0, str(HERE.parent))
    from kingfisher_sdk import Rules

    from search import masking

    with tempfile.TemporaryDirectory() as folder:
        rules = Rules(cache_dir=folder)
    found = []
    for told in rules.metadata():
        name = masking._rule(told["id"])
        if not told["visible"] and not masking._CONTEXT_SECRET.search(name):
            continue
        detail = rules.detail(told["id"])
        pattern = as_python(detail["detection_regex"])
        compiled = re.compile(pattern)
        group = _group(compiled, int(detail.get("betterleaks_secret_group") or 0))
        least = float(detail.get("min_entropy") or 0)
        found.append((name, pattern, group, least, needles(pattern)))
    return found


def _group(compiled: re.Pattern[str], told: int) -> int:
    """Which group is the secret: as told, the one named TOKEN, the first, or all."""
    for name in ("TOKEN", "token", "SECRET", "secret"):
        if name in compiled.groupindex:
            return compiled.groupindex[name]
    return told or min(compiled.groups, 1)


def as_python(pattern: str) -> str:
    r"""A pattern of Rust as one of Python: `\z` is `\Z`, and flags in the middle open
    a group of their own that ends where the group around them ends."""
    out: list[str] = []
    opened = [0]
    position, in_class = 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            pair = pattern[position : position + 2]
            out.append("\\Z" if pair == "\\z" else pair)
            position += 2
            continue
        flags = re.match(r"\(\?([a-z]+)\)", pattern[position:])
        if in_class:
            in_class = character != "]"
            if character == "[":
                character = "\\["
        elif flags and out:
            out.append(f"(?{flags.group(1)}:")
            opened[-1] += 1
            position += flags.end()
            continue
        elif character == "[":
            in_class = True
            # A bracket that comes first stands for itself.
            first = re.match(r"\[\^?\]?", pattern[position:])
            out.append(first.group() if first else "[")
            position += len(out[-1])
            continue
        elif character == "(":
            opened.append(0)
        elif character == ")":
            out.append(")" * opened.pop())
        out.append(character)
        position += 1
    return "".join(out) + ")" * opened[0]


def needles(pattern: str) -> tuple[str, ...]:
    """Texts in lower case one of which is in everything that a pattern matches."""
    return tuple(sorted(_needed(list(parser.parse(pattern))) or ()))


def _needed(items: list[Any]) -> set[str] | None:
    best: set[str] | None = None
    run = ""
    for kind, value in [*items, (None, None)]:
        if kind is constants.LITERAL and value < 128:
            run += chr(value).lower()
            continue
        candidates = [{run}] if len(run) >= SHORTEST_NEEDLE else []
        run = ""
        inner: set[str] | None = None
        if kind is constants.SUBPATTERN:
            inner = _needed(list(value[3]))
        elif kind in (constants.MAX_REPEAT, constants.MIN_REPEAT) and value[0] > 0:
            inner = _needed(list(value[2]))
        elif kind is constants.BRANCH:
            branches = [_needed(list(each)) for each in value[1]]
            if all(branches):
                inner = set().union(*(each for each in branches if each))
        candidates += [inner] if inner else []
        for each in candidates:
            if best is None or _worth(each) > _worth(best):
                best = each
    return best


def _worth(texts: set[str]) -> tuple[int, int]:
    return min(len(text) for text in texts), -len(texts)


if __name__ == "__main__":
    TARGET.write_text(generated(), encoding="utf-8")
    print(TARGET)
