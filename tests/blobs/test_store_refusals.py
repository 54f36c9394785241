from __future__ import annotations

import gzip
import os
import resource
import subprocess
import time
import zlib
from itertools import chain, repeat

import pytest
from django.db import transaction

from blobs import directory, members, places, store
from blobs.models import Blob
from blobs.objects import objects
from refusals import Code
from tests.archiving import AT, digest, files, in_child, overwrite, stored

LIMITS = {"max_bytes": 2**24}


def keep(content: bytes) -> Blob:
    with store.stage([content], **LIMITS) as staged, transaction.atomic():
        return store.keep(staged, at=AT)


def gunzip(*chunks: bytes, max_bytes: int = 2**24) -> bytes:
    return b"".join(store.gunzip(chunks, max_bytes=max_bytes))


def test_more_than_the_limit_is_too_large():
    with pytest.raises(store.BlobTooLarge):
        store.stage([b"x" * 60, b"x" * 60], max_bytes=100)

    assert files() == []


def test_exactly_the_limit_is_not_too_large():
    with store.stage([b"x" * 50, b"x" * 50], max_bytes=100) as staged:
        assert staged.size_bytes == 100


@pytest.mark.parametrize(
    "chunks",
    [
        [b"x" * 101],
        [b"ok\n" + b"x" * 101 + b"\n"],
        [b"x" * 60, b"x" * 60],
        [b"\n" + b"x" * 60, b"x" * 41 + b"\n"],
        [b"a\n" * 500 + b"x" * 101],
        [b"x" * 101 + b"\n" + b"a\n" * 500],
    ],
)
def test_a_line_past_the_longest_is_refused(chunks):
    with pytest.raises(store.LineTooLong):
        store.stage(chunks, **LIMITS, max_line_bytes=100)

    assert files() == []


@pytest.mark.parametrize(
    "chunks",
    [[b"x" * 100 + b"\n" + b"y" * 100], [b"x" * 50, b"x" * 50 + b"\n"], [b"\n" * 900]],
)
def test_lines_up_to_the_longest_are_kept(chunks):
    with store.stage(chunks, **LIMITS, max_line_bytes=100) as staged:
        assert b"".join(staged.read()) == b"".join(chunks)


def test_more_lines_than_an_upload_may_have_are_refused():
    with store.stage([b"a\n" * 500, b"\n" * 500], **LIMITS, max_lines=1000) as staged:
        assert staged.newline_count == 1000

    with pytest.raises(store.TooManyLines):
        store.stage([b"a\n" * 500, b"\n" * 501], **LIMITS, max_lines=1000)

    assert files() == []


def test_what_breaks_the_stream_leaves_no_file():
    def chunks():
        yield b"x" * 600_000
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        store.stage(chunks(), **LIMITS)

    assert files() == []


@pytest.fixture(params=["a full disk", "a file size limit"])
def small_disk(request, memory_root):
    """A place for blobs that takes about a megabyte."""
    if request.param == "a full disk":
        home = memory_root / "blobs"
        home.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=0", "tmpfs", home]
        if subprocess.run(mount, capture_output=True).returncode == 0:
            yield lambda: [objects().delete(entry.sha256) for entry in objects().list()]
            subprocess.run(["umount", home], check=True)
            return
    store.prepare()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_keeps_reads_and_recovers(db, small_disk):
    first = keep(os.urandom(400_000))
    before = files()

    with pytest.raises(store.StorageFull) as refused:
        keep(os.urandom(2_000_000))

    assert refused.value.code == Code.STORAGE_FULL
    assert files() == before
    assert Blob.objects.count() == 1
    assert len(b"".join(store.read(first))) == 400_000
    small_disk()
    assert keep(os.urandom(500_000)).size_bytes == 500_000


def test_a_disk_that_takes_nothing_is_unavailable(memory_root):
    store.prepare()
    (places.root() / places.STAGING).rmdir()
    (places.root() / places.STAGING).write_bytes(b"in the way")

    with pytest.raises(store.StorageUnavailable) as refused:
        store.stage([b"x"], **LIMITS)

    assert refused.value.code == Code.SERVICE_UNAVAILABLE


def test_an_unwritable_shard_leaves_neither_row_nor_file(db):
    content = b"nowhere to go\n"
    store.prepare()
    shard = directory.path_of(digest(content)).parent
    shard.rmdir()
    shard.write_bytes(b"in the way")

    with pytest.raises(store.StorageUnavailable), transaction.atomic():
        keep(content)

    assert (files(), Blob.objects.count()) == ([str(shard)], 0)


