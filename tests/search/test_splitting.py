import re

from hypothesis import given
from hypothesis import strategies as st

from search import splitting


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


@given(st.text(st.sampled_from("ab .\n`~!日"), max_size=3000))
def test_nothing_but_space_is_lost(text):
    parts = splitting.parts(text)

    assert squeezed("".join(parts)) == squeezed(text)
    assert all(len(part) <= 2 * splitting.PART_CHARS for part in parts)
