import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from messages import AT, message

from jobs.models import Job
from search import passages
from search.models import Corpus, Embedding, Finding, Passage, Term, Unembedded
from search.passages import Source

GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


def statistics():
    """What is counted, and the same counted anew from the passages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lexeme, count(*) FROM search_passage,"
            " unnest(tsvector_to_array(words)) lexeme GROUP BY lexeme"
        )
        terms = dict(cursor.fetchall())
        cursor.execute(
            "SELECT workspace_id, kind, count(*), sum(word_count) FROM search_passage"
            " GROUP BY workspace_id, kind"
        )
        corpora = {tuple(row[:2]): tuple(row[2:]) for row in cursor.fetchall()}
    kept = Corpus.objects.exclude(passage_count=0)
    return (
        (
            dict(Term.objects.values_list("token", "passage_count")),
            {(c.workspace_id, c.kind): (c.passage_count, c.word_count) for c in kept},
        ),
        (terms, corpora),
    )


def test_a_message_becomes_a_passage_with_everything_it_came_with(workspace):
    source = Source(workspace.pk, "knowledge", 7)
    given = message(
        3, "Flour, water", path="bread.md", origin_key=b"k" * 16, role="document"
    )

    assert passages.add(source, [given], at=AT) == 1

    passage = Passage.objects.get()
    assert (passage.workspace_id, passage.kind, passage.source_id) == (
        workspace.pk,
        "knowledge",
        7,
    )
    assert (passage.position, passage.part, passage.first_line) == (3, 0, 4)
    assert (passage.text, passage.path, passage.word_count) == (
        "Flour, water",
        "bread.md",
        2,
    )
    assert bytes(passage.origin_key) == b"k" * 16
    assert passage.at == AT


def test_parts_of_a_long_message_keep_its_lines(workspace, remember):
    remember(" ".join(f"word{n}." for n in range(400)), last_line=1)

    parts = Passage.objects.order_by("part")

    assert parts.count() >= 4
    assert list(parts.values_list("part", flat=True)) == list(range(parts.count()))
    assert set(parts.values_list("first_line", "last_line")) == {(1, 1)}


def test_adding_twice_replaces_and_counts_once(remember):
    remember("flour and water", "salt")
    remember("flour and water", "salt")

    assert Passage.objects.count() == 2
    assert Term.objects.get(token="flour").passage_count == 1


def test_a_position_that_changes_is_replaced_and_the_others_stay(workspace, remember):
    source = remember("flour", "salt")
    kept = Passage.objects.get(position=1).pk

    passages.add(source, [message(0, "rye")], at=AT)

    assert Passage.objects.get(position=0).text == "rye"
    assert Passage.objects.get(position=1).pk == kept
    assert not Term.objects.filter(token="flour").exists()


def test_statistics_follow_every_change(make_workspace, remember):
    other = make_workspace("mill")
    source = remember("flour and water in the bowl", "salt and flour")
    remember("a mill grinds flour", source_id=2, where=other)
    passages.add(source, [message(0, "rye bread")], at=AT)
    passages.remove(source, from_position=1)
    counted, recounted = statistics()
    assert counted == recounted

    other.delete()

    counted, recounted = statistics()
    assert counted == recounted
    assert "grind" not in counted[0]


def test_removing_forgets_from_a_position_on(remember):
    source = remember("one", "two", f"three {GITHUB}")

    assert passages.remove(source, from_position=1) == 2
    assert list(Passage.objects.values_list("text", flat=True)) == ["one"]
    assert not Finding.objects.exists()
    assert passages.remove(source) == 1
    assert not Term.objects.exists()


def test_a_secret_enters_neither_text_nor_words_and_is_noted(workspace, remember):
    remember("harmless", f"push with {GITHUB}")

    finding = Finding.objects.get()

    assert (finding.line, finding.rule) == (2, "github-pat")
    assert finding.workspace_id == workspace.pk
    assert not Passage.objects.filter(text__contains=GITHUB).exists()
    assert not Term.objects.filter(token__startswith="ghp_").exists()


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


def test_vectors_are_asked_for_and_go_with_their_passage(remember):
    source = remember("flour")
    passage = Passage.objects.get()
    assert Unembedded.objects.get().passage_id == passage.pk
    assert Job.objects.unfinished().get().verb == "search.embed"
    Embedding.objects.create(passage=passage, embedder="x", dimensions=1, vector=b"00")

    passages.remove(source)

    assert not Embedding.objects.exists()
    assert not Unembedded.objects.exists()


def test_prose_waits_before_tool_traffic(remember):
    remember("prose")
    remember("output", source_id=2, role="tool_output")

    assert dict(Unembedded.objects.values_list("passage__text", "is_prose")) == {
        "prose": True,
        "output": False,
    }


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
    remember(text)

    assert Passage.objects.count() == len(
        set(Passage.objects.values_list("part", flat=True))
    )


def test_long_names_are_cut_not_refused(remember):
    remember("text", speaker="s" * 500, path="p/" * 500)

    assert len(Passage.objects.get().speaker) == 100


def test_nothing_is_kept_when_the_caller_rolls_back(workspace, remember):
    with transaction.atomic():
        remember("flour")
        transaction.set_rollback(True)

    assert not Passage.objects.exists()
    assert not Term.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_that_share_words_wait_for_each_other(workspace):
    words = [f"word{n}" for n in range(200)]
    errors = []

    def write(source_id: int, order: int) -> None:
        try:
            for turn in range(4):
                texts = words[::order]
                with transaction.atomic():
                    for half in (texts[:100], texts[100:]):
                        found = [message(i + 100 * turn, w) for i, w in enumerate(half)]
                        passages.add(
                            Source(workspace.pk, "transcript", source_id),
                            found,
                            at=AT + timedelta(seconds=turn),
                        )
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=write, args=(n, o)) for n, o in ((1, 1), (2, -1))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    counted, recounted = statistics()
    assert counted == recounted