def test_a_missing_shard_is_made_again(db):
    content = b"after a restore\n"
    store.prepare()
    directory.path_of(digest(content)).parent.rmdir()

    assert b"".join(store.read(keep(content))) == content


def test_making_the_shards_twice_changes_nothing(db):
    keep(b"already here\n")
    before = files()

    store.prepare()
    store.prepare()

    assert files() == before
    assert len(list(places.root().iterdir())) == 257


@pytest.mark.usefixtures("each_place")
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "delete", "swap"])
def test_damaged_bytes_are_never_given_out(db, damage):
    content = b"".join(b"line %d\n" % number for number in range(90_000))
    blob = keep(content)
    packed = bytearray(stored(blob.sha256))
    if damage == "flip":
        packed[len(packed) // 2] ^= 4
    elif damage == "swap":
        cut = members.Table(blob.members)[1].file_offset
        packed = packed[cut:] + packed[:cut]
    overwrite(
        blob.sha256, bytes({"cut": packed[:-9], "empty": b""}.get(damage, packed))
    )
    if damage == "delete":
        objects().delete(blob.sha256)

    with pytest.raises(store.BlobDamaged) as refused:
        list(store.read(blob))

    assert refused.value.detail == {"sha256": blob.sha256}


def test_gunzip_takes_members_in_any_chunks():
    packed = (
        gzip.compress(b"one\n" * 9999, mtime=0)
        + gzip.compress(b"", mtime=0)
        + gzip.compress(b"two", mtime=0)
    )

    for step in (1, 7, 4096, len(packed)):
        chunks = [packed[at : at + step] for at in range(0, len(packed), step)]
        assert gunzip(*chunks) == b"one\n" * 9999 + b"two"


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 15])
def test_gunzip_refuses_truncated_data(cut):
    with pytest.raises(store.ContentRefused):
        gunzip(gzip.compress(b"hello\n" * 100, mtime=0)[:-cut])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text",
        zlib.compress(b"zlib is not gzip"),
        gzip.compress(b"x", mtime=0) + b"garbage",
        gzip.compress(b"x", mtime=0) + b"\0",
        gzip.compress(b"x", mtime=0) + gzip.compress(b"y", mtime=0)[:5],
    ],
)
def test_gunzip_refuses_what_is_not_gzip_all_through(content):
    with pytest.raises(store.ContentRefused):
        gunzip(content)


def test_gunzip_refuses_a_wrong_checksum():
    packed = bytearray(gzip.compress(b"hello\n" * 100, mtime=0))
    packed[-6] ^= 1

    with pytest.raises(store.ContentRefused):
        gunzip(bytes(packed))


def test_gunzip_stops_at_the_limit():
    packed = gzip.compress(os.urandom(5000))

    assert len(gunzip(packed, max_bytes=5000)) == 5000
    with pytest.raises(store.BlobTooLarge):
        gunzip(packed, max_bytes=4999)


def test_repetitive_but_small_content_is_no_bomb():
    content = b"{}\n" * 1_000_000

    assert gunzip(gzip.compress(content, mtime=0)) == content


@pytest.mark.parametrize("unit", [b"\0" * 2**20, b"{}\n" * 349_525])
def test_a_bomb_is_cut_soon_and_in_bounded_memory(unit):
    bomb = gzip.compress(unit, 9, mtime=0) * 200

    def explode() -> None:
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        try:
            store.stage(
                store.gunzip([bomb], max_bytes=2**31),
                max_bytes=2**31,
                max_line_bytes=64 * 2**20,
                whole_lines=True,
            )
        except store.ContentRefused:
            assert time.process_time() - started < 0.5
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
            assert grown < 64 * 1024
        else:
            raise AssertionError("The bomb went in.")

    assert in_child(explode) == 0
    assert files() == []


def test_staging_a_large_stream_takes_little_memory():
    line = b'{"content": "' + os.urandom(500).hex().encode() + b'"}\n'

    def stage() -> None:
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        chunks = chain(repeat(line * 64, 2000), [b'{"half'])
        staged = store.stage(
            chunks, max_bytes=2**31, max_line_bytes=2**26, whole_lines=True
        )
        with staged:
            assert staged.newline_count == 128_000
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
        assert grown < 16 * 1024

    assert in_child(stage) == 0
