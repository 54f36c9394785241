from __future__ import annotations

import hashlib
from datetime import timedelta

import client_lines as written
import numpy as np
import pytest
from django.utils import timezone

from audit.trail import Actor
from jobs import running
from jobs.handlers import LeaseLost
from jobs.models import Job
from search import catalogue
from search import passages as kept
from search.models import Finding
from search.passages import Source
from sessions import indexing, shortening, uploads
from sessions.models import Transcript
from workspaces import registering

pytestmark = pytest.mark.django_db

SYNC = Actor(name="sync")
FAKE_KEY = "AKIA" + "Z7Q2M4K6P2R3T5V7"
PROGRESS = [
    "line_count",
    "indexed_line_count",
    "indexed_message_count",
    "turn_count",
    "unknown_line_count",
    "client",
    "title",
    "cwd",
    "git_branch",
    "model_names",
    "started_at",
    "ended_at",
    "origin_key",
]
PASSAGE = [
    "position",
    "part",
    "first_line",
    "last_line",
    "lines_sha256",
    "role",
    "channel",
    "at",
    "text",
]


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


@pytest.fixture
def workspace():
    made, _ = registering.register(
        machine="loom-1",
        tool="claude-code",
        project="weaving",
        actor=SYNC,
        at=timezone.now(),
    )
    return made


def upload(workspace, lines, session_id="s-1", **options):
    body = lines if isinstance(lines, bytes) else b"".join(lines)
    receipt = uploads.receive(
        workspace=workspace,
        session_id=session_id,
        chunks=[body],
        actor=SYNC,
        at=timezone.now(),
        **options,
    )
    return receipt.transcript


def index(transcript, renew=lambda: None):
    indexing.index(transcript.pk, renew=renew, at=timezone.now())
    transcript.refresh_from_db()
    return transcript


def passages(transcript, *fields):
    source = Source(transcript.workspace_id, "transcript", transcript.pk)
    return [
        tuple(
            getattr(passage, name, None) or getattr(passage.facts, name, None)
            for name in fields or PASSAGE
        )
        for passage in kept.of_source(source)
    ]


def folds(transcript):
    """What tells search that passages are the same, in order."""
    known = catalogue.current()
    ids = [each for (each,) in passages(transcript, "passage_id")]
    return known.folds[known.locate(np.array(ids, np.int64))].tolist()


def progress(transcript):
    transcript.refresh_from_db()
    return {name: getattr(transcript, name) for name in PROGRESS}


def test_an_uploaded_transcript_is_indexed_by_its_job(workspace):
    transcript = upload(workspace, written.claude_session())

    running.run_due()
    assert not Job.objects.exclude(error="").exists()
    transcript.refresh_from_db()
    assert transcript.indexed_line_count == transcript.line_count == 19
    assert len(passages(transcript)) == 12


def test_a_transcript_learns_what_it_is_about_from_its_lines(workspace):
    transcript = index(upload(workspace, written.claude_session(turns=2)))

    assert transcript.client == "claude-code"
    assert transcript.title == "Please mend loom number 0"
    assert (transcript.cwd, transcript.git_branch) == ("/home/ada/loom", "main")
    assert transcript.model_names == ["claude-sonnet-9"]
    assert transcript.turn_count == 2
    assert transcript.started_at == written.START
    assert transcript.ended_at == written.START + timedelta(seconds=14)
    assert transcript.unknown_line_count == 0


def test_a_title_is_masked_and_short(workspace):
    words = f"<ide_selection>x</ide_selection>Use {FAKE_KEY} to " + "weave " * 100
    transcript = index(upload(workspace, [written.prompt(1, words)]))

    assert transcript.title.startswith("Use ")
    assert FAKE_KEY not in transcript.title
    assert len(transcript.title) == 200


def test_a_transcript_without_times_has_those_of_its_uploads(workspace):
    transcript = index(upload(workspace, [written.plain("user", "hello")]))

    assert transcript.started_at == transcript.ended_at == transcript.created_at


def test_a_time_far_ahead_does_not_become_the_session_s_end(workspace):
    lines = [written.prompt(1, "x"), written.prompt(2_000_000_000, "y")]
    transcript = index(upload(workspace, lines))

    assert transcript.ended_at == written.START + timedelta(seconds=1)


def test_each_passage_carries_the_digest_of_its_lines(workspace):
    lines = written.claude_session(turns=1)
    transcript = index(upload(workspace, lines))

    for first, last, sha256 in passages(
        transcript, "first_line", "last_line", "lines_sha256"
    ):
        assert sha256 == hashlib.sha256(b"".join(lines[first - 1 : last])).hexdigest()


