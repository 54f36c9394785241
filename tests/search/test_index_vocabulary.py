from __future__ import annotations

import random
import re

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from search.index import vocabulary
from search.index.packing import IndexDamaged

WORD = st.text(
    st.one_of(st.sampled_from("abc_"), st.characters(exclude_characters="\n")),
    min_size=1,
    max_size=6,
)
WORDS = st.sets(WORD, max_size=40)
EVERYTHING = 10**9


def many_words() -> list[str]:
    """Enough for several pieces, so that words at the edges of pieces are looked up."""
    chance = random.Random(3)
    return sorted(
        {
            "".join(chance.choices("abcdeé漢_", k=chance.randint(1, 12)))
            for _ in range(30_000)
        }
    )


MANY = many_words()
PACKED = vocabulary.pack(MANY)


@given(WORDS, WORD, st.integers(0, 50))
def test_words_are_found_by_their_beginning_and_by_any_part(words, asked, limit):
    data = vocabulary.pack(words)
    parts = asked[:2]

    assert (
        vocabulary.starting(data, parts, limit)
        == sorted(word for word in words if word.startswith(parts))[:limit]
    )
    assert (
        vocabulary.containing(data, parts, limit)
        == sorted(word for word in words if parts in word)[:limit]
    )


@pytest.mark.parametrize("part", ["", "a", "ab", "é", "漢a", "_", "zz", "abcde"])
def test_lookups_reach_over_the_edges_of_pieces(part):
    assert vocabulary.starting(PACKED, part, EVERYTHING) == [
        word for word in MANY if word.startswith(part)
    ]
    assert vocabulary.containing(PACKED, part, EVERYTHING) == [
        word for word in MANY if part in word
    ]


def test_every_word_of_several_pieces_starts_with_itself():
    assert len(PACKED) > vocabulary.PIECE_BYTES
    for word in (*MANY[::97], MANY[0], MANY[-1]):
        assert vocabulary.starting(PACKED, word, 1) == [word]


@pytest.mark.parametrize("compiled", [re.compile, re2.compile])
@pytest.mark.parametrize(
    "pattern",
    ["a[bc]+d", "(?m)^ab", "(?m)bé$", "(?m)^.{2}$", "[^a]{3}", "x*", "漢.漢", r"\w_\b"],
)
def test_a_compiled_pattern_finds_what_it_matches_word_by_word(compiled, pattern):
    matcher = compiled(pattern)

    assert vocabulary.containing(PACKED, matcher, EVERYTHING) == [
        word for word in MANY if matcher.search(word)
    ]


def test_a_limit_cuts_what_a_pattern_finds():
    expected = [word for word in MANY if "ab" in word][:7]

    assert vocabulary.containing(PACKED, re.compile("ab"), 7) == expected


def test_a_word_longer_than_a_piece_is_kept():
    words = ["a", "b" * (vocabulary.PIECE_BYTES + 5), "c"]

    data = vocabulary.pack(words)

    assert vocabulary.starting(data, "", 10) == words


@given(st.lists(WORDS, max_size=4))
def test_a_merge_has_the_words_of_all_parts_once(parts):
    together = vocabulary.merge([vocabulary.pack(part) for part in parts])

    assert together == vocabulary.pack(set().union(*parts))


def test_a_merge_of_many_pieces_is_what_packing_all_words_gives(monkeypatch):
    monkeypatch.setattr(vocabulary, "_MERGED_PIECES", 2)
    parts = [vocabulary.pack(MANY[start::3] + MANY[::50]) for start in range(3)]

    assert vocabulary.merge(parts) == PACKED


def test_a_merge_keeps_what_it_is_told_to_keep():
    data = vocabulary.merge(
        [PACKED], keep=lambda words: [word for word in words if "a" not in word]
    )

    assert data == vocabulary.pack(word for word in MANY if "a" not in word)


@given(st.integers(0, 400), st.integers(1, 255))
@example(280, 8)
def test_a_changed_byte_is_damage_or_changes_nothing(at, change):
    whole = vocabulary.pack(MANY[:60])
    data = bytearray(whole)
    data[at % len(data)] ^= change

    try:
        found = vocabulary.containing(bytes(data), "", EVERYTHING)
    except IndexDamaged:
        return
    # The bits that fill up the last byte of a compressed piece say nothing.
    assert found == vocabulary.containing(whole, "", EVERYTHING)


@pytest.mark.parametrize("size", [0, 1, 4, 5, 20, len(PACKED) - 1])
def test_a_vocabulary_cut_short_is_damage(size):
    with pytest.raises(IndexDamaged):
        vocabulary.starting(PACKED[:size], "a", 5)
