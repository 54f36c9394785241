import threading
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from messages import AT, message

from jobs.models import Job
from search import analysis, catalogue, compaction, passages
from search.models import Block, Finding, IndexSegment
from search.passages import Source

GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


def kept(source):
    return [passage.text for passage in passages.of_source(source)]


def everything():
    """All passages, by what each block's source says of it."""
    for workspace_id, kind, source_id in sorted(
        set(Block.objects.values_list("workspace_id", "kind", "source_id"))
    ):
        yield from passages.of_source(Source(workspace_id, kind, source_id))


def statistics():
    """How often each term is counted, and the same counted anew from the passages."""
    recounted = Counter(
        token
        for passage in everything()
        for token in {
            term for run in analysis.runs(passage.text) for term in terms_of(run)
        }
    )
    known = catalogue.current()
    counted = {
        term: len(docs) for term, (docs, _) in known.postings(list(recounted)).items()
    }
    return counted, recounted


def terms_of(run):
    return analysis.entry(run).hashes


def counted(word):
    """In how many passages the index has a word."""
    term = analysis.term_hash(analysis.term_of(word))
    docs, _ = catalogue.current().postings([term]).get(term, ([], []))
    return len(docs)


def compact():
    return compaction.compact(renew=lambda: None)


def test_a_message_becomes_a_passage_with_everything_it_came_with(workspace):
    source = Source(workspace.pk, "knowledge", 7)
    given = message(
        3, "Flour, water", path="bread.md", origin_key=b"k" * 16, role="document"
    )

    assert passages.add(source, [given], at=AT) == 1

    [passage] = passages.of_source(source)
    assert (passage.workspace_id, passage.kind, passage.source_id) == (
        workspace.pk,
        "knowledge",
        7,
    )
    facts = passage.facts
    assert (facts.position, facts.part, facts.first_line) == (3, 0, 4)
    assert (passage.text, facts.path) == ("Flour, water", "bread.md")
    assert facts.at == AT
    assert passages.read([passage.passage_id]) == {passage.passage_id: passage}


def test_parts_of_a_long_message_keep_its_lines(workspace, remember):
    source = remember(" ".join(f"word{n}." for n in range(400)), last_line=1)

    parts = [passage.facts for passage in passages.of_source(source)]

    assert len(parts) >= 4
    assert [part.part for part in parts] == list(range(len(parts)))
    assert {(part.first_line, part.last_line) for part in parts} == {(1, 1)}


def test_many_passages_go_over_several_blocks_in_order(workspace, remember):
    texts = [f"loaf {n} " + "of bread " * 50 for n in range(150)]
    source = remember(*texts)

    assert Block.objects.count() > 2
    assert kept(source) == texts


def test_adding_twice_replaces_and_counts_once(remember):
    remember("flour and water", "salt")
    source = remember("flour and water", "salt")

    assert len(kept(source)) == passages.count() == 2
    assert counted("flour") == 1


def test_positions_from_the_first_added_on_are_replaced(workspace, remember):
    source = remember("flour", "salt", "water")

    passages.add(source, [message(1, "rye")], at=AT)

    assert kept(source) == ["flour", "rye"]
    assert (counted("flour"), counted("salt"), counted("water")) == (1, 0, 0)


def test_statistics_follow_every_change(make_workspace, remember):
    other = make_workspace("mill")
    source = remember("flour and water in the bowl", "salt and flour")
    mill = remember("a mill grinds flour", source_id=2, where=other)
    passages.add(source, [message(1, "rye bread")], at=AT)
    passages.remove(source, from_position=1)
    had, has = statistics()
    assert had == has

    passages.remove(mill)

    had, has = statistics()
    assert had == has
    assert counted("grinds") == 0


def test_merging_changes_no_answer_and_lets_go_of_what_was_removed(remember, ask):
    for n in range(40):
        remember(f"flour number {n}", f"crumb{n} bread", source_id=n)
    for n in range(0, 40, 3):
        passages.remove(Source(Block.objects.first().workspace_id, "transcript", n))
    before = [hit.passage_id for hit in ask("flour bread", limit=100).hits]
    segments = IndexSegment.objects.count()

    assert compact() > 0

    assert IndexSegment.objects.count() < segments / 4
    assert [hit.passage_id for hit in ask("flour bread", limit=100).hits] == before
    had, has = statistics()
    assert had == has
    assert compact() == 0
    assert ask("crumb0", "exact").hits == []
    assert len(ask("crumb1", "exact").hits) == 8


