from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories import texts
from memories.owners import SHARED_APP, Owner, owner_of
from refusals import InvalidArgument

# Words, so that examples often share some, and everything else there is.
SAYINGS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(["use", "Tabs", "NOT", "in", "ΣΟΦΟΣ", "İstanbul", "80", "81"]),
        max_size=12,
    ).map(" ".join),
)


@given(SAYINGS)
def test_normalising_twice_is_normalising_once(text):
    once = texts.normalise(text)

    assert texts.normalise(once) == once


@given(st.lists(st.sampled_from(["Use", "TABS", "here", "é", "10"]), min_size=1))
def test_case_and_white_space_make_no_other_text(words):
    forms = [" ".join(words), "\n\t ".join(words).upper(), " ".join(words).lower()]

    kept = {
        texts.canonical_sha256(text, owner=SHARED_APP, memory_type="fact")
        for text in forms
    }

    assert len(kept) == 1
    assert len({texts.fingerprint(text) for text in forms}) == 1


def test_owner_and_type_make_another_text():
    ada = Owner("ada", "user")

    assert (
        len(
            {
                texts.canonical_sha256("x", owner=SHARED_APP, memory_type=""),
                texts.canonical_sha256("x", owner=SHARED_APP, memory_type="fact"),
                texts.canonical_sha256("x", owner=ada, memory_type=""),
            }
        )
        == 3
    )


@given(SAYINGS, SAYINGS)
def test_similarity_is_a_share_and_the_same_both_ways(one, other):
    similarity = texts.similarity(one, other)

    assert 0 <= similarity <= 1
    assert similarity == texts.similarity(other, one)
    assert texts.similarity(one, one) == 1


@given(SAYINGS)
def test_every_text_is_nearly_itself(text):
    assert texts.is_nearly(text, text)


LONG = "we deploy the bakery service every friday after lunch from the main branch"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The port is 80", "The port is 81"),
        ("The deadline is 3 March", "The deadline is 4 March"),
        (LONG + " always by hand or at most twice", LONG),
        (f"{LONG} with approval", f"{LONG} not with approval"),
        (f"{LONG} in v1", f"{LONG} in v2"),
    ],
)
def test_a_number_a_negation_or_a_further_sentence_is_no_near_duplicate(one, other):
    assert not texts.is_nearly(one, other)


def test_a_comma_and_one_word_in_many_are_a_near_duplicate():
    other = LONG.replace("friday after", "Friday, after") + " there"

    assert texts.is_nearly(LONG, other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use tabs", 1),
        ("Never use tabs", -1),
        ("Don't use tabs", -1),
        ("Don’t use tabs", -1),
        ("Do not avoid tabs", 1),
    ],
)
def test_an_odd_count_of_negations_denies(text, expected):
    assert texts.polarity(text) == expected


def test_a_topic_is_what_is_left_of_a_stance():
    assert texts.topic_similarity("We always use tabs", "Never use the tab") == 1
    assert texts.topic_similarity("Use tabs", "Use spaces") == 0


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "half \ud800"])
def test_a_text_that_says_nothing_or_cannot_be_stored_is_refused(text):
    with pytest.raises(InvalidArgument):
        texts.checked(text)


def test_a_text_has_its_longest(settings):
    settings.MAX_MEMORY_CHARS = 10

    assert texts.checked("x" * 10) == "x" * 10
    with pytest.raises(InvalidArgument):
        texts.checked("x" * 11)


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ({}, SHARED_APP),
        ({"userId": "ada"}, Owner("ada", "user")),
        ({"user_id": "ada", "entity_id": "ada"}, Owner("ada", "user")),
        ({"owner_id": "bot", "owner_type": "agent"}, Owner("bot", "app")),
        ({"owner_id": " crew ", "owner_type": "team"}, Owner("crew", "team")),
        ({"user_id": "", "owner_id": None}, SHARED_APP),
    ],
)
def test_an_owner_has_many_names(said, owner):
    assert owner_of(said) == owner


@pytest.mark.parametrize(
    "said",
    [
        {"user_id": "ada", "owner_id": "grace"},
        {"user_id": 7},
        {"user_id": "a\nb"},
        {"user_id": "x" * 201},
        {"user_id": "ada", "owner_type": "king"},
    ],
)
def test_owners_that_do_not_match_or_are_no_name_are_refused(said):
    with pytest.raises(InvalidArgument):
        owner_of(said)
