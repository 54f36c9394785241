from __future__ import annotations

import hashlib
from datetime import timedelta

import client_lines as written
import pytest
from django.utils import timezone

from audit.trail import Actor
from jobs import running
from sessions import citing, searching, uploads
from sessions.models import Transcript
from sessions.reading import SessionNotFound
from workspaces import registering
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

SYNC = Actor(name="sync")


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def upload(lines, session_id="s-1", *, machine="loom-1", agent_id=""):
    at = timezone.now()
    workspace, _ = registering.register(
        machine=machine, tool="claude-code", project="weaving", actor=SYNC, at=at
    )
    receipt = uploads.receive(
        workspace=workspace,
        session_id=session_id,
        agent_id=agent_id,
        chunks=[b"".join(lines)],
        actor=SYNC,
        at=at,
    )
    return receipt.transcript


def search(text, machine=None, **options):
    parts = {"machine": machine} if machine else {}
    chosen = Workspace.objects.filter(**parts).values_list("pk", flat=True)
    asked = {"mode": "keyword", "workspace_ids": list(chosen), **options}
    return searching.search(text=text, chosen_by=parts, **asked)


def found(text, **options):
    return [
        (hit.transcript.session_id, hit.first_line)
        for hit in search(text, **options).hits
    ]


def test_what_was_uploaded_is_found_with_a_citation_that_holds():
    lines = written.claude_session()
    upload(lines)
    running.run_due()

    hit = search("shuttle replaced").hits[0]

    assert hit.transcript.session_id == "s-1"
    assert (hit.role, hit.channel, hit.speaker) == (
        "tool_output",
        "tool_output",
        "Bash",
    )
    assert "«" in hit.snippet
    cited = b"".join(lines[hit.first_line - 1 : hit.last_line])
    assert hit.citation.sha256 == hashlib.sha256(cited).hexdigest()
    assert hit.citation.uri == (
        f"memory://loom-1-claude-code-weaving/sessions/s-1?revision=1"
        f"#L{hit.first_line}-L{hit.last_line}"
    )
    assert hit.citation.sha256 == citing.lines_sha256(
        workspace=hit.transcript.workspace,
        session_id="s-1",
        revision=1,
        first_line=hit.first_line,
        last_line=hit.last_line,
    )


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "exact", "regex"])
def test_each_mode_finds(mode):
    upload([written.prompt(1, "The heddle squeaks"), written.prompt(2, "Oil it")])
    running.run_due()

    text = r"heddle\s+squeak" if mode == "regex" else "heddle squeaks"
    assert found(text, mode=mode) == [("s-1", 1)]


def test_lines_are_found_as_they_are_appended():
    lines = [written.prompt(1, "Thread the heddle")]
    upload(lines)
    running.run_due()
    upload([*lines, written.prompt(2, "Throw the shuttle")])

    before = search("shuttle")
    assert (before.hits, before.pending.words) == ([], 1)
    assert any("1 lines wait" in note for note in before.notes)
    running.run_due()
    assert found("shuttle") == [("s-1", 2)]
    assert search("shuttle").pending.words == 0


def test_noise_and_injected_text_are_not_found():
    upload(
        [
            written.prompt(1, "meta heddle", isMeta=True),
            written.bash_progress(2),
            written.prompt(3, "<system-reminder>heddle</system-reminder>"),
            written.prompt(4, "something else"),
        ]
    )
    running.run_due()

    assert found("heddle") == []
    assert found("running") == []


def test_roles_and_times_narrow_a_search():
    upload(
        [
            written.prompt(1, "Where is the heddle?"),
            written.answer(60, written.text("The heddle hangs there.")),
        ]
    )
    running.run_due()

    assert found("heddle", roles=("assistant",)) == [("s-1", 2)]
    assert found("heddle", before=written.START + timedelta(seconds=30)) == [("s-1", 1)]
    assert found("heddle", after=written.START + timedelta(seconds=30)) == [("s-1", 2)]


def test_machines_narrow_a_search_and_a_miss_says_so():
    upload([written.prompt(1, "heddle")])
    upload([written.prompt(2, "heddle too")], "s-2", machine="loom-2")
    running.run_due()

    assert found("heddle", machine="loom-2") == [("s-2", 1)]
    missed = search("heddle", machine="loom-3")
    assert missed.hits == []
    assert missed.notes[-1] == "No readable workspace has machine loom-3."
    assert found("heddle", workspace_ids=[]) == []


def test_a_miss_tells_what_was_searched():
    upload([written.prompt(1, "heddle")])
    running.run_due()

    missed = search("zither")
    assert missed.transcripts_searched == 1
    assert missed.passages_searched == 1
    assert any("1 sessions of 1 workspaces" in note for note in missed.notes)


def test_the_shared_lines_of_a_fork_are_found_once():
    shared = [written.prompt(1, "Mend the heddle"), written.prompt(2, "With twine")]
    upload(shared, "parent")
    upload([*shared, written.prompt(3, "Or with wire")], "fork")
    running.run_due()

    (hit,) = search("heddle").hits
    assert {hit.transcript.session_id, *[each.session_id for each in hit.also_in]} == {
        "parent",
        "fork",
    }
    assert found("wire") == [("fork", 3)]


def test_an_old_revision_is_not_found_but_still_cited():
    first, second = written.prompt(1, "Weave linen"), written.prompt(1, "Weave wool")
    upload([first])
    running.run_due()
    old = search("linen").hits[0].citation
    upload([second])
    running.run_due()

    assert found("linen") == []
    assert found("wool") == [("s-1", 1)]
    assert "revision=1" in old.uri
    assert old.sha256 == citing.lines_sha256(
        workspace=Workspace.objects.get(),
        session_id="s-1",
        revision=1,
        first_line=1,
        last_line=1,
    )


def test_grouping_gives_each_session_its_best_passage():
    upload([written.prompt(n, f"heddle {n}") for n in range(4)], "many")
    upload([written.prompt(9, "heddle alone")], "one")
    running.run_due()

    sessions = [name for name, _ in found("heddle", group_by_session=True)]
    assert sorted(sessions) == ["many", "one"]


def test_pages_of_hits_do_not_overlap():
    upload([written.prompt(n, f"heddle number {n}") for n in range(7)])
    running.run_due()

    first = search("heddle", limit=4)
    second = search("heddle", limit=4, offset=4, max_passage_id=first.max_passage_id)
    lines = [hit.first_line for hit in [*first.hits, *second.hits]]
    assert first.has_more
    assert not second.has_more
    assert sorted(lines) == [1, 2, 3, 4, 5, 6, 7]


def test_a_subagent_s_lines_are_cited_under_its_own_name():
    lines = [written.prompt(1, "Look for the heddle", isSidechain=True)]
    upload(lines, agent_id="agent-7")
    running.run_due()

    (hit,) = search("heddle").hits
    assert "/sessions/s-1/agent-7?revision=1#L1-L1" in hit.citation.uri
    assert hit.channel == "assistant"


def test_a_hit_of_a_session_erased_meanwhile_is_left_out():
    upload([written.prompt(1, "heddle")])
    running.run_due()
    Transcript.objects.all().delete()

    assert found("heddle") == []


def test_citations_of_what_is_not_here_are_refused():
    upload([written.prompt(1, "heddle")])
    workspace = Workspace.objects.get()

    with pytest.raises(citing.CitedLinesMissing):
        citing.lines_sha256(
            workspace=workspace, session_id="s-1", first_line=1, last_line=2
        )
    with pytest.raises(SessionNotFound):
        citing.lines_sha256(
            workspace=workspace, session_id="s-9", first_line=1, last_line=1
        )
