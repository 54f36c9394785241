import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from search import patterns

# What does not compile is told on standard error otherwise.
QUIET = re2.Options()
QUIET.log_errors = False


@pytest.mark.parametrize(
    ("pattern", "branches"),
    [
        ("croissant", [["croissant"]]),
        (r"fetch\w+Id", [["fetch", "Id"]]),
        ("red|blue", [["red"], ["blue"]]),
        ("(red|blue) bread", [["red", " bread"], ["blue", " bread"]]),
        ("colou?r", [["colo", "r"]]),
        ("ab+c", [["ab", "c"]]),
        ("a{2,3}bc", [["bc"]]),
        ("(never)? mind", [[" mind"]]),
        ("(?i)(?P<name>oven) hot", [["oven", " hot"]]),
        (r"1\.5 \[kg\]", [["1.5 [kg]"]]),
        (r"\Qa.b*c\E!", [["a.b*c!"]]),
        (r"\x41bc", [["bc"]]),
        (r"\p{Greek}x[abc]y[^]]z", [["x", "y", "z"]]),
        ("bread|", [["bread"], []]),
        (".*", [[]]),
        ("(", [[]]),
    ],
)
def test_only_what_a_match_needs_is_required(pattern, branches):
    assert patterns.required(pattern) == branches


pieces = st.sampled_from(
    [
        "abc",
        "d",
        "(",
        ")",
        "(?:",
        "|",
        "?",
        "*",
        "+",
        "{2}",
        "[ab]",
        ".",
        r"\d",
        r"\.",
        "x",
    ]
)


@given(st.lists(pieces, max_size=9).map("".join), st.text("abcdx.1", max_size=25))
def test_a_match_always_contains_what_was_required(pattern, text):
    try:
        match = re2.search(pattern, text, options=QUIET)
    except re2.error:
        return
    if match:
        assert any(
            all(literal in match.group() for literal in branch)
            for branch in patterns.required(pattern)
        )
