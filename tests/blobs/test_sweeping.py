from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from blobs import directory, places, store, sweeping
from blobs.models import Blob
from blobs.objects import objects
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

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_place")]
HOUR = 3600


def keep(content: bytes) -> Blob:
    with store.stage([content], max_bytes=2**20) as staged, transaction.atomic():
        return store.keep(staged, at=AT)


def sweep(*, hours: float = 2, **options) -> sweeping.Swept:
    """Sweep as it would be done so many hours from now."""
    at = timezone.now() + timedelta(hours=hours)
    return sweeping.sweep(at=at, grace_seconds=HOUR, **options)


def leave_temporary(name: str) -> None:
    store.prepare()
    (places.root() / places.STAGING / name).write_bytes(b"half")


def test_old_blobs_that_nothing_mentions_go():
    blob = keep(b"unwanted\n")

    assert sweep() == sweeping.Swept(
        rows=1, files=1, temporary_files=0, freed_bytes=blob.stored_bytes
    )
    assert (Blob.objects.count(), files()) == (0, [])


def test_young_blobs_stay():
    keep(b"perhaps wanted\n")

    assert sweep(hours=0.5) == sweeping.Swept(0, 0, 0, 0)
    assert (Blob.objects.count(), len(files())) == (1, 1)


def test_mentioned_blobs_stay_however_old():
    transcript = receive(make_workspace(), jsonl("one")).transcript

    assert sweep(hours=9999) == sweeping.Swept(0, 0, 0, 0)
    assert bytes_of(transcript) == jsonl("one")


def test_blobs_of_deleted_transcripts_go():
    receive(make_workspace(), jsonl("one"))
    Transcript.objects.all().delete()

    assert sweep().rows == 1


def test_files_without_rows_and_temporary_files_go_when_old():
    keep(b"row lost\n").delete()
    leave_temporary("left")
    leave_temporary("running")
    later = timezone.now().timestamp() + 2 * HOUR
    os.utime(places.root() / places.STAGING / "running", (later, later))

    swept = sweep()

    assert (swept.rows, swept.files, swept.temporary_files) == (0, 1, 1)
    assert [os.path.basename(name) for name in files()] == ["running"]


@pytest.mark.parametrize("each_place", ["directory"], indirect=True)
def test_what_is_none_of_ours_stays():
    store.prepare()
    stray = places.root() / "00" / "notes.txt"
    stray.write_bytes(b"not ours")

    assert sweep(hours=9999) == sweeping.Swept(0, 0, 0, 0)
    assert files() == [str(stray)]


def test_a_temporary_file_of_a_living_upload_stays_however_old():
    with store.stage([b"slow"], max_bytes=99) as staged:
        assert sweep(hours=9999).temporary_files == 0
        assert b"".join(staged.read()) == b"slow"


def test_a_row_without_its_file_goes():
    blob = keep(b"file lost\n")
    objects().delete(blob.sha256)

    assert sweep() == sweeping.Swept(1, 0, 0, 0)
    assert Blob.objects.count() == 0


def test_a_dry_run_tells_the_same_and_removes_nothing():
    keep(b"one\n")
    keep(b"two\n").delete()
    leave_temporary("left")
    before = files()

    told = sweep(dry_run=True)

    assert files() == before
    assert Blob.objects.count() == 1
    assert sweep() == told
    assert files() == []


def test_sweeping_an_empty_archive_does_nothing():
    assert sweep() == sweeping.Swept(0, 0, 0, 0)


@pytest.mark.parametrize("each_place", ["directory"], indirect=True)
def test_keeping_makes_an_old_file_young_again():
    path = directory.path_of(keep(b"wanted again\n").sha256)
    os.utime(path, (0, 0))

    keep(b"wanted again\n")

    assert sweep(hours=0.5) == sweeping.Swept(0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_blob_that_an_upload_holds_is_left_alone():
    keep(b"contested\n")
    with (
        transaction.atomic(),
        store.stage([b"contested\n"], max_bytes=99) as staged,
    ):
        store.keep(staged, at=AT)

        assert in_child(lambda: check(sweep() == sweeping.Swept(0, 0, 0, 0))) == 0

    assert sweep().rows == 1


def check(is_true: bool) -> None:
    assert is_true
