"""The one view of stored text: secrets masked, invisible characters made visible.

Stored bytes stay verbatim; whatever is indexed or shown passes through here. The
detector is loaded on first use, because most processes never need it while idle.
"""

from __future__ import annotations

import bisect
import hashlib
import hmac
import json
import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import re2
from django.conf import settings

FINGERPRINT_CHARS = 8
# Masking one secret may bring the words around it together; a second look finds none.
_LOOKS = 8

_MARKER = re.compile(r"\[REDACTED:[a-z0-9-]+:[0-9a-f]{8}\]")
_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")


@dataclass(frozen=True)
class Span:
    """Where a secret lies in a text, which rule found it, and its fingerprint."""

    start: int
    end: int
    rule: str
    fingerprint: str


def mask(text: str) -> str:
    """The text as it may be shown: mask(mask(text)) == mask(text)."""
    text = neutralise(text)
    for _ in range(_LOOKS):
        found = spans(text)
        if not found:
            break
        text = _replaced(text, found)
    return text


def spans(text: str) -> list[Span]:
    """The secrets of a text, in order and apart from each other."""
    if len(text) < _SHORTEST_SECRET:
        return []
    data = text.encode("utf-8", "replace")
    found = list(_detected(text, data))
    if _may_be_ruled(data):
        found.extend(_ruled(text))
    if not found:
        return []
    masked = [match.span() for match in _MARKER.finditer(text)]
    return [
        Span(start, end, rule, fingerprint(text[start:end]))
        for start, end, rule in _merged(found)
        if not any(start < last and first < end for first, last in masked)
    ]


def mask_json_line(raw: bytes) -> str:
    """One JSON line as it may be shown; only the strings that need it are rewritten.

    Escapes hide the borders of words from a detector, so each string is decoded, looked
    at and written anew. A line that is not JSON is masked as text.
    """
    text = raw.decode("utf-8", "replace")
    try:
        orjson.loads(raw)
    except ValueError:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return mask(text)
    literals = list(_JSON_STRING.finditer(text))
    shown = [_decoded(literal.group()) for literal in literals]
    glue = [
        " = " if _COLON.fullmatch(text, left.end(), right.start()) else "\n"
        for left, right in pairwise(literals)
    ]
    strings = _mask_together([neutralise(string) for string in shown], glue)
    out: list[str] = []
    done = 0
    for literal, before, after in zip(literals, shown, strings, strict=True):
        if before != after:
            out += [text[done : literal.start()], json.dumps(after, ensure_ascii=False)]
            done = literal.end()
    return neutralise("".join([*out, text[done:]]))


def fingerprint(secret: str) -> str:
    """What tells two secrets apart without telling either."""
    digest = hmac.new(_key(), secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hexdigest()[:FINGERPRINT_CHARS]


def neutralise(text: str) -> str:
    """The text with invisible, direction-changing and control characters spelled out.

    What scripts and emoji need stays: joiners between letters that use them, one
    variation selector after a character.
    """
    if text.isascii():
        # Three times faster than a pattern.
        is_clean = len(text.encode().translate(None, _CONTROLS)) == len(text)
    else:
        is_clean = _SUSPECT.search(text) is None
    if is_clean:
        return text
    return _UNSEEN.sub(lambda match: "".join(map(_spelled, match.group())), text)


def _spelled(character: str) -> str:
    return f"‹U+{ord(character):04X}›"


_JOINED = (
    "\u0600-\u08ff\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff"
)
_PICTURE = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
# What most texts have none of; quicker to look for than what follows.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_SUSPECT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_UNSEEN = re.compile(
    # Controls but tab and line ends; lone surrogates.
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
    # Soft hyphen, direction marks and overrides, fillers, word joiners, annotations.
    "|[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb]"
    # Joiners where no script or picture needs them.
    f"|\u200c(?![{_JOINED}])|(?<![{_JOINED}])\u200c"
    f"|\u200d(?![{_JOINED}{_PICTURE}])|(?<![{_JOINED}{_PICTURE}])\u200d"
    # Selectors that follow another, and those that only smuggle.
    "|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]|[\U000e0000-\U000e0fff]"
)

# --- the packaged detector -------------------------------------------------------

_SHORTEST_SECRET = 8
_CONTEXT_SECRET = re.compile(r"(?:secret|secret-access-key|consumer-key|passphrase)$")
_VENDOR_PREFIX = re.compile(r"^[a-z]+[./](?:secrets/)?")
_loading = threading.Lock()


