from __future__ import annotations

import pytest
from archiving import AT, jsonl, make_workspace, receive

from audit.trail import Actor
from knowledge import citing as document_citing
from knowledge import publishing
from recall import citations
from sessions import citing as transcript_citing
from sessions import reading
from workspaces.models import Workspace

EVERYWHERE = Workspace.objects.all


@pytest.mark.django_db
def test_a_transcripts_citation_verifies_against_the_archived_bytes() -> None:
    workspace = make_workspace()
    transcript = receive(workspace, jsonl("one", "two", "three")).transcript
    uri = transcript_citing.uri(transcript, first_line=2, last_line=3)
    sha256 = reading.lines_sha256(transcript, 2, 3)

    found = citations.verify(uri, sha256=sha256, workspaces=EVERYWHERE())

    assert found.is_valid
    assert found.sha256 == sha256


@pytest.mark.django_db
def test_a_wrong_digest_is_told_with_the_right_one() -> None:
    transcript = receive(make_workspace(), jsonl("one")).transcript
    uri = transcript_citing.uri(transcript, first_line=1, last_line=1)

    found = citations.verify(uri, sha256="0" * 64, workspaces=EVERYWHERE())

    assert not found.is_valid
    assert found.sha256 == reading.lines_sha256(transcript, 1, 1)


@pytest.mark.django_db
def test_a_documents_citation_names_its_version_for_ever() -> None:
    workspace = make_workspace()
    actor = Actor(name="operator")

    def publish(text: str) -> None:
        publishing.publish(
            workspace=workspace,
            path="a b.md",
            text=text,
            channel="operator",
            actor=actor,
            at=AT,
        )

    publish("first\nsecond\n")
    sha256 = document_citing.lines_sha256(
        workspace=workspace,
        kind="knowledge",
        path="a b.md",
        version=1,
        first_line=2,
        last_line=2,
    )
    publish("changed\n")
    uri = f"memory://{workspace.slug}/knowledge/a%20b.md?version=1#L2-L2"

    found = citations.verify(uri, sha256=sha256, workspaces=EVERYWHERE())

    assert found.is_valid


@pytest.mark.django_db
@pytest.mark.parametrize(
    "uri",
    [
        "memory://{slug}/sessions/unknown?revision=1#L1-L1",
        "memory://{slug}/sessions/one?revision=9#L1-L1",
        "memory://{slug}/sessions/one?revision=1#L7-L9",
        "memory://{slug}/knowledge/none.md?version=1#L1-L1",
        "memory://elsewhere/sessions/one?revision=1#L1-L1",
    ],
)
def test_what_is_not_there_is_not_found(uri: str) -> None:
    workspace = make_workspace()
    receive(workspace, jsonl("one"))

    with pytest.raises(citations.CitationNotFound):
        citations.verify(
            uri.format(slug=workspace.slug), sha256="0" * 64, workspaces=EVERYWHERE()
        )


@pytest.mark.django_db
def test_a_citation_of_an_unreadable_workspace_is_not_found() -> None:
    workspace = make_workspace()
    transcript = receive(workspace, jsonl("one")).transcript
    uri = transcript_citing.uri(transcript, first_line=1, last_line=1)

    with pytest.raises(citations.CitationNotFound):
        citations.verify(uri, sha256="0" * 64, workspaces=Workspace.objects.none())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://a/sessions/b#L1",
        "memory://a/sessions/b",
        "memory://a/sessions/b#L0-L3",
        "memory://a/sessions/b#L5-L3",
        "memory://a/secrets/b#L1",
        "memory://a/sessions/b?revision=x#L1",
        "memory://a/sessions/b#L" + "9" * 40,
        "memory://[a/sessions/b#L1",
        "memory://a/sessions/" + "b" * 3000 + "#L1",
    ],
)
def test_what_is_no_citation_is_refused(uri: str) -> None:
    with pytest.raises(citations.CitationInvalid):
        citations.parse(uri)
