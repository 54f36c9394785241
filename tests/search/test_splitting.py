import re

from hypothesis import given
from hypothesis import strategies as st

from search import splitting

TEXTS = [
    *("a", "b ", ".", "\n", "\n\n", " \n\t\n", "```", "\n```\n", "~~~", "! ", "日。"),
    *("word " * 70, "word\n" * 70, "x" * 700, "path/to/it\n" * 40, "a," * 600),
    *(" " * 1200, "本" * 150),
]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_a_short_message_stays_whole():
    assert splitting.parts("One line.\nAnother.") == ["One line.\nAnother."]


def test_paragraphs_are_not_cut_when_they_fit():
    paragraphs = [" ".join([f"word{n}"] * 60) for n in range(5)]

    parts = splitting.parts("\n\n".join(paragraphs))

    assert [p for p in paragraphs if any(p in part for part in parts)] == paragraphs
    assert len(parts) == 5


def test_a_code_block_stays_in_one_piece():
    block = "```python\n" + "\n".join(f"line_{n} = {n}" for n in range(40)) + "\n```"
    prose = " ".join(["prose"] * 90)

    parts = splitting.parts(f"{prose}\n\n{block}\n\n{prose}")

    assert any(block in part for part in parts)


def test_a_long_sentence_is_cut_between_words():
    parts = splitting.parts(" ".join(["baker"] * 450))

    assert len(parts) >= 4
    assert {word for part in parts for word in part.split()} == {"baker"}


def test_a_run_without_spaces_is_cut_all_the_same():
    assert max(map(len, splitting.parts("x" * 10_000))) <= splitting.PART_CHARS


def test_lines_of_long_paths_make_pieces_as_long_as_prose_does():
    path = "/".join(["packages"] * 9)
    lines = [f"{path}/module_{n}.py:{n}:{path}" for n in range(60)]

    parts = splitting.parts("\n".join(lines))

    assert max(map(len, parts)) <= splitting.PART_WORDS * splitting.WORD_CHARS
    assert [line for part in parts for line in part.split("\n")] == lines


def test_a_json_line_without_spaces_is_cut_between_its_fields():
    fields = [f'"field_{n}":"{"v" * 40}"' for n in range(100)]

    parts = splitting.parts("{" + ",".join(fields) + "}")

    assert len(parts) > 4
    assert all(any(field in part for part in parts) for field in fields)
    assert max(map(len, parts)) <= splitting.PART_WORDS * splitting.WORD_CHARS


def test_a_line_too_long_for_what_is_left_of_a_part_stays_whole():
    heading = " ".join(["heading"] * 40)
    lines = [" ".join([f"line{n}"] * 90) for n in range(3)]

    assert splitting.parts(f"{heading}\n\n" + "\n".join(lines)) == [heading, *lines]


def test_characters_without_spaces_count_for_half_a_word():
    parts = splitting.parts("日本語の文章です。" * 100)

    assert "".join(parts) == "日本語の文章です。" * 100
    assert max(map(len, parts)) <= 2 * splitting.PART_WORDS
    assert all(part.endswith("。") for part in parts)


@given(st.lists(st.sampled_from(TEXTS), max_size=60).map("".join))
def test_nothing_but_space_is_lost(text):
    parts = splitting.parts(text)

    assert squeezed("".join(parts)) == squeezed(text)
    assert all(part.strip() and len(part) <= splitting.PART_CHARS for part in parts)
    assert all(len(part.split()) <= splitting.WHOLE_WORDS for part in parts)