def is_compiled() -> bool:
    """Whether the rules were compiled before; the first time takes ten seconds."""
    return any(_compiled_rules().glob("*"))


def compile_rules() -> None:
    """Compile the rules now, so that no upload or reader has to wait for it."""
    with _loading:
        _scanner()


def _compiled_rules() -> Path:
    return Path(settings.CACHE_ROOT) / "secret-rules"


@lru_cache(maxsize=1)
def _scanner() -> Any:
    # Imported here: the library and its compiled rules cost some fifty megabytes.
    from kingfisher_sdk import Rules, Scanner

    cache = _compiled_rules()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Scanner(Rules(cache_dir=cache))


def _detected(text: str, data: bytes) -> Iterator[tuple[int, int, str]]:
    with _loading:
        scanner = _scanner()
    findings = scanner.scan(data)
    if not findings:
        return
    place = _characters(text, data)
    for finding in findings:
        rule = _rule(finding.rule_id)
        # Findings that only support others are identifiers, but for a few.
        if finding.visible or _CONTEXT_SECRET.search(rule):
            location = finding.location
            start = place(location["start_offset"])
            end = place(location["end_offset"])
            if not _is_placeholder(text[start:end]):
                yield start, end, rule


def _rule(rule_id: str) -> str:
    name = _VENDOR_PREFIX.sub("", rule_id).removesuffix(".1").lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def _characters(text: str, data: bytes) -> Any:
    """A function from an offset in the bytes to one in the text."""
    if len(text) == len(data):
        return lambda offset: offset
    starts: list[int] = []
    offset = 0
    for character in text:
        starts.append(offset)
        code = ord(character)
        offset += (
            1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
        )
    return lambda wanted: bisect.bisect_left(starts, wanted)


# --- our own rules ---------------------------------------------------------------

_VALUE = r"[A-Za-z0-9+/=_.~!@#$%^&*-]"
_NAME = (
    r"(?:secret|token|passwd|password|passphrase|api_?key|access_?key|private_?key"
    r"|auth_?key|signing_?key|encryption_?key|client_?secret|credentials?)"
)
# Each captures the secret; linear time, whatever the text.
_RULES = {
    "assigned-secret": (
        rf"(?i)[a-z0-9_-]*{_NAME}[a-z0-9_]*[\"']?\s{{0,4}}(?::=|[=:])\s{{0,4}}[\"']?"
        rf"({_VALUE}{{10,}})"
    ),
    "bearer-token": (
        r"(?i)(?:\b(?:bearer|authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:token|basic))"
        r"\s{1,4}|\bx-api-key[\"']?\s{0,4}[:=]\s{0,4}[\"']?)([a-z0-9._~+/=-]{16,})"
    ),
    "aws-access-key-id": r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b",
    "azure-key": (
        r"(?i)(?:accountkey|sharedaccesskey|azure[^\n]{0,60}key)[\"']?\s{0,4}[=:]"
        r"\s{0,4}[\"']?([a-z0-9+/]{42,86}={1,2})"
    ),
    "url-password": r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,80}:([^\s/@\"'<>]{6,80})@",
    "memory-token": r"(fms_(?:ai|sync|admin|wt)_[A-Za-z0-9_-]{43,})",
}
# Every rule at once, each so loose that a text without it needs no look by any rule.
_NEEDLE = (
    rf"(?i){_NAME}[a-z0-9_]*[\"']?\s{{0,4}}(?::=|[=:])\s{{0,4}}[\"']?{_VALUE}"
    r"|bearer\s|authorization|x-api-key|(?:akia|asia)[a-z2-7]|accountkey"
    r"|sharedaccesskey|azure[^\n]*key|://[^\s:/@\"'<>]*:[^\s/@\"'<>]+@|fms_"
)
_NOT_A_SECRET_NAME = re.compile(
    r"(?i)(?:sha\d*|hash|digest|checksum|fingerprint|tokens|token_?count|tokenizer|"
    r"_id|_ids|_name|_type|_path|_file|_url|_uri|_count|_size|_limit|_budget|_arn)[\"']?\s*[:=]*\s*[\"']?$"
)
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|changeme|change_me|change-me|your[-_]|replace|redacted|"
    r"dummy|sample|insert|x{4,}|\*{3,}|\.{3,}|1234567890?$|^test|^fake|^<|^\$|^%|\$\{|\{\{"
)
_REFERENCE = re.compile(
    r"^[A-Za-z_][\w]*(?:[.-][A-Za-z_]\w*)+$|^[a-z]+(?:[_-][a-z]+)*$|^[A-Z]+(?:_[A-Z]+)*$"
)
_UUID = re.compile(r"(?i)^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")
_DOCUMENTED_PASSWORDS = frozenset(
    {"password", "passwd", "secret", "postgres", "changeme"}
)


