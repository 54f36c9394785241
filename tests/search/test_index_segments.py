from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import analysis
from search.index import merging, postings, vocabulary
from search.index.builder import Builder
from search.index.columns import TYPES, Columns, SourceKey, concatenate
from search.index.merging import merge
from search.index.packing import IndexDamaged
from search.index.segment import Segment
from search.index.terms import Terms

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NONE_DEAD = np.empty(0, np.int64)
WORDS = [
    "bake",
    "baking",
    "oven_timer",
    "bakery.py",
    "the",
    "sessions/uploads.py",
    "HTTPServer",
    "crème",
    "漢字",
    "flour",
]

PASSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.builds(
                SourceKey,
                st.integers(1, 2),
                st.sampled_from(["document", "transcript"]),
                st.integers(1, 3),
                st.sampled_from(["", "docs/oven.md"]),
            ),
            "position": st.integers(0, 2**31 - 1),
            "part": st.integers(0, 3),
            "role": st.sampled_from(["user", "assistant"]),
            "speaker": st.sampled_from(["", "Ann", "Bo\nb"]),
            "at": st.one_of(
                st.none(),
                st.integers(0, 10**8).map(lambda s: START + timedelta(seconds=s)),
            ),
            "flags": st.integers(0, 255),
            "fold": st.integers(0, 2**64 - 1),
            "text": st.one_of(
                st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
                st.text(max_size=30),
            ),
        }
    ),
    max_size=12,
).map(lambda rows: [row | {"passage_id": 64 + 3 * i} for i, row in enumerate(rows)])


def build(passages) -> Segment:
    builder = Builder()
    for passage in passages:
        builder.add(**passage)
    return builder.segment()


def place(passage):
    source = passage["source"]
    return (
        *(source.workspace_id, source.kind, source.source_id),
        *(passage["position"], passage["part"], passage["passage_id"]),
    )


def found(segment: Segment, term: int) -> dict[int, int]:
    """How often the term occurs, by passage."""
    (span,) = segment.terms.spans([term])
    if span is None:
        return {}
    offset, size = span
    docs, counts = postings.decode(segment.postings[offset : offset + size])
    ids = segment.columns.passage_ids[docs].tolist()
    return dict(zip(ids, counts.tolist(), strict=True))


@given(PASSAGES)
@settings(max_examples=60)
def test_every_term_is_found_where_and_as_often_as_it_occurs(passages):
    expected: dict[int, dict[int, int]] = {}
    surfaces: set[str] = set()
    for passage in passages:
        for run in analysis.runs(passage["text"]):
            entry = analysis.entry(run)
            surfaces.update(entry.surfaces)
            for term in entry.hashes:
                counts = expected.setdefault(term, Counter())
                counts[passage["passage_id"]] += 1

    segment = build(passages)

    assert segment.terms.hashes().tolist() == sorted(expected)
    assert {term: found(segment, term) for term in expected} == expected
    assert vocabulary.starting(segment.vocabulary, "", 10**6) == sorted(surfaces)


@given(PASSAGES)
@settings(max_examples=60)
def test_columns_say_what_was_added_in_the_order_of_the_sources(passages):
    packed = build(passages).pack()

    columns = Columns.unpack(packed.columns)

    ordered = sorted(passages, key=place)
    assert packed.passages == len(columns) == len(passages)
    assert columns.passage_ids.tolist() == [p["passage_id"] for p in ordered]
    assert [columns.source_keys[i] for i in columns.sources] == [
        p["source"] for p in ordered
    ]
    assert columns.positions.tolist() == [p["position"] for p in ordered]
    assert columns.parts.tolist() == [p["part"] for p in ordered]
    assert [columns.role_names[i] for i in columns.roles] == [
        p["role"] for p in ordered
    ]
    assert [columns.speaker_names[i] for i in columns.speakers] == [
        p["speaker"] for p in ordered
    ]
    assert columns.times.tolist() == [
        0 if p["at"] is None else int(p["at"].timestamp()) for p in ordered
    ]
    assert columns.flags.tolist() == [p["flags"] for p in ordered]
    assert columns.folds.tolist() == [p["fold"] for p in ordered]
    for name, dtype in TYPES.items():
        assert getattr(columns, name).dtype == dtype


def test_words_are_counted_as_positions_and_given_back():
    row = {
        "passage_id": 1,
        "source": SourceKey(1, "transcript", 1),
        "position": 0,
        "part": 0,
        "role": "user",
        "speaker": "",
        "at": None,
        "flags": 0,
        "fold": 0,
    }
    builder = Builder()

    builder.add(**row, text="the oven_timer rang")
    builder.add(**row | {"part": 1}, text="")
    builder.add(**row | {"part": 2}, text="ding " * 70_000)

    assert len(builder) == 3
    assert builder.segment().columns.word_counts.tolist() == [4, 0, 65_535]


