"""Edits of JSON files that people wrote: comments, order and spacing stay.

The text is never written anew from its values. A scanner finds where a member or an
element begins and ends, and only those characters change. Comments and trailing commas
are understood, as editors write them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from memory_sync.problems import SetupProblem

_GAP = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD = re.compile(r"[^\s,\]}/]+")
_CLOSING = {"{": "}", "[": "]"}


@dataclasses.dataclass(frozen=True)
class Item:
    """A member or element: [start, end) with its key, [value, end) without."""

    key: str | None
    start: int
    value: int
    end: int


@dataclasses.dataclass(frozen=True)
class Container:
    """An object or array: `open` is where its bracket stands, `close` its other."""

    open: int
    close: int
    items: list[Item]
    has_trailing_comma: bool

    def find(self, key: str) -> Item | None:
        # Of equal keys every parser takes the last.
        return next((each for each in reversed(self.items) if each.key == key), None)


def loads(text: str) -> Any:
    """The value of JSON with comments and trailing commas; raises SetupProblem."""
    if not text.strip():
        return {}
    start = _skip(text, 0)
    value, end = _value(text, start)
    if _skip(text, end) != len(text):
        raise _unreadable(text, end)
    return value


def set_member(text: str, keys: list[str], value: Any) -> str:
    """The text with one member set, at the end of its object where it is new."""
    text = text if text.strip() else "{}\n"
    here = _root(text)
    for depth, key in enumerate(keys[:-1]):
        found = here.find(key)
        if found is None:
            for outer in reversed(keys[depth + 1 :]):
                value = {outer: value}
            return _inserted(text, here, key, value)
        here = _container(text, found.value, "{", ".".join(keys[: depth + 1]))
    found = here.find(keys[-1])
    if found is None:
        return _inserted(text, here, keys[-1], value)
    if _value(text, found.value)[0] == value:
        return text
    written = _dumped(text, value, _indent_at(text, found.start))
    return text[: found.value] + written + text[found.end :]


def remove_member(text: str, keys: list[str]) -> str:
    """The text without one member; the same text where there is none."""
    here = _find_object(text, keys[:-1])
    found = here.find(keys[-1]) if here else None
    return _removed(text, here, found) if here and found else text


def add_element(text: str, keys: list[str], value: Any, *, mark: str) -> str:
    """The text with an element in an array, instead of those that hold `mark`."""
    if not text.strip():
        text = "{}\n"
    elif [value] == _marked(text, keys, mark):
        return text
    text = remove_elements(text, keys, mark=mark)
    parent = _find_object(text, keys[:-1])
    found = parent.find(keys[-1]) if parent else None
    if found is None:
        return set_member(text, keys, [value])
    array = _container(text, found.value, "[", ".".join(keys))
    return _inserted(text, array, None, value)


def remove_elements(text: str, keys: list[str], *, mark: str) -> str:
    """The text without the elements of an array whose text holds `mark`."""
    while True:
        parent = _find_object(text, keys[:-1])
        found = parent.find(keys[-1]) if parent else None
        if found is None or text[found.value] != "[":
            return text
        array = _container(text, found.value, "[", keys[-1])
        ours = [each for each in array.items if mark in text[each.value : each.end]]
        if not ours:
            return text
        text = _removed(text, array, ours[-1])


def _marked(text: str, keys: list[str], mark: str) -> list[Any]:
    parent = _find_object(text, keys[:-1])
    found = parent.find(keys[-1]) if parent else None
    if found is None or text[found.value] != "[":
        return []
    array = _container(text, found.value, "[", keys[-1])
    spans = [(each.value, each.end) for each in array.items]
    return [_value(text, start)[0] for start, end in spans if mark in text[start:end]]


def prune(text: str, keys: list[str]) -> str:
    """The text without a member whose object or array is empty."""
    here = _find_object(text, keys[:-1])
    found = here.find(keys[-1]) if here else None
    if here is None or found is None or text[found.value] not in "{[":
        return text
    inner = _container(text, found.value, text[found.value], keys[-1])
    is_empty = not text[inner.open + 1 : inner.close].strip()
    return _removed(text, here, found) if is_empty else text


# Reading


def _skip(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _root(text: str) -> Container:
    return _container(text, _skip(text, 0), "{", "the file")


def _container(text: str, at: int, opening: str, name: str) -> Container:
    if text[at : at + 1] != opening:
        raise SetupProblem(
            f"{name} is not {'an object' if opening == '{' else 'a list'}."
        )
    items: list[Item] = []
    has_comma = False
    position = _skip(text, at + 1)
    while text[position : position + 1] != _CLOSING[opening]:
        if items and not has_comma:
            raise _unreadable(text, position)
        item = _item(text, position, has_key=opening == "{")
        items.append(item)
        position = _skip(text, item.end)
        has_comma = text[position : position + 1] == ","
        if has_comma:
            position = _skip(text, position + 1)
    return Container(at, position, items, has_comma)


def _item(text: str, at: int, *, has_key: bool) -> Item:
    key, value = None, at
    if has_key:
        name = _STRING.match(text, at)
        colon = _skip(text, name.end()) if name else at
        if name is None or text[colon : colon + 1] != ":":
            raise _unreadable(text, at)
        key, value = str(json.loads(name.group(), strict=False)), _skip(text, colon + 1)
    _, end = _value(text, value)
    return Item(key, at, value, end)


def _value(text: str, at: int) -> tuple[Any, int]:
    opening = text[at : at + 1]
    if opening in ("{", "["):
        found = _container(text, at, opening, "it")
        values = [_value(text, each.value)[0] for each in found.items]
        if opening == "[":
            return values, found.close + 1
        keys = [each.key for each in found.items]
        return dict(zip(keys, values, strict=True)), found.close + 1
    word = _STRING.match(text, at) or _WORD.match(text, at)
    try:
        return json.loads(word.group() if word else "", strict=False), (
            word.end() if word else at
        )
    except ValueError as error:
        raise _unreadable(text, at) from error


def _find_object(text: str, keys: list[str]) -> Container | None:
    here = _root(text) if text.strip() else None
    for key in keys:
        found = here.find(key) if here else None
        if found is None or text[found.value] != "{":
            return None
        here = _container(text, found.value, "{", key)
    return here


def _unreadable(text: str, at: int) -> SetupProblem:
    line = text.count("\n", 0, at) + 1
    return SetupProblem(f"line {line} is not JSON; correct the file first.")


# Writing


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent_at(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    found = re.match(r"[ \t]*", text[start:])
    return found.group() if found else ""


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    if found is None:
        return "  "
    return "\t" if found.group(1)[0] == "\t" else found.group(1)[:4]


def _dumped(text: str, value: Any, indent: str) -> str:
    written = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return written.replace("\n", _line_end(text) + indent)


def _inserted(text: str, here: Container, key: str | None, value: Any) -> str:
    name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
    inside = text[here.open : here.close]
    if here.items and "\n" not in inside:
        written = name + json.dumps(value, ensure_ascii=False)
        comma = "" if here.has_trailing_comma else ","
        at = here.items[-1].end
        if here.has_trailing_comma:
            at = text.index(",", at) + 1
        # Who writes a comma after the last one finds one again.
        again = "," if here.has_trailing_comma else ""
        return f"{text[:at]}{comma} {written}{again}{text[at:]}"
    outer = _indent_at(text, here.open)
    indent = (
        _indent_at(text, here.items[0].start) if here.items else outer + _unit(text)
    )
    line_end = _line_end(text)
    last = _last_before(text, here)
    added = line_end + indent + name + _dumped(text, value, indent)
    added += "," if here.has_trailing_comma else ""
    tail = text[last : here.close]
    if "\n" not in tail:
        added += line_end + outer
        tail = ""
    comma = "," if here.items and not here.has_trailing_comma else ""
    after = here.items[-1].end if here.items else last
    return text[:after] + comma + text[after:last] + added + tail + text[here.close :]


def _last_before(text: str, here: Container) -> int:
    """Where the last thing in a container ends, a comment too."""
    return here.open + len(text[here.open : here.close].rstrip())


def _removed(text: str, here: Container, item: Item) -> str:
    at = here.items.index(item)
    if at + 1 < len(here.items):
        return text[: item.start] + text[here.items[at + 1].start :]
    if at:
        # The comma before it stood there for this one alone.
        before = here.items[at - 1].end
        comma = text.index(",", _skip(text, before))
        start = comma + 1 + len(text[comma + 1 : item.start].rstrip())
        kept = text[before:start]
        if not here.has_trailing_comma:
            kept = text[before:comma] + text[comma + 1 : start]
            return text[:before] + kept + text[item.end :]
        end = text.index(",", item.end) + 1
        return text[:before] + kept + text[end:]
    end = item.end
    if here.has_trailing_comma:
        end = text.index(",", end) + 1
    start = here.open + 1 + len(text[here.open + 1 : item.start].rstrip())
    rest = text[end : here.close]
    is_bare = start == here.open + 1 and not rest.strip()
    return text[:start] + ("" if is_bare else rest) + text[here.close :]
