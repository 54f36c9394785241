from __future__ import annotations

import pytest
from django.db import OperationalError

from audit.models import Event
from blobs import store
from blobs.models import Blob
from blobs.objects import objects
from jobs import outbox
from jobs.models import Job
from refusals import InvalidArgument
from sessions import uploads
from sessions.models import Segment, Transcript
from tests.archiving import AT, bytes_of, digest, files, jsonl, make_workspace, receive

pytestmark = pytest.mark.django_db
ONE, TWO, THREE = jsonl("one"), jsonl("two"), jsonl("three")


@pytest.fixture
def workspace():
    return make_workspace()


def counts() -> tuple[int, ...]:
    kinds = Transcript, Segment, Blob, Event, Job
    return (*(kind.objects.count() for kind in kinds), len(files()))


def facts(receipt: uploads.Receipt) -> tuple[str, str, int, int]:
    return receipt.outcome, receipt.sha256, receipt.size_bytes, receipt.line_count


def test_a_first_upload_is_stored(workspace):
    receipt = receive(workspace, ONE + TWO)

    assert facts(receipt) == ("stored", digest(ONE + TWO), len(ONE + TWO), 2)
    assert bytes_of(receipt.transcript) == ONE + TWO
    assert receipt.transcript.started_at == receipt.transcript.ended_at == AT


def test_a_first_upload_leaves_a_trail_and_work(workspace):
    receipt = receive(workspace, ONE, agent_id="a1")

    event = Event.objects.get()
    assert (event.action, event.actor, event.target) == (
        "session.upload",
        "laptop sync",
        "one/a1",
    )
    assert event.workspace_slug == workspace.slug
    assert event.detail == {
        "outcome": "stored",
        "revision": 1,
        "size_bytes": len(ONE),
        "sha256": digest(ONE),
    }
    job = Job.objects.get()
    assert (job.verb, job.subject) == (
        "transcripts.index",
        str(receipt.transcript.pk),
    )


def test_the_same_bytes_again_change_nothing(workspace):
    first = receive(workspace, ONE)
    before = counts()

    second = receive(workspace, ONE)

    assert facts(second) == ("deduplicated", digest(ONE), len(ONE), 1)
    assert second.transcript == first.transcript
    assert counts() == before


def test_a_grown_file_adds_only_what_is_new(workspace):
    first = receive(workspace, ONE)

    second = receive(workspace, ONE + TWO + THREE)

    assert facts(second) == (
        "appended",
        digest(ONE + TWO + THREE),
        len(ONE + TWO + THREE),
        3,
    )
    assert second.transcript == first.transcript
    assert bytes_of(first.transcript) == ONE + TWO + THREE
    sizes = Segment.objects.order_by("number").values_list("first_offset", "size_bytes")
    assert list(sizes) == [(0, len(ONE)), (len(ONE), len(TWO + THREE))]
    assert Blob.objects.filter(sha256=digest(TWO + THREE)).exists()
    assert {entry.sha256 for entry in objects().list()} == set(
        Blob.objects.values_list("sha256", flat=True)
    )


def test_a_shorter_prefix_is_stale(workspace):
    first = receive(workspace, ONE + TWO)
    before = counts()

    second = receive(workspace, ONE)

    assert facts(second) == ("stale", first.sha256, first.size_bytes, 2)
    assert counts() == before


def test_an_empty_file_is_stale_once_there_is_more(workspace):
    receive(workspace, ONE)

    assert receive(workspace, b"").outcome == "stale"


def test_other_bytes_open_a_revision_and_keep_the_first(workspace):
    first = receive(workspace, ONE + TWO)

    second = receive(workspace, ONE + THREE)

    assert facts(second) == ("forked", digest(ONE + THREE), len(ONE + THREE), 2)
    first.transcript.refresh_from_db()
    assert (first.transcript.revision, first.transcript.is_latest) == (1, False)
    assert (second.transcript.revision, second.transcript.is_latest) == (2, True)
    assert second.transcript.forked_from == first.transcript
    assert bytes_of(first.transcript) == ONE + TWO
    assert bytes_of(second.transcript) == ONE + THREE


