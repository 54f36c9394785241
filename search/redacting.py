"""Taking a known secret out of bytes, so that only its mark is left.

A transcript's line is JSON, in which a secret may be written with escapes, and a tool's
output inside it with escapes of escapes. Line ends stay, so that every line keeps its
number, and a line that was JSON stays JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search import masking

# A secret in JSON in JSON in JSON.
_ESCAPED_TIMES = 3
# Not even a word: taking it out would spoil what has nothing to do with it.
SHORTEST_CHARS = 6

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Redaction:
    """Where bytes were taken out of a line, and what stands there now."""

    spans: Spans
    mark: str

    def apply(self, raw: bytes) -> bytes:
        out: list[bytes] = []
        done = 0
        for start, end in self.spans:
            ends = b"\n" * raw.count(b"\n", start, end)
            out += [raw[done:start], self.mark.encode(), ends]
            done = end
        return b"".join([*out, raw[done:]])


@dataclass(frozen=True)
class Redactor:
    """Some secrets of one fingerprint, and the mark that takes their place."""

    secrets: frozenset[str]
    mark: str

    @cached_property
    def forms(self) -> list[bytes]:
        """Every way in which these may be written, the longest first."""
        found = {form for secret in self.secrets for form in _forms(secret)}
        return sorted(found, key=lambda form: (-len(form), form))

    def is_in(self, data: bytes) -> bool:
        return any(form in data for form in self.forms)

    def is_among(self, pieces: Iterable[bytes]) -> bool:
        """Whether any of them is in these pieces of one run of bytes."""
        longest = max(map(len, self.forms), default=1)
        tail = b""
        for piece in pieces:
            data = tail + piece
            if self.is_in(data):
                return True
            tail = data[-(longest - 1) :] if longest > 1 else b""
        return False

    def of_text(self, raw: bytes) -> Redaction | None:
        """What to take out of a plain text; None for nothing."""
        spans = self._spans(raw)
        return Redaction(spans, self.mark) if spans else None

    def of_line(self, raw: bytes) -> Redaction | None:
        """What to take out of a line of JSON; None for nothing."""
        # A letter after a lone backslash belongs to an escape, and to no secret.
        spans = [
            (start, end)
            for start, end in self._spans(raw)
            if _backslashes_before(raw, start) % 2 == 0
        ]
        if not spans:
            return None
        redaction = Redaction(spans, self.mark)
        if _is_json(raw) and not _is_json(redaction.apply(raw)):
            # It was a bare number, which the mark is not.
            return Redaction(spans, json.dumps(self.mark))
        return redaction

    def text(self, text: str) -> str:
        """A text of the database without them."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, self.mark)
        return text

    def value(self, value: Any) -> Any:
        """Plain JSON without them."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(each) for key, each in value.items()}
        return value

    def _spans(self, raw: bytes) -> Spans:
        found: Spans = []
        for form in self.forms:
            start = raw.find(form)
            while start >= 0:
                end = start + len(form)
                if not any(start < last and first < end for first, last in found):
                    found.append((start, end))
                start = raw.find(form, end)
        return sorted(found)


def mark(rule: str, fingerprint: str) -> str:
    """What stands where a secret was; search.masking knows it."""
    return f"[REDACTED:{rule}:{fingerprint}]"


def secrets_in(text: str, fingerprint: str) -> set[str]:
    """The secrets of a text that have this fingerprint."""
    clean = masking.neutralise(text)
    return {
        clean[span.start : span.end]
        for span in masking.spans(clean)
        if span.fingerprint == fingerprint and span.end - span.start >= SHORTEST_CHARS
    }


def secrets_in_line(raw: bytes, fingerprint: str) -> set[str]:
    """The same for a line of JSON: of each string, and of a key with its value."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return secrets_in(raw.decode("utf-8", "replace"), fingerprint)
    found: set[str] = set()
    for text in _strings(value):
        found |= secrets_in(text, fingerprint)
    return found


def _strings(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if key:
            yield f"{key} = {value}"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _strings(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, key)
    elif isinstance(value, int | float) and not isinstance(value, bool) and key:
        yield f"{key} = {value}"


def _forms(secret: str) -> set[bytes]:
    found = {secret}
    for _ in range(_ESCAPED_TIMES):
        for form in list(found):
            found.add(json.dumps(form)[1:-1])
            found.add(json.dumps(form, ensure_ascii=False)[1:-1])
            found.add(json.dumps(form)[1:-1].replace("/", "\\/"))
    return {form.encode("utf-8", "surrogatepass") for form in found}


def _backslashes_before(raw: bytes, start: int) -> int:
    count = 0
    while count < start and raw[start - count - 1] == 0x5C:
        count += 1
    return count


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True
