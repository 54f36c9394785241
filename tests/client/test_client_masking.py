"""What is masked before it leaves is at least what the server would mask."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from pathlib import Path
from re import _constants as constants
from re import _parser as parser
from typing import Any

import generate_masking
import pytest

from memory_sync import masking as ours
from memory_sync import masking_rules
from search import masking as servers


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_SYNC_HOME", str(tmp_path / "home"))
    ours._key.cache_clear()


@lru_cache(maxsize=1)
def examples() -> list[str]:
    """A text for each of the detector's rules that its pattern matches."""
    chance = random.Random(488)
    return [
        f"see {sampled(list(parser.parse(pattern)), chance)} there"
        for _, pattern, _, _, _ in masking_rules.DETECTOR
    ]


def sampled(items: list[Any], chance: random.Random) -> str:
    """A text that a parsed pattern matches, but for what it only looks at."""
    return "".join(_sampled(kind, value, chance) for kind, value in items)


def _sampled(kind: Any, value: Any, chance: random.Random) -> str:
    if kind is constants.LITERAL:
        return chr(value)
    if kind is constants.IN:
        letters = [each for each in LETTERS if _is_in(each, value)]
        return chance.choice(letters) if letters else "-"
    if kind in (constants.ANY, constants.NOT_LITERAL):
        return chance.choice(LETTERS)
    if kind in (constants.MAX_REPEAT, constants.MIN_REPEAT):
        times = range(max(value[0], 0 if value[1] > 60 else min(value[1], 1)))
        return "".join(sampled(list(value[2]), chance) for _ in times)
    if kind is constants.SUBPATTERN:
        return sampled(list(value[3]), chance)
    if kind is constants.ATOMIC_GROUP:
        return sampled(list(value), chance)
    if kind is constants.BRANCH:
        return sampled(list(chance.choice(value[1])), chance)
    return ""


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _is_in(letter: str, members: list[Any]) -> bool:
    is_negated = members[0][0] is constants.NEGATE
    found = False
    for kind, value in members:
        if kind is constants.LITERAL:
            found |= ord(letter) == value
        elif kind is constants.RANGE:
            found |= value[0] <= ord(letter) <= value[1]
        elif kind is constants.CATEGORY:
            is_digit = value is constants.CATEGORY_DIGIT
            is_word = value is constants.CATEGORY_WORD
            found |= is_word or (is_digit and letter.isdigit())
    return found != is_negated


def test_the_rules_are_those_of_the_server() -> None:
    written = generate_masking.TARGET.read_text(encoding="utf-8")
    assert written == generate_masking.generated(), "run client/generate_masking.py"


def test_no_example_of_a_secret_leaves() -> None:
    known = [text for text in examples() if servers.spans(text)]
    assert len(known) > 100
    left = [text for text in known if servers.spans(ours.mask(text))]
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        "password = hunter2horse99xyz",
        "Authorization: Bearer a1b2c3d4e5f6g7h8i9j0",
        "key AKIAQ3EGU5XJ7RTSNK2P",
        "postgres://app:s3cr3tpass@db/app",
        "fms_sync_" + "aB3" * 15,
    ],
)
def test_our_own_rules_mask_as_the_server_does(text: str) -> None:
    assert not servers.spans(ours.mask(text))
    line = json.dumps({"note": text, "keep": "the rest"}).encode()
    masked = ours.mask_line(line)
    assert b"[REDACTED:" in masked
    assert json.loads(masked)["keep"] == "the rest"


def test_a_secret_in_a_value_is_known_by_its_key() -> None:
    line = json.dumps({"api_key": "q7Xz81Lm02PwVt5R"}).encode()
    assert b"q7Xz81Lm02PwVt5R" not in ours.mask_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"role": "user", "content": "no secret here, only \\u200b and \\t"}',
        b'{ "spacing" :  "stays",   "n": 1.50 }',
        b"not json at all",
        b"\xff\xfe broken bytes",
        b"",
    ],
)
def test_a_line_without_a_secret_keeps_its_bytes(line: bytes) -> None:
    assert ours.mask_line(line) == line


def test_masking_twice_changes_nothing_and_is_the_same_each_time() -> None:
    text = "token: q7Xz81Lm02PwVt5R and password = hunter2horse99xyz"
    once = ours.mask(text)
    assert ours.mask(once) == once == ours.mask(text)


def test_a_secret_is_found_anywhere_in_a_long_text() -> None:
    secret = "AKIAQ3EGU5XJ7RTSNK2P"
    for at in (0, ours.PIECE - 10, ours.PIECE - ours.OVERLAP - 10, 3 * ours.PIECE):
        text = "x " * (at // 2) + secret + " y" * 50_000
        assert secret not in ours.mask(text)


def test_every_needle_is_in_what_its_rule_matches() -> None:
    """The shortcut must not hide a secret: the examples are found with it."""
    rules: list[Any] = [each for each in masking_rules.DETECTOR if each[4]]
    matched = 0
    for text in examples():
        for _, pattern, _, _, needles in rules:
            if ours._pattern(pattern).search(text):
                matched += 1
                assert any(needle in text.lower() for needle in needles)
    assert matched > 100
