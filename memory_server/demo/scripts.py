"""Conversations in the plain form in which the demo is written.

A file starts with `name: value` lines and an empty line. Then each turn is a line
`@user`, `@assistant`, `@tool NAME` or `@result` and its text up to the next one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_TURN = re.compile(r"^@(user|assistant|tool|result)(?: (\S+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Turn:
    """`tool` names the tool that a tool turn calls."""

    kind: str
    tool: str
    text: str


@dataclass(frozen=True)
class Script:
    """One session as it is written down."""

    name: str
    started_at: datetime
    cwd: str
    branch: str
    model: str
    parent: str
    turns: list[Turn]


def read(path: Path, *, cwd: str) -> Script:
    """Read one conversation of the demo."""
    head, body = path.read_text(encoding="utf-8").split("\n\n", 1)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    pieces = _TURN.split(body)[1:]
    return Script(
        name=path.stem,
        started_at=datetime.fromisoformat(facts["started"]),
        cwd=cwd,
        branch=facts.get("branch", "main"),
        model=facts["model"],
        parent=facts.get("subagent_of", ""),
        turns=[
            Turn(kind=kind, tool=tool or "", text=text.strip())
            for kind, tool, text in zip(
                pieces[::3], pieces[1::3], pieces[2::3], strict=True
            )
        ],
    )
