"""Edits of a TOML file that a person wrote: one table is set or removed, as text."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from typing import Any

from memory_sync.problems import SetupProblem

_HEADER = re.compile(r"^[ \t]*\[(?!\[)(.+?)\][ \t]*(?:#.*)?$|^[ \t]*\[\[(.+?)\]\].*$")
_KEY = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\'[^\']*\'|[A-Za-z0-9_-]+)\s*')
_STRINGS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*',
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table's name and where its text begins and ends, up to the next header."""

    name: tuple[str, ...]
    start: int
    end: int


def tables(text: str) -> list[Table]:
    """The tables in order; what stands before the first is a table without a name."""
    # What strings and comments hold must not look like a header.
    plain = _STRINGS.sub(_blanked, text)
    heads: list[tuple[tuple[str, ...], int]] = [((), 0)]
    position = 0
    for line in plain.split("\n"):
        if _HEADER.match(line.rstrip("\r")):
            # The names are read from the text itself: they may be quoted.
            whole = text[position : position + len(line)]
            found = _HEADER.match(whole.rstrip("\r"))
            inner = (found.group(1) or found.group(2)) if found else ""
            heads.append((_parts(inner), position))
        position += len(line) + 1
    ends = [start for _, start in heads[1:]] + [len(text)]
    return [
        Table(name, start, end) for (name, start), end in zip(heads, ends, strict=True)
    ]


def set_table(text: str, name: str, values: dict[str, Any]) -> str:
    """The text with one table set: in its old place, or at the end."""
    wanted = _parts(name)
    _refuse_inline(text, wanted)
    block = _written(name, values)
    line_end = "\r\n" if "\r\n" in text else "\n"
    block = block.replace("\n", line_end)
    own = next((each for each in tables(text) if each.name == wanted), None)
    if own is None:
        gap = "" if not text or text.endswith("\n") else line_end
        return text + gap + (line_end if text.strip() else "") + block
    head, tail = text[: own.start], text[_body_end(text, own) :]
    return head + block + _without(tail, wanted)


def remove_table(text: str, name: str) -> str:
    """The text without one table and the tables below it."""
    return _without(text, _parts(name))


def check_same(before: str, after: str, name: str) -> None:
    """Refuse an edit that changed more than one table; Python 3.11 can tell."""
    if sys.version_info < (3, 11):
        return
    import tomllib

    def others(text: str) -> Any:
        try:
            whole = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SetupProblem(f"is not TOML ({error}); correct it first.") from error
        outer, inner = _parts(name)
        if isinstance(whole.get(outer), dict):
            whole[outer].pop(inner, None)
            if not whole[outer]:
                del whole[outer]
        return whole

    if others(before) != others(after):
        raise SetupProblem(f"cannot be edited safely; add [{name}] by hand.")


def _without(text: str, wanted: tuple[str, ...]) -> str:
    for table in reversed(tables(text)):
        if table.name[: len(wanted)] == wanted:
            head = text[: table.start]
            tail = text[_body_end(text, table) :]
            # The empty line that set it apart goes with it.
            if head.endswith(("\n\n", "\r\n\r\n")):
                head = head[:-2] if head.endswith("\r\n") else head[:-1]
            elif not head.strip():
                head = ""
            text = head + tail
    return text


def _body_end(text: str, table: Table) -> int:
    """Where a table's own lines end: comments above the next header belong to that."""
    lines = text[table.start : table.end].splitlines(keepends=True)
    while len(lines) > 1 and (
        not lines[-1].strip() or lines[-1].lstrip().startswith("#")
    ):
        lines.pop()
    return table.start + sum(map(len, lines))


def _refuse_inline(text: str, wanted: tuple[str, ...]) -> None:
    for table in tables(text):
        if table.name == wanted or wanted[: len(table.name)] != table.name:
            continue
        for line in text[table.start : table.end].splitlines():
            key = _parts(line.partition("=")[0]) if "=" in line else ()
            whole = table.name + key
            if key and (
                wanted[: len(whole)] == whole or whole[: len(wanted)] == wanted
            ):
                raise SetupProblem(
                    f"sets {'.'.join(whole)} within a line; write it as a table "
                    f"[{'.'.join(wanted)}] first."
                )


def _parts(name: str) -> tuple[str, ...]:
    parts: list[str] = []
    position = 0
    while found := _KEY.match(name, position):
        key = found.group(1)
        parts.append(json.loads(key) if key[0] == '"' else key.strip("'"))
        position = found.end()
        if name[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts)


def _written(name: str, values: dict[str, Any]) -> str:
    lines = [f"[{name}]"]
    for key, value in values.items():
        lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}"
    return json.dumps(value, ensure_ascii=False)


def _blanked(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())
