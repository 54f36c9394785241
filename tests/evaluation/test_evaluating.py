"""The gate: over the real API, our set's answers rank no lower than they have been.

A floor lies a little below what was measured when it was set. Raise it when ranking
gets better; never lower it to let a change through.
"""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from evaluation import data, printing, scoring
from evaluation.measuring import Measured

FLOORS = {
    "keyword.message.hit@1": 64,
    "keyword.message.hit@10": 85,
    "keyword.session.hit@5": 91,
    "hybrid.message.hit@1": 66,
    "hybrid.message.hit@10": 92,
    "hybrid.session.hit@5": 95,
}
NEEDLES = {"identifier", "phrase", "error", "path"}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What `manage.py evaluate` wrote; it fails when a floor is missed."""
    path = tmp_path_factory.mktemp("evaluate") / "figures.json"
    printed = StringIO()
    call_command(
        "evaluate",
        mode=["keyword", "hybrid"],
        needles=4,
        floor=[f"{name}={least}" for name, least in FLOORS.items()],
        json=path,
        stdout=printed,
        stderr=StringIO(),
    )
    return json.loads(path.read_bytes()), printed.getvalue()


def test_no_floor_is_missed_and_every_question_was_asked(found):
    figures, printed = found
    asked = sum(len(each.questions) for each in data.ours())

    for mode in ("keyword", "hybrid"):
        assert len(figures["ours"][mode]["questions"]) == asked
        assert f"ours · {mode} · message level" in printed
        assert f"ours · {mode} · session level" in printed


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_what_stands_once_is_found_first_wherever_it_stands(found, mode):
    figures, _ = found
    questions = figures["ours needles"][mode]["questions"]

    missed = [q for q in questions if not q["levels"]["message"]["hit@1"]]

    assert missed == []
    assert {q["kind"].split()[-1] for q in questions} >= {"tool", "result", "people"}


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_needles_of_questions_that_spell_them_are_found_first(found, mode):
    figures, _ = found
    spelled = {
        question.id
        for conversation in data.ours()
        for question in conversation.questions
        if question.kind in NEEDLES
        and question.needle
        and question.needle.casefold() in question.text.casefold()
    }
    asked = [
        q for q in figures["ours"][mode]["questions"] if q["question_id"] in spelled
    ]

    assert len(asked) == len(spelled) > 40
    assert [q for q in asked if not q["levels"]["message"]["hit@1"]] == []


def measured(*hits):
    right, wrong = (scoring.scores(["a"], frozenset(gold)) for gold in "ab")
    rows = [
        scoring.Score(str(n), "c", "why", {"message": right if hit else wrong})
        for n, hit in enumerate(hits)
    ]
    return {"keyword": Measured(rows, [1.0]), "hybrid": Measured(rows[:1], [1.0])}


def test_a_floor_is_of_one_mode_or_of_all():
    known = measured(True, False)

    assert printing.missed(known, "message.hit@1=50") == []
    assert printing.missed(known, "hybrid.message.hit@1=100") == []
    assert printing.missed(known, "message.hit@1=51") == [
        "keyword.message.hit@1 is 50.0, below 51"
    ]


@pytest.mark.parametrize(
    "floor",
    [
        "hit@1=50",
        "message.hit@2=50",
        "message.hit@1",
        "message.hit@1=much",
        "semantic.message.hit@1=50",
        "session.hit@1=50",
    ],
)
def test_a_floor_of_nothing_that_was_measured_is_refused(floor):
    with pytest.raises(ValueError):
        printing.missed(measured(True), floor)


def test_a_missed_floor_and_a_broken_file_end_the_command_with_an_error(tmp_path):
    path = tmp_path / "small.json"
    message = {"id": "1", "session": "s", "role": "user", "text": "The weft is red."}
    asked = {"id": "q", "text": "warp", "kind": "fact", "gold": ["1"]}
    question = {**asked, "gold_sessions": ["s"]}
    path.write_text(
        json.dumps([{"id": "c", "messages": [message], "questions": [question]}])
    )
    run = {"mode": ["keyword"], "data": [("qa", path)], "stdout": StringIO()}

    with pytest.raises(CommandError, match=r"small: keyword.message.hit@1 is 0.0"):
        call_command("evaluate", **run, floor=["message.hit@1=1"], stderr=StringIO())

    path.write_text("not JSON")
    with pytest.raises(CommandError, match="not in the form qa"):
        call_command("evaluate", **run, stderr=StringIO())
