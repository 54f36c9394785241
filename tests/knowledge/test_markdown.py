from __future__ import annotations

import pytest
from documents import PRIVATE_KEY
from hypothesis import given
from hypothesis import strategies as st

from knowledge import markdown, texts


def cut(text: str) -> list[tuple[int, int]]:
    lines = texts.lines(text)
    whole = texts.secret_line_ranges(text)
    return [(s.first_line, s.last_line) for s in markdown.sections(lines, whole=whole)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Design\n\ntext", "Design"),
        ("intro\n\n## Later ##\n", "Later"),
        ("```\n# not one\n```\n# One\n", "One"),
        ("#hashtag\n", "name"),
        ("---\ntitle: x\n# comment\n---\n# Real\n", "Real"),
        ("plain text", "name"),
        ("", "name"),
        ("#\n# Second\n", "Second"),
        ("# " + "x" * 300, "x" * 200),
        ("# \u202eevil\n", "‹U+202E›evil"),
    ],
)
def test_the_title_is_the_first_heading_or_the_files_name(text, title):
    assert markdown.title(text, path="folder/name.md") == title


def test_the_summary_is_the_head_of_the_text():
    text = "---\na: b\n---\n# Title\n\nFirst  line\nsecond.\n\n## More\n" + "w " * 900

    summary = markdown.summary(text)

    assert summary.startswith("First line second. w w")
    assert len(summary) <= 400
    assert summary.endswith("…")
    assert markdown.summary("") == ""


def test_headings_begin_sections_and_stand_with_their_text():
    text = "# A\n\n## B\n\ntext\n\n## C\nmore\n\n\n```\n## no\n```\n"

    assert cut(text) == [(1, 5), (7, 13)]


def test_long_sections_end_at_paragraphs():
    text = "# A\n\n" + ("word " * 60 + "\n\n") * 20

    found = cut(text)

    assert len(found) > 3
    lines = texts.lines(text)
    assert all(not lines[last].strip() for _, last in found[:-1])


def test_a_secret_is_never_cut_in_two():
    text = "intro\n\n" + PRIVATE_KEY + "\n\nafter\n"
    key_lines = PRIVATE_KEY.count("\n") + 1

    assert len(PRIVATE_KEY) > 3000
    inside = [
        (first, last) for first, last in cut(text) if first <= 4 <= last or first > 3
    ]
    assert inside[0][1] >= 2 + key_lines


@given(
    st.lists(
        st.sampled_from(
            ["# a", "## b", "", "text", "```", "~~~", "x" * 2000, "  ", "é"]
        ),
        max_size=40,
    ).map("\n".join)
)
def test_sections_hold_every_line_that_says_something_once(text):
    lines = texts.lines(text)
    found = cut(text)

    covered = [n for first, last in found for n in range(first, last + 1)]
    assert covered == sorted(set(covered))
    said = {n for n, line in enumerate(lines, start=1) if line.strip()}
    assert said <= set(covered)
    assert all(lines[first - 1].strip() for first, _ in found)
