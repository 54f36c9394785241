import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_blocks import random_units

from search import quantising
from search.embedders.packaged import PackagedEmbedder


@pytest.mark.parametrize("dimensions", [1, 8, 32, 100, 384, 1536])
def test_packed_vectors_keep_their_cosines_and_unit_length(dimensions):
    vectors = random_units(50, dimensions)
    packed = quantising.packed_values(vectors)

    assert len(packed) == 50 * quantising.value_bytes(dimensions)
    for vector in vectors[:10]:
        exact = vectors @ vector
        assert np.allclose(quantising.cosines(vector, packed), exact, atol=0.01)
    own = [
        quantising.cosines(vector, quantising.packed_values(vector[None]))[0]
        for vector in vectors
    ]
    assert min(own) > 0.999


def test_no_vectors_pack_to_nothing():
    assert quantising.packed_values(np.zeros((0, 8), np.float32)) == b""
    assert quantising.cosines(random_units(1, 8)[0], b"").shape == (0,)


@given(
    dimensions=st.integers(1, 200), count=st.integers(0, 50), seed=st.integers(0, 99)
)
def test_codes_differ_in_as_many_bits_as_signs_differ(dimensions, count, seed):
    vectors = random_units(count + 1, dimensions, seed=seed)
    codes = quantising.sign_codes(vectors)
    assert codes.shape == (count + 1, quantising.code_bytes(dimensions))
    words = quantising.words(codes)

    distances = quantising._differing_bits(words[:, 0], words)

    signs = vectors > 0
    assert distances.tolist() == (signs != signs[0]).sum(axis=1).tolist()


@given(
    count=st.integers(1, 60),
    limit=st.integers(1, 60),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_closest_are_those_with_the_fewest_differing_bits_newest_first(
    count, limit, share, seed
):
    # Few bits make many equals.
    vectors = random_units(count + 1, 6, seed=seed)
    words = quantising.words(quantising.sign_codes(vectors))
    query, among = words[:, 0], words[:, 1:]
    picked = np.random.default_rng(seed).random(count) < share
    rows = np.flatnonzero(picked)

    found = quantising.closest(query, among, rows, limit=limit)

    distance = quantising._differing_bits(query, among)
    expected = sorted(rows.tolist(), key=lambda row: (distance[row], -row))[:limit]
    assert found.tolist() == sorted(expected)


@given(count=st.integers(1, 40), limit=st.integers(1, 40), seed=st.integers(0, 99))
def test_leaning_are_those_with_the_largest_sum_over_their_signs(count, limit, seed):
    vectors = random_units(count + 1, 70, seed=seed)
    vector, others = vectors[0], vectors[1:]
    # Each one twice: of equals the later is taken.
    among = quantising.words(quantising.sign_codes(np.concatenate([others, others])))
    rows = np.arange(2 * count)

    found = quantising.leaning(vector, among, rows, limit=limit)

    whole = np.rint(vector / np.abs(vector).max() * 127)
    lean = np.tile(np.where(others > 0, 1, -1) @ whole, 2)
    expected = sorted(rows.tolist(), key=lambda row: (-lean[row], -row))[:limit]
    assert found.tolist() == sorted(expected)


def test_signs_find_what_the_packaged_model_finds_nearest():
    """Recall of the ten nearest when signs choose a fortieth to be compared."""
    subjects = ["The server", "My sister", "A database", "This recipe", "Our train"]
    verbs = ["needs", "broke", "forgot", "restarted", "praised", "lost", "found"]
    things = ["a password", "fresh bread", "the disk", "two tickets", "its backup"]
    places = ["in Vienna", "at night", "during lunch", "on Monday", "by accident"]
    ends = ["", ", again", " before the release", " and nobody noticed"]
    sentences = [
        f"{subject} {verb} {thing} {place}{end}."
        for subject in subjects
        for verb in verbs
        for thing in things
        for place in places
        for end in ends
    ]
    np.random.default_rng(3).shuffle(sentences)
    vectors = PackagedEmbedder().embed_passages(sentences[:2040])
    queries, kept = vectors[:40], vectors[40:]
    words = quantising.words(quantising.sign_codes(kept))
    packed = quantising.packed_values(kept)
    size = quantising.value_bytes(kept.shape[1])

    hits = 0
    for query in queries:
        code = quantising.words(quantising.sign_codes(query[None]))[:, 0]
        near = quantising.closest(code, words, np.arange(len(kept)), limit=200)
        near = quantising.leaning(query, words, near, limit=50)
        values = b"".join(packed[at * size : (at + 1) * size] for at in near)
        order = np.argsort(-quantising.cosines(query, values))[:10]
        exact = np.argsort(-(kept @ query))[:10]
        hits += len(set(near[order].tolist()) & set(exact.tolist()))

    assert hits >= 0.97 * 10 * len(queries)


def test_three_hundred_thousand_codes_are_compared_within_milliseconds():
    rng = np.random.default_rng(0)
    among = rng.integers(0, 2**63, size=(6, 300_000), dtype=np.uint64)
    rows = np.arange(among.shape[1])
    query = among[:, 17].copy()
    took = []
    for _ in range(7):
        began = time.process_time()
        found = quantising.closest(query, among, rows, limit=400)
        took.append(time.process_time() - began)

    assert 17 in found
    assert len(found) == 400
    # Measured 3 ms; loaded machines are slower.
    assert min(took) < 0.03
