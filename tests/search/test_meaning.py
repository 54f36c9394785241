"""Searching by meaning, from the text that comes in to the hits that go out."""

import subprocess
import sys

import pytest

from jobs.running import run_due
from search import passages, vectorising
from search.embedders import breaker
from search.models import Vectors

TEXTS = [
    "The cat sleeps on the warm windowsill",
    "Our database migration failed because the disk was full",
    "Whisk the eggs with sugar until they are pale",
    "She boarded the night train to Vienna",
]


def first_text(results):
    [text] = passages.texts([results.hits[0].passage_id]).values()
    return text


def test_meaning_finds_what_shares_no_word(remember, ask):
    remember(*TEXTS)
    run_due()

    for mode in ("semantic", "hybrid"):
        assert first_text(ask("a pet taking a nap", mode)) == TEXTS[0]
        assert first_text(ask("journey by rail", mode)) == TEXTS[3]


def test_meaning_keeps_to_the_filters(make_workspace, remember, ask):
    other = make_workspace("other")
    remember(TEXTS[0], where=other)
    remember(TEXTS[1], source_id=2)
    run_due()

    assert {hit.source_id for hit in ask("a pet taking a nap", "semantic").hits} <= {2}
    assert ask("a pet taking a nap", "semantic", workspace_ids=[other.pk]).hits
    assert not ask("a pet taking a nap", "semantic", roles=["assistant"]).hits


def test_hybrid_ranks_an_identifier_first(remember, ask):
    remember(
        *TEXTS, "we call fetchRowsById there", "fetch rows from tables by their id"
    )
    run_due()

    assert first_text(ask("fetchRowsById", "hybrid")) == "we call fetchRowsById there"


def test_before_its_vector_a_passage_is_found_by_its_words(remember, ask):
    remember(*TEXTS)

    results = ask("database migration", "hybrid")

    assert first_text(results) == TEXTS[1]
    assert results.vectors_pending == len(TEXTS)
    assert any("words alone" in note for note in results.searched.notes)


@pytest.mark.parametrize("change", [{"EMBEDDINGS_ENABLED": False}, {"EMBEDDER": "off"}])
def test_without_embeddings_search_goes_on_with_words(settings, remember, ask, change):
    for name, value in change.items():
        setattr(settings, name, value)
    remember(*TEXTS)
    run_due()

    results = ask("database migration", "semantic")

    assert first_text(results) == TEXTS[1]
    assert results.vectors_pending == 0
    assert "Vectors are turned off: ranked by words alone." in results.searched.notes
    assert not Vectors.objects.exists()


def test_a_dead_endpoint_leaves_search_by_words_and_says_so(settings, remember, ask):
    breaker._away_until.clear()
    settings.EMBEDDER = "openai"
    settings.EMBEDDER_URL = "http://127.0.0.1:1/v1"
    settings.EMBEDDER_MODEL = "m"
    settings.EMBEDDER_DIMENSIONS = 8
    remember(*TEXTS)

    results = ask("database migration", "hybrid")

    assert first_text(results) == TEXTS[1]
    assert results.vectors_pending == len(TEXTS)
    assert (
        "Vectors of questions cannot be made now: ranked by words alone."
        in results.searched.notes
    )


def test_pending_counts_only_the_scope(make_workspace, remember, ask):
    other = make_workspace("other")
    remember("here")
    remember("there", "and there", where=other, source_id=2)

    assert ask("here", "hybrid").vectors_pending == 1
    assert ask("here", "hybrid", workspace_ids=[other.pk]).vectors_pending == 2
    run_due()
    assert ask("here", "hybrid").vectors_pending == 0
    assert vectorising.pending() == 0


def test_what_is_removed_is_no_longer_near(remember, ask):
    source = remember(*TEXTS)
    run_due()
    passages.remove(source, from_position=3)

    found = ask("journey by rail", "semantic")

    assert all(hit.first_line <= 3 for hit in found.hits)
    assert found.vectors_pending == 0
    assert bytes(Vectors.objects.get().passages) == b"\x00\x01\x02"


def test_a_process_that_never_searches_by_meaning_loads_no_model():
    program = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'memory_server.settings'\n"
        "import django; django.setup()\n"
        "import search.finding, search.passages, search.tasks, sys\n"
        "print({'onnxruntime', 'kingfisher_sdk'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )

    assert done.stdout.strip() == "set()", done.stderr
