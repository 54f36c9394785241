from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from recallable import ACTOR, ASSISTANT, NOW, everywhere, payer, project, remember

from memories import erasing
from memories.models import Asked
from recall import kept_searches, recalling
from recall.recalling import Wanted
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db

OTHER = replace(ASSISTANT, token_id=8)


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def keep(text: str, *, principal=ASSISTANT, at=NOW, scope=None, **wanted) -> Asked:
    scope, asked = scope or everywhere(), Wanted(text=text, **wanted)
    return kept_searches.keep(
        principal=principal,
        scope=scope,
        wanted=asked,
        recalled=recalling.recall(scope, asked, at=at),
        at=at,
    )


def test_a_kept_search_is_asked_again_with_all_its_filters():
    workspace, asker = project(), payer()
    remember(workspace, "Quince fact.", memory_type="fact", metadata={"n": 1})
    asked = keep(
        "quince",
        principal=asker,
        limit=7,
        memory_types=["fact"],
        metadata={"n": 1},
        start=NOW - timedelta(days=1),
        min_score=0.1,
        mode="keyword",
    )
    newer = remember(
        workspace, "Quince news.", memory_type="fact", metadata={"n": 1, "m": 2}
    )
    remember(workspace, "Quince note.", memory_type="note", metadata={"n": 1})

    replayed = kept_searches.replay(
        str(asked.query_id), everywhere(), principal=asker, at=NOW
    )

    assert [each["kind"] for each in replayed.previous] == ["memory"]
    now_found = {hit.id for hit in replayed.current.hits}
    assert now_found == {replayed.previous[0]["memory_id"], str(newer.memory_id)}


def test_only_ids_and_scores_of_what_was_found_are_kept():
    remember(project(), "Quince jam is a family secret.")

    asked = keep("quince")
    asked.refresh_from_db()

    assert set(asked.found[0]) == {
        "kind",
        "memory_id",
        "chunk_id",
        "citation_uri",
        "score",
    }
    assert "family" not in str(asked.found)


def test_an_erased_memory_leaves_kept_searches():
    memory = remember(project(), "Quince jam.")
    asked = keep("quince")

    erasing.erase(memory=memory, actor=ACTOR, at=NOW)

    asked.refresh_from_db()
    assert str(memory.memory_id) not in str(asked.found)


def test_the_history_is_ones_own_newest_first():
    remember(project(), "Quince jam.")
    for minutes in range(3):
        keep(f"quince {minutes}", at=NOW + timedelta(minutes=minutes))
    keep("quince of another", principal=OTHER)

    found = kept_searches.history(ASSISTANT, limit=2)

    assert [asked.query["text"] for asked in found] == ["quince 2", "quince 1"]


def test_a_search_of_another_token_cannot_be_replayed():
    asked = keep("quince")

    for query_id in (str(asked.query_id), "no id"):
        with pytest.raises(kept_searches.SearchNotFound):
            kept_searches.replay(query_id, everywhere(), principal=OTHER, at=NOW)


def test_a_tokens_oldest_searches_go_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(kept_searches, "MOST_KEPT", 2)
    for minutes in range(3):
        keep(f"quince {minutes}", at=NOW + timedelta(minutes=minutes))
    keep("quince of another", principal=OTHER)

    assert sorted(asked.query["text"] for asked in Asked.objects.all()) == [
        "quince 1",
        "quince 2",
        "quince of another",
    ]


@pytest.mark.parametrize("limit", [0, 101])
def test_the_history_is_bounded(limit):
    with pytest.raises(InvalidArgument):
        kept_searches.history(ASSISTANT, limit=limit)