def test_each_side_of_a_fork_keeps_growing(workspace):
    receive(workspace, ONE + TWO)
    receive(workspace, ONE + THREE)

    again = receive(workspace, ONE + TWO)
    grown = receive(workspace, ONE + TWO + THREE)

    assert (again.outcome, again.transcript.revision) == ("deduplicated", 1)
    assert (grown.outcome, grown.transcript.revision) == ("appended", 1)
    assert Transcript.objects.count() == 2


def test_a_shorter_file_that_differs_is_a_fork(workspace):
    receive(workspace, ONE + TWO + THREE)

    assert receive(workspace, ONE + jsonl("2")).outcome == "forked"


def test_subagents_and_workspaces_have_transcripts_of_their_own(workspace):
    other = make_workspace("server-codex-web")
    receipts = [
        receive(workspace, ONE),
        receive(workspace, ONE, agent_id="a1"),
        receive(workspace, ONE, agent_id="a2"),
        receive(other, ONE),
    ]

    assert [receipt.outcome for receipt in receipts] == ["stored"] * 4
    assert Transcript.objects.count() == 4
    assert Blob.objects.count() == 1


def test_a_half_written_last_line_waits_for_the_next_upload(workspace):
    first = receive(workspace, ONE + TWO[:-9])
    second = receive(workspace, ONE + TWO + THREE[:5])

    assert facts(first) == ("stored", digest(ONE), len(ONE), 1)
    assert first.cut_bytes == len(TWO) - 9
    assert facts(second) == ("appended", digest(ONE + TWO), len(ONE + TWO), 2)
    assert second.cut_bytes == 5


def test_a_file_that_ends_without_a_newline_is_whole(workspace):
    first = receive(workspace, ONE + TWO[:-1])
    second = receive(workspace, ONE + TWO + THREE[:-1])

    assert facts(first)[2:] == (len(ONE + TWO) - 1, 2)
    assert (first.cut_bytes, second.cut_bytes) == (0, 0)
    assert facts(second) == (
        "appended",
        digest(ONE + TWO + THREE[:-1]),
        len(ONE + TWO + THREE) - 1,
        3,
    )
    assert Segment.objects.get(number=2).newlines_before == 1


def test_nothing_but_half_a_line_is_refused(workspace):
    before = counts()

    with pytest.raises(uploads.NothingToKeep):
        receive(workspace, ONE[:-4])

    assert counts() == before


def test_bytes_that_are_no_text_are_kept_verbatim(workspace):
    content = b'\0\xff\xfe\n{"a": "\\ud800"}\r\n\n\n1e999999\n'

    assert bytes_of(receive(workspace, content).transcript) == content


def append(workspace, content: bytes, after: bytes, **options) -> uploads.Receipt:
    options.setdefault("base_sha256", digest(after))
    return receive(workspace, content, base_offset=len(after), **options)


def test_an_append_sends_only_what_is_new(workspace):
    receive(workspace, ONE)

    receipt = append(workspace, TWO, after=ONE, sha256=digest(TWO))

    assert facts(receipt) == ("appended", digest(ONE + TWO), len(ONE + TWO), 2)
    assert bytes_of(receipt.transcript) == ONE + TWO


def test_an_append_without_a_base_begins_a_transcript(workspace):
    assert append(workspace, ONE, after=b"").outcome == "stored"


def test_a_repeated_append_changes_nothing(workspace):
    receive(workspace, ONE)
    append(workspace, TWO, after=ONE)
    before = counts()

    receipt = append(workspace, TWO, after=ONE)

    assert facts(receipt) == ("deduplicated", digest(ONE + TWO), len(ONE + TWO), 2)
    assert counts() == before


def test_an_overlapping_append_adds_the_rest(workspace):
    receive(workspace, ONE + TWO)

    receipt = append(workspace, TWO + THREE, after=ONE)

    assert facts(receipt)[:2] == ("appended", digest(ONE + TWO + THREE))
    assert Segment.objects.get(number=2).size_bytes == len(THREE)


def test_an_append_that_ends_inside_is_stale(workspace):
    receive(workspace, ONE + TWO + THREE)

    assert append(workspace, TWO, after=ONE).outcome == "stale"
    assert append(workspace, b"", after=ONE).outcome == "stale"