@lru_cache(maxsize=1)
def _compiled() -> tuple[Any, list[tuple[str, Any]]]:
    return re2.compile(_NEEDLE), [
        (name, re2.compile(pattern)) for name, pattern in _RULES.items()
    ]


def _may_be_ruled(data: bytes) -> bool:
    needle, _ = _compiled()
    # Given bytes, the pattern reads them as UTF-8 without another copy of the text.
    return needle.search(data) is not None


def _ruled(text: str) -> Iterator[tuple[int, int, str]]:
    _, rules = _compiled()
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    for name, pattern in rules:
        for match in pattern.finditer(text):
            start, end = match.span(1)
            if _is_secret(name, text, match.start(), start, end):
                yield start, end, name


def _is_secret(rule: str, text: str, begin: int, start: int, end: int) -> bool:
    value = text[start:end]
    if rule == "memory-token":
        return True
    if _is_placeholder(value):
        return False
    if rule == "assigned-secret":
        after = text[end : end + 1]
        return (
            not _NOT_A_SECRET_NAME.search(text[begin:start])
            and after not in {"(", "[", "{"}
            and not _REFERENCE.match(value.rstrip(".,;"))
            and not _UUID.match(value)
            and any(character.isdigit() for character in value)
            and any(character.isalpha() for character in value)
            and _entropy(value) >= 3.0
        )
    if rule == "bearer-token":
        return _entropy(value) >= 3.0 and any(c.isdigit() for c in value)
    if rule == "url-password":
        user = text[begin:start].rpartition("//")[2].removesuffix(":")
        return value != user
    return True


def _is_placeholder(value: str) -> bool:
    return (
        value.lower() in _DOCUMENTED_PASSWORDS
        or len(set(value)) < 5
        or bool(_PLACEHOLDER.search(value))
    )


def _entropy(value: str) -> float:
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


# --- putting them together -------------------------------------------------------


def _merged(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Overlapping finds as one, named by the one that starts first."""
    merged: list[tuple[int, int, str]] = []
    for start, end, rule in sorted(found, key=lambda f: (f[0], -f[1], f[2])):
        if start >= end:
            continue
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((start, end, rule))
    return merged


def _replaced(text: str, found: list[Span]) -> str:
    out: list[str] = []
    done = 0
    for span in found:
        out += [text[done : span.start], f"[REDACTED:{span.rule}:{span.fingerprint}]"]
        done = span.end
    return "".join([*out, text[done:]])


def _mask_together(strings: list[str], glue: list[str]) -> list[str]:
    """Mask strings that stand beside each other, so that a key gives its value away."""
    for _ in range(_LOOKS):
        starts: list[int] = []
        joined: list[str] = []
        length = 0
        for index, string in enumerate(strings):
            starts.append(length)
            joined.append(string)
            length += len(string)
            if index < len(glue):
                joined.append(glue[index])
                length += len(glue[index])
        found = spans("".join(joined))
        if not found:
            break
        inside: dict[int, list[Span]] = {}
        for span in found:
            index = bisect.bisect_right(starts, span.start) - 1
            while index < len(strings) and starts[index] < span.end:
                first = max(span.start - starts[index], 0)
                last = min(span.end - starts[index], len(strings[index]))
                if first < last:
                    part = Span(first, last, span.rule, span.fingerprint)
                    inside.setdefault(index, []).append(part)
                index += 1
        if not inside:
            break
        for index, parts in inside.items():
            strings[index] = _replaced(strings[index], parts)
    return strings


def _decoded(literal: str) -> str:
    try:
        string: str = json.loads(literal, strict=False)
    except ValueError:
        return literal[1:-1]
    return string


@lru_cache(maxsize=4)
def _derived_key(secret_key: str) -> bytes:
    return hmac.new(
        secret_key.encode(), b"search.masking.fingerprint", hashlib.sha256
    ).digest()


def _key() -> bytes:
    return _derived_key(settings.SECRET_KEY)
