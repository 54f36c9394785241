import threading

import numpy as np
import pytest
from django.db import connection, transaction
from vector_blocks import everything, keep_block, passage_id, random_units

from search import dense, vector_cache
from search.models import Block, Vectors

NAME = "test/1"
DIMENSIONS = 96


@pytest.fixture(autouse=True)
def nothing_cached():
    vector_cache.forget()
    yield
    vector_cache.forget()


def save(block, vectors, *, embedder=NAME, first=0):
    return dense.save(
        block.pk, list(enumerate(vectors, start=first)), embedder=embedder
    )


@pytest.fixture(params=["values held", "values read"])
def kept(workspace, settings, request):
    """640 passages in ten blocks, and their vectors by passage id."""
    if request.param == "values read":
        # The signs take 15 KiB, the values 63.
        settings.VECTOR_CACHE_MB = 0.05
    vectors = random_units(640, DIMENSIONS)
    ids = []
    for start in range(0, 640, 64):
        block = keep_block(workspace, ["text"] * 64)
        save(block, vectors[start : start + 64])
        ids += [passage_id(block, number) for number in range(64)]
    return dict(zip(ids, vectors, strict=True))


def nearest(vector, *, allowed=everything, embedder=NAME, limit=10):
    return dense.nearest(vector, allowed=allowed, embedder=embedder, limit=limit)


def exactly(vector, vectors, limit):
    """What an exact comparison finds nearest."""
    cosines = {at: float(each @ vector) for at, each in vectors.items()}
    return sorted(cosines, key=lambda at: -cosines[at])[:limit]


def test_the_nearest_come_first_with_their_cosine(kept):
    target, vector = list(kept.items())[321]

    found = nearest(vector)

    assert next(iter(found)) == target
    assert found[target] == pytest.approx(1, abs=0.001)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for at, cosine in found.items():
        assert cosine == pytest.approx(float(kept[at] @ vector), abs=0.01)


@pytest.mark.parametrize("share", [2, 7, 64])
def test_a_narrow_scope_is_compared_exactly(kept, share):
    allowed = {at: each for at, each in kept.items() if at % share == 1}

    for vector in random_units(20, DIMENSIONS, seed=share):
        found = nearest(vector, allowed=lambda ids: ids % share == 1, limit=5)

        assert len(found) == 5
        # Values of 8 bits may swap what is equally near to a thousandth.
        exact = sorted((float(e @ vector) for e in allowed.values()), reverse=True)
        given = [float(kept[at] @ vector) for at in found]
        assert np.allclose(given, exact[:5], atol=0.004)
        assert set(found) <= set(allowed)


def test_nothing_allowed_finds_nothing(kept):
    vector = random_units(1, DIMENSIONS)[0]

    assert nearest(vector, allowed=lambda ids: np.zeros(len(ids), bool)) == {}
    assert nearest(vector, embedder="another/1") == {}
    assert nearest(random_units(1, 8)[0]) == {}


def test_of_equals_the_newest_come_first(workspace):
    [vector] = random_units(1, DIMENSIONS)
    blocks = [keep_block(workspace, ["same"] * 64) for _ in range(10)]
    # Saved in another order than they are old.
    for block in blocks[::-1]:
        save(block, [vector] * 64)

    found = nearest(vector, limit=70)

    newest = [passage_id(blocks[-1], number) for number in range(63, -1, -1)]
    assert list(found)[:64] == newest


def test_cosines_of_passages_that_another_leg_found(kept):
    vector = random_units(1, DIMENSIONS, seed=9)[0]
    asked = [*list(kept)[5:600:50], 1, 2**40]

    found = dense.cosines(vector, asked, embedder=NAME)

    assert set(found) == set(asked[:-2])
    for at, cosine in found.items():
        assert cosine == pytest.approx(float(kept[at] @ vector), abs=0.01)
    assert dense.cosines(vector, asked, embedder="another/1") == {}
    assert dense.cosines(vector, [], embedder=NAME) == {}