def test_secrets_are_found_and_never_indexed(workspace):
    lines = [
        written.prompt(1, "Deploy the loom"),
        written.result(2, "t1", f"aws_access_key_id = {FAKE_KEY}"),
    ]
    transcript = index(upload(workspace, lines))

    assert not any(FAKE_KEY in text for (text,) in passages(transcript, "text"))
    assert Finding.objects.get(source_id=transcript.pk).line == 2


@pytest.mark.parametrize("pieces", [1, 2, 7, 19])
def test_indexing_as_it_grows_is_indexing_at_once(workspace, pieces):
    lines = written.claude_session()
    whole = index(upload(workspace, lines, "at-once"))
    ends = [len(lines) * piece // pieces for piece in range(1, pieces + 1)]
    for end in ends:
        growing = index(upload(workspace, lines[:end], "growing"))

    assert passages(growing) == passages(whole)
    expected = progress(whole)
    assert progress(growing) == expected


def test_codex_twins_are_indexed_once_across_uploads(workspace):
    lines = written.codex_events_session()
    for end in range(1, len(lines) + 1):
        transcript = index(upload(workspace, lines[:end]))

    assert [text for (text,) in passages(transcript, "text")] == [
        "Count the threads",
        "Twelve.",
    ] * 2


def test_indexing_twice_changes_nothing(workspace):
    transcript = index(upload(workspace, written.claude_session()))
    before = passages(transcript, "passage_id", *PASSAGE), progress(transcript)

    index(transcript)

    assert (
        passages(transcript, "passage_id", *PASSAGE),
        progress(transcript),
    ) == before


def test_forgetting_and_indexing_again_gives_the_same(workspace):
    transcript = index(upload(workspace, written.claude_session()))
    before = passages(transcript), progress(transcript)

    indexing.forget(transcript.pk)
    assert passages(transcript) == []
    index(transcript)

    assert (passages(transcript), progress(transcript)) == before


def test_a_lost_lease_stops_between_batches_and_another_goes_on(workspace, monkeypatch):
    monkeypatch.setattr(indexing, "BATCH_LINES", 5)
    whole = index(upload(workspace, written.claude_session(), "whole"))
    transcript = upload(workspace, written.claude_session(), "stopped")
    renewals = iter(range(2))

    def renew():
        if next(renewals, None) is None:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        index(transcript, renew)
    transcript.refresh_from_db()
    assert transcript.indexed_line_count == 10
    index(transcript)

    assert passages(transcript) == passages(whole)


def test_two_runs_at_once_do_not_mix(workspace, monkeypatch):
    monkeypatch.setattr(indexing, "BATCH_LINES", 5)
    transcript = upload(workspace, written.claude_session())
    other = []

    def index_meanwhile():
        if not other:
            other.append(True)
            index(Transcript.objects.get(pk=transcript.pk))

    with pytest.raises(indexing.Overtaken):
        index(transcript, index_meanwhile)

    transcript.refresh_from_db()
    assert transcript.indexed_line_count == 19
    assert len(passages(transcript)) == 12


def test_broken_lines_are_counted_and_the_rest_is_indexed(workspace):
    lines = [
        b"\x00\x00\x00\n",
        written.prompt(
            1, "Still here \ud800 and\x00there".encode("utf-8", "replace").decode()
        ),
        b'{"n":' + b"9" * 5000 + b"}\n",
        b'{"type":"user","message":{"content":"a\\u0000b\\ud800"},"uuid":5}\n',
        b"[" * 5000 + b"\n",
    ]
    transcript = index(upload(workspace, lines))

    assert transcript.unknown_line_count == 3
    assert [text for (text,) in passages(transcript, "text")][1] == "a\ufffdb\ufffd"


def test_a_last_line_s_citation_follows_its_newline(workspace):
    first = written.prompt(1, "Wind the bobbin").rstrip(b"\n")
    second = written.prompt(2, "And the shuttle")
    transcript = index(upload(workspace, first))
    assert (
        passages(transcript, "lines_sha256")[0][0] == hashlib.sha256(first).hexdigest()
    )

    transcript = index(upload(workspace, first + b"\n" + second))

    assert passages(transcript, "first_line", "lines_sha256") == [
        (1, hashlib.sha256(first + b"\n").hexdigest()),
        (2, hashlib.sha256(second).hexdigest()),
    ]
    assert transcript.turn_count == 2


def test_a_new_revision_replaces_the_old_one_in_the_index(workspace):
    old = index(upload(workspace, [written.prompt(1, "Weave linen")]))
    new = index(upload(workspace, [written.prompt(1, "Weave wool")]))

    assert new.revision == 2
    assert passages(old) == []
    assert [text for (text,) in passages(new, "text")] == ["Weave wool"]
    # The old one's job, should it come late, does nothing.
    index(old)
    assert passages(old) == []


def test_a_fork_names_its_parent_and_repeats_its_passages(workspace):
    lines = written.claude_session()
    more = [written.prompt(90, "Another way, then", session="s-2")]
    copied = [line.replace(b'"s-1"', b'"s-2"') for line in lines]
    parent = index(upload(workspace, lines, "s-1"))
    fork = index(upload(workspace, copied + more, "s-2"))
    stranger = index(upload(workspace, [written.prompt(200, "Hello")], "s-3"))

    assert fork.forked_from == parent
    assert parent.forked_from is None
    assert stranger.forked_from is None
    shared = folds(parent)
    assert folds(fork)[: len(shared)] == shared
    assert not set(folds(stranger)) & set(shared)


def test_a_fork_is_found_though_it_was_indexed_before_its_parent(workspace):
    lines = written.claude_session()
    parent = upload(workspace, lines, "s-1")
    fork = index(upload(workspace, [*lines, written.prompt(90, "x")], "s-2"))
    index(parent)

    fork.refresh_from_db()
    assert fork.forked_from == parent


def test_a_subagent_s_transcript_has_its_own_turns_and_title(workspace):
    lines = [
        written.prompt(1, "Search the shed", isSidechain=True, agentId="a1"),
        written.answer(2, written.text("Nothing there"), isSidechain=True),
    ]
    transcript = index(upload(workspace, lines, agent_id="a1"))

    assert (transcript.title, transcript.turn_count) == ("Search the shed", 1)
    assert passages(transcript, "channel") == [("assistant",), ("assistant",)]


def test_the_middle_of_a_long_tool_output_is_indexed(workspace):
    output = "begins " + "much " * 5000 + "middle " + "more " * 5000 + "ends"
    transcript = index(upload(workspace, [written.result(1, "t", output)]))

    text = "\n".join(text for (text,) in passages(transcript, "text"))
    assert text.split() == output.split()


def test_of_a_dump_of_data_both_ends_are_indexed(workspace, monkeypatch):
    monkeypatch.setattr(shortening, "INDEXED", shortening.Bound(4000, 1000))
    output = "begins " + "middle " * 5000 + "ends"
    transcript = index(upload(workspace, [written.result(1, "t", output)]))

    text = "\n".join(text for (text,) in passages(transcript, "text"))
    assert text.startswith("begins")
    assert text.endswith("ends")
    assert "characters are not indexed" in text
    assert len(text) < 10_000


def test_what_a_person_wrote_is_indexed_whole(workspace):
    text = "thread " * 5000 + "the very last knot"
    transcript = index(upload(workspace, [written.prompt(1, text)]))

    assert sum(part.count("thread") for (part,) in passages(transcript, "text")) == 5000


def test_a_cut_leaves_no_half_of_a_key():
    key = (
        "-----BEGIN RSA PRIVATE KEY-----\n"
        + "MIIEow\n" * 300
        + "-----END RSA PRIVATE KEY-----"
    )
    bound = shortening.Bound(head_chars=1000, tail_chars=500)
    text = "x " * 100 + key + "\ny" * 5000

    assert "MIIEow" not in shortening.shorten(text, bound)
    assert "MIIEow" not in shortening.shorten("x " * 5000 + key, bound)


def test_a_cut_falls_between_words():
    text = "secret_of_many_letters " * 1000
    ends = shortening.shorten(text, shortening.Bound(head_chars=1001, tail_chars=501))

    assert set(ends.replace("[", " ").split()) <= {
        "secret_of_many_letters",
        "…",
        "characters",
        "are",
        "not",
        "indexed",
        "…]",
        *[word for word in ends.split() if word.isdigit()],
    }


def test_a_job_for_a_transcript_that_is_gone_does_nothing(workspace):
    transcript = upload(workspace, written.claude_session())
    Transcript.objects.all().delete()

    running.run_due()
    assert Job.objects.get(subject=str(transcript.pk)).error == ""
