from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories import scoring
from memories.models import Memory


def scores(text="We ship on Friday", memory_type="fact", newest=(), **given):
    values = {"metadata": {}, "confidence": None, "importance": None, "is_pinned": None}
    return scoring.scores(
        text=text, memory_type=memory_type, newest=newest, **values | given
    )


def test_confidence_is_worked_out_of_type_and_length():
    # 0.45 * 0.65 + 0.4 * 0.5 + 0.15 * 0.2
    assert scoring.confidence_of("x" * 300, "fact") == pytest.approx(0.5225)
    # 0.45 * 0.4 + 0.2 + 0.15 * 0.1
    assert scoring.confidence_of("x" * 22, "") == pytest.approx(0.395)


def test_priority_is_worked_out_of_its_five_parts():
    priority = scoring.priority_of(
        memory_type="correction",
        confidence=0.8,
        novelty=0.5,
        importance=9,
        source_weight=2,
    )

    assert priority == pytest.approx(0.32 + 0.2 + 0.075 + 0.1 + 0.1)


@given(
    st.sampled_from(["", *Memory.Type.values]),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0.01, 100),
    st.floats() | st.booleans() | st.text(max_size=5),
)
def test_every_score_keeps_its_bounds(memory_type, confidence, importance, weight):
    found = scores(
        memory_type=memory_type,
        confidence=confidence,
        importance=importance,
        metadata={"source_weight": weight} if weight == weight else {},
    )

    assert 0 <= found.confidence <= 1
    assert 0 <= found.priority <= 1
    assert 0.01 <= found.importance <= 100
    assert 0.25 <= found.source_weight <= 2


@pytest.mark.parametrize(
    ("source", "weight"),
    [
        ("system", 1.2),
        ("my webhook", 1.2),
        ("import", 0.9),
        ("agent", 1.05),
        ("x", 1.0),
    ],
)
def test_a_source_has_its_weight(source, weight):
    assert scores(metadata={"source": source}).source_weight == weight


def test_what_was_said_already_is_less_new():
    assert scores(newest=["We ship on Friday"]).priority < scores().priority


def test_tiers_begin_at_their_bounds():
    assert [scoring.tier_of(value) for value in (0.85, 0.67, 0.45, 0.44)] == [
        "critical",
        "hot",
        "warm",
        "cold",
    ]


def test_a_pin_and_what_is_sure_and_important_are_pinned_by_themselves():
    sure = {"confidence": 1.0, "importance": 100.0}

    assert scores(memory_type="pin").is_pinned
    assert scores(memory_type="correction", **sure).is_pinned
    assert not scores(memory_type="note", **sure).is_pinned
    assert not scores(memory_type="pin", is_pinned=False).is_pinned
