import math
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as law
from hypothesis import strategies as st
from messages import AT, message

from search import features, finding, passages, ranking
from search.finding import Query, QueryInvalid, RegexInvalid, find
from search.passages import Source

RECIPES = [
    "Knead the dough until it is smooth",
    "The oven must be hot: 250 degrees",
    "fetchRowsById lives in sessions/uploads.py",
    "Let the dough rest overnight in the cold",
    "rows are fetched by their id",
    "日本語のテキスト検索",
    "Ein Café in Zürich",
]


def texts(results):
    found = passages.read([hit.passage_id for hit in results.hits])
    return [found[hit.passage_id].text for hit in results.hits]


@pytest.fixture
def recipes(remember):
    return remember(*RECIPES)


# --- words -----------------------------------------------------------------------


def test_all_words_come_before_some_words(recipes, ask):
    found = texts(ask("dough overnight"))

    assert found == [RECIPES[3], RECIPES[0]]


def test_a_question_is_answered_without_its_small_words(recipes, ask):
    assert texts(ask("How hot should the oven be?"))[0] == RECIPES[1]


def test_an_identifier_ranks_before_its_words(recipes, ask):
    assert texts(ask("fetchRowsById"))[0] == RECIPES[2]
    assert texts(ask("uploads.py")) == [RECIPES[2]]
    assert texts(ask("sessions/uploads.py")) == [RECIPES[2]]


def test_an_identifier_that_stands_somewhere_is_answered_by_itself(remember, ask):
    remember("fetchRowsById is slow", "we fetch rows by id", "the fetchRowsById again")

    assert len(texts(ask("fetchRowsById"))) == 2
    assert len(texts(ask('"fetchRowsById"'))) == 3
    assert texts(ask("fetch_rows_by_id")) != []


def test_a_phrase_wants_its_words_in_order(recipes, ask):
    assert texts(ask('"the dough rest"')) == [RECIPES[3]]
    assert texts(ask('"rest the dough"')) == []


def test_words_beside_a_phrase_may_be_missing(remember, ask):
    remember("We baked Dark Rye again", "rye that is dark", "what did she say about it")

    assert texts(ask('What did she say about "Dark Rye"?')) == [
        "We baked Dark Rye again"
    ]


def test_a_title_that_nobody_wrote_so_is_asked_for_by_its_words(recipes, ask):
    found = ask('How long should the dough for "Overnight Rest" rise?')

    assert texts(found)[0] == RECIPES[3]
    assert any("quoted" in note for note in found.searched.notes)


def test_a_prefix_finds_what_begins_so(recipes, ask):
    assert texts(ask("overni*")) == [RECIPES[3]]
    # The stem of this word is shorter than the prefix.
    assert texts(ask("kneadi*")) == []
    assert texts(ask("degre*")) == [RECIPES[1]]


def test_accents_case_and_scripts_without_spaces(recipes, ask):
    assert texts(ask("cafe zurich")) == [RECIPES[6]]
    assert texts(ask("テキスト")) == [RECIPES[5]]
    assert texts(ask("索")) == [RECIPES[5]]


def test_only_stop_words_are_searched_as_exact_text(recipes, ask):
    results = ask("it is")

    assert texts(results) == [RECIPES[0]]
    assert any("exact" in note for note in results.searched.notes)


@pytest.mark.parametrize(
    "text",
    [
        "'",
        '"',
        "a & !b | (c",
        "\\",
        ":*",
        "' OR 1=1 --",
        "%s %d",
        "*",
        '""',
        "\x00",
        "🎂",
    ],
)
@pytest.mark.parametrize("mode", ["keyword", "hybrid", "exact"])
def test_no_query_breaks_the_search(recipes, ask, text, mode):
    ask(text, mode)


def test_a_frequent_word_does_not_hide_a_rare_one(remember, ask):
    remember(*(f"server log entry {n}" for n in range(300)), "server melted croissant")

    assert texts(ask("croissant on the server"))[0] == "server melted croissant"


name = st.from_regex(
    r"[a-z]{2,6}([A-Z][a-z]{2,6}|_[a-z]{2,6}|\.[a-z]{2,4}){1,4}", fullmatch=True
)


