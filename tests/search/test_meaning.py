import subprocess
import sys

import numpy as np
import pytest
from django.db import connection

from jobs.running import run_due
from search import embedding, vectors, wordpiece
from search.models import Embedding, Passage, Unembedded

TEXTS = [
    "The cat sleeps on the warm windowsill",
    "Our database migration failed because the disk was full",
    "Whisk the eggs with sugar until they are pale",
    "She boarded the night train to Vienna",
]


def first_text(results):
    return Passage.objects.get(pk=results.hits[0].passage_id).text


@pytest.fixture(params=["pgvector", "bytes"])
def store(request, db):
    """Both ways of keeping vectors; the test's transaction brings the column back."""
    vectors._has_half_column.cache_clear()
    if request.param == "bytes":
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE search_embedding DROP COLUMN half")
    yield request.param
    vectors._has_half_column.cache_clear()


def test_token_ids_are_those_of_bert_uncased():
    assert wordpiece.encode("Hello, World!") == [101, 7592, 1010, 2088, 999, 102]
    assert wordpiece.encode("unaffable") == [101, 14477, 20961, 3468, 102]
    assert wordpiece.encode("Café NAÏVE") == wordpiece.encode("cafe naive")
    assert wordpiece.encode("日本 x") == [101, 1864, 1876, 1060, 102]
    assert wordpiece.encode("a" * 101) == [101, 100, 102]
    assert wordpiece.encode("") == [101, 102]
    assert len(wordpiece.encode("bread " * 1000)) == wordpiece.MOST_TOKENS


def test_a_vector_has_unit_length_and_is_the_same_twice():
    vector = embedding.embed("Knead the dough")

    assert vector.shape == (embedding.DIMENSIONS,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5
    assert np.array_equal(vector, embedding.embed("Knead the dough"))


def test_sentences_that_mean_the_same_are_closer():
    one, same, other = (
        embedding.embed(text)
        for text in (
            "How do I restart the server?",
            "What is the way to reboot the machine?",
            "The soup needs more salt.",
        )
    )

    assert float(one @ same) > 0.5 > 0.2 > float(one @ other)


def test_waiting_passages_get_their_vectors(store, remember):
    remember(*TEXTS)

    run_due()

    assert Embedding.objects.count() == len(TEXTS)
    assert not Unembedded.objects.exists()
    kept = Embedding.objects.first()
    assert (kept.embedder, kept.dimensions) == (embedding.EMBEDDER, 384)
    assert (kept.vector is None) == (store == "pgvector")


def test_meaning_finds_what_shares_no_word(store, remember, ask):
    remember(*TEXTS)
    run_due()

    for mode in ("semantic", "hybrid"):
        assert first_text(ask("a pet taking a nap", mode)) == TEXTS[0]
        assert first_text(ask("journey by rail", mode)) == TEXTS[3]


def test_meaning_keeps_to_the_filters(store, make_workspace, remember, ask):
    other = make_workspace("other")
    remember(TEXTS[0], where=other)
    remember(TEXTS[1], source_id=2)
    run_due()

    assert {hit.source_id for hit in ask("a pet taking a nap", "semantic").hits} <= {2}
    assert ask("a pet taking a nap", "semantic", workspace_ids=[other.pk]).hits


def test_hybrid_ranks_an_identifier_first(remember, ask):
    remember(
        *TEXTS, "we call fetchRowsById there", "fetch rows from tables by their id"
    )
    run_due()

    assert first_text(ask("fetchRowsById", "hybrid")) == "we call fetchRowsById there"


def test_hybrid_explains_both_kinds_of_evidence(remember, ask):
    remember(*TEXTS)
    run_due()

    [hit, *_] = ask("database migration", "hybrid", explain=True).hits

    assert set(hit.features) == {"coverage", "bm25", "order", "dense"}


def test_before_its_vector_a_passage_is_found_by_its_words(remember, ask):
    remember(*TEXTS)

    results = ask("database migration", "hybrid")

    assert first_text(results) == TEXTS[1]
    assert results.vectors_pending == len(TEXTS)
    assert any("words alone" in note for note in results.searched.notes)


def test_without_embeddings_search_goes_on_with_words(settings, remember, ask):
    settings.EMBEDDINGS_ENABLED = False
    remember(*TEXTS)

    results = ask("database migration", "semantic")

    assert embedding.embed_query("x") is None
    assert first_text(results) == TEXTS[1]
    assert results.vectors_pending == 0
    assert any("turned off" in note for note in results.searched.notes)
    run_due()
    assert not Embedding.objects.exists()


def test_pending_counts_only_the_scope(make_workspace, remember, ask):
    other = make_workspace("other")
    remember("here")
    remember("there", "and there", where=other, source_id=2)

    assert ask("here").vectors_pending == 1
    assert ask("here", workspace_ids=[other.pk]).vectors_pending == 2


@pytest.mark.django_db(transaction=True)
def test_a_large_store_builds_its_index_and_finds_the_same(remember, ask, monkeypatch):
    remember(*TEXTS, *(f"item {n} of a long list" for n in range(40)))
    run_due()
    exact = [hit.passage_id for hit in ask("journey by rail", "semantic").hits]
    monkeypatch.setattr(vectors, "SMALL_PASSAGES", 10)

    assert vectors.build_index(dimensions=embedding.DIMENSIONS)
    assert not vectors.build_index(dimensions=embedding.DIMENSIONS)
    try:
        found = [hit.passage_id for hit in ask("journey by rail", "semantic").hits]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX embeddings_by_vector")

    assert found[0] == exact[0]
    assert set(found) <= set(exact)


def test_a_process_that_never_searches_by_meaning_loads_no_model():
    program = (
        "import django; django.setup()\n"
        "import search.finding, search.passages, search.tasks, sys\n"
        "print({'onnxruntime', 'kingfisher_sdk'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )

    assert done.stdout.strip() == "set()", done.stderr
