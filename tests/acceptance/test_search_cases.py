"""Section 16, search, the cutting of texts, and context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_client import code_of
from users import User

from jobs import running
from search import splitting

pytestmark = pytest.mark.django_db(transaction=True)

OF_HERONS = {
    "lake": ("Herons wade in the lake at dawn.", "fact"),
    "pond": ("Herons of the pond eat frogs.", "note"),
    "rule": ("Never feed the herons of the park.", "preference"),
    "trip": ("On Friday we watched herons and egrets from the tower.", "event"),
}


@pytest.fixture
def herons(anna) -> dict[str, str]:
    """Memories by what they are about."""
    return {
        name: anna.remembers(text, memory_type=memory_type, metadata={"place": name})
        for name, (text, memory_type) in OF_HERONS.items()
    }


def refused(user: User, **fields) -> bool:
    answer = user.rest.post("/v1/search", {"query": "herons", **fields})
    return (answer.status_code, code_of(answer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "vector", "semantic"])
def test_results_are_by_descending_score(anna, herons, mode):
    running.run_due(limit=100)
    found = anna.search("herons at the lake", search_mode=mode)["results"]

    scores = [hit["score"] for hit in found]
    assert scores
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    by_mcp = anna.mcp.call("recall", query="herons at the lake")["results"]
    assert [hit["score"] for hit in by_mcp] == sorted(
        (hit["score"] for hit in by_mcp), reverse=True
    )


def test_an_inverted_time_window_is_400(anna, herons):
    early, late = "2026-11-20T10:00:00Z", "2036-11-21T10:00:00Z"

    assert refused(anna, filters={"start_time": late, "end_time": early})
    explained = f"query=herons&start_time={late}&end_time={early}"
    answer = anna.rest.get(f"/v1/context/explain?{explained}")
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_ARGUMENT")
    # The right way round it is a filter.
    window = {"start_time": early, "end_time": late}
    assert len(anna.finds("herons", filters=window)) == 4


@pytest.mark.parametrize("min_score", [-0.1, 1.1, "high", True])
def test_a_min_score_out_of_range_is_400(anna, min_score):
    assert refused(anna, min_score=min_score)


def test_min_score_leaves_out_what_scores_less(anna, herons):
    scores = [hit["score"] for hit in anna.search("herons of the lake")["results"]]
    bound = scores[1]

    kept = anna.search("herons of the lake", min_score=bound)["results"]

    assert len(scores) == 4
    assert [hit["score"] for hit in kept] == [each for each in scores if each >= bound]
    by_mcp = anna.mcp.call("recall", query="herons of the lake", min_score=bound)
    assert len(by_mcp["results"]) == len(kept)
    # 0 and 1 are in range.
    assert len(anna.finds("herons of the lake", min_score=0)) == 4
    assert len(anna.finds("herons of the lake", min_score=1)) < 4


def test_memory_type_is_one_or_a_list(anna, herons):
    def found(memory_type) -> set[str]:
        return set(anna.finds("herons", filters={"memory_type": memory_type}))

    assert found("fact") == {herons["lake"]}
    assert found(["fact", "preference"]) == {herons["lake"], herons["rule"]}
    assert found(["task"]) == set()
    assert refused(anna, filters={"memory_type": ["fact", "rumour"]})


def test_copies_are_folded_before_paging(anna, herons):
    for tag in ("one", "two", "three"):
        anna.remembers("Herons sleep on one leg.", containerTag=tag)
    pages = [anna.search("herons", page=n, page_size=2, top_k=2) for n in (1, 2, 3)]

    texts = [hit["text"] for page in pages for hit in page["results"]]
    assert len(texts) == len(set(texts)) == 5
    assert [len(page["results"]) for page in pages] == [2, 2, 1]
    assert [page["has_more"] for page in pages] == [True, True, False]


# -- cutting texts ---------------------------------------------------------------------

NEEDLES = ("aardvark", "basilisk", "chimera", "dormouse", "echidna", "falcon")


def paragraph(needle: str, words: int = 60) -> str:
    return f"The {needle} is here. " + " ".join(f"{needle}{n}" for n in range(words))


def chunks(user: User, text: str) -> int:
    answer = user.rest.post("/v1/memories", {"text": text})
    assert answer.status_code == 200, answer.content
    count: int = answer.json()["chunks"]
    return count


def test_a_short_text_is_one_chunk(anna):
    assert chunks(anna, "Herons wade.") == 1


def test_a_long_text_is_cut_by_size_and_found_by_every_part(anna):
    text = "\n\n".join(paragraph(needle) for needle in NEEDLES)

    assert chunks(anna, text) == len(NEEDLES)
    for needle in NEEDLES:
        (hit,) = anna.search(needle, search_mode="keyword")["results"]
        assert hit["text"] == text
    indexes = [
        anna.search(f"{needle}7", search_mode="exact")["results"][0]["chunk_index"]
        for needle in NEEDLES
    ]
    assert indexes == list(range(len(NEEDLES)))


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\n", "\u3000"])
def test_an_empty_text_makes_no_chunk(anna, text):
    answer = anna.rest.post("/v1/memories", {"text": text})

    assert (answer.status_code, code_of(answer)) == (400, "INVALID_ARGUMENT")
    assert splitting.parts(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Der Reiher fängt Fische im Weiher. " * 60, "Weiher"),
        ("白鷺が湖の浅瀬に立っている。" * 120, "浅瀬"),
        ("Цапля стоит на одной ноге. " * 60, "Цапля"),
        ("🐦 e\u0301gret a\u0301 l’aube 🐦 " * 60, "aube"),
    ],
    ids=["german", "japanese", "russian", "combining"],
)
def test_unicode_is_cut_between_characters(anna, text, word):
    assert chunks(anna, text) > 1
    (hit,) = anna.search(word, search_mode="exact")["results"]

    assert hit["text"] == text


def test_a_long_paragraph_is_cut_without_losing_a_word(anna):
    """No overlap is needed: a memory is found and shown whole by any of its parts."""
    words = [f"feather{number}" for number in range(900)]
    text = "Feathers: " + " ".join(words) + "."

    assert chunks(anna, text) >= 6
    parts = splitting.parts(text)
    assert " ".join(parts).split() == text.split()
    for word in (words[0], words[250], words[449], words[899]):
        assert len(anna.finds(word, search_mode="exact")) == 1


@given(text=st.text(max_size=4000) | st.integers(1, 9000).map(lambda n: "x" * n))
def test_no_chunk_is_empty_and_cutting_is_deterministic(text):
    parts = splitting.parts(text)

    assert all(part.strip() for part in parts)
    assert parts == splitting.parts(text)
    assert "".join("".join(parts).split()) == "".join(text.split())


# -- context ---------------------------------------------------------------------------


def blocks(user: User, query: str, **fields) -> list[str]:
    body = {"query": query, "budget_chars": 20_000, "top_k": 10, **fields}
    answer = user.rest.post("/v1/context", body)
    assert answer.status_code == 200, answer.content
    packed = answer.json()
    return [block["text"].removeprefix("> ") for block in packed["context_blocks"]]


def test_context_merges_neighbours(anna):
    text = "\n\n".join(f"{paragraph(each)} A pelican." for each in NEEDLES[:3])
    body = {"path": "birds.md", "text": text}
    taken = anna.rest.post("/v1/ingest", {"kind": "document", "body": body})
    assert taken.status_code == 200, taken.content
    running.run_due(limit=100)
    hits = anna.search("pelican")["results"]

    (block,) = blocks(anna, "pelican")
    assert len(hits) == 3
    places = [block.find(f"The {needle} is here.") for needle in NEEDLES[:3]]
    assert -1 not in places
    assert places == sorted(places)


def test_context_keeps_distinct_memories(anna, herons):
    packed = blocks(anna, "herons")

    assert sorted(packed) == sorted(text for text, _ in OF_HERONS.values())


def test_context_drops_what_another_block_contains(anna):
    whole = "The weir opens at six. The keeper of the weir is called Mira Holt."
    anna.remembers(whole)
    anna.remembers("The keeper of the weir is called Mira Holt.")

    assert len(anna.finds("keeper of the weir")) == 2
    assert blocks(anna, "keeper of the weir") == [whole]


def test_context_drops_blocks_that_share_three_quarters_of_their_words(anna):
    """Of 12 and 11 words 10 are shared, of 13 in all: 0.77."""
    longer = "one two three four five six seven eight nine ten weir twelve"
    anna.remembers(longer)
    anna.remembers("ten nine eight seven six five four three two weir other")
    far = "one two three weir but these words differ from all of those above"
    anna.remembers(far)

    packed = blocks(anna, "weir")
    assert len(anna.finds("weir")) == 3
    assert sorted(packed) == sorted([longer, far])


def test_context_keeps_the_order_of_the_search(anna, herons):
    query = {"query": "herons of the lake and the pond", "min_score": 0}
    found = anna.finds(**query)
    body = {**query, "budget_chars": 20_000}
    packed = anna.rest.post("/v1/context", body).json()

    assert len(found) == 4
    assert [block["memory_id"] for block in packed["context_blocks"]] == found
    assert [each["memory_id"] for each in packed["citations"]] == found
    assert [each["i"] for each in packed["citations"]] == [1, 2, 3, 4]
    places = [packed["context_text"].find(f"[{number}]") for number in (1, 2, 3, 4)]
    assert places == sorted(places)
