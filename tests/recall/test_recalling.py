from __future__ import annotations

from datetime import timedelta

import pytest
from recallable import (
    ACTOR,
    NOW,
    everywhere,
    payer,
    project,
    publish,
    remember,
    tagged,
    upload,
)

from knowledge import searching as document_searching
from memories import changing, erasing
from memories.models import Memory
from recall import citations, recalling
from recall.recalling import HOME_BONUS, KINDS, Recalled, Wanted
from refusals import InvalidArgument
from search.finding import QueryInvalid
from sessions import searching as transcript_searching
from usage.models import Meter
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def ask(text: str, scope=None, *, at=NOW, **wanted) -> Recalled:
    return recalling.recall(scope or everywhere(), Wanted(text=text, **wanted), at=at)


def texts(recalled: Recalled) -> list[str]:
    return [hit.text for hit in recalled.hits]


def test_one_question_finds_memories_knowledge_and_transcripts():
    workspace = project()
    remember(workspace, "Quince jam needs no pectin.")
    publish(workspace, "jam.md", "# Jam\n\nQuince jam is boiled for an hour.\n")
    upload(workspace, "Why is my quince jam so red?", "Bread rises at night.")

    found = ask("quince jam")

    assert {hit.kind for hit in found.hits} == set(KINDS)
    assert found.total == 3
    assert not found.has_more
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert found.confidence == found.hits[0].passage.score


def test_a_memory_is_found_as_soon_as_it_is_saved():
    memory = remember(project(), "The harbour gate opens at six.")

    found = ask("when does the harbour gate open")

    assert [hit.id for hit in found.hits] == [str(memory.memory_id)]
    assert found.pending_words == 0


def test_documents_and_transcripts_are_cited_as_their_own_searches_cite_them():
    workspace = project()
    publish(workspace, "jam.md", "# Jam\n\nQuince jam is boiled.\n")
    upload(workspace, "Bread.", "Why is my quince jam so red?")
    ids = [workspace.pk]
    document = document_searching.search(workspace_ids=ids, text="quince jam")
    transcript = transcript_searching.search(workspace_ids=ids, text="quince jam")

    found = {hit.kind: hit for hit in ask("quince jam").hits}

    one, other = found["knowledge"], found["transcript"]
    assert one.citation_uri == document.hits[0].citation_uri
    assert one.passage.lines_sha256 == document.hits[0].passage.lines_sha256
    assert other.citation_uri == transcript.hits[0].citation.uri
    assert other.passage.lines_sha256 == transcript.hits[0].citation.sha256


@pytest.mark.parametrize("text", ["one line", "two\nlines", "an end\n", "a\r\nb\n\n"])
def test_a_memorys_citation_proves_its_lines_also_after_a_revision(text):
    workspace = project()
    memory = remember(workspace, f"Pelican {text}")
    hit = ask("pelican").hits[0]

    changing.revise(
        memory=memory,
        text="Pelican, something else.",
        reason="changed",
        channel="assistant",
        actor=ACTOR,
        at=NOW + timedelta(minutes=1),
    )

    proof = citations.verify(
        hit.citation_uri,
        sha256=hit.passage.lines_sha256,
        workspaces=Workspace.objects.all(),
    )
    assert f"memories/{memory.memory_id}?revision=1#L1-L" in hit.citation_uri
    assert proof.is_valid
    newer = ask("pelican").hits[0]
    assert "?revision=2#L1-L1" in newer.citation_uri
    assert newer.passage.lines_sha256 != hit.passage.lines_sha256


def test_a_citation_of_an_erased_or_unreadable_memory_is_not_found():
    workspace = project()
    memory = remember(workspace, "Pelican island.")
    hit = ask("pelican").hits[0]

    def verify(workspaces):
        return citations.verify(
            hit.citation_uri,
            sha256=hit.passage.lines_sha256,
            workspaces=workspaces,
        )

    with pytest.raises(citations.CitationNotFound):
        verify(Workspace.objects.none())
    erasing.erase(memory=memory, actor=ACTOR, at=NOW)
    with pytest.raises(citations.CitationNotFound):
        verify(Workspace.objects.all())


def test_the_workspace_that_asks_comes_first_among_equals():
    here, there = project("here"), project("there")
    remember(here, "The quince orchard was planted in spring.")
    remember(there, "The quince orchard was watered in spring.")

    for home in (here, there):
        first, second = ask("quince orchard spring", everywhere(home)).hits
        assert first.workspace == home
        assert first.score == pytest.approx(first.passage.score + HOME_BONUS, abs=1e-4)
        assert second.score == pytest.approx(second.passage.score, abs=1e-4)


def test_a_better_answer_from_elsewhere_beats_the_home():
    here, there = project("here"), project("there")
    remember(here, "The orchard has a fence.")
    remember(there, "The quince orchard was planted by Anna in spring 2021.")

    found = ask("who planted the quince orchard in spring 2021", everywhere(here))

    assert found.hits[0].workspace == there


