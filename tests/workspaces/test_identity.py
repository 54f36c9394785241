from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspaces.identity import slug_candidates, slugify_part

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Mac Book", "mac-book"),
        ("claude-code", "claude-code"),
        ("Zoë's  Laptop!!", "zoe-s-laptop"),
        ("--a--", "a"),
        ("ﬁle", "file"),
        ("a" * 60, "a" * 40),
        ("a" * 39 + "-b", "a" * 39),
    ],
)
def test_a_part_becomes_lower_case_words(text, slug):
    assert slugify_part(text) == slug


def test_a_part_without_ascii_is_named_by_its_hash():
    assert re.fullmatch(r"x[0-9a-f]{6}", slugify_part("日本"))
    assert slugify_part("日本") != slugify_part("中国")


@given(st.text(max_size=300))
def test_every_part_becomes_a_short_slug_and_stays_one(text):
    slug = slugify_part(text)

    assert SLUG.fullmatch(slug)
    assert len(slug) <= 40
    assert slugify_part(slug) == slug


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_every_candidate_is_a_slug_and_different(machine, tool, project):
    found = list(
        islice(slug_candidates(machine=machine, tool=tool, project=project), 4)
    )

    assert all(SLUG.fullmatch(slug) and len(slug) <= 128 for slug in found)
    assert len(set(found)) == 4