@law(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name, st.integers(0, 60))
def test_a_planted_identifier_is_always_found_first(workspace, planted, at):
    apart = " ".join(re.findall(r"[A-Z]?[a-z]+", planted))
    prose = [f"{apart} and {apart} again, note {n} of the day" for n in range(60)]
    prose.insert(
        at, f"A long remark about the weather, the bread and {planted} in the shop"
    )
    source = Source(workspace.pk, "transcript", 99)
    passages.add(source, [message(i, text) for i, text in enumerate(prose)], at=AT)

    results = find(
        Query(
            text=planted,
            mode="keyword",
            workspace_ids=[workspace.pk],
            kinds=["transcript"],
            limit=5,
        )
    )

    passages.remove(source)
    assert results.hits[0].first_line == at + 1


# --- exact and regex -------------------------------------------------------------


def test_exact_is_literal_and_case_is_a_choice(recipes, ask):
    assert texts(ask("hot: 250", "exact")) == [RECIPES[1]]
    assert texts(ask("HOT: 250", "exact")) == [RECIPES[1]]
    assert texts(ask("HOT: 250", "exact", case_sensitive=True)) == []
    assert texts(ask("100%_", "exact")) == []


def test_exact_finds_marks_and_single_characters(recipes, ask):
    assert texts(ask("/", "exact")) == [RECIPES[2]]
    assert texts(ask(":", "exact")) == [RECIPES[1]]


def test_whole_words_come_before_parts_of_words_in_exact(remember, ask):
    remember("the breadth of it", "bread and butter")

    assert texts(ask("bread", "exact")) == ["bread and butter", "the breadth of it"]


def test_regex_finds_in_linear_time_engine_terms(recipes, ask):
    assert texts(ask(r"fetch\w+Id", "regex")) == [RECIPES[2]]
    assert texts(ask(r"\b(Knead|Bake) the", "regex")) == [RECIPES[0]]
    assert texts(ask(r"\d{3} degrees?", "regex")) == [RECIPES[1]]
    assert texts(ask(r"^rows", "regex", case_sensitive=True)) == [RECIPES[4]]


def test_a_regex_without_literals_reads_the_newest_passages(
    recipes, ask, remember, monkeypatch
):
    assert texts(ask(r"\d+", "regex")) == [RECIPES[1]]

    monkeypatch.setattr("search.literal.MOST_PROPOSED", 3)
    remember("one", "two", "three", "four", source_id=2)
    results = ask(r"\d+", "regex")

    assert results.hits == []
    assert any("newest 3 passages" in note for note in results.searched.notes)


@pytest.mark.parametrize(
    "pattern", ["(", "a(?=b)", r"(a)\1", "[", "a" * 1500, "x{5000}"]
)
def test_what_is_not_re2_is_refused(recipes, ask, pattern):
    with pytest.raises(RegexInvalid):
        ask(pattern, "regex")


def test_a_pattern_that_ruins_backtracking_engines_is_quick(remember, ask):
    remember("bread " + "a" * 400)

    assert texts(ask(r"bread (a+)+$", "regex"))


# --- filters ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["keyword", "exact", "regex"])
def test_every_filter_narrows_every_mode(
    make_workspace, remember, ask, workspace, mode
):
    other = make_workspace("other")
    remember("bread one", source_id=1, role="user")
    remember("bread two", source_id=2, role="assistant", at=AT + timedelta(days=2))
    remember(
        "bread three",
        source_id=3,
        kind="knowledge",
        path="notes/bread.md",
        role="document",
    )
    remember("bread four", source_id=4, where=other)

    def found(**narrow):
        return sorted(hit.source_id for hit in ask("bread", mode, **narrow).hits)

    assert found() == [1, 2, 3]
    assert found(workspace_ids=[other.pk]) == [4]
    assert found(workspace_ids=[other.pk, workspace.pk]) == [1, 2, 3, 4]
    assert found(workspace_ids=[]) == []
    assert found(kinds=["knowledge"]) == [3]
    assert found(roles=["assistant", "document"]) == [2, 3]
    assert found(after=AT + timedelta(days=1)) == [2]
    assert found(before=AT + timedelta(days=1)) == [1, 3]
    assert found(path_prefix="notes/") == [3]
    assert found(path_prefix="notes/%") == []
    assert found(source_ids=[1, 3]) == [1, 3]
    assert found(source_ids=[]) == []
    assert found(max_passage_id=0) == []


