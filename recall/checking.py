"""What a sync client has that the server does not, answered for many files at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from erasures import receipts
from erasures.models import Erasure
from knowledge import paths
from knowledge.models import Document
from refusals import Refusal
from sessions.models import Segment, Transcript
from workspaces import connectors
from workspaces.models import Workspace


@dataclass(frozen=True)
class Local:
    """A client's file: a document by `path`, or a transcript by `session_id`."""

    sha256: str
    size_bytes: int
    path: str | None = None
    session_id: str | None = None
    agent_id: str = ""


@dataclass(frozen=True)
class Answer:
    """Whether to send a file, and why.

    `state` is new, same, changed, deleted (documents), behind, ahead, differs
    (transcripts), refused (a path that no document can have), erased (it was, and is to
    stay away) or off (the workspace's settings leave such files out). `behind` carries
    where to go on and the digest that the client's bytes before it must have.
    """

    send: bool
    state: str
    version: int | None = None
    from_offset: int | None = None
    base_sha256: str | None = None


def check(*, workspace: Workspace, items: Sequence[Local]) -> list[Answer]:
    """Answer for each item, in order, in a few queries for all of them.

    Compares inside this one workspace only: a digest must never tell what another
    workspace holds.
    """
    is_captured = connectors.choice(workspace, connectors.SYNC_CLIENT)
    normalised = {item.path: _normalised(item.path) for item in items if item.path}
    documents = {
        document.path: document
        for document in Document.objects.knowledge().filter(
            workspace=workspace, path__in=[path for path in normalised.values() if path]
        )
    }
    wanted = {(item.session_id, item.agent_id) for item in items if item.session_id}
    transcripts = {
        (transcript.session_id, transcript.agent_id): transcript
        for transcript in Transcript.objects.filter(
            workspace=workspace,
            is_latest=True,
            session_id__in=[session_id for session_id, _ in wanted],
        )
    }
    earlier = _earlier_states(items, transcripts)
    erased = _erased(workspace, items, normalised)
    instead = receipts.replacements([item.sha256 for item in items if item.path])
    answers = []
    for item in items:
        if not is_captured(item.path or ""):
            answer = Answer(send=False, state="off")
        elif item in erased:
            answer = Answer(send=False, state="erased")
        elif item.path is not None:
            path = normalised[item.path]
            answer = (
                _of_document(item, documents.get(path), instead.get(item.sha256))
                if path
                else Answer(send=False, state="refused")
            )
        else:
            key = (item.session_id or "", item.agent_id)
            answer = _of_transcript(item, transcripts.get(key), earlier)
        answers.append(answer)
    return answers


def _erased(
    workspace: Workspace,
    items: Sequence[Local],
    normalised: dict[str, str | None],
) -> set[Local]:
    """Those whose session or document was erased here and is to stay away."""
    paths_of = {item: normalised[item.path] for item in items if item.path}
    names_of = {
        item: {item.session_id, f"{item.session_id}/{item.agent_id}"}
        for item in items
        if item.session_id
    }
    gone = receipts.kept_away(
        Erasure.Kind.DOCUMENT,
        workspace.slug,
        [path for path in paths_of.values() if path],
    ).keys()
    names = {name for names in names_of.values() for name in names}
    sessions = receipts.kept_away(Erasure.Kind.TRANSCRIPT, workspace.slug, names).keys()
    return {item for item, path in paths_of.items() if path in gone} | {
        item for item, names in names_of.items() if names & sessions
    }


def _normalised(path: str) -> str | None:
    try:
        return paths.normalise(path)
    except Refusal:
        return None


def _of_document(
    item: Local, document: Document | None, redacted: str | None
) -> Answer:
    if document is None:
        return Answer(send=True, state="new")
    if document.deleted_at is not None:
        return Answer(send=True, state="deleted", version=document.version_number)
    is_same = document.sha256 in (item.sha256, redacted)
    return Answer(
        send=not is_same,
        state="same" if is_same else "changed",
        version=document.version_number,
    )


def _of_transcript(
    item: Local, transcript: Transcript | None, earlier: set[tuple[int, int, str]]
) -> Answer:
    if transcript is None:
        return Answer(send=True, state="new", from_offset=0)
    if transcript.head_sha256 == item.sha256:
        return Answer(send=False, state="same")
    if transcript.size_bytes < item.size_bytes:
        return Answer(
            send=True,
            state="behind",
            from_offset=transcript.size_bytes,
            base_sha256=transcript.head_sha256,
        )
    if (transcript.pk, item.size_bytes, item.sha256) in earlier:
        return Answer(send=False, state="ahead")
    return Answer(send=True, state="differs", from_offset=0)


def _earlier_states(
    items: Sequence[Local], transcripts: dict[tuple[str, str], Transcript]
) -> set[tuple[int, int, str]]:
    """(transcript, size, digest) of each state the asked transcripts once ended in."""
    rows = Segment.objects.filter(
        transcript__in=[transcript.pk for transcript in transcripts.values()],
        prefix_sha256__in=[item.sha256 for item in items if item.session_id],
    ).values_list("transcript_id", "first_offset", "size_bytes", "prefix_sha256")
    return {(pk, offset + size, sha256) for pk, offset, size, sha256 in rows}
