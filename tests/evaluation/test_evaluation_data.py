"""Files become conversations, conversations transcripts, rankings figures."""

from __future__ import annotations

import gzip
import json
import math
from datetime import UTC, datetime

import pytest

from evaluation import archive, data, scoring
from evaluation.archive import PACE
from evaluation.conversations import (
    BadEvaluationFile,
    Conversation,
    Message,
    Question,
)
from evaluation.needles import needles
from sessions.formats import lines as formats
from sessions.formats.state import State
from sessions.reading import Line

TALK = {
    "sample_id": "conv-26",
    "conversation": {
        "session_2_date_time": "1:56 pm on 8 May, 2023",
        "session_2": [
            {"dia_id": "D2:1", "speaker": "Ada", "text": "I wove a rug."},
            {
                "dia_id": "D2:2",
                "speaker": "Ben",
                "text": "Look!",
                "blip_caption": "a loom",
            },
        ],
        "session_10": [{"dia_id": "D10:1", "speaker": "Ada", "text": "Bye."}],
    },
    "qa": [
        {
            "question": "What did Ada weave?",
            "category": 4,
            "evidence": ["D2:01; D:10:1"],
        },
        {"question": "Who flew?", "category": 5, "evidence": ["D9:9"]},
    ],
}


def written(path, value):
    content = json.dumps(value).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def lines_of(content):
    raws = content.splitlines(keepends=True)
    return [Line(number, raw, len(raw)) for number, raw in enumerate(raws, start=1)]


def test_locomo_sessions_turns_and_mended_evidence_are_read(tmp_path):
    (talk,) = data.read("locomo", written(tmp_path / "talk.json.gz", [TALK]))

    assert [(m.id, m.session, m.role) for m in talk.messages] == [
        ("D2:1", "D2", "Ada"),
        ("D2:2", "D2", "Ben"),
        ("D10:1", "D10", "Ada"),
    ]
    assert talk.messages[1].text == "Look! [shares an image: a loom]"
    asked, unanswerable = talk.questions
    assert (asked.kind, asked.gold) == ("single-hop", {"D2:1", "D10:1"})
    assert asked.gold_sessions == {"D2", "D10"}
    assert not unanswerable.gold


def test_what_the_set_prints_reads_as_the_set(tmp_path):
    from evaluation.__main__ import as_json

    ours = data.ours()
    path = written(tmp_path / "ours.json", [as_json(each) for each in ours])

    again = data.read("qa", path)

    assert [each.messages for each in again] == [each.messages for each in ours]
    assert [q.gold for c in again for q in c.questions] == [
        q.gold for c in ours for q in c.questions
    ]


@pytest.mark.parametrize(
    "value", [{"a": 1}, [{"id": "x"}], [1]], ids=["object", "no messages", "number"]
)
def test_a_file_of_another_form_is_refused(tmp_path, value):
    with pytest.raises(BadEvaluationFile, match="not in the form qa"):
        data.read("qa", written(tmp_path / "x.json", value))


def test_gold_that_no_message_has_is_refused(tmp_path):
    message = {"id": "1", "session": "a", "role": "user", "text": "hello"}
    question = {"id": "q", "text": "?", "kind": "k", "gold": ["2"], "gold_sessions": []}
    entry = {"id": "c", "messages": [message], "questions": [question]}

    with pytest.raises(BadEvaluationFile, match=r"no \['2'\]"):
        data.read("qa", written(tmp_path / "x.json", [entry]))


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MOST_BYTES", 10)

    with pytest.raises(BadEvaluationFile, match="larger"):
        data.read("qa", written(tmp_path / "x.json.gz", [" " * 11]))


def test_dev_and_test_share_nothing_and_leave_nothing_out():
    ours = data.ours() * 2
    dev, kept = (data.chosen("qa", ours, which) for which in ("dev", "test"))

    assert [each.id for each in dev] == ["billing", "billing"]
    assert sorted(c.id for c in dev + kept) == sorted(c.id for c in ours)


