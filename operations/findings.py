"""What an examination found, told so that somebody can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "broken"]
ORDER: dict[State, int] = {"broken": 0, "warning": 1, "ok": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    `why` says what comes of it and `mend` which command or step helps; both are empty
    where all is well.
    """

    area: str
    state: State
    what: str
    why: str = ""
    mend: str = ""


def fine(area: str, what: str) -> Finding:
    return Finding(area, "ok", what)


def warning(area: str, what: str, *, why: str, mend: str) -> Finding:
    return Finding(area, "warning", what, why, mend)


def broken(area: str, what: str, *, why: str, mend: str) -> Finding:
    return Finding(area, "broken", what, why, mend)
