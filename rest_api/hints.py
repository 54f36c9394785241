"""Hints that a text names people: for clients that ask, never a reason to refuse."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# Ten to fifteen digits, grouped as people write them, not inside a longer number.
_PHONE = re.compile(r"(?<![\w.])\+?\d(?:[ ()./-]{0,2}\d){9,14}(?![\w.]\d|\w)")


def pii(text: str) -> list[str]:
    """Which of `email` and `phone` seem to be in a text."""
    found = {"email": _EMAIL.search(text), "phone": _PHONE.search(text)}
    return [name for name, match in found.items() if match]
