"""Which literal texts a regular expression cannot match without.

Conservative: what is not understood adds nothing, so a literal that is returned is
always required. The answer is a list of branches; a match contains every literal of at
least one of them.
"""

from __future__ import annotations

from itertools import product

_MOST_BRANCHES = 16
_OPTIONAL = "?*{"
_HEX = "0123456789abcdefABCDEF"

Branches = list[list[str]]


def required(pattern: str) -> Branches:
    """The literals that a match of the RE2 pattern needs; [[]] if none is known."""
    try:
        branches, end = _alternatives(pattern, 0)
    except (IndexError, ValueError):
        return [[]]
    if end != len(pattern):
        return [[]]
    return [list(dict.fromkeys(branch)) for branch in branches]


def _alternatives(pattern: str, at: int) -> tuple[Branches, int]:
    branches, at = _sequence(pattern, at)
    while at < len(pattern) and pattern[at] == "|":
        more, at = _sequence(pattern, at + 1)
        branches = branches + more
    return (branches if len(branches) <= _MOST_BRANCHES else [[]]), at


def _sequence(pattern: str, at: int) -> tuple[Branches, int]:
    """What one alternative needs, up to its `|`, its `)` or the end."""
    branches: Branches = [[]]
    run = ""

    def close() -> None:
        nonlocal run
        if run:
            for branch in branches:
                branch.append(run)
        run = ""

    while at < len(pattern) and pattern[at] not in "|)":
        character = pattern[at]
        literal = ""
        inner: Branches | None = None
        if character == "(":
            inner, at = _group(pattern, at)
        elif character == "[":
            at = _class_end(pattern, at)
        elif character == "\\":
            literal, at = _escape(pattern, at)
        elif character in ".^$":
            at += 1
        else:
            literal = character
            at += 1
        after = pattern[at : at + 1]
        is_optional = after != "" and after in _OPTIONAL
        at = _quantifier_end(pattern, at)
        if len(literal) == 1 and not is_optional:
            run += literal
            if after == "+":
                close()
                run = ""
        elif len(literal) > 1 and not is_optional:
            run += literal
        else:
            # A quoted run loses its last character to a quantifier.
            run += literal[:-1]
            close()
            if inner is not None and not is_optional and inner != [[]]:
                crossed = [left + right for left, right in product(branches, inner)]
                branches = crossed if len(crossed) <= _MOST_BRANCHES else branches
    close()
    return branches, at


def _group(pattern: str, at: int) -> tuple[Branches, int]:
    at += 1
    if pattern.startswith("?", at):
        at += 1
        if pattern.startswith(("P<", "<"), at):
            at = pattern.index(">", at) + 1 if ">" in pattern[at:] else len(pattern)
        else:
            while pattern[at] not in ":)":
                at += 1
            if pattern[at] == ")":
                # Flags for the rest of the group match nothing themselves.
                return [[]], at + 1
            at += 1
    branches, at = _alternatives(pattern, at)
    if pattern[at] != ")":
        raise IndexError
    return branches, at + 1


def _class_end(pattern: str, at: int) -> int:
    at += 1
    if pattern[at] == "^":
        at += 1
    if pattern[at] == "]":
        at += 1
    while pattern[at] != "]":
        if pattern.startswith("[:", at):
            close = pattern.find(":]", at)
            at = close + 2 if close > 0 else at + 1
        else:
            at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _escape(pattern: str, at: int) -> tuple[str, int]:
    character = pattern[at + 1]
    at += 2
    if character == "Q":
        end = pattern.find("\\E", at)
        return (pattern[at:], len(pattern)) if end < 0 else (pattern[at:end], end + 2)
    if character in "pP" or (character == "x" and pattern.startswith("{", at)):
        if pattern.startswith("{", at):
            return "", pattern.index("}", at) + 1
        return "", at + 1
    if character == "x":
        return "", at + 2
    if character.isdigit():
        while at < len(pattern) and pattern[at] in "01234567":
            at += 1
        return "", at
    return ("", at) if character.isalpha() else (character, at)


def _quantifier_end(pattern: str, at: int) -> int:
    if at >= len(pattern) or pattern[at] not in "?*+{":
        return at
    if pattern[at] == "{":
        close = pattern.find("}", at)
        inside = pattern[at + 1 : close] if close > 0 else "x"
        if not inside.replace(",", "", 1).isdigit():
            # RE2 reads a brace that is no quantifier as itself.
            return at
        at = close
    at += 1
    return at + 1 if pattern[at : at + 1] == "?" else at
