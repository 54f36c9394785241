"""What only a bucket can do: be away, be shared by processes, and be read in ranges."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from blobs import members, store
from blobs.bucket import Bucket
from blobs.models import Blob
from blobs.objects import objects
from jobs import running
from jobs.models import Job
from refusals import Code
from sessions.models import Transcript
from tests.archiving import AT, files, jsonl, make_workspace, receive

pytestmark = pytest.mark.parametrize("each_place", ["bucket"], indirect=True)


@pytest.fixture(autouse=True)
def in_a_bucket(each_place):
    """Every test here."""


def keep(content: bytes) -> Blob:
    with store.stage([content], max_bytes=2**26) as staged, transaction.atomic():
        return store.keep(staged, at=AT)


def read(blob: Blob, **options) -> bytes:
    return b"".join(store.read(blob, **options))


@pytest.fixture
def asked(each_place):
    """What is asked of the store from here on: operations and ranges."""
    seen: list[tuple[str, str]] = []
    events = objects()._client.meta.events

    def note(request, event_name, **_):
        ranged = request.headers.get("Range", b"")
        seen.append((event_name.rpartition(".")[2], ranged.decode().partition("=")[2]))

    events.register("before-send.s3", note)
    yield seen
    events.unregister("before-send.s3", note)


def test_a_page_asks_for_one_member_and_a_whole_file_for_few_pieces(db, asked):
    content = b"".join(os.urandom(60).hex().encode() + b"\n" for _ in range(30_000))
    blob = keep(content)
    table = members.Table(blob.members)
    assert len(table) > 10
    asked.clear()

    middle = table[len(table) // 2]
    assert (
        read(blob, offset=middle.raw_offset + 9, size=50)
        == (content[middle.raw_offset + 9 :][:50])
    )
    last_byte = table[len(table) // 2 + 1].file_offset - 1
    assert asked == [("GetObject", f"{middle.file_offset}-{last_byte}")]

    asked.clear()
    assert read(blob) == content
    assert len(asked) < 6


def test_known_bytes_are_not_sent_again(db, asked):
    first = keep(b"once\n")
    asked.clear()

    assert keep(b"once\n") == first
    assert [operation for operation, _ in asked] == ["HeadObject"]


def test_only_bytes_that_arrived_whole_are_taken(db):
    with store.stage([b"honest\n"], max_bytes=99) as staged:
        staged.stored_sha256 = "0" * 64
        with pytest.raises(store.StorageUnavailable), transaction.atomic():
            store.keep(staged, at=AT)

    assert (files(), Blob.objects.count()) == ([], 0)


def test_an_upload_while_the_store_is_away_is_refused_and_leaves_nothing(
    db, bucket_away
):
    workspace = make_workspace()
    bucket_away()

    with pytest.raises(store.StorageUnavailable) as refused:
        receive(workspace, jsonl("one"))

    assert refused.value.code == Code.SERVICE_UNAVAILABLE
    bucket_away(False)
    assert (files(), Transcript.objects.count(), Job.objects.count()) == ([], 0, 0)
    assert receive(workspace, jsonl("one")).outcome == "stored"


def test_reading_while_the_store_is_away_is_no_damage(db, bucket_away):
    blob = keep(b"still there\n")
    bucket_away()

    with pytest.raises(store.StorageUnavailable):
        read(blob)
    with pytest.raises(CommandError, match="bucket"):
        call_command("verify", stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError, match="bucket"):
        call_command("sweep", "--grace-seconds", "0", stdout=io.StringIO())

    bucket_away(False)
    assert read(blob) == b"still there\n"


@pytest.mark.django_db(transaction=True)
def test_work_waits_for_the_store_and_is_not_given_up(bucket_away):
    receive(make_workspace(), jsonl("one"))
    bucket_away()
    now = timezone.now()
    for attempt in range(running.MAX_ATTEMPTS + 2):
        running.run_due(clock=lambda n=attempt: now + timedelta(minutes=n))

    bucket_away(False)
    running.run_due(clock=lambda: now + timedelta(hours=1))

    assert Transcript.objects.get().indexed_line_count == 1


def test_a_bucket_that_is_not_there_is_told_at_installation(settings, object_store):
    options = object_store.storage("x")["OPTIONS"]
    missing = options["url"].replace("s3://archive/", "s3://nowhere/")

    with pytest.raises(store.StorageUnavailable):
        Bucket(**{**options, "url": missing}).prepare()
    Bucket(**options).prepare()


@pytest.mark.parametrize(
    "url", ["/data/blobs", "https://s3.example/archive", "s3://", "s3://a?ssl=off"]
)
def test_only_an_address_of_a_bucket_is_taken(url):
    with pytest.raises(ImproperlyConfigured):
        Bucket(url=url)
