from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.index import postings
from search.index.packing import IndexDamaged

COUNTS = st.one_of(st.just(1), st.integers(1, 300), st.integers(1, 2**16 - 1))
LISTS = st.dictionaries(st.integers(0, 2**24 - 1), COUNTS, min_size=1, max_size=30)


def encode(lists: list[dict[int, int]]):
    rows = [
        (rank, doc, count)
        for rank, postings_of in enumerate(lists)
        for doc, count in postings_of.items()
    ]
    ordered = postings.keys(*np.array(rows, np.int64).reshape(-1, 3).T)
    ordered.sort()
    return postings.encode(ordered)


@given(LISTS)
def test_a_posting_list_comes_back(expected):
    data, ranks, sizes = encode([expected])

    docs, counts = postings.decode(data)

    assert (ranks.tolist(), sizes.tolist()) == ([0], [len(data)])
    assert docs.tolist() == sorted(expected)
    assert counts.tolist() == [expected[doc] for doc in sorted(expected)]


@given(st.lists(LISTS, max_size=12))
def test_neighbouring_lists_come_back_together_and_one_by_one(expected):
    data, ranks, sizes = encode(expected)

    together = postings.decode_many(data, sizes)
    until = np.cumsum(sizes)
    alone = [
        postings.decode(data[end - size : end])
        for end, size in zip(until, sizes, strict=True)
    ]

    assert ranks.tolist() == list(range(len(expected)))
    assert [
        dict(zip(d.tolist(), c.tolist(), strict=True)) for d, c in alone
    ] == expected
    assert together.owners.tolist() == [
        at for at, postings_of in enumerate(expected) for _ in postings_of
    ]
    assert together.docs.tolist() == [doc for docs, _ in alone for doc in docs.tolist()]
    assert together.counts.tolist() == [
        n for _, counts in alone for n in counts.tolist()
    ]


def test_many_lists_are_cut_between_terms_while_they_are_encoded(monkeypatch):
    lists = [{doc: doc % 3 + 1 for doc in range(rank, 300, rank)} for rank in (7, 1, 3)]
    whole = encode(lists)

    monkeypatch.setattr(postings, "_KEYS_AT_ONCE", 40)

    for mine, expected in zip(encode(lists), whole, strict=True):
        assert bytes(mine) == bytes(expected)


def test_neighbours_that_occur_once_take_one_byte_each():
    data, _, _ = encode([dict.fromkeys(range(1000, 1500), 1)])

    assert len(data) == 501


def test_a_count_past_the_largest_becomes_it():
    data, _, _ = encode([{3: 70_000}])

    assert postings.decode(data)[1].tolist() == [65_535]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",  # goes on, but nothing follows
        b"\x01",  # says that a count follows, and none does
        b"\x01\x01\x05",  # one count for two documents
        b"\xff\xff\xff\xff\x01",  # longer than any number
        b"\xff\xff\xff\x7f",  # a document past the last that can be
    ],
)
def test_bytes_that_are_no_posting_list_are_damage(data):
    with pytest.raises(IndexDamaged):
        postings.decode(data)
    with pytest.raises(IndexDamaged):
        postings.decode_many(data + b"\x00", np.array([len(data), 1]))


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_are_ascending_documents_or_damage(data):
    try:
        docs, counts = postings.decode(data)
    except IndexDamaged:
        return
    assert np.all(np.diff(docs) > 0)
    assert docs[0] >= 0
    assert len(docs) == len(counts)


@pytest.mark.parametrize("sizes", [[1, 1], [2, 2], [4], [1, 1, 1, 1]])
def test_lengths_that_do_not_fit_the_bytes_are_damage(sizes):
    data, _, _ = encode([{300: 1}, {1: 1}])

    with pytest.raises(IndexDamaged):
        postings.decode_many(data, np.array(sizes))
