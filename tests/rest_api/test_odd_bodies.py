"""Damaged gzip and arbitrary patterns: refused or taken whole, never a fault."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blobs import places
from sessions import raw
from sessions.models import Transcript

pytestmark = pytest.mark.django_db(transaction=True)
CALM = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LINES = b"".join(
    json.dumps({"role": "user", "content": f"line {n}"}).encode() + b"\n"
    for n in range(40)
)
PACKED = gzip.compress(LINES, mtime=0)


def damaged(packed: bytes) -> st.SearchStrategy[bytes]:
    """The file with a byte changed, cut, doubled, wrapped once more, or with a tail."""
    at = st.integers(0, len(packed) - 1)
    return st.one_of(
        st.tuples(at, st.integers(0, 255)).map(
            lambda pair: packed[: pair[0]] + bytes([pair[1]]) + packed[pair[0] + 1 :]
        ),
        at.map(lambda end: packed[:end]),
        st.binary(min_size=1, max_size=40).map(lambda tail: packed + tail),
        st.just(packed + packed),
        st.just(gzip.compress(packed, mtime=0)),
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda tail: packed[:10] + tail),
    )


def inflated(body: bytes) -> bytes | None:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, ValueError):
        return None


@CALM
@given(body=damaged(PACKED))
def test_a_damaged_file_is_refused_or_kept_as_what_it_inflates_to(
    sync, workspace, body
):
    Transcript.objects.all().delete()
    answer = sync.put(
        f"workspaces/{workspace.slug}/sessions/odd",
        body,
        Content_Encoding="gzip",
        content_type="application/x-ndjson",
    )

    assert answer.status_code in (200, 201, 400, 413, 422), answer.content
    assert list((places.root() / places.STAGING).iterdir()) == []
    kept = Transcript.objects.first()
    assert (kept is not None) == (answer.status_code in (200, 201))
    if kept is not None:
        said = inflated(body)
        assert said is not None
        # The end of a half-written last line is expected with the next upload.
        assert b"".join(raw.read(kept)) == said[: said.rfind(b"\n") + 1]


PIECES = st.sampled_from(
    [
        *(
            "a",
            "line",
            ".",
            "*",
            "+",
            "?",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "|",
            "\\",
            "^",
        ),
        *(
            "$",
            "(?i)",
            "(?=a)",
            "(?<n>",
            "\\1",
            "\\b",
            "\\p{L}",
            "{9999}",
            "(a+)+$",
            " ",
        ),
        *(
            "\0",
            "\u202e",
            "é",
            "日",
            "[[:alpha:]]",
            "\\x{110000}",
            "(?:",
            "[^",
            "a{0,500}",
        ),
    ]
)


@CALM
@given(pattern=st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_any_pattern_is_searched_for_or_refused(sync, workspace, pattern):
    answer = sync.get(f"search?mode=regex&q={quote(pattern, errors='ignore')}")

    assert answer.status_code in (200, 400), answer.content
    if answer.status_code == 400:
        assert answer.json()["error"]["code"] in ("REGEX_INVALID", "INVALID_ARGUMENT")