def test_the_home_comes_first_however_many_others_are_as_good():
    here, there = project("here"), project("there")
    for number in range(100, 160):
        remember(there, f"Quince visit {number}.")
    mine = remember(here, "Quince visit 160.")

    found = ask("quince visit", everywhere(here), limit=1)

    assert [hit.id for hit in found.hits] == [str(mine.memory_id)]
    without_home = ask("quince visit", limit=50)
    assert without_home.hits[0].id != str(mine.memory_id)


def test_a_tag_narrows_to_one_workspace():
    here, there = project("here"), project("there")
    remember(here, "Quince trees stand here.")
    remember(there, "Quince trees stand there.")

    assert texts(ask("quince", tagged(there.slug))) == ["Quince trees stand there."]
    assert ask("quince", tagged("nobody-wrote-this")).hits == []


def test_what_may_not_be_shown_is_not_found():
    workspace = project()
    later = NOW + timedelta(days=1)
    remember(workspace, "Quince one waits.", effective_at=later)
    remember(workspace, "Quince two expires.", expires_at=NOW + timedelta(hours=1))
    old = remember(workspace, "Quince three is outdated.")
    remember(workspace, "Quince four replaces it.", replaces=str(old.memory_id))
    archived = remember(workspace, "Quince five rests.")
    changing.archive(memory=archived, actor=ACTOR, at=NOW)
    erased = remember(workspace, "Quince six is gone.")
    erasing.erase(memory=erased, actor=ACTOR, at=NOW)

    assert set(texts(ask("quince"))) == {
        "Quince two expires.",
        "Quince four replaces it.",
    }
    in_time = ask("quince", at=later)
    assert "Quince two expires." not in texts(in_time)


def test_what_ended_without_leaving_the_index_is_dropped_by_its_row():
    memory = remember(project(), "Quince jam.")
    Memory.objects.filter(pk=memory.pk).update(expires_at=NOW - timedelta(hours=1))

    assert ask("quince").hits == []


def test_types_and_metadata_narrow_to_memories_that_have_them():
    workspace = project()
    remember(workspace, "Quince fact.", memory_type="fact", metadata={"n": 1, "a": "x"})
    remember(workspace, "Quince note.", memory_type="note", metadata={"n": 1, "a": "y"})
    remember(workspace, "Quince event.", memory_type="event", metadata={"a": "x"})
    upload(workspace, "Quince talk.")

    def found(**wanted):
        return {text.split()[1] for text in texts(ask("quince", **wanted))}

    assert found() == {"fact.", "note.", "event.", "talk."}
    assert found(memory_types=["fact"]) == {"fact."}
    assert found(memory_types=["fact", "event"]) == {"fact.", "event."}
    assert found(metadata={"n": 1}) == {"fact.", "note."}
    assert found(metadata={"n": 1, "a": "x"}) == {"fact."}
    both = {"n": 1, "a": "x"}
    assert found(metadata=both, metadata_mode="or") == {"fact.", "note.", "event."}
    assert found(metadata={"n": "1"}) == set()
    assert found(kinds=["transcript"]) == {"talk."}


def test_times_bound_when_it_was_written():
    workspace = project()
    days = [NOW - timedelta(days=n) for n in (3, 2, 1)]
    for number, day in enumerate(days):
        remember(workspace, f"Quince day {number}.", at=day)

    found = ask("quince", start=days[1], end=days[2])

    assert texts(found) == ["Quince day 1."]
    with pytest.raises(InvalidArgument):
        ask("quince", start=days[2], end=days[1])


def test_a_long_memory_is_one_hit_with_all_its_text_masked():
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    paragraphs = [f"Quince paragraph {n}: " + "word " * 80 for n in range(4)]
    remember(project(), "\n\n".join([*paragraphs, f"token {secret}"]))

    found = ask("quince paragraph")

    assert found.total == 1
    assert len(found.hits) == 1
    assert all(f"Quince paragraph {n}" in found.hits[0].text for n in range(4))
    assert secret not in found.hits[0].text
    assert "[REDACTED:" in found.hits[0].text


def test_the_same_text_in_another_kind_is_shown_once():
    workspace = project()
    remember(workspace, "Quince jam needs sugar.")
    upload(workspace, "quince jam  needs sugar.")

    found = ask("quince jam")

    assert len(found.hits) == 1
    assert found.total == 1


