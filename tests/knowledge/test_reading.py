from __future__ import annotations

import hashlib
import time

import pytest
from documents import PRIVATE_KEY, SECRET, delete, noon, publish
from hypothesis import given
from hypothesis import strategies as st
from people import a_workspace

from knowledge import browsing, citing, reading, texts
from knowledge.citing import LinesNotFound
from knowledge.reading import DocumentNotFound, VersionNotFound
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace():
    return a_workspace()


def read(workspace, path="notes.md", **given):
    return reading.read(workspace=workspace, path=path, **given)


def test_the_newest_version_is_read_whole(workspace):
    publish(workspace, "one\n")
    publish(workspace, "one\ntwo\nthree")

    page = read(workspace)

    assert page.text == "one\ntwo\nthree"
    assert (page.version_number, page.first_line, page.total_lines) == (2, 1, 3)
    assert (page.next_line, page.truncated) == (None, False)


def test_any_version_is_read_by_number_or_time(workspace):
    publish(workspace, "one", at=noon(1))
    publish(workspace, "two", at=noon(3))

    assert read(workspace, version=1).text == "one"
    assert read(workspace, as_of=noon(2)).text == "one"
    assert read(workspace, as_of=noon(3)).text == "two"
    with pytest.raises(VersionNotFound, match="did not exist"):
        read(workspace, as_of=noon(1).replace(hour=11))
    for number in (3, -1, 2**31, 2**70):
        with pytest.raises(VersionNotFound):
            read(workspace, version=number)


def test_a_deleted_document_reads_only_as_it_was(workspace):
    publish(workspace, "one", at=noon(1))
    delete(workspace, at=noon(3))

    for moment in ({}, {"version": 2}, {"as_of": noon(4)}):
        with pytest.raises(DocumentNotFound) as refused:
            read(workspace, **moment)
        assert refused.value.detail == {"deleted_by_version": 2}
    assert read(workspace, version=1).text == "one"
    assert read(workspace, as_of=noon(2)).text == "one"


def test_what_is_not_there_is_not_found(workspace):
    other = a_workspace(project="other")
    publish(other, "theirs")

    with pytest.raises(DocumentNotFound):
        read(workspace)
    with pytest.raises(DocumentNotFound):
        read(other, kind="overview", path="overview.md")


@pytest.mark.parametrize(
    "given",
    [
        {"first_line": 0},
        {"line_count": 0},
        {"max_chars": 0},
        {"version": 1, "as_of": noon(1)},
    ],
)
def test_bounds_that_make_no_sense_are_refused(workspace, given):
    publish(workspace, "one")

    with pytest.raises(InvalidArgument):
        read(workspace, **given)


def test_lines_are_read_from_and_for_a_count(workspace):
    publish(workspace, "".join(f"{n}\n" for n in range(1, 11)))

    page = read(workspace, first_line=3, line_count=2)

    assert (page.text, page.next_line, page.truncated) == ("3\n4\n", 5, False)
    assert read(workspace, first_line=9, line_count=50).next_line is None
    past = read(workspace, first_line=11)
    assert (past.text, past.next_line, past.total_lines) == ("", None, 10)


def test_the_budget_cuts_between_lines_and_says_how_to_go_on(workspace):
    publish(workspace, "".join(f"line {n}\n" for n in range(1, 10)))

    page = read(workspace, max_chars=20)

    assert (page.text, page.next_line, page.truncated) == ("line 1\nline 2\n", 3, True)
    assert page.cut_line is None


def test_a_line_longer_than_the_budget_is_cut_and_named(workspace):
    publish(workspace, "short\n" + "x" * 100 + "\nend")

    page = read(workspace, first_line=2, max_chars=10)

    assert (page.text, page.next_line, page.cut_line) == ("x" * 10, 3, 2)
    assert page.truncated


@given(
    text=st.text(st.sampled_from("ab \n\ré\u2028\x85"), max_size=200),
    budget=st.integers(1, 60),
)
def test_pages_put_together_are_the_document(text, budget):
    lines = texts.shown_lines(text)
    assert len(lines) == len(texts.lines(text))
    assert "".join(texts.lines(text)) == text
    seen, at = [], 0
    while at < len(lines):
        kept, was_cut = reading._within(lines[at:], budget)
        assert kept
        seen.append(lines[at] if was_cut else "".join(kept))
        at += len(kept)
    assert "".join(seen) == "".join(lines)


def test_secrets_are_masked_and_lines_keep_their_numbers(workspace):
    text = f"first\ntoken {SECRET}\n{PRIVATE_KEY}\nafter the key\n"
    publish(workspace, text)

    page = read(workspace, max_chars=50_000)

    assert SECRET not in page.text
    assert "MIIEpAIBAAKCAQEA" not in page.text
    assert "-----BEGIN" not in page.text or "[REDACTED:" in page.text
    assert page.total_lines == text.count("\n")
    last = read(workspace, first_line=page.total_lines)
    assert last.text == "after the key\n"


