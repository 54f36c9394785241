from __future__ import annotations

import pytest
from documents import PRIVATE_KEY, SECRET, delete, noon, publish
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from jobs.running import run_due
from knowledge import citing, indexing, publishing, searching
from knowledge.models import Document
from search import passages
from search.models import Finding
from search.passages import Source
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _words_only(settings):
    settings.EMBEDDINGS_ENABLED = False


@pytest.fixture
def workspace():
    return a_workspace()


def index() -> None:
    for document in Document.objects.all():
        indexing.index(document.pk, at=NOW)


def search(text, **given):
    everything = list(Workspace.objects.values_list("pk", flat=True))
    return searching.search(
        workspace_ids=everything, text=text, **{"mode": "keyword", **given}
    )


def found(text, **given) -> list[tuple[str, int]]:
    return [
        (hit.document.path, hit.version_number) for hit in search(text, **given).hits
    ]


def test_a_hit_says_where_it_stands_who_wrote_it_and_how_to_prove_it(workspace):
    principal = a_principal("sync", name="cron")
    text = "# Deploying\n\nIntro.\n\n## Rollback\n\nCall the pelican first.\r\n"
    publish(workspace, text, path="ops/deploy.md", actor=principal.actor, at=noon(3))
    index()

    (hit,) = search("pelican").hits

    assert hit.document.workspace.slug == workspace.slug
    assert (hit.document.path, hit.document.title) == ("ops/deploy.md", "Deploying")
    assert (hit.version_number, hit.passage.first_line, hit.passage.last_line) == (
        1,
        5,
        7,
    )
    assert (hit.passage.speaker, hit.passage.channel) == ("cron", "sync")
    assert hit.passage.at == noon(3)
    assert "«pelican»" in hit.passage.snippet
    assert hit.citation_uri == (
        f"memory://{workspace.slug}/knowledge/ops/deploy.md?version=1#L5-L7"
    )
    assert hit.passage.lines_sha256 == citing.lines_sha256(
        workspace=workspace,
        path="ops/deploy.md",
        version=1,
        first_line=5,
        last_line=7,
    )


def test_the_job_that_publishing_asked_for_makes_it_findable(workspace):
    publish(workspace, "about the pelican", at=noon(1))
    assert search("pelican").pending_words == 1
    assert found("pelican") == []

    run_due(limit=10)

    assert found("pelican") == [("notes.md", 1)]
    assert search("pelican").pending_words == 0


def kept():
    """The passages of the only document."""
    document = Document.objects.get()
    return list(
        passages.of_source(Source(document.workspace_id, "knowledge", document.pk))
    )


def test_only_the_newest_version_is_found(workspace):
    publish(workspace, "old pelican\n\n# Two\n\nlonger heron\n")
    index()
    publish(workspace, "new flamingo")
    assert found("pelican") == [("notes.md", 1)]
    index()

    assert found("pelican") == []
    assert found("heron") == []
    assert found("flamingo") == [("notes.md", 2)]


def test_a_deleted_document_is_gone_from_search_at_once(workspace):
    document = publish(workspace, "pelican").document
    index()
    delete(workspace)

    assert found("pelican") == []
    assert passages.count() == 0
    assert search("pelican").pending_words == 0
    index()
    assert passages.count() == 0
    publishing.restore(document=document, number=1, actor=OPERATOR, at=NOW)
    index()
    assert found("pelican") == [("notes.md", 3)]


def test_indexing_twice_changes_nothing(workspace):
    publish(workspace, f"# A\n\npelican\n\n# B\n\ntoken {SECRET}\n")
    index()

    def rows():
        return (
            [(passage.facts, passage.text) for passage in kept()],
            list(Finding.objects.values_list("line", "rule", "fingerprint")),
        )

    before = rows()
    index()
    assert rows() == before
    assert before[0]


def test_secrets_never_enter_the_index(workspace):
    publish(workspace, f"# Keys\n\ntoken {SECRET}\n\n{PRIVATE_KEY}\n\nend pelican\n")
    index()

    texts = "".join(passage.text for passage in kept())
    assert SECRET not in texts
    assert "MIIEpAIBAAKCAQEA" not in texts
    assert Finding.objects.count() >= 2
    assert found(SECRET, mode="exact") == []


def test_filters_narrow_the_search(workspace):
    publish(workspace, "pelican", path="a/one.md", at=noon(1))
    publish(workspace, "pelican pelican", path="b/two.md", at=noon(5))
    publish(a_workspace(project="other"), "a pelican", path="a/three.md", at=noon(9))
    index()

    assert {path for path, _ in found("pelican", path_prefix="a/")} == {
        "a/one.md",
        "a/three.md",
    }
    assert found("pelican", after=noon(2), before=noon(6)) == [("b/two.md", 1)]
    here = searching.search(
        workspace_ids=[workspace.pk],
        text="pelican",
        mode="exact",
    )
    assert {hit.document.path for hit in here.hits} == {"a/one.md", "b/two.md"}


def test_pages_of_hits_hold_each_hit_once(workspace):
    for number in range(7):
        publish(workspace, f"pelican number {number}", path=f"{number}.md")
    index()

    first = search("pelican", limit=3)
    seen = [hit.document.path for hit in first.hits]
    publish(workspace, "pelican later", path="later.md")
    index_later = Document.objects.get(path="later.md")
    indexing.index(index_later.pk, at=NOW)
    offset = 3
    while offset < 9:
        page = search(
            "pelican", limit=3, offset=offset, max_passage_id=first.max_passage_id
        )
        seen += [hit.document.path for hit in page.hits]
        offset += 3

    assert sorted(seen) == [f"{number}.md" for number in range(7)]


def test_overviews_are_read_not_searched(workspace):
    publish(workspace, "pelican", kind="overview", at=noon(1))
    index()
    run_due(limit=10)

    assert found("pelican") == []
    assert search("pelican").pending_words == 0


def test_an_empty_document_is_indexed_as_nothing(workspace):
    publish(workspace, "", at=noon(1))
    run_due(limit=10)

    assert search("x").pending_words == 0
    assert passages.count() == 0


def test_a_document_that_is_gone_is_no_error():
    indexing.index(2**40, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_indexing_while_others_write_ends_at_the_newest():
    workspace = a_workspace()
    document = publish(workspace, "pelican 0").document

    def work(number: int) -> None:
        if number % 2:
            publish(workspace, f"pelican {number}")
        else:
            indexing.index(document.pk, at=NOW)

    assert [e for e in at_once(6, work) if isinstance(e, Exception)] == []
    index()

    document.refresh_from_db()
    assert found("pelican") == [("notes.md", document.version_number)]