def test_an_append_of_nothing_is_deduplicated(workspace):
    receive(workspace, ONE)

    assert append(workspace, b"", after=ONE).outcome == "deduplicated"


def test_an_overlap_that_differs_forks_with_the_shared_beginning(workspace):
    first = receive(workspace, ONE + TWO)

    receipt = append(workspace, THREE, after=ONE)

    assert facts(receipt)[:2] == ("forked", digest(ONE + THREE))
    assert bytes_of(receipt.transcript) == ONE + THREE
    assert bytes_of(first.transcript) == ONE + TWO


def test_an_append_can_continue_an_older_revision(workspace):
    receive(workspace, ONE + TWO)
    receive(workspace, THREE + TWO)

    receipt = append(workspace, THREE, after=ONE + TWO)

    assert (receipt.outcome, receipt.transcript.revision) == ("appended", 1)
    assert bytes_of(receipt.transcript) == ONE + TWO + THREE


@pytest.mark.parametrize("after", [ONE + TWO + THREE, THREE, THREE[1:5]])
def test_a_gap_or_another_base_says_where_to_go_on(workspace, after):
    head = receive(workspace, ONE + TWO)
    before = counts()

    with pytest.raises(uploads.BaseMismatch) as refused:
        append(workspace, THREE, after=after)

    assert refused.value.detail == {
        "size_bytes": head.size_bytes,
        "sha256": head.sha256,
    }
    assert counts() == before


def test_an_append_to_nothing_is_a_mismatch(workspace):
    with pytest.raises(uploads.BaseMismatch) as refused:
        append(workspace, TWO, after=ONE)

    assert refused.value.detail == {"size_bytes": 0, "sha256": digest(b"")}


@pytest.mark.parametrize(
    ("offset", "sha256"), [(-1, digest(b"")), (5, None), (5, "nonsense"), (5, "")]
)
def test_a_malformed_base_is_refused(workspace, offset, sha256):
    with pytest.raises(InvalidArgument):
        receive(workspace, ONE, base_offset=offset, base_sha256=sha256)


def test_a_wrong_digest_of_the_body_is_refused(workspace):
    before = counts()

    with pytest.raises(store.HashMismatch):
        receive(workspace, ONE, sha256=digest(TWO))

    assert counts() == before


def test_the_digest_is_of_the_body_as_it_was_sent(workspace):
    sent = ONE + TWO[:-3]

    assert receive(workspace, sent, sha256=digest(sent).upper()).outcome == "stored"


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "ü", "a" * 129, "a\n"])
def test_an_odd_name_is_refused(workspace, name):
    with pytest.raises(InvalidArgument):
        receive(workspace, ONE, session_id=name)
    if name:
        with pytest.raises(InvalidArgument):
            receive(workspace, ONE, agent_id=name)

    assert counts() == (0, 0, 0, 0, 0, 0)


def test_the_limit_counts_the_base_too(workspace, settings):
    settings.MAX_TRANSCRIPT_BYTES = len(ONE + TWO)
    receive(workspace, ONE)
    before = counts()

    with pytest.raises(store.BlobTooLarge):
        append(workspace, TWO + THREE, after=ONE)

    assert counts() == before
    assert append(workspace, TWO, after=ONE).outcome == "appended"


def test_a_long_line_is_refused_and_leaves_nothing(workspace, settings):
    settings.MAX_LINE_BYTES = 1000
    before = counts()

    with pytest.raises(store.LineTooLong):
        receive(workspace, ONE + jsonl("x" * 1000))

    assert counts() == before


@pytest.mark.django_db(transaction=True)
def test_a_failure_before_the_commit_leaves_nothing(workspace, monkeypatch):
    before = counts()[:-1]

    def fail(**_: object) -> None:
        raise OperationalError("the database went away")

    monkeypatch.setattr(outbox, "ask", fail)
    with pytest.raises(OperationalError):
        receive(workspace, ONE)

    assert counts()[:-1] == before
    # The file may stay: nothing mentions it, and a sweep removes it.
    assert len(files()) == 1


def test_an_upload_moves_the_last_activity_forward(workspace):
    type(workspace).objects.update(last_active_at=AT.replace(year=2020))
    receive(workspace, ONE)

    workspace.refresh_from_db()
    assert workspace.last_active_at == AT