def test_a_miss_says_what_was_searched(recipes, ask):
    results = ask("xylophone", roles=["user"], after=AT - timedelta(days=1))

    assert results.hits == []
    assert results.searched.passages == len(RECIPES)
    told = " ".join(results.searched.notes)
    assert "7 passages of 1 workspaces" in told
    assert "roles user" in told
    assert "after 2026-11-19" in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "},
        {"text": "x" * 2001},
        {"mode": "magic"},
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
    ],
)
def test_a_query_outside_its_bounds_is_refused(workspace, wrong):
    values = {
        "text": "bread",
        "mode": "keyword",
        "workspace_ids": [workspace.pk],
        "kinds": ["transcript"],
        "limit": 10,
    } | wrong

    with pytest.raises(QueryInvalid):
        find(Query(**values))


# --- what comes back -------------------------------------------------------------


def test_a_hit_carries_its_provenance_and_marks_the_match(recipes, ask, workspace):
    [hit] = ask("overnight").hits

    assert (hit.workspace_id, hit.kind, hit.source_id) == (
        workspace.pk,
        "transcript",
        1,
    )
    assert (hit.first_line, hit.last_line, hit.lines_sha256) == (4, 4, f"{3:064x}")
    assert (hit.role, hit.speaker, hit.channel, hit.at) == ("user", "Ada", "user", AT)
    assert hit.snippet == "Let the dough rest «overnight» in the cold"
    assert 0 < hit.score <= 1
    assert hit.features is None


def test_explain_tells_the_features(recipes, ask):
    [hit] = ask("overnight", explain=True).hits

    known = {*features.NAMES, "name", "verbatim"} - features.BY_MEANING
    assert set(hit.features) == known
    assert hit.features["words"].value == hit.features["coverage"].value == 1


def test_explained_features_and_weights_make_the_score(recipes, ask):
    weighed = ranking.weights("keyword")

    for hit in ask("how long must the dough rest overnight", explain=True).hits:
        total = sum(each.value * each.weight for each in hit.features.values())
        likely = 1 / (1 + math.exp(-(weighed.slope * total + weighed.offset)))
        assert hit.score == pytest.approx(likely, abs=1e-4)


def test_words_that_a_passage_lacks_are_looked_for_around_it(remember, ask):
    remember("yeast came up", "so it goes", "and then", "the dough rose", "never")
    remember("yeast again", source_id=2)

    first, second = (
        next(
            hit for hit in ask("yeast dough", explain=True).hits if hit.first_line == n
        )
        for n in (1, 4)
    )

    assert second.features["coverage"].value == pytest.approx(
        1 - second.features["nearby"].value
    )
    assert second.features["nearby"].value > 0
    assert first.features["nearby"].value == 0
    assert first.features["context"].value == second.features["context"].value == 0


def test_a_snippet_is_short_and_shows_the_match(remember, ask):
    remember(
        "filler words here " * 30 + "the croissant burned " + "more filler text " * 30
    )

    for mode, text in (
        ("keyword", "croissant"),
        ("exact", "croissant burn"),
        ("regex", "cr[o]issant"),
    ):
        [hit] = ask(text, mode).hits
        assert len(hit.snippet) <= 300
        assert "«croissant" in hit.snippet


def test_scores_fall_and_lie_between_0_and_1(recipes, ask):
    for mode in ("keyword", "exact", "hybrid"):
        scores = [hit.score for hit in ask("the dough", mode).hits]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)


def test_a_fork_is_shown_once_with_where_else_it_stands(remember, ask):
    for source_id in (1, 2, 3):
        remember("shared bread line", source_id=source_id, origin_key=b"o" * 16)

    [hit] = ask("bread").hits

    assert (hit.source_id, hit.also_in) == (1, [2, 3])


