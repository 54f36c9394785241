from __future__ import annotations

import gzip
import os
import subprocess

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blobs import directory, members, objects, store
from blobs.models import Blob
from tests.archiving import AT, digest, files, overwrite, staged_files, stored

everywhere = pytest.mark.usefixtures("each_place")

LIMITS = {"max_bytes": 2**24}
# Windows are 256 KiB, so bytes are drawn small and blown up past them.
PIECE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\n", b"\n\n\n", b"x" * 300_000, b"ab\n" * 100_000, b"{}\n" * 50]
    ),
)
CONTENT = st.lists(PIECE, max_size=6).map(b"".join)


def keep(content: bytes, **options) -> Blob:
    with store.stage([content], **LIMITS, **options) as staged, transaction.atomic():
        return store.keep(staged, at=AT)


def read(blob: Blob, **options) -> bytes:
    return b"".join(store.read(blob, **options))


def split(content: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return [content[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@everywhere
@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=CONTENT, cuts=st.lists(st.integers(0, 10**7), max_size=5))
def test_any_bytes_in_any_chunks_come_back_as_they_were(content, cuts):
    with store.stage(split(content, cuts), **LIMITS) as staged:
        assert staged.sha256 == staged.received_sha256 == digest(content)
        assert staged.size_bytes == staged.received_bytes == len(content)
        assert staged.newline_count == content.count(b"\n")
        assert staged.ends_with_newline == (not content or content.endswith(b"\n"))
        with transaction.atomic():
            blob = store.keep(staged, at=AT)

    packed = stored(blob.sha256)
    assert read(blob) == gzip.decompress(packed) == content
    with store.stored(blob.sha256) as file:
        assert file.read() == packed
    assert (digest(packed), len(packed)) == (blob.stored_sha256, blob.stored_bytes)
    start = len(content) // 3
    assert read(blob, offset=start, size=1000) == content[start : start + 1000]
    check_members(blob, content)


def check_members(blob: Blob, content: bytes) -> None:
    table = members.Table(blob.members)
    rows = [table[index] for index in range(len(table))]
    ends = [*(row.raw_offset for row in rows[1:]), len(content)]
    for row, end in zip(rows, ends, strict=True):
        part = content[row.raw_offset : end]
        assert len(part) <= members.WINDOW_BYTES
        assert row.newlines_before == content[: row.raw_offset].count(b"\n")
        if b"\n" in part and end < len(content):
            assert part.endswith(b"\n")


@everywhere
def test_zcat_gives_the_bytes_back(db):
    content = b"".join(b'{"line": %d}\n' % number for number in range(60_000))
    blob = keep(content)

    assert len(members.Table(blob.members)) > 2
    packed = stored(blob.sha256)
    shown = subprocess.run(["zcat"], input=packed, capture_output=True)
    assert (shown.returncode, shown.stdout) == (0, content)


def test_the_chunks_do_not_change_the_stored_bytes(db):
    content = os.urandom(300_000) + b"\n" + b"y" * 700_000

    with store.stage([content], **LIMITS) as whole:
        chunks = [content[at : at + 7919] for at in range(0, len(content), 7919)]
        with store.stage(chunks, **LIMITS) as parts:
            assert parts.stored_sha256 == whole.stored_sha256
            assert parts.members == whole.members


@everywhere
def test_same_bytes_are_kept_once(db):
    first, second = keep(b"same\n"), keep(b"same\n")

    assert first.pk == second.pk
    assert files() == [objects.objects().about(digest(b"same\n")).name]


@everywhere
def test_a_damaged_file_is_healed_by_the_same_bytes(db):
    blob = keep(b"precious\n" * 1000)
    overwrite(blob.sha256, stored(blob.sha256)[:-3])

    healed = keep(b"precious\n" * 1000)

    assert healed.pk == blob.pk
    assert read(healed) == b"precious\n" * 1000


@everywhere
def test_a_file_without_a_row_is_taken_over(db):
    blob = keep(b"left behind\n")
    blob.delete()

    assert read(keep(b"left behind\n")) == b"left behind\n"


@everywhere
def test_a_half_file_without_a_row_is_replaced(db):
    store.prepare()
    overwrite(digest(b"whole\n"), b"half")

    assert read(keep(b"whole\n")) == b"whole\n"


def test_a_staged_file_that_is_not_kept_is_removed():
    with store.stage([b"never mind\n"], **LIMITS) as staged:
        assert staged_files() == [staged.path]

    assert files() == []


@everywhere
def test_keeping_needs_a_transaction(transactional_db):
    with (
        store.stage([b"x"], **LIMITS) as staged,
        pytest.raises(RuntimeError, match="transaction"),
    ):
        store.keep(staged, at=AT)

    assert files() == []


def test_blobs_are_private_to_the_server_account(db):
    path = directory.path_of(keep(b"secret\n").sha256)

    assert path.stat().st_mode & 0o777 == 0o600


def test_read_text_decodes_utf8(db):
    assert store.read_text(keep("naïve ☂\n".encode())) == "naïve ☂\n"


@everywhere
@pytest.mark.parametrize("name", ["", "a" * 63, "../" + "a" * 61, "A" * 64, "a" * 65])
def test_only_a_digest_has_a_file(name):
    with pytest.raises(ValueError, match="SHA-256"):
        objects.objects().about(name)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'{"a": 1}\n{"b"', b'{"a": 1}\n'),
        (b'{"a": 1}\n{"b": 2}', b'{"a": 1}\n{"b": 2}'),
        (b'{"a": 1}\n{"b": 2} ', b'{"a": 1}\n{"b": 2} '),
        (b'{"a": 1}\n{"b": "}', b'{"a": 1}\n'),
        (b'{"a": 1}\nnot json', b'{"a": 1}\n'),
        (b'{"a": 1}\n[1, 2]', b'{"a": 1}\n'),
        (b'{"n": 1' + b"0" * 9000 + b"}", b'{"n": 1' + b"0" * 9000 + b"}"),
        (b'{"s": "\xff\xfe"}', b'{"s": "\xff\xfe"}'),
        (b'{"s": "\\ud800"}', b'{"s": "\\ud800"}'),
        (b'{"a":' * 90_000 + b"}" * 90_000, b""),
        (b"half", b""),
        (b"", b""),
    ],
)
def test_a_half_written_last_line_is_cut(content, kept):
    with store.stage([content], **LIMITS, whole_lines=True) as staged:
        assert b"".join(staged.read()) == kept
        assert (staged.sha256, staged.size_bytes) == (digest(kept), len(kept))
        assert staged.received_sha256 == digest(content)
        assert staged.received_bytes == len(content)
        assert staged.line_count == len(kept.splitlines())


@pytest.mark.parametrize("head", [b"", b"first\n", b"ab\n" * 200_000])
@pytest.mark.parametrize("is_complete", [True, False])
def test_a_last_line_longer_than_a_window_is_cut_too(db, head, is_complete):
    tail = b'{"long": "' + b"z" * 900_000 + (b'"}' if is_complete else b"")
    kept = head + tail if is_complete else head

    with store.stage([head + tail], **LIMITS, whole_lines=True) as staged:
        with store.stage([kept], **LIMITS) as expected:
            assert staged.stored_sha256 == expected.stored_sha256
            assert staged.members == expected.members
            assert staged.newline_count == expected.newline_count
            assert staged.ends_with_newline == expected.ends_with_newline
        assert b"".join(staged.read()) == kept
        with transaction.atomic():
            blob = store.keep(staged, at=AT)
    assert digest(stored(blob.sha256)) == blob.stored_sha256