def test_only_some_passages_of_a_block_have_vectors(workspace):
    block = keep_block(workspace, ["a", "b", "c", "d"])
    vectors = random_units(2, DIMENSIONS)
    dense.save(block.pk, [(3, vectors[1]), (1, vectors[0])], embedder=NAME)

    found = nearest(vectors[1])

    assert set(found) == {passage_id(block, 1), passage_id(block, 3)}
    assert next(iter(found)) == passage_id(block, 3)
    row = Vectors.objects.get()
    assert (bytes(row.passages), row.dimensions) == (b"\x01\x03", DIMENSIONS)
    assert len(row.codes) == 2 * DIMENSIONS // 8


def test_saving_again_replaces(workspace):
    block = keep_block(workspace, ["a", "b"])
    first, second = random_units(2, DIMENSIONS)
    save(block, [first, first])
    nearest(first)

    save(block, [second], first=1)

    assert Vectors.objects.count() == 1
    assert nearest(second) == {passage_id(block, 1): pytest.approx(1, abs=0.001)}


def test_embedders_are_kept_apart(workspace):
    block = keep_block(workspace, ["a"])
    one, two = random_units(2, DIMENSIONS)
    save(block, [one])
    save(block, [two], embedder="test/2")
    save(block, random_units(1, 8), embedder="test/3")

    assert nearest(one)[passage_id(block, 0)] == pytest.approx(1, abs=0.001)
    assert nearest(two, embedder="test/2")[passage_id(block, 0)] > 0.999
    assert nearest(two, embedder="test/3") == {}


def test_a_block_without_vectors_is_recorded_as_done(workspace):
    block = keep_block(workspace, ["a"])

    assert dense.save(block.pk, [], embedder=NAME)

    assert Vectors.objects.get().block_id == block.pk
    assert nearest(random_units(1, DIMENSIONS)[0]) == {}


def test_a_block_that_is_gone_gets_no_vectors(workspace):
    block = keep_block(workspace, ["a"])
    Block.objects.all().delete()

    assert not dense.save(block.pk, [(0, random_units(1, 8)[0])], embedder=NAME)
    assert not Vectors.objects.exists()


def test_values_are_held_as_long_as_all_fit(kept, settings):
    assert (held().values is not None) == (settings.VECTOR_CACHE_MB > 1)


