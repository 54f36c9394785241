"""Exact places in transcripts, and what proves them."""

from __future__ import annotations

from urllib.parse import quote

from refusals import Code, Refusal
from sessions import reading
from sessions.models import Transcript
from workspaces.models import Workspace


class CitedLinesMissing(Refusal):
    """A citation of lines that the transcript does not have."""

    code = Code.CITATION_NOT_FOUND
    hint = "read_session tells a session's total_lines."


def uri(transcript: Transcript, *, first_line: int, last_line: int) -> str:
    """The citation URI of some lines; they never change within a revision."""
    return (
        f"{resource(transcript)}?revision={transcript.revision}"
        f"#L{first_line}-L{last_line}"
    )


def resource(transcript: Transcript) -> str:
    """The URI of a session's transcript, whichever revision is the newest."""
    agent = f"/{quote(transcript.agent_id, safe='')}" if transcript.agent_id else ""
    return (
        f"memory://{transcript.workspace.slug}/sessions/"
        f"{quote(transcript.session_id, safe='')}{agent}"
    )


def lines_sha256(
    *,
    workspace: Workspace,
    session_id: str,
    agent_id: str = "",
    revision: int | None = None,
    first_line: int,
    last_line: int,
) -> str:
    """SHA-256 of cited lines as archived, newlines included, read from the blobs.

    Raises SessionNotFound, CitedLinesMissing and BlobDamaged.
    """
    transcript = reading.find(
        workspaces=Workspace.objects.filter(pk=workspace.pk),
        workspace_slug=workspace.slug,
        session_id=session_id,
        agent_id=agent_id,
        revision=revision,
    )
    try:
        return reading.lines_sha256(transcript, first_line, last_line)
    except reading.LinesNotFound as error:
        raise CitedLinesMissing(error.message) from error