def test_a_page_inside_a_secret_shows_nothing_of_it(workspace):
    publish(workspace, f"a\n{PRIVATE_KEY}\nb\n")

    page = read(workspace, first_line=20, line_count=5)

    assert "MIIE" not in page.text
    assert page.text.count("\n") == 5


def test_direction_marks_are_spelled_out(workspace):
    publish(workspace, "safe \u202egnihtemos\u202c else")

    assert "\u202e" not in read(workspace).text


def test_titles_and_summaries_are_masked_too(workspace):
    document = publish(workspace, f"# Key {SECRET}\n\nuse {SECRET} here\n").document

    assert SECRET not in document.title + document.summary
    assert document.title.startswith("Key [REDACTED:")


def test_history_is_newest_first(workspace):
    document = publish(workspace, "one").document
    publish(workspace, "two")
    delete(workspace)

    versions = reading.history(document)

    assert [v.number for v in versions] == [3, 2, 1]
    assert [v.is_tombstone for v in versions] == [True, False, False]


def test_a_difference_is_unified_and_masked(workspace):
    document = publish(workspace, "same\nold\n").document
    publish(workspace, f"same\nnew {SECRET}")
    delete(workspace)

    shown = reading.diff(document, 1, 2).splitlines()

    assert shown[:2] == ["--- notes.md version 1", "+++ notes.md version 2"]
    assert " same" in shown
    assert "-old" in shown
    assert any(line.startswith("+new [REDACTED:") for line in shown)
    assert reading.diff(document, 1, 1) == ""
    assert "-same" in reading.diff(document, 2, 3)
    with pytest.raises(VersionNotFound):
        reading.diff(document, 1, 4)


def test_a_difference_of_large_texts_comes_soon(workspace):
    head = "".join(f"line {n % 97}\n" for n in range(20_000))
    document = publish(workspace, head + "old\n").document
    publish(workspace, head + "new\n")
    publish(workspace, "".join(f"{n % 89} line\n" for n in range(20_000)))

    started = time.monotonic()
    near, far = reading.diff(document, 1, 2), reading.diff(document, 2, 3)

    assert time.monotonic() - started < 10
    assert near.splitlines()[-2:] == ["-old", "+new"]
    assert far.count("\n-") == 20_001


def listed(workspace, **given):
    found = browsing.documents(workspace=workspace, **{"limit": 100, **given})
    return [document.path for document in found]


def test_documents_are_listed_by_path(workspace):
    for path in ("b.md", "a/z.md", "a/b.md", "c_d.md", "cxd.md"):
        publish(workspace, path, path=path)
    publish(workspace, "x", kind="overview")
    publish(a_workspace(project="other"), "x", path="theirs.md")
    delete(workspace, path="b.md")

    assert listed(workspace) == ["a/b.md", "a/z.md", "c_d.md", "cxd.md"]
    assert listed(workspace, include_deleted=True)[2] == "b.md"
    assert listed(workspace, prefix="a/") == ["a/b.md", "a/z.md"]
    assert listed(workspace, prefix="c_") == ["c_d.md"]
    assert listed(workspace, prefix="%") == []
    for odd in ("\0", "\ud800"):
        assert listed(workspace, prefix=odd) == []


def test_a_list_goes_on_where_it_stopped_though_others_write(workspace):
    for path in ("a.md", "c.md", "e.md"):
        publish(workspace, path, path=path)
    first = browsing.documents(workspace=workspace, limit=2)
    publish(workspace, "b", path="b.md")
    publish(workspace, "d", path="d.md")

    last = first[-1]
    assert listed(workspace, after=(last.path, last.pk)) == ["d.md", "e.md"]


def test_cited_lines_are_recomputed_from_the_archive(workspace):
    document = publish(workspace, "one\ntwo\r\nthree", path="a b/é.md").document
    publish(workspace, "changed", path="a b/é.md")

    def digest(first, last, version=1):
        return citing.lines_sha256(
            workspace=workspace,
            path="a b/é.md",
            version=version,
            first_line=first,
            last_line=last,
        )

    assert digest(2, 3) == hashlib.sha256(b"two\r\nthree").hexdigest()
    assert digest(1, 1, None) == hashlib.sha256(b"changed").hexdigest()
    assert citing.uri(document, version=1, first_line=2, last_line=3) == (
        f"memory://{workspace.slug}/knowledge/a%20b/%C3%A9.md?version=1#L2-L3"
    )
    for first, last in ((0, 1), (2, 1), (3, 4)):
        with pytest.raises(LinesNotFound):
            digest(first, last)
