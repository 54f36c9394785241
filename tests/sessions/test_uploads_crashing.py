"""Killed at every named point, the archive is as before or as after, never between."""

from __future__ import annotations

import signal

import pytest

from audit.models import Event
from blobs import sweeping
from blobs.models import Blob
from jobs.models import Job
from recall import verifying
from sessions.models import Segment, Transcript
from tests.archiving import (
    LATER,
    blob_files,
    bytes_of,
    check_files_are_whole,
    files,
    in_child,
    jsonl,
    make_workspace,
    receive,
)

pytestmark = pytest.mark.django_db(transaction=True)
STAGING = ["after-temp-create", "mid-write"]
OF_DIRECTORY = ["before-fsync", "after-fsync", "after-link", "after-dirsync"]
OF_BUCKET = ["before-put", "after-put"]
BEFORE_COMMIT = [*STAGING, *OF_DIRECTORY, *OF_BUCKET, "before-commit"]
AFTER_COMMIT = ["after-commit", "before-reply"]
everywhere = pytest.mark.parametrize(
    ("each_place", "point"),
    [
        *(
            ("directory", each)
            for each in BEFORE_COMMIT + AFTER_COMMIT
            if each not in OF_BUCKET
        ),
        *(("bucket", each) for each in [*OF_BUCKET, "before-commit", *AFTER_COMMIT]),
    ],
    indirect=["each_place"],
)
HEAD = jsonl("one", "two")
WHOLE = HEAD + jsonl("three")


def rows() -> tuple[int, ...]:
    kinds = Transcript, Segment, Blob, Event, Job
    return tuple(kind.objects.count() for kind in kinds)


def check_invariants() -> None:
    check_files_are_whole()
    report = verifying.verify(deep=True, progress=lambda *_: None)
    assert report.damages == []
    assert Segment.objects.count() == Event.objects.count()


@everywhere
def test_a_killed_first_upload_can_be_sent_again(each_place, point):
    workspace = make_workspace()

    status = in_child(lambda: receive(workspace, WHOLE), crash_at=point)

    assert status == -signal.SIGKILL
    check_invariants()
    acknowledged = Transcript.objects.first()
    assert (acknowledged is None) == (point in BEFORE_COMMIT)
    if acknowledged is None:
        assert rows() == (0, 0, 0, 0, 0)
    again = receive(workspace, WHOLE)
    if acknowledged:
        assert (again.outcome, again.transcript) == ("deduplicated", acknowledged)
    else:
        assert again.outcome == "stored"
    check_recovered(again.transcript)


@everywhere
def test_a_killed_append_can_be_sent_again(each_place, point):
    workspace = make_workspace()
    head = receive(workspace, HEAD).transcript
    before = rows()

    status = in_child(lambda: receive(workspace, WHOLE), crash_at=point)

    assert status == -signal.SIGKILL
    check_invariants()
    if point in BEFORE_COMMIT:
        assert rows() == before
        assert bytes_of(head) == HEAD
    again = receive(workspace, WHOLE)
    assert again.transcript == head
    assert again.outcome == ("appended" if point in BEFORE_COMMIT else "deduplicated")
    check_recovered(again.transcript)


def check_recovered(transcript: Transcript) -> None:
    check_invariants()
    assert bytes_of(transcript) == WHOLE
    assert len(blob_files()) == Blob.objects.count()
    sweeping.sweep(at=LATER, grace_seconds=3600)
    assert len(files()) == Blob.objects.count()
    assert bytes_of(transcript) == WHOLE


@pytest.mark.parametrize(
    ("each_place", "point"),
    [("directory", "after-dirsync"), ("bucket", "after-put")],
    indirect=["each_place"],
)
def test_a_file_left_by_a_killed_upload_is_swept(each_place, point):
    workspace = make_workspace()
    in_child(lambda: receive(workspace, WHOLE), crash_at=point)
    assert len(blob_files()) == 1

    swept = sweeping.sweep(at=LATER, grace_seconds=3600)

    assert (swept.rows, swept.files, swept.temporary_files) == (0, 1, 1)
    assert files() == []


def test_without_a_crash_point_the_child_finishes():
    workspace = make_workspace()

    assert in_child(lambda: receive(workspace, WHOLE), crash_at="mid-write:99") == 0
    assert bytes_of(Transcript.objects.get()) == WHOLE
