from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db import transaction

from blobs import places, store, sweeping
from blobs.models import Blob
from sessions.models import Transcript
from tests.archiving import (
    AT,
    bytes_of,
    files,
    in_child,
    jsonl,
    make_workspace,
    receive,
)

pytestmark = pytest.mark.django_db
HOUR = 3600


def keep(content: bytes) -> Blob:
    with store.stage([content], max_bytes=2**20) as staged, transaction.atomic():
        return store.keep(staged, at=AT)


def age(hours: float) -> None:
    """Make every file look as old as that at AT."""
    stamp = (AT - timedelta(hours=hours)).timestamp()
    for path in files():
        os.utime(path, (stamp, stamp))


def sweep(**options) -> sweeping.Swept:
    return sweeping.sweep(at=AT, grace_seconds=HOUR, **options)


def test_old_blobs_that_nothing_mentions_go():
    blob = keep(b"unwanted\n")
    age(2)

    assert sweep() == sweeping.Swept(
        rows=1, files=1, temporary_files=0, freed_bytes=blob.stored_bytes
    )
    assert (Blob.objects.count(), files()) == (0, [])


def test_young_blobs_stay():
    keep(b"perhaps wanted\n")
    age(0.5)

    assert sweep() == sweeping.Swept(0, 0, 0, 0)
    assert (Blob.objects.count(), len(files())) == (1, 1)


def test_mentioned_blobs_stay_however_old():
    transcript = receive(make_workspace(), jsonl("one")).transcript
    age(9999)

    assert sweep() == sweeping.Swept(0, 0, 0, 0)
    assert bytes_of(transcript) == jsonl("one")


def test_blobs_of_deleted_transcripts_go():
    receive(make_workspace(), jsonl("one"))
    Transcript.objects.all().delete()
    age(2)

    assert sweep().rows == 1


def test_files_without_rows_and_temporary_files_go_when_old():
    keep(b"row lost\n").delete()
    (places.root() / places.STAGING / "left").write_bytes(b"half")
    store.make_shards()
    stray = places.root() / "00" / "notes.txt"
    stray.write_bytes(b"not ours")
    age(2)
    (places.root() / places.STAGING / "running").write_bytes(b"still written")
    os.utime(places.root() / places.STAGING / "running", (AT.timestamp(),) * 2)

    swept = sweep()

    assert (swept.rows, swept.files, swept.temporary_files) == (0, 1, 1)
    assert [path.name for path in files()] == ["notes.txt", "running"]


def test_a_temporary_file_of_a_living_upload_stays_however_old():
    with store.stage([b"slow"], max_bytes=99) as staged:
        age(9999)

        assert sweep().temporary_files == 0
        assert b"".join(staged.read()) == b"slow"


def test_a_row_without_its_file_goes():
    blob = keep(b"file lost\n")
    store.path_of(blob.sha256).unlink()

    assert sweep() == sweeping.Swept(1, 0, 0, 0)
    assert Blob.objects.count() == 0


def test_a_dry_run_tells_the_same_and_removes_nothing():
    keep(b"one\n")
    keep(b"two\n").delete()
    (places.root() / places.STAGING / "left").write_bytes(b"half")
    age(2)
    before = files()

    told = sweep(dry_run=True)

    assert files() == before
    assert Blob.objects.count() == 1
    assert sweep() == told
    assert files() == []


def test_sweeping_an_empty_archive_does_nothing():
    assert sweep() == sweeping.Swept(0, 0, 0, 0)


def test_keeping_makes_an_old_blob_young_again():
    keep(b"wanted again\n")
    age(9999)

    keep(b"wanted again\n")

    assert sweep() == sweeping.Swept(0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_blob_that_an_upload_holds_is_left_alone():
    keep(b"contested\n")
    age(2)
    with (
        transaction.atomic(),
        store.stage([b"contested\n"], max_bytes=99) as staged,
    ):
        store.keep(staged, at=AT)
        age(2)

        assert in_child(lambda: check(sweep() == sweeping.Swept(0, 0, 0, 0))) == 0

    assert sweep().rows == 1


def check(is_true: bool) -> None:
    assert is_true