def test_pages_neither_repeat_nor_skip_nor_move_when_something_is_saved():
    here, there = project("here"), project("there")
    for number in range(70):
        home = here if number % 7 == 0 else there
        remember(home, f"Quince tree number {number:03} bears fruit.")
    scope = everywhere(here)
    whole = [hit.id for hit in ask("quince tree", scope, limit=50).hits]

    pages, limit_id, offset = [], None, 0
    while True:
        page = ask(
            "quince tree", scope, limit=9, offset=offset, max_passage_id=limit_id
        )
        remember(here, f"Quince tree, planted after page {offset}.")
        pages += [hit.id for hit in page.hits]
        limit_id, offset = page.max_passage_id, offset + 9
        if not page.has_more:
            break

    assert pages[:50] == whole
    assert len(pages) == len(set(pages)) == 70


def test_a_least_score_leaves_out_what_is_below():
    workspace = project()
    remember(workspace, "The quince orchard was planted by Anna.")
    remember(workspace, "The orchard.")
    every = ask("who planted the quince orchard")
    scores = [hit.score for hit in every.hits]
    assert len(scores) == 2

    between = ask("who planted the quince orchard", min_score=sum(scores) / 2)

    assert [hit.score for hit in between.hits] == scores[:1]
    assert (between.total, between.has_more) == (1, False)


@pytest.mark.parametrize(
    "wanted",
    [
        {"limit": 0},
        {"limit": 51},
        {"offset": -1},
        {"offset": 301},
        {"min_score": 1.01},
        {"min_score": -0.1},
        {"kinds": ["everything"]},
        {"memory_types": ["thought"]},
        {"metadata_mode": "xor"},
        {"metadata": {"a": {"nested": 1}}},
        {"metadata": {f"k{n}": n for n in range(21)}},
        {"mode": "magic"},
    ],
)
def test_values_out_of_bounds_are_refused(wanted):
    with pytest.raises((InvalidArgument, QueryInvalid)):
        ask("quince", **wanted)


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001])
def test_a_question_must_have_a_length_that_can_be_read(text):
    with pytest.raises(QueryInvalid):
        ask(text)


def test_nothing_found_says_what_was_searched():
    remember(project(), "Quince jam.")

    found = ask("pelican")

    assert found.hits == []
    assert (found.total, found.confidence, found.has_more) == (0, 0.0, False)
    assert found.is_uncertain
    assert any("Nothing found in 1 passages" in line for line in found.reasoning)


def test_the_reasoning_names_what_matched_and_the_home_in_at_most_three_lines():
    workspace = project()
    remember(workspace, "Quince jam needs sugar.")

    told = ask("quince sugar", everywhere(workspace)).reasoning

    assert told[0] == "Matched keywords: quince, sugar."
    assert workspace.slug in told[1]
    assert len(told) <= 3


def test_explaining_tells_what_the_score_was_made_of():
    remember(project(), "Quince jam.")

    assert ask("quince").hits[0].passage.features is None
    assert ask("quince", explain=True).hits[0].passage.features


def test_what_is_shown_is_counted_and_nothing_else(settings):
    workspace = project()
    for number in range(3):
        remember(workspace, f"Quince number {number}.")

    shown = ask("quince", limit=1).hits[0].memory
    ask("quince", limit=3, is_counted=False)

    counts = dict(Memory.objects.values_list("pk", "retrieval_count"))
    assert counts.pop(shown.pk) == 1
    assert set(counts.values()) == {0}
    assert Memory.objects.get(pk=shown.pk).retrieved_at == NOW
    settings.COUNT_RETRIEVALS = False
    ask("quince", limit=3)
    assert Memory.objects.get(pk=shown.pk).retrieval_count == 1


def test_being_shown_often_changes_no_order():
    workspace = project()
    for number in range(5):
        remember(workspace, f"Quince tree number {number}.")
    before = [(hit.id, hit.score) for hit in ask("quince tree").hits]

    Memory.objects.filter(memory_id=before[-1][0]).update(retrieval_count=10_000)

    assert [(hit.id, hit.score) for hit in ask("quince tree").hits] == before


def test_of_equal_hits_the_newer_comes_first():
    workspace = project()
    for days in (5, 1, 3):
        at = NOW - timedelta(days=days)
        remember(workspace, f"Quince visit {days}.", at=at)

    scores = {hit.score for hit in ask("quince visit").hits}

    assert len(scores) == 1
    assert texts(ask("quince visit")) == [f"Quince visit {n}." for n in (1, 3, 5)]


def test_a_recall_by_words_costs_a_read_and_by_meaning_an_embedding_too():
    by_words = recalling.cost(Wanted(text="quinces", mode="keyword"))
    by_both = recalling.cost(Wanted(text="quinces", mode="hybrid"))

    assert (by_words.reads, by_words.embeds, by_words.embed_tokens) == (1, 0, 0)
    assert (by_both.reads, by_both.embeds, by_both.embed_tokens) == (1, 1, 2)


def test_a_recall_is_charged_to_its_payer():
    remember(project(), "Quince jam.")
    recalling.recall(everywhere(), Wanted(text="quince"), payer=payer(), at=NOW)

    assert Meter.objects.get().reads == 1