def test_a_session_that_repeats_itself_is_shown_once(remember, ask):
    remember("same bread", "same bread", "other bread")
    remember("same bread", source_id=2)

    assert sorted(texts(ask("bread"))) == ["other bread", "same bread", "same bread"]


def test_grouped_results_show_each_source_once(remember, ask):
    remember("bread one", "bread bread two")
    remember("bread three", source_id=2)

    found = ask("bread", group_by_source=True)

    assert sorted(hit.source_id for hit in found.hits) == [1, 2]


@pytest.mark.parametrize("mode", ["keyword", "exact", "regex"])
@pytest.mark.parametrize("has_cache", [True, False])
def test_pages_have_no_gaps_and_no_repetitions_while_writing_goes_on(
    remember, ask, mode, has_cache
):
    remember(*(f"bread number {n}" for n in range(47)))
    seen, offset, newest = [], 0, None
    while True:
        page = ask("bread", mode, limit=10, offset=offset, max_passage_id=newest)
        seen += [hit.passage_id for hit in page.hits]
        newest, offset = page.max_passage_id, offset + 10
        remember(f"bread from later, {offset}", source_id=100 + offset)
        if not has_cache:
            cache.clear()
        if not page.has_more:
            break

    assert len(seen) == len(set(seen)) == 47


def test_a_page_past_the_end_says_so(recipes, ask):
    results = ask("dough", offset=50)

    assert results.hits == []
    assert results.searched.notes == ["There are no more results."]


# --- no scans --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("keyword", "croissant"),
        ("keyword", "where did the croissant with item17 go"),
        ("keyword", "croiss*"),
        ("keyword", '"burned croissant"'),
        ("exact", "burned croissant"),
        ("exact", "roissan"),
        ("regex", "croi.*burned"),
    ],
)
def test_only_passages_that_may_be_shown_are_read(remember, ask, mode, text):
    remember(*(f"item{n} is a line of ordinary prose about work" for n in range(4000)))
    remember("a burned croissant", source_id=2)

    read: list[list[int]] = []

    def note(execute, sql, parameters, many, context):
        if "FROM search_block" in sql:
            read.append(parameters[0])
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        ask(text, mode)

    assert read
    assert all(len(block_ids) <= 12 for block_ids in read)


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_is_refused_and_leaves_no_bound(
    remember, ask, monkeypatch
):
    remember("a burned croissant")
    monkeypatch.setattr(finding, "_STATEMENT_SECONDS", 0.1)

    def sleep(execute, sql, parameters, many, context):
        slow = "SELECT pg_sleep(20)" if "FROM search_indexsegment" in sql else sql
        return execute(slow, parameters, many, context)

    with connection.execute_wrapper(sleep), pytest.raises(finding.QueryTooBroad):
        ask("croissant", "keyword")

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    assert ask("croissant", "keyword").hits


@pytest.mark.django_db(transaction=True)
def test_a_bound_on_every_statement_is_enough(remember, ask, settings):
    remember("a burned croissant")
    settings.STATEMENT_SECONDS = 10

    def sleep(execute, sql, parameters, many, context):
        slow = "SELECT pg_sleep(20)" if "FROM search_indexsegment" in sql else sql
        return execute(slow, parameters, many, context)

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '100ms'")
    try:
        with connection.execute_wrapper(sleep), pytest.raises(finding.QueryTooBroad):
            ask("croissant", "keyword")
        assert ask("croissant", "keyword").hits
        assert not connection.in_atomic_block
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


def test_a_phrase_is_found_among_many_that_have_its_rarest_words(remember, ask):
    remember(
        *(
            f"gate {n}: the amber orchard closes before noon for person{n}"
            for n in range(40)
        ),
        *(f"gate {n} is a common word before anything" for n in range(400)),
        "the amber orchard closes before gate 7",
    )

    results = ask('"the amber orchard closes before gate 7"', "keyword")

    assert texts(results) == ["the amber orchard closes before gate 7"]
    assert results.searched.notes == []
