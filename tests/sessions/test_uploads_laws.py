from __future__ import annotations

import gzip
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions import reading
from sessions.models import Segment
from tests.archiving import bytes_of, digest, make_workspace, receive, stored

pytestmark = pytest.mark.django_db
LAW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LINE = st.one_of(
    st.just(b""),
    st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")),
    st.integers().map(lambda number: b'{"n": %d}' % number),
    st.just(b'{"long": "' + b"x" * 300_000 + b'"}'),
)
FILE = st.lists(LINE, min_size=1, max_size=8).map(
    lambda lines: b"".join(line + b"\n" for line in lines)
)
_sessions = itertools.count()


@pytest.fixture
def workspace():
    return make_workspace()


@LAW
@given(
    content=FILE,
    cuts=st.lists(st.integers(0, 10**7), max_size=5),
    by_base=st.booleans(),
)
def test_a_file_that_grows_anyhow_ends_as_one_that_came_whole(
    workspace, content, cuts, by_base
):
    name = f"s{next(_sessions)}"
    kept = b""
    for end in [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]:
        if by_base and kept:
            sent, base = content[len(kept) : max(end, len(kept))], kept
        else:
            sent, base = content[:end], b""
        if not (base or b"\n" in sent or sent.endswith(b"}")):
            continue
        receipt = receive(
            workspace,
            sent,
            session_id=name,
            base_offset=len(base),
            base_sha256=digest(base),
        )
        assert receipt.outcome in {"stored", "appended", "deduplicated", "stale"}
        kept = content[: receipt.size_bytes]
        assert receipt.sha256 == digest(kept)

    transcript = receipt.transcript
    assert bytes_of(transcript) == content
    segments = Segment.objects.filter(transcript=transcript).order_by("number")
    zcat = gzip.decompress(b"".join(stored(each.blob.sha256) for each in segments))
    assert zcat == content
    check_lines(transcript, content)


def check_lines(transcript, content: bytes) -> None:
    expected = [line + b"\n" for line in content.split(b"\n")[:-1]]
    found = list(reading.stream(transcript))
    assert [line.raw for line in found] == expected
    assert [line.number for line in found] == list(range(1, len(expected) + 1))
    assert transcript.line_count == len(expected)
    for first in range(1, len(expected) + 1):
        page = reading.lines(
            transcript, first_line=first, line_count=2, max_bytes=10**7
        )
        assert [line.raw for line in page] == expected[first - 1 : first + 1]
        assert reading.lines_sha256(transcript, first, len(expected)) == digest(
            b"".join(expected[first - 1 :])
        )


@LAW
@given(files=st.lists(FILE, min_size=2, max_size=5))
def test_nothing_acknowledged_ever_changes(workspace, files):
    name = f"s{next(_sessions)}"
    receipts = [receive(workspace, each, session_id=name) for each in files]

    for receipt, content in zip(receipts, files, strict=True):
        assert bytes_of(receipt.transcript).startswith(content)
    again = [receive(workspace, each, session_id=name).outcome for each in files]
    assert set(again) <= {"deduplicated", "stale"}
