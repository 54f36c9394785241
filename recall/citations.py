"""Citations: exact places in the archive that anyone can check again later.

A citation names lines and the SHA-256 of their raw bytes, each line with its newline,
joined as in the archive:

    memory://<workspace>/sessions/<session>[/<agent>]?revision=2#L10-L12
    memory://<workspace>/knowledge/<path>?version=3#L1-L9
    memory://<workspace>/overview.md?version=3#L1-L9
    memory://<workspace>/memories/<memory_id>?revision=2#L1-L3
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from knowledge import citing as document_citing
from memories import citing as memory_citing
from refusals import Code, Refusal
from sessions import citing as transcript_citing
from workspaces.models import Workspace, WorkspaceQuerySet

MAX_URI_LENGTH = 2000
_LINES = re.compile(r"L(\d{1,12})(?:-L(\d{1,12}))?")


class CitationInvalid(Refusal):
    """A text that is not one of our citation URIs."""

    code = Code.INVALID_ARGUMENT
    hint = "Pass the uri and sha256 of a search hit's citation unchanged."


class CitationNotFound(Refusal):
    """A citation of something that is not, or no longer, in the archive."""

    code = Code.CITATION_NOT_FOUND
    hint = "The source may have been erased, or the citation is from another server."


@dataclass(frozen=True)
class Place:
    """What a citation URI points at; `number` is its revision or version.

    `agent_id` is only there for transcripts.
    """

    workspace_id: str
    kind: str
    name: str
    agent_id: str
    number: int | None
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Verification:
    """Whether the archive still holds exactly the cited bytes."""

    place: Place
    sha256: str
    is_valid: bool


def parse(uri: str) -> Place:
    """Read a citation URI. Raises CitationInvalid."""
    if len(uri) > MAX_URI_LENGTH:
        raise CitationInvalid(f"The URI is longer than {MAX_URI_LENGTH} characters.")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise CitationInvalid("This is not a URI.") from error
    lines = _LINES.fullmatch(parts.fragment)
    kind, _, rest = parts.path.lstrip("/").partition("/")
    if parts.scheme != "memory" or not parts.netloc or lines is None:
        raise CitationInvalid("This is not a memory:// citation with lines.")
    first_line = int(lines[1])
    last_line = int(lines[2] or lines[1])
    if first_line < 1 or last_line < first_line:
        raise CitationInvalid("The cited lines are not a range.")
    numbers = parse_qs(parts.query)
    name, agent_id, key = unquote(rest), "", "version"
    if kind == "sessions":
        session, _, agent = rest.partition("/")
        name, agent_id, key = unquote(session), unquote(agent), "revision"
    elif kind == "overview.md" and not rest:
        kind, name = "overview", "overview.md"
    elif kind == "memories":
        key = "revision"
    elif kind != "knowledge":
        raise CitationInvalid(f"Nothing is cited under {kind!r}.")
    number = numbers.get(key, [""])[0]
    if number and not re.fullmatch(r"\d{1,9}", number):
        raise CitationInvalid(f"The {key} is not a number.")
    return Place(
        workspace_id=parts.netloc,
        kind=kind,
        name=name,
        agent_id=agent_id,
        number=int(number) if number else None,
        first_line=first_line,
        last_line=last_line,
    )


def verify(uri: str, *, sha256: str, workspaces: WorkspaceQuerySet) -> Verification:
    """Recompute a citation's digest from the archived bytes.

    `workspaces` are those the caller may read. Raises CitationInvalid,
    CitationNotFound and blobs.store.BlobDamaged.
    """
    place = parse(uri)
    try:
        workspace = workspaces.get(slug=place.workspace_id)
        computed = _lines_sha256(place, workspace)
    except (Workspace.DoesNotExist, LookupError) as error:
        raise CitationNotFound("The cited source is not here.") from error
    except Refusal as error:
        if error.status != 404:
            raise
        raise CitationNotFound(error.message) from error
    is_valid = hmac.compare_digest(computed, sha256.strip().lower())
    return Verification(place=place, sha256=computed, is_valid=is_valid)


def _lines_sha256(place: Place, workspace: Workspace) -> str:
    if place.kind == "sessions":
        return transcript_citing.lines_sha256(
            workspace=workspace,
            session_id=place.name,
            agent_id=place.agent_id,
            revision=place.number,
            first_line=place.first_line,
            last_line=place.last_line,
        )
    if place.kind == "memories":
        return memory_citing.lines_sha256(
            workspace=workspace,
            memory_id=place.name,
            revision=place.number,
            first_line=place.first_line,
            last_line=place.last_line,
        )
    return document_citing.lines_sha256(
        workspace=workspace,
        kind=place.kind,
        path=place.name,
        version=place.number,
        first_line=place.first_line,
        last_line=place.last_line,
    )