def test_what_is_removed_while_segments_merge_stays_removed(remember, monkeypatch):
    sources = [remember(f"flour number {n}", source_id=n) for n in range(8)]
    merge = compaction.merging.merge

    def slow(parts):
        merged = merge(parts)
        passages.remove(sources[3])
        return merged

    monkeypatch.setattr(compaction.merging, "merge", slow)
    assert compact() == 1

    assert counted("flour") == 7
    segment = IndexSegment.objects.get()
    assert (segment.passage_count, segment.dead_count) == (8, 1)
    known = catalogue.current()
    assert np.count_nonzero(known.is_alive) == 7


def test_a_segment_that_is_mostly_dead_is_written_anew_or_dropped(remember):
    source = remember("flour", "salt", "water")
    passages.remove(source, from_position=1)
    compact()
    assert IndexSegment.objects.get().passage_count == 1

    passages.remove(source)
    compact()

    assert not IndexSegment.objects.exists()


def test_removing_forgets_from_a_position_on(remember):
    source = remember("one", "two", f"three {GITHUB}")

    assert passages.remove(source, from_position=1) == 2
    assert kept(source) == ["one"]
    assert not Finding.objects.exists()
    assert passages.remove(source) == 1
    assert counted("one") == 0


def test_a_secret_enters_neither_text_nor_words_and_is_noted(workspace, remember):
    source = remember("harmless", f"push with {GITHUB}")

    finding = Finding.objects.get()

    assert (finding.line, finding.rule) == (2, "github-pat")
    assert finding.workspace_id == workspace.pk
    assert not any(GITHUB in text for text in kept(source))
    assert counted(GITHUB) == 0


def test_a_finding_in_a_document_names_its_line(remember):
    remember(f"one\ntwo\n{GITHUB}\nfour", first_line=11, last_line=14)

    assert Finding.objects.get().line == 13


def test_adding_again_does_not_note_a_secret_twice_nor_one_that_is_gone(workspace):
    source = Source(workspace.pk, "knowledge", 1)
    passages.add(source, [message(0, GITHUB)], at=AT)
    passages.add(source, [message(0, GITHUB)], at=AT)
    assert Finding.objects.count() == 1

    passages.add(source, [message(0, "now clean")], at=AT)

    assert not Finding.objects.exists()


def test_merging_and_vectors_are_asked_for(remember):
    remember("flour")

    verbs = set(Job.objects.unfinished().values_list("verb", flat=True))
    assert verbs == {"search.embed", "search.merge"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\x00",
        "\ud800 lone",
        "'\\ quotes ' \\",
        "x" * 100_000,
        "\u202e",
        "1" * 300,
    ],
)
def test_any_text_can_be_added(remember, text):
    source = remember(text)

    found = list(passages.of_source(source))
    assert [passage.facts.part for passage in found] == list(range(len(found)))


def test_long_names_are_cut_not_refused(remember):
    source = remember("text", speaker="s" * 500, path="p/" * 500)

    [passage] = passages.of_source(source)
    assert (len(passage.facts.speaker), len(passage.facts.path)) == (100, 512)


def test_nothing_is_kept_when_the_caller_rolls_back(workspace, remember):
    with transaction.atomic():
        remember("flour")
        transaction.set_rollback(True)

    assert passages.count() == 0
    assert counted("flour") == 0


@pytest.mark.django_db(transaction=True)
def test_writers_and_merging_do_not_disturb_each_other(workspace):
    words = [f"word{n}" for n in range(200)]
    errors = []

    def run(what) -> None:
        try:
            what()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    def write(source_id: int, order: int) -> None:
        source = Source(workspace.pk, "transcript", source_id)
        for turn in range(6):
            found = [message(i + 100 * turn, w) for i, w in enumerate(words[::order])]
            with transaction.atomic():
                passages.add(source, found[:100], at=AT + timedelta(seconds=turn))
                passages.add(source, [message(100 * turn + 50, "again")], at=AT)
            if turn % 2:
                passages.remove(source, from_position=100 * turn)

    def merge() -> None:
        for _ in range(10):
            compact()

    threads = [
        threading.Thread(target=run, args=(what,))
        for what in (lambda: write(1, 1), lambda: write(2, -1), merge)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    had, has = statistics()
    assert had == has