def test_vectors_go_with_their_block(kept, monkeypatch):
    vector = random_units(1, DIMENSIONS)[0]
    gone = next(iter(nearest(vector)))

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_block WHERE id = %s", [gone // 64])

    assert Vectors.objects.count() == 9
    monkeypatch.setattr(vector_cache, "_CHECK_SECONDS", 0.0)
    assert all(at // 64 != gone // 64 for at in nearest(vector, limit=600))


@pytest.mark.parametrize("megabytes", [128, 0.0002])
def test_vectors_are_cut_with_their_block(workspace, settings, monkeypatch, megabytes):
    settings.VECTOR_CACHE_MB = megabytes
    block = keep_block(workspace, ["a", "b", "c", "d", "e"])
    vectors = random_units(3, DIMENSIONS)
    dense.save(block.pk, list(zip([0, 2, 4], vectors, strict=True)), embedder=NAME)
    dense.save(block.pk, [(3, random_units(1, 8)[0])], embedder="test/2")
    before = held()

    dense.cut(block.pk, from_number=3)

    row, other = Vectors.objects.order_by("pk")
    assert (bytes(row.passages), bytes(other.passages)) == (b"\x00\x02", b"")
    assert (len(other.codes), len(other.values)) == (0, 0)
    monkeypatch.setattr(vector_cache, "_CHECK_SECONDS", 0.0)
    assert set(nearest(vectors[2])) == {passage_id(block, 0), passage_id(block, 2)}
    assert next(iter(nearest(vectors[1]))) == passage_id(block, 2)
    assert held().passage_ids.tolist() == [passage_id(block, 0), passage_id(block, 2)]
    if before.values is not None:
        assert len(before.values[block.pk][1]) == 2 * (DIMENSIONS + 4)


def held():
    return vector_cache.held(embedder=NAME, dimensions=DIMENSIONS)


def test_what_is_held_stays_the_same_object_until_vectors_come(workspace, kept):
    first = held()

    assert held() is first
    save(keep_block(workspace, ["new"]), random_units(1, DIMENSIONS))
    assert len(held()) == len(first) + 1
    assert np.all(np.diff(held().passage_ids) > 0)
    with pytest.raises(ValueError, match="read-only"):
        held().passage_ids[0] = 1


def test_codes_stay_with_their_passages_whatever_order_they_come_in(workspace):
    blocks = [keep_block(workspace, ["t"] * 3) for _ in range(20)]
    vectors = random_units(60, DIMENSIONS).reshape(20, 3, -1)
    order = np.random.default_rng(4).permutation(20)
    for place in order:
        save(blocks[place], vectors[place])
        held()

    for place, block in enumerate(blocks):
        for number in range(3):
            best = next(iter(nearest(vectors[place][number], limit=1)))
            assert best == passage_id(block, number)
    whole = held()
    vector_cache.forget()
    assert held().values == whole.values
    assert np.array_equal(held().words, whole.words)
    assert np.array_equal(held().passage_ids, whole.passage_ids)


def test_many_rows_are_read_in_parts(kept, monkeypatch):
    monkeypatch.setattr(vector_cache, "_ROWS_A_READ", 3)

    assert held().passage_ids.tolist() == sorted(kept)
    # Ten rows end a read of three; nine would end it exactly.
    Vectors.objects.order_by("id").last().delete()
    vector_cache.forget()
    assert len(held()) == 9 * 64


def test_what_was_erased_leaves_the_process_within_a_minute(kept, monkeypatch):
    before = held()
    gone = before.passage_ids[0] // 64
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_block WHERE id = %s", [int(gone)])
    assert held() is before

    monkeypatch.setattr(vector_cache, "_CHECK_SECONDS", 0.0)

    after = held()
    assert len(after) == len(before) - 64
    assert not np.any(after.passage_ids // 64 == gone)
    assert held() is after


def test_memory_is_bounded_and_the_newest_are_held(settings, kept):
    settings.VECTOR_CACHE_MB = 0.01
    most = int(0.01 * 2**20 // (8 + 8 * 2))

    bounded = held()

    assert bounded.passage_ids.tolist() == sorted(kept)[-most:]
    assert bounded.words.shape == (2, most)
    assert not bounded.is_whole


def test_how_many_allowed_passages_can_be_compared(kept):
    def odd(ids):
        return ids % 2 == 1

    assert dense.compared(odd, embedder=NAME, dimensions=DIMENSIONS) == 320
    assert dense.compared(odd, embedder="another/1", dimensions=DIMENSIONS) == 0


@pytest.mark.django_db(transaction=True)
def test_a_reader_misses_no_row_whatever_order_transactions_end_in(make_workspace):
    workspace = make_workspace()
    slow, quick = keep_block(workspace, ["a"]), keep_block(workspace, ["b"])
    vectors = random_units(2, DIMENSIONS)
    saved, may_commit = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            save(slow, vectors[:1])
            saved.set()
            may_commit.wait(10)
        connection.close()

    def quickly():
        save(quick, vectors[1:])
        connection.close()

    threads = [threading.Thread(target=slowly), threading.Thread(target=quickly)]
    threads[0].start()
    saved.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    seen_before = len(held())
    may_commit.set()
    for thread in threads:
        thread.join()

    assert seen_before == 0
    assert len(held()) == 2


@pytest.mark.django_db(transaction=True)
def test_threads_share_what_is_held(make_workspace):
    workspace = make_workspace()
    vectors = random_units(40, DIMENSIONS)
    blocks = [keep_block(workspace, ["t"]) for _ in vectors]
    wrong = []

    def write():
        for block, vector in zip(blocks, vectors, strict=True):
            save(block, [vector])
        connection.close()

    def read():
        for _ in range(60):
            codes = held()
            if codes.words.shape[1] != len(codes.passage_ids):
                wrong.append("torn")
        connection.close()

    threads = [threading.Thread(target=each) for each in (write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(held()) == 40
