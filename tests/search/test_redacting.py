"""A secret that is taken out is nowhere, and nothing else has changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.redacting import Redactor

MARK = "[REDACTED:assigned-secret:0a1b2c3d]"
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)
SECRETS = st.text(
    st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=8
) | st.just("-----BEGIN KEY-----\nab/c+\n-----END KEY-----")


def strings_of(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for pair in value.items() for each in pair for s in strings_of(each)]
    if isinstance(value, list):
        return [s for each in value for s in strings_of(each)]
    return []


@given(SECRETS, PLAIN, PLAIN, st.integers(0, 2), st.booleans())
def test_a_line_loses_the_secret_and_stays_json(secret, before, after, depth, ascii_):
    told: object = f"{before} {secret} {after}"
    for _ in range(depth):
        told = json.dumps({"output": told}, ensure_ascii=ascii_)
    record = {"role": "user", "content": [told, before], "n": 7}
    line = json.dumps(record, ensure_ascii=ascii_).encode() + b"\n"

    redaction = Redactor(frozenset({secret}), MARK).of_line(line)

    assert redaction is not None
    shown = json.loads(redaction.apply(line))
    for _ in range(depth):
        shown["content"][0] = json.loads(shown["content"][0])["output"]
    text = shown["content"][0]
    assert secret not in text
    assert text.startswith(before.replace(secret, MARK)[:1])
    assert MARK in text
    assert (shown["role"], shown["n"]) == ("user", 7)


@given(SECRETS, PLAIN, PLAIN)
def test_a_text_loses_the_secret_and_keeps_its_line_ends(secret, before, after):
    raw = f"{before}\n{secret}\n{after}\n".encode()

    redaction = Redactor(frozenset({secret}), MARK).of_text(raw)

    shown = redaction.apply(raw)
    assert secret.encode() not in shown
    assert shown.count(b"\n") == raw.count(b"\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # A bare number becomes a string.
        (b'{"pin": 1234567890}', b'{"pin": "%s"}' % MARK.encode()),
        # Behind a lone backslash a letter belongs to an escape.
        (b'{"a": "x\\n1234567890"}', b'{"a": "x\\n%s"}' % MARK.encode()),
        (b'{"a": "x\\u1234567890"}', None),
        (b'{"a": "nothing"}', None),
    ],
)
def test_json_stays_json(line, expected):
    secret = "1234567890" if b"u123" not in line else "u1234567890"

    redaction = Redactor(frozenset({secret}), MARK).of_line(line)

    assert (redaction and redaction.apply(line)) == expected


def test_a_secret_is_found_over_the_border_of_two_pieces():
    redactor = Redactor(frozenset({"abcdefgh"}), MARK)

    assert redactor.is_among([b"..abc", b"d", b"efgh.."])
    assert not redactor.is_among([b"..abc", b"d", b"egh.."])
