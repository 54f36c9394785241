"""Resources: the README, overviews, documents and lines of transcripts, by URI.

The URIs are those of citations, so that a client can open a hit's citation as it is.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from access import scoping
from access.principals import Principal
from knowledge import paths, reading
from knowledge.models import Document
from mcp_api import calls, presenting, scope, wire
from mcp_api.calls import Call
from mcp_api.paging import Paging
from mcp_api.quoting import Writing
from memories import changing
from memories import reading as memory_reading
from memories.models import Memory
from recall import overviews
from refusals import Code, Refusal
from search import masking
from sessions import reading as transcript_reading
from workspaces import readme
from workspaces.models import Workspace

README_URI = readme.URI
PROFILE_URI = "memorynode://profile"
PROJECTS_URI = "memorynode://projects"
_NEWEST = 15
_PAGE = 50
_MAX_CHARS = 200_000
_MAX_LINES = 200
_LINES = re.compile(r"L(\d{1,12})(?:-L(\d{1,12}))?")
_MEMORY_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OF_A_MEMORY = re.compile(r"memory://[^/]+/memories/")
_NUMBER = re.compile(r"(?:version|revision)=(\d{1,9})")

TEMPLATES: list[wire.Json] = [
    {
        "uriTemplate": "memory://{workspace_id}/overview.md",
        "name": "overview",
        "title": "Workspace overview",
        "description": "What a project is and where it stands.",
        "mimeType": "text/markdown",
    },
    {
        "uriTemplate": "memory://{workspace_id}/knowledge/{+path}",
        "name": "document",
        "title": "Knowledge document",
        "description": "The newest version of a document; ?version=N for an older one.",
        "mimeType": "text/markdown",
    },
    {
        "uriTemplate": (
            "memory://{workspace_id}/sessions/{session_id}#L{first_line}-L{last_line}"
        ),
        "name": "transcript",
        "title": "Lines of a session transcript",
        "description": f"JSONL, secrets masked; at most {_MAX_LINES} lines.",
        "mimeType": "application/jsonl",
    },
    {
        "uriTemplate": "memory://{workspace_id}/memories/{memory_id}",
        "name": "memory",
        "title": "Memory",
        "description": "Its newest text; ?revision=N for an older one.",
        "mimeType": "text/markdown",
    },
]


_ALWAYS: list[wire.Json] = [
    {
        "uri": PROFILE_URI,
        "name": "profile",
        "title": "Profile",
        "description": "The newest memories of where this client is bound.",
        "mimeType": "text/markdown",
    },
    {
        "uri": PROJECTS_URI,
        "name": "projects",
        "title": "Projects",
        "description": "Where memories are read and written, and by which names.",
        "mimeType": "text/markdown",
    },
]


class ResourceNotFound(Refusal):
    """A URI that names nothing this caller can read."""

    code = Code.NOT_FOUND
    hint = "resources/list and the templates show which URIs there are."


def listing(params: wire.Json, call: Call) -> wire.Json:
    """The README and the overviews of the workspaces with the newest activity."""
    paging = Paging("resources/list")
    position = paging.position(params.get("cursor"))
    found = overviews.with_overview(
        workspaces=scoping.readable(call.principal), after=position, limit=_PAGE + 1
    )
    resources: list[wire.Json] = []
    if position is None:
        resources.append(
            {
                "uri": README_URI,
                "name": "readme",
                "title": "Server README",
                "description": "How assistants use this memory.",
                "mimeType": "text/markdown",
                "annotations": {"audience": ["assistant"], "priority": 1.0},
            }
        )
        resources += _ALWAYS
    resources += [
        {
            "uri": f"memory://{workspace.slug}/overview.md",
            "name": f"{workspace.slug}/overview.md",
            "title": f"Overview of {workspace.slug}",
            "mimeType": "text/markdown",
        }
        for workspace in found[:_PAGE]
    ]
    answer: wire.Json = {"resources": resources}
    if len(found) > _PAGE:
        answer["nextCursor"] = paging.cursor(overviews.position_of(found[_PAGE - 1]))
    return answer


def templates(params: wire.Json, call: Call) -> wire.Json:
    if params.get("cursor") is not None:
        Paging("resources/templates/list").position(params["cursor"])
    return {"resourceTemplates": TEMPLATES}


def read(params: wire.Json, call: Call) -> wire.Json:
    uri = str(params["uri"])
    mime, text, meta = _content(uri)
    content = {"uri": uri, "mimeType": mime, "text": text, "_meta": meta}
    return {"contents": [content]}


def watchable(uri: str, principal: Principal) -> str:
    """The URI under which changes of a resource are told: as its citation has it,
    without version, revision and lines.

    What it names need not exist yet. Raises ResourceNotFound, PathInvalid, and
    WorkspaceNotFound where the principal may not read.
    """
    if uri in (README_URI, PROFILE_URI, PROJECTS_URI):
        return uri
    parts = _parts(uri)
    kind, _, name = parts.path.lstrip("/").partition("/")
    workspace = scoping.readable_workspace(principal, parts.netloc)
    if kind == "overview.md" and not name:
        place = kind
    elif kind == "knowledge":
        place = f"knowledge/{quote(paths.normalise(unquote(name)))}"
    elif kind == "sessions" and name:
        session_id, _, agent_id = name.partition("/")
        ids = [session_id, agent_id] if agent_id else [session_id]
        place = "/".join([kind, *(quote(unquote(each), safe="") for each in ids)])
    elif kind == "memories" and _MEMORY_ID.fullmatch(name):
        place = f"{kind}/{name.lower()}"
    else:
        raise ResourceNotFound("That URI names nothing here.")
    return f"memory://{workspace.slug}/{place}"


def made_of(uri: str) -> str | None:
    """The resource that shows something of what this plain URI names; None if none."""
    return PROFILE_URI if _OF_A_MEMORY.match(uri) else None


def _parts(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise ResourceNotFound("That is not a URI of this server.") from None
    if parts.scheme != "memory" or not parts.netloc or len(uri) > 2000:
        raise ResourceNotFound("That is not a URI of this server.")
    if "\0" in unquote(uri):
        raise ResourceNotFound("That is not a URI of this server.")
    return parts


def _content(uri: str) -> tuple[str, str, wire.Json]:
    principal = calls.current().principal
    if uri == README_URI:
        return "text/markdown", readme.text(), {}
    if uri == PROFILE_URI:
        return "text/markdown", _profile(), {}
    if uri == PROJECTS_URI:
        return "text/markdown", _projects(), {}
    parts = _parts(uri)
    kind, _, name = parts.path.lstrip("/").partition("/")
    workspace = scoping.readable_workspace(principal, parts.netloc)
    number = _NUMBER.fullmatch(parts.query)
    if kind == "overview.md" and not name:
        path, document_kind = reading.OVERVIEW_PATH, Document.Kind.OVERVIEW
    elif kind == "knowledge":
        path, document_kind = unquote(name), Document.Kind.KNOWLEDGE
    elif kind == "sessions":
        session_id, _, agent_id = name.partition("/")
        transcript = transcript_reading.find(
            workspaces=scoping.readable(principal),
            workspace_slug=workspace.slug,
            session_id=unquote(session_id),
            agent_id=unquote(agent_id),
            revision=int(number[1]) if number else None,
        )
        first_line, last_line = _line_range(parts.fragment)
        lines = transcript_reading.lines(
            transcript,
            first_line=first_line,
            line_count=min(last_line - first_line + 1, _MAX_LINES),
            max_bytes=_MAX_CHARS,
        )
        text = "\n".join(masking.mask_json_line(line.raw).rstrip() for line in lines)
        return "application/jsonl", text, {"memory/total_lines": transcript.line_count}
    elif kind == "memories":
        memory = memory_reading.find(
            name, workspaces=Workspace.objects.filter(pk=workspace.pk)
        )
        revision = int(number[1]) if number else memory.revision_number
        text = _revision_text(memory, revision)
        return "text/markdown", text, {"memory/revision": revision}
    else:
        raise ResourceNotFound("That URI names nothing here.")
    page = reading.read(
        workspace=workspace,
        path=path,
        kind=document_kind,
        version=int(number[1]) if number else None,
        max_chars=_MAX_CHARS,
    )
    meta = {
        "memory/version": page.version_number,
        "memory/updated_by": page.document.updated_by,
    }
    return "text/markdown", page.text, meta


def _revision_text(memory: Memory, number: int) -> str:
    """The whole text of one revision, whatever lines are cited: memories are short."""
    revisions = changing.revisions(memory)
    found = next((each for each in revisions if each.number == number), None)
    if found is None:
        raise ResourceNotFound(f"The memory has no revision {number}.")
    return memory_reading.shown(found.text)


def _profile() -> str:
    """The newest memories of the bound workspace; of all where none is bound."""
    read = scope.reading()
    told = read.workspaces.filter(pk=read.home.pk) if read.home else read.workspaces
    at = calls.current().at
    found = memory_reading.newest(workspaces=told, limit=_NEWEST, at=at)
    writing = Writing()
    writing.say(f"# Profile of {presenting.scope_line(read)}")
    if found:
        writing.quote(presenting.memory_list(found))
    else:
        writing.say("Nothing is remembered yet.")
    return str(writing)


def _projects() -> str:
    read = scope.reading()
    home = scope.writes_to()
    lines = [
        "# Projects",
        "A project is a workspace: one machine, tool and project, made by",
        "register_workspace, or a container, made by the first write to its name.",
        "",
        "- Reading asks every workspace you may read, your own one first.",
        "- containerTag, a workspace_id or a name, narrows reading to that one.",
        "- Writing goes to the workspace you are bound to, else to containerTag,",
        "  else to the container `default`. Another containerTag than the one you",
        "  are bound to is refused.",
        "",
        f"You may read {read.workspaces.count()} workspaces.",
        f"You write to {home.slug if home else 'the container default, made then'}.",
    ]
    return "\n".join(lines)


def _line_range(fragment: str) -> tuple[int, int]:
    if not fragment:
        return 1, _MAX_LINES
    found = _LINES.fullmatch(fragment)
    first_line = int(found[1]) if found else 0
    last_line = int(found[2] or found[1]) if found else 0
    if not 1 <= first_line <= last_line:
        raise ResourceNotFound("The lines of that URI are not a range.")
    return first_line, last_line
