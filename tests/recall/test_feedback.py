from __future__ import annotations

from dataclasses import replace

import pytest
from recallable import ASSISTANT, NOW, everywhere, project, remember

from memories.models import Feedback
from recall import feedback, recalling
from recall.recalling import Wanted
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db

OTHER = replace(ASSISTANT, token_id=8)


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def say(said: str, request_id: str, principal=ASSISTANT) -> None:
    feedback.verdict(principal, request_id=request_id, said=said, at=NOW)


def test_a_verdict_is_taken_about_ones_own_answer_and_may_change():
    asker = replace(ASSISTANT, request_id="asked-verdict")
    recalling.look_up(everywhere(), Wanted(text="quince"), asker=asker, at=NOW)

    say("positive", "asked-verdict")
    say("negative", "asked-verdict")

    assert [row.verdict for row in Feedback.objects.all()] == ["negative"]


def test_nobody_judges_an_answer_that_was_not_theirs():
    asker = replace(ASSISTANT, request_id="asked-by-one")
    recalling.look_up(everywhere(), Wanted(text="quince"), asker=asker, at=NOW)

    with pytest.raises(feedback.AnswerUnknown):
        say("positive", "asked-by-one", OTHER)
    with pytest.raises(feedback.AnswerUnknown):
        say("positive", "never-asked")
    assert not Feedback.objects.exists()


def test_what_was_of_use_in_a_pack_is_kept_and_may_be_judged():
    feedback.of_context(
        ASSISTANT, trace_id="trace-1", used=["1", "2"], unused=["3"], at=NOW
    )
    say("positive", "trace-1")

    rows = list(Feedback.objects.order_by("pk"))
    assert (rows[0].used, rows[0].unused) == (["1", "2"], ["3"])
    assert [row.verdict for row in rows] == ["", "positive"]


def test_feedback_changes_no_ranking():
    workspace = project()
    for number in range(4):
        remember(workspace, f"Quince tree number {number}.")

    def order():
        found = recalling.look_up(everywhere(), Wanted(text="quince tree"), at=NOW)
        return [(hit.passage.passage_id, hit.score) for hit in found.hits]

    before = order()
    last = str(before[-1][0])
    for number in range(10):
        feedback.of_context(
            ASSISTANT, trace_id=f"t{number}", used=[last], unused=[], at=NOW
        )

    assert order() == before


@pytest.mark.parametrize(
    ("trace_id", "used"),
    [("", []), ("x" * 129, []), ("t", ["1"] * 201), ("t", [""]), ("t", ["x" * 129])],
)
def test_feedback_is_bounded(trace_id, used):
    with pytest.raises(InvalidArgument):
        feedback.of_context(ASSISTANT, trace_id=trace_id, used=used, unused=[], at=NOW)


@pytest.mark.parametrize("said", ["", "great"])
def test_a_verdict_is_positive_or_negative(said):
    with pytest.raises(InvalidArgument):
        say(said, "asked")
