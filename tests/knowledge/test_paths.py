from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import paths
from knowledge.paths import PathInvalid


@pytest.mark.parametrize(
    "path",
    [
        "a.md",
        "notes/design.md",
        "übersicht/日本語.md",
        "a b/c d.md",
        "console.md",
        "com10.md",
        "nullable/auxiliary.md",
        "a..b.md",
        "~/a.md",
        "x" * 252 + ".md",
        "/".join(["d" * 100] * 5) + "/e.md",
        "family \U0001f469\u200d\U0001f469\u200d\U0001f467.md",
    ],
)
def test_ordinary_paths_stay_as_they_are(path):
    assert paths.normalise(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../a.md",
        "a/../b.md",
        "a/./b.md",
        "a/..",
        ".hidden.md",
        "a/.git/b.md",
        "/etc/passwd.md",
        "//a.md",
        "a//b.md",
        "a.md/",
        "a\\b.md",
        "..\\a.md",
        "C:/a.md",
        "c:a.md",
        "a/d:/b.md",
        "a\0.md",
        "a\n.md",
        "a\x7f.md",
        "a\u0085.md",
        "a\u2028.md",
        "a\u202egnp.md",
        "\ud800.md",
        "con.md",
        "a/NUL.md",
        "aux",
        "a/aux /b.md",
        "Com1.tar.md",
        "lpt9/a.md",
        "COM¹.md",
        "conout$.md",
        "a /b.md",
        "a./b.md",
        " a.md",
        "a.txt",
        "a.MD",
        "a",
        "md",
        ".md",
        "x" * 253 + ".md",
        "é" * 127 + ".md",
        "/".join(["d" * 100] * 5) + "/eeeeeeeeee.md",
    ],
)
def test_tricks_are_refused(path):
    with pytest.raises(PathInvalid) as refused:
        paths.normalise(path)

    assert refused.value.hint
    assert refused.value.status == 400


def test_one_spelling_for_what_looks_the_same():
    assert paths.normalise("cafe\u0301.md") == "caf\u00e9.md"


def test_other_suffixes_by_setting(settings):
    settings.KNOWLEDGE_SUFFIXES = [".md", ".txt"]

    assert paths.normalise("a.txt") == "a.txt"
    with pytest.raises(PathInvalid, match=r"\.md or \.txt"):
        paths.normalise("a.rst")


nasty = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "\\",
        "a",
        "b.md",
        "~",
        "C:",
        "nul",
        " ",
        "\0",
        "é",
        "\u202e",
        "%2e",
    ]
)


@given(st.lists(nasty, max_size=8).map("".join) | st.text(max_size=600))
def test_what_passes_is_safe_and_stays_the_same(text):
    try:
        path = paths.normalise(text + ".md")
    except PathInvalid:
        return

    assert paths.normalise(path) == path
    assert unicodedata.is_normalized("NFC", path)
    assert len(path.encode()) <= 512
    for segment in path.split("/"):
        assert segment not in {"", ".", ".."}
        assert not segment.startswith(".")
        assert 0 < len(segment.encode()) <= 255
    assert not set(path) & set("\0\\")
