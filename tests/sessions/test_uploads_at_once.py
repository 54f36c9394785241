from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from blobs import sweeping
from blobs.models import Blob
from sessions import uploads
from sessions.models import Segment, Transcript
from tests.archiving import (
    LATER,
    blob_files,
    bytes_of,
    check_files_are_whole,
    digest,
    files,
    jsonl,
    make_workspace,
    other_connection,
    receive,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(acts):
    """Run every act in a thread of its own, all let go together; their results."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        with other_connection():
            barrier.wait(timeout=60)
            return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.usefixtures("each_place")
def test_a_hundred_identical_uploads_make_one_blob():
    workspace = make_workspace()
    content = jsonl(*(f"turn {number}" for number in range(2000)))
    slots = threading.Semaphore(30)

    def upload():
        with slots, other_connection():
            return receive(workspace, content)

    receipts = at_once([upload] * 100)

    assert sorted(receipt.outcome for receipt in receipts) == (
        ["deduplicated"] * 99 + ["stored"]
    )
    assert {receipt.transcript.pk for receipt in receipts} == {
        Transcript.objects.get().pk
    }
    assert {receipt.sha256 for receipt in receipts} == {digest(content)}
    assert (Blob.objects.count(), Segment.objects.count()) == (1, 1)
    assert files() == blob_files()
    check_files_are_whole()


def test_the_same_bytes_under_many_names_share_one_blob():
    workspace = make_workspace()
    content = jsonl("shared")

    receipts = at_once(
        [
            lambda name=f"s{number}": receive(workspace, content, session_id=name)
            for number in range(16)
        ]
    )

    assert [receipt.outcome for receipt in receipts] == ["stored"] * 16
    assert (Blob.objects.count(), Segment.objects.count()) == (1, 16)
    assert len(files()) == 1


def test_two_writers_of_growing_copies_both_end_right():
    workspace = make_workspace()
    rows = [jsonl(f"turn {number}") for number in range(40)]
    states = [b"".join(rows[: number + 1]) for number in range(40)]

    def whole():
        return [receive(workspace, state) for state in states]

    def by_base():
        receipts = []
        for number, state in enumerate(states):
            before = states[number - 1] if number else b""
            receipts.append(append(workspace, state, before))
        return receipts

    first, second = at_once([whole, by_base])

    transcript = Transcript.objects.get()
    assert bytes_of(transcript) == states[-1]
    assert transcript.line_count == 40
    assert {receipt.outcome for receipt in first + second} <= {
        "stored",
        "appended",
        "deduplicated",
        "stale",
    }
    assert {receipt.transcript.pk for receipt in first + second} == {transcript.pk}


def append(workspace, state: bytes, before: bytes) -> uploads.Receipt:
    try:
        return receive(
            workspace,
            state[len(before) :],
            base_offset=len(before),
            base_sha256=digest(before),
        )
    except uploads.BaseMismatch:
        # The client goes on as the hint says.
        return receive(workspace, state)


def test_two_different_continuations_are_both_kept():
    workspace = make_workspace()
    head = jsonl("shared")
    receive(workspace, head)
    sides = [head + jsonl(side) for side in ("left", "right")]

    receipts = at_once([lambda side=side: receive(workspace, side) for side in sides])

    assert sorted(receipt.outcome for receipt in receipts) == ["appended", "forked"]
    for receipt, side in zip(receipts, sides, strict=True):
        assert bytes_of(receipt.transcript) == side
    assert Transcript.objects.filter(is_latest=True).count() == 1


@pytest.mark.usefixtures("each_place")
def test_a_sweep_never_takes_what_an_upload_is_keeping():
    workspace = make_workspace()
    contents = [jsonl(f"content {number}") for number in range(8)]
    is_over = threading.Event()

    def upload_and_forget():
        for lap in range(6):
            for number, content in enumerate(contents):
                receive(workspace, content, session_id=f"s{number}-{lap}")
                if lap % 2:
                    Segment.objects.filter(blob__sha256=digest(content)).delete()
        return [
            (receive(workspace, content, session_id=f"final{number}"), content)
            for number, content in enumerate(contents)
        ]

    def upload():
        try:
            return upload_and_forget()
        finally:
            is_over.set()

    def sweep():
        while not is_over.is_set():
            sweeping.sweep(at=LATER, grace_seconds=0)
            time.sleep(0.02)

    final, _, _ = at_once([upload, sweep, sweep])

    for receipt, content in final:
        assert bytes_of(receipt.transcript) == content
    check_files_are_whole()