@given(PASSAGES, st.data())
@settings(max_examples=80)
def test_a_merge_is_what_building_from_scratch_gives(passages, data):
    owners = data.draw(
        st.lists(st.integers(0, 2), min_size=len(passages), max_size=len(passages))
    )
    parts = [
        build([p for p, owner in zip(passages, owners, strict=True) if owner == part])
        for part in range(3)
    ]

    merged = merge([(part, NONE_DEAD) for part in parts])

    assert merged.pack() == build(passages).pack()


@given(PASSAGES, st.data())
@settings(max_examples=80)
def test_dead_passages_vanish_with_their_terms_and_surfaces(passages, data):
    dead_ids = data.draw(
        st.sets(st.sampled_from([p["passage_id"] for p in passages]))
        if passages
        else st.just(set())
    )
    cut = len(passages) // 2
    parts = []
    for half in (passages[:cut], passages[cut:]):
        segment = build(half)
        is_dead = np.isin(segment.columns.passage_ids, list(dead_ids))
        parts.append((segment, np.flatnonzero(is_dead).astype(np.int32)))

    merged = merge(parts)

    expected = build([p for p in passages if p["passage_id"] not in dead_ids])
    mine, theirs = merged.pack(), expected.pack()
    assert mine.columns == theirs.columns
    assert mine.terms == theirs.terms
    assert mine.postings == theirs.postings
    left = vocabulary.starting(merged.vocabulary, "", 10**6)
    used = set(merged.terms.hashes().tolist())
    assert set(left) >= set(vocabulary.starting(expected.vocabulary, "", 10**6))
    assert all(analysis.term_hash(analysis.term_of(word)) in used for word in left)


def many_passages(count: int = 300):
    return [
        {
            "passage_id": i,
            "source": SourceKey(1, "transcript", i % 7),
            "position": i,
            "part": 0,
            "role": "user",
            "speaker": f"speaker {i}",
            "at": START,
            "flags": 0,
            "fold": i,
            "text": f"common word number_{i} and {i % 11} loaves {'rye ' * (i % 5)}",
        }
        for i in range(count)
    ]


def test_slices_of_a_merge_and_of_a_build_do_not_show(monkeypatch):
    passages = many_passages()
    expected = build(passages).pack()
    parts = [(build(passages[start::3]), NONE_DEAD) for start in range(3)]

    monkeypatch.setattr(merging, "_SLICE_BYTES", 64)
    monkeypatch.setattr("search.index.builder._RUNS_AT_ONCE", 50)

    assert merge(parts).pack() == expected
    assert build(passages).pack() == expected


def test_names_that_no_longer_fit_their_table_become_the_empty_name(monkeypatch):
    monkeypatch.setattr("search.index.columns.MOST_SPEAKERS", 4)

    segment = build(many_passages(10))

    columns = segment.columns
    named = [columns.speaker_names[i] for i in columns.speakers]
    assert columns.speaker_names == ("", "speaker 0", "speaker 1", "speaker 2")
    assert named == [
        f"speaker {p}" if p < 3 else "" for p in columns.passage_ids.tolist()
    ]


def test_columns_of_several_segments_lie_one_after_the_other():
    first, second = many_passages(4), many_passages(6)[4:]
    parts = [build(first).columns, build(second).columns]

    together = concatenate(parts)

    assert together.passage_ids.tolist() == [
        *parts[0].passage_ids.tolist(),
        *parts[1].passage_ids.tolist(),
    ]
    for at, passage_id in enumerate(together.passage_ids.tolist()):
        assert together.speaker_names[together.speakers[at]] == f"speaker {passage_id}"
        assert together.source_keys[together.sources[at]].source_id == passage_id % 7
    assert len(concatenate([])) == 0


def test_postings_that_name_a_missing_passage_are_damage():
    longer, shorter = build(many_passages(20)), build(many_passages(5))
    wrong = Segment(
        columns=shorter.columns,
        terms=longer.terms,
        postings=longer.postings,
        vocabulary=longer.vocabulary,
    )

    with pytest.raises(IndexDamaged):
        merge([(wrong, NONE_DEAD)])


PACKED = build(many_passages(12)).pack()


@given(st.integers(0), st.integers(1, 255))
def test_a_changed_byte_in_columns_or_terms_is_damage(at, change):
    for data, unpack in (
        (PACKED.columns, Columns.unpack),
        (PACKED.terms, Terms.unpack),
    ):
        damaged = bytearray(data)
        damaged[at % len(data)] ^= change

        with pytest.raises(IndexDamaged):
            unpack(bytes(damaged))


@pytest.mark.parametrize("size", [0, 1, 8, 9, 30])
def test_columns_and_terms_cut_short_are_damage(size):
    with pytest.raises(IndexDamaged):
        Columns.unpack(PACKED.columns[:size])
    with pytest.raises(IndexDamaged):
        Terms.unpack(PACKED.terms[:size])


def test_columns_are_not_terms():
    with pytest.raises(IndexDamaged):
        Columns.unpack(PACKED.terms)
    with pytest.raises(IndexDamaged):
        Terms.unpack(PACKED.columns)
