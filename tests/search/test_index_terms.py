from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.index.packing import IndexDamaged
from search.index.terms import Terms

# Few upper halves, so that many terms differ in the last eight bits alone.
HASHES = st.one_of(
    st.integers(0, 2**40 - 1), st.integers(0, 3 * 256), st.just(2**40 - 1)
)
SIZES = st.dictionaries(HASHES, st.integers(1, 10_000), max_size=60)


def terms_of(sizes: dict[int, int]) -> Terms:
    return Terms.of(
        np.array(sorted(sizes), np.uint64),
        np.array([sizes[term] for term in sorted(sizes)], np.int64),
        start=1,
    )


@given(SIZES, st.lists(HASHES, max_size=10))
def test_every_term_has_its_span_and_no_other_has_one(sizes, others):
    expected, offset = {}, 1
    for term in sorted(sizes):
        expected[term] = (offset, sizes[term])
        offset += sizes[term]
    asked = [*sizes, *others]

    terms = Terms.unpack(terms_of(sizes).pack())

    assert terms.spans(asked) == [expected.get(term) for term in asked]
    assert terms.hashes().tolist() == sorted(sizes)
    assert terms.holds(np.array(asked, np.uint64)).tolist() == [
        term in sizes for term in asked
    ]


def test_a_hash_longer_than_forty_bits_is_no_term():
    terms = terms_of({5: 1})

    assert terms.spans([5 + 2**40, 2**63]) == [None, None]


def test_terms_take_nine_bytes_each():
    terms = terms_of({term * 977: 3 for term in range(1000)})

    size = terms.high.nbytes + terms.low.nbytes + terms.offsets.nbytes
    assert size == 9 * 1000 + 4


def test_postings_past_four_gibibytes_are_refused():
    with pytest.raises(ValueError, match="4 GiB"):
        terms_of({1: 2**31, 2: 2**31})


def test_terms_out_of_order_are_damage():
    twice = Terms(
        high=np.array([1, 1], np.uint32),
        low=np.array([2, 2], np.uint8),
        offsets=np.array([1, 2, 3], np.uint32),
    )

    with pytest.raises(IndexDamaged):
        Terms.unpack(twice.pack())
