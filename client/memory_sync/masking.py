"""Secrets masked before anything leaves this machine, by the server's own rules.

masking_rules.py is copied from the server. Here is what differs: the detector's rules
run one by one over pieces of a text, each only where one of its needles is, without
the detector's exclusions. So at least what the server would mask is masked, at times
more. Bytes without a secret stay as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from memory_sync import masking_rules as rules
from memory_sync.files import home, write_bytes

# A backtracking pattern over a text of megabytes may take minutes; a secret longer
# than the overlap is found in part, and what is left of it by the second look.
PIECE = 64 * 1024
OVERLAP = 8 * 1024
FINGERPRINT_CHARS = 8


def mask_line(raw: bytes) -> bytes:
    """One JSON line without its secrets; the same bytes where it has none."""
    text = raw.decode("utf-8", "surrogateescape")
    if not _may_hold_secrets(text):
        return raw
    masked: str = rules.mask_json_line(raw)
    return raw if masked == raw.decode("utf-8", "replace") else masked.encode()


def mask(text: str) -> str:
    """A text without its secrets; mask(mask(text)) == mask(text)."""
    for _ in range(rules._LOOKS):
        found = spans(text)
        if not found:
            break
        text = rules._replaced(text, found)
    return text


def spans(text: str) -> list[Any]:
    """The secrets of a text, in order and apart from each other."""
    if len(text) < rules._SHORTEST_SECRET:
        return []
    found = [each for start, piece in _pieces(text) for each in _detected(piece, start)]
    if _compiled()[0].search(text):
        found.extend(rules._ruled(text))
    if not found:
        return []
    masked = [match.span() for match in rules._MARKER.finditer(text)]
    return [
        rules.Span(start, end, rule, fingerprint(text[start:end]))
        for start, end, rule in rules._merged(found)
        if not any(start < last and first < end for first, last in masked)
    ]


def fingerprint(secret: str) -> str:
    """What tells two secrets apart on this machine without telling either."""
    digest = hmac.new(_key(), secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hexdigest()[:FINGERPRINT_CHARS]


@lru_cache(maxsize=1)
def _key() -> bytes:
    """A key of this machine's own: a secret's fingerprint must not be guessable."""
    path = home() / "masking.key"
    if not path.exists():
        write_bytes(path, secrets.token_hex(32).encode())
    return path.read_bytes()


def _may_hold_secrets(text: str) -> bool:
    return bool(_compiled()[0].search(text) or _candidates(text))


def _candidates(text: str) -> list[int]:
    """Which of the detector's rules a text could match, in their order."""
    by_needle, always = _needles()
    lowered = text.lower()
    # One list of every needle once: most texts are done with after this line.
    found = [needle for needle in by_needle if needle in lowered]
    return sorted({*always, *(rule for needle in found for rule in by_needle[needle])})


@lru_cache(maxsize=1)
def _needles() -> tuple[dict[str, list[int]], list[int]]:
    by_needle: dict[str, list[int]] = {}
    always = []
    for number, (_, _, _, _, needles) in enumerate(rules.DETECTOR):
        for needle in needles:
            by_needle.setdefault(needle, []).append(number)
        if not needles:
            always.append(number)
    return by_needle, always


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while True:
        yield start, text[start : start + PIECE]
        start += PIECE - OVERLAP
        if start + OVERLAP >= len(text):
            return


def _detected(text: str, offset: int) -> Iterator[tuple[int, int, str]]:
    for number in _candidates(text):
        name, pattern, group, least, _ = rules.DETECTOR[number]
        for match in _pattern(pattern).finditer(text):
            start, end = match.span(group)
            if start < 0:
                start, end = match.span()
            value = text[start:end]
            if not rules._is_placeholder(value) and rules._entropy(value) >= least:
                yield offset + start, offset + end, name


@lru_cache(maxsize=None)
def _pattern(pattern: str) -> re.Pattern[str]:
    import warnings

    with warnings.catch_warnings():
        # Some character classes of the detector look like a set operation to be.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern)


@lru_cache(maxsize=1)
def _compiled() -> tuple[re.Pattern[str], list[tuple[str, re.Pattern[str]]]]:
    return re.compile(rules._NEEDLE), [
        (name, re.compile(pattern)) for name, pattern in rules._RULES.items()
    ]


def _as_it_is(text: str) -> str:
    return text


# What the copied functions call by these names on the server.
vars(rules).update(spans=spans, mask=mask, neutralise=_as_it_is, _compiled=_compiled)
