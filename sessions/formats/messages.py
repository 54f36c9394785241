"""What a parser gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

Role = Literal["user", "assistant", "tool_input", "tool_output", "summary"]
Json = dict[str, Any]


class Line(Protocol):
    """One raw line of a transcript, numbered from 1."""

    @property
    def number(self) -> int: ...

    @property
    def raw(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Message:
    """Something said, called or answered; the text is whole and not masked.

    `channel` says how the text came in: user, assistant, tool_output or web. `uuid` is
    the client's name for it, kept when a session is forked. `call_id` ties a tool's
    output to its input. `is_prompt` marks what a person (or, for a subagent, its
    parent) asked for.
    """

    line: int
    role: Role
    channel: str
    text: str
    at: datetime | None = None
    speaker: str = ""
    uuid: str = ""
    tool_name: str = ""
    call_id: str = ""
    is_prompt: bool = False
    is_indexed: bool = True


@dataclass(slots=True)
class Parsed:
    """One line as understood; machine noise has no messages and is not unknown."""

    messages: list[Message] = field(default_factory=list)
    client: str = ""
    at: datetime | None = None
    cwd: str = ""
    git_branch: str = ""
    model: str = ""
    is_unknown: bool = False

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)