@pytest.mark.parametrize("conversation", data.ours(), ids=lambda each: each.id)
def test_every_message_is_the_one_of_its_line(conversation):
    """What the product reads of the transcripts is what the conversation says."""
    archived = archive.archived(conversation)
    roles = {"tool": "tool_input", "result": "tool_output", "assistant": "assistant"}
    said = {
        archived.messages[transcript.session_id, message.line]: message
        for transcript in archived.transcripts
        for message in formats.parse(lines_of(transcript.content), state=State())
    }

    for message in conversation.messages:
        found = said[message.id]
        assert found.text == message.text
        assert found.role == roles.get(message.role, "user")
        assert found.speaker in ("", message.role)
    assert len(said) == len(conversation.messages)


def test_two_speakers_are_user_and_assistant_and_follow_one_another():
    when = "1:56 pm on 8 May, 2023"
    messages = [
        Message("1", "a b", "Ada", "Hello.", when),
        Message("2", "a b", "Ben", "Hello!", when),
    ]
    (transcript,) = archive.archived(Conversation("c", (*messages,), ())).transcripts
    first, second = map(json.loads, transcript.content.splitlines())

    assert [(first["role"], first["name"]), (second["role"], second["name"])] == [
        ("user", "Ada"),
        ("assistant", "Ben"),
    ]
    started = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert datetime.fromisoformat(first["timestamp"]) == started
    assert datetime.fromisoformat(second["timestamp"]) == started + PACE


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-02-05 14:32", datetime(2026, 2, 5, 14, 32, tzinfo=UTC)),
        ("2026-02-05T14:32:00+02:00", datetime(2026, 2, 5, 12, 32, tzinfo=UTC)),
        ("2023/05/20 (Sat) 02:21", datetime(2023, 5, 20, 2, 21, tzinfo=UTC)),
        ("March-15-2024", datetime(2024, 3, 15, tzinfo=UTC)),
        ("once upon a time", None),
        ("", None),
    ],
)
def test_times_are_understood_as_data_gives_them(when, expected):
    assert archive.moment(when) == expected


def test_scores_of_a_ranking_worked_out_by_hand():
    found = scoring.scores(["x", "b", "y", "z", "a"], frozenset("abc"))

    assert (found["hit@1"], found["hit@3"]) == (0, 1)
    assert (found["rec@3"], found["rec@5"]) == (1 / 3, 2 / 3)
    assert (found["all@10"], found["mrr"]) == (0, 1 / 2)
    gain = 1 / math.log2(3) + 1 / math.log2(6)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["ndcg@10"] == pytest.approx(gain / ideal)


def test_a_table_has_the_means_of_all_and_of_each_kind():
    right, wrong = (scoring.scores("a", frozenset(gold)) for gold in "ab")
    rows = [
        scoring.Score("1", "c", "why", {"message": right}),
        scoring.Score("2", "c", "who", {"message": wrong}),
        scoring.Score("3", "c", "who", {}),
    ]

    table = scoring.by_kind(rows, "message")

    assert [(kind, row["n"], row["hit@1"]) for kind, row in table.items()] == [
        ("ALL", 2, 0.5),
        ("who", 1, 0),
        ("why", 1, 1),
    ]
    assert scoring.by_kind(rows, "session") == {}


def test_percentiles_are_values_that_occurred():
    values = [float(n) for n in range(1, 101)]

    assert scoring.percentile(values, 0.5) == 50
    assert scoring.percentile(values, 0.95) == 95
    assert scoring.percentile([7.0], 0.95) == 7
    assert scoring.percentile([], 0.5) == 0


def test_needles_stand_once_and_are_taken_from_the_middle():
    around = "filler words " * 50
    long = f"alpha_beta {around} gamma_delta {around} eps_z_zz"
    talk = Conversation(
        "c",
        (
            Message("1", "a", "result", long),
            Message("2", "a", "user", "alpha_beta and the quick brown fox jumps"),
        ),
        (Question("q", "?", "k", frozenset("1"), frozenset("a")),),
    )

    asked = needles(talk, most=5).questions

    assert {(q.kind, q.text, *q.gold) for q in asked} == {
        ("name in result", "gamma_delta", "1"),
        ("phrase in user", '"and the quick brown fox"', "2"),
    }
