from __future__ import annotations

import pytest

from blobs import members, store
from sessions import raw, reading
from tests.archiving import (
    digest,
    jsonl,
    make_workspace,
    only_blob,
    overwrite,
    receive,
    stored,
)
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
ROOMY = 10**8


@pytest.fixture
def workspace():
    return make_workspace()


@pytest.fixture
def inflated(monkeypatch):
    """How many members have been inflated; the real thing still does it."""
    sizes = []
    inflate = members.inflate

    def counted(packed, *, size_bytes):
        sizes.append(size_bytes)
        return inflate(packed, size_bytes=size_bytes)

    monkeypatch.setattr(members, "inflate", counted)
    return sizes


def page(transcript, first_line, line_count=3, max_bytes=ROOMY):
    found = reading.lines(
        transcript, first_line=first_line, line_count=line_count, max_bytes=max_bytes
    )
    return [line.raw for line in found]


def test_lines_are_numbered_from_one_and_verbatim(workspace):
    content = [b'{"a": 1}\r\n', b"\n", b"\x00\xff not json\n", b'{"last": true}']
    transcript = receive(workspace, b"".join(content)).transcript

    found = reading.lines(transcript, first_line=1, line_count=9, max_bytes=ROOMY)

    assert [(line.number, line.raw) for line in found] == [*enumerate(content, start=1)]
    assert not any(line.is_cut for line in found)


def test_past_the_end_is_nothing(workspace):
    transcript = receive(workspace, jsonl("one")).transcript

    assert page(transcript, 2) == []
    assert page(transcript, 10**12) == []


def test_line_zero_is_refused(workspace):
    transcript = receive(workspace, jsonl("one")).transcript

    with pytest.raises(reading.LinesNotFound):
        page(transcript, 0)


def test_any_page_of_a_long_transcript_inflates_one_member(workspace, inflated):
    rows = [b'{"line": %d, "x": "%s"}\n' % (n, b"x" * 80) for n in range(1, 30_001)]
    transcript = receive(workspace, b"".join(rows)).transcript
    assert len(rows) * len(rows[0]) > 10 * members.WINDOW_BYTES
    table = members.Table(transcript.segments.get().blob.members)
    starts = [table[index].newlines_before + 1 for index in range(len(table))]
    for first in {1, 30_000} | {n + d for n in starts[1:] for d in (-1, 0, 1)}:
        inflated.clear()

        assert page(transcript, first, line_count=1) == [rows[first - 1]]
        assert len(inflated) == 1


def test_a_line_may_cross_segments(workspace):
    first = jsonl("one") + b'{"two": 2}'
    receive(workspace, first)
    whole = first + b'   \n{"three": 3}'
    receive(workspace, whole)
    receipt = receive(workspace, whole + b"\n" + jsonl("four"))

    transcript = receipt.transcript
    assert transcript.segments.count() == 3
    assert page(transcript, 2) == [
        b'{"two": 2}   \n',
        b'{"three": 3}\n',
        jsonl("four"),
    ]
    assert page(transcript, 3, line_count=1) == [b'{"three": 3}\n']
    assert receipt.line_count == 4


def test_many_segments_read_as_one(workspace):
    rows = [jsonl(f"turn {number}") for number in range(1, 41)]
    for number in range(1, 41):
        before = b"".join(rows[: number - 1])
        transcript = receive(
            workspace,
            rows[number - 1],
            base_offset=len(before),
            base_sha256=digest(before),
        ).transcript

    assert transcript.segments.count() == 40
    assert page(transcript, 1, line_count=200) == rows
    assert page(transcript, 33, line_count=5) == rows[32:37]
    assert (
        b"".join(raw.read(transcript, offset=300, end=1300)) == b"".join(rows)[300:1300]
    )


def test_a_page_ends_before_the_line_that_does_not_fit(workspace):
    rows = [jsonl("x" * 50)] * 3
    transcript = receive(workspace, b"".join(rows)).transcript
    size = len(rows[0])

    assert page(transcript, 1, max_bytes=2 * size) == rows[:2]
    assert page(transcript, 1, max_bytes=3 * size - 1) == rows[:2]
    assert page(transcript, 1, max_bytes=3 * size) == rows


def test_a_first_line_that_does_not_fit_is_cut(workspace):
    row = jsonl("x" * 700_000)
    transcript = receive(workspace, jsonl("one") + row + jsonl("three")).transcript

    (line,) = reading.lines(transcript, first_line=2, line_count=5, max_bytes=100)

    assert (line.raw, line.size_bytes, line.is_cut) == (row[:100], len(row), True)
    assert page(transcript, 3, max_bytes=100) == [jsonl("three")]


def test_lines_appended_meanwhile_are_not_read(workspace):
    before = receive(workspace, jsonl("one")).transcript
    receive(workspace, jsonl("one", "two"))

    assert [line.raw for line in reading.stream(before)] == [jsonl("one")]


def test_the_digest_of_lines_is_of_their_raw_bytes(workspace):
    content = jsonl("one", "two", "three")[:-1]
    transcript = receive(workspace, content).transcript

    assert reading.lines_sha256(transcript, 1, 3) == digest(content)
    assert reading.lines_sha256(transcript, 2, 2) == digest(jsonl("two"))
    assert reading.lines_sha256(transcript, 3, 3) == digest(jsonl("three")[:-1])


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 4), (4, 4)])
def test_lines_that_are_not_there_have_no_digest(workspace, first, last):
    transcript = receive(workspace, jsonl("one", "two", "three")).transcript

    with pytest.raises(reading.LinesNotFound):
        reading.lines_sha256(transcript, first, last)


@pytest.mark.parametrize(
    ("line", "first"), [(1, 1), (2, 1), (5, 3), (10, 6), (99, 6), (-3, 1)]
)
def test_a_page_around_a_line_stays_inside(workspace, line, first):
    content = jsonl(*(str(number) for number in range(10)))
    transcript = receive(workspace, content).transcript

    assert reading.first_line_around(transcript, line, 5) == first


@pytest.mark.parametrize(("count", "first"), [(1, 10), (3, 8), (10, 1), (99, 1)])
def test_a_page_from_the_end(workspace, count, first):
    content = jsonl(*(str(number) for number in range(10)))
    transcript = receive(workspace, content).transcript

    assert reading.first_line_from_end(transcript, count) == first


def test_find_gives_the_newest_revision_or_the_one_asked_for(workspace):
    old = receive(workspace, jsonl("one")).transcript
    new = receive(workspace, jsonl("two")).transcript
    where = {
        "workspaces": Workspace.objects.all(),
        "workspace_slug": workspace.slug,
        "session_id": "one",
    }

    assert reading.find(**where) == new == reading.head(workspace, "one")
    assert reading.find(**where, revision=1) == old
    for absent in (
        where | {"session_id": "two"},
        where | {"agent_id": "a1"},
        where | {"revision": 3},
        where | {"workspace_slug": "other"},
        where | {"workspaces": Workspace.objects.none()},
    ):
        with pytest.raises(reading.SessionNotFound):
            reading.find(**absent)
    assert reading.head(workspace, "two") is None


def test_a_damaged_member_is_an_error_and_not_other_bytes(workspace):
    transcript = receive(workspace, jsonl("one", "two")).transcript
    packed = bytearray(stored(only_blob()))
    packed[len(packed) // 2] ^= 1
    overwrite(only_blob(), bytes(packed))

    with pytest.raises(store.BlobDamaged):
        page(transcript, 1)
