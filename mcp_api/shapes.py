"""The structured results of the tools; their JSON schemas are published as they stand.

Times are ISO 8601 in UTC. `notice` is there wherever text from the archive is.
"""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class WorkspaceEntry(TypedDict):
    workspace_id: str
    machine: str
    tool: str
    project: str
    summary: str
    documents: int
    transcripts: int
    bytes: int
    last_active_at: str


class DocumentEntry(TypedDict):
    path: str
    title: str
    size_bytes: int
    sha256: str
    version: int
    updated_at: str
    updated_by: str
    deleted: bool


class SessionEntry(TypedDict):
    workspace_id: str
    session_id: str
    agent_id: str
    title: str
    started_at: str
    ended_at: str
    lines: int
    turns: int
    bytes: int
    models: list[str]
    git_branch: str
    client: str


class OverviewText(TypedDict):
    text: str
    version: int
    updated_at: str
    updated_by: str
    truncated: bool
    next_line: int | None


class Overview(TypedDict):
    notice: str
    readme: NotRequired[str]
    workspaces: NotRequired[list[WorkspaceEntry]]
    workspace: NotRequired[WorkspaceEntry]
    overview: NotRequired[OverviewText | None]
    recent_documents: NotRequired[list[DocumentEntry]]
    recent_sessions: NotRequired[list[SessionEntry]]
    truncated: bool
    next_cursor: str | None


class Workspaces(TypedDict):
    notice: str
    workspaces: list[WorkspaceEntry]
    next_cursor: str | None


class Registered(TypedDict):
    workspace_id: str
    created: bool
    binding: NotRequired[str]
    expires_at: NotRequired[str]
    write_token: NotRequired[str]


class Documents(TypedDict):
    notice: str
    documents: list[DocumentEntry]
    next_cursor: str | None


class VersionEntry(TypedDict):
    version: int
    created_at: str
    created_by: str
    channel: str
    deleted: bool


class DocumentText(TypedDict):
    notice: str
    workspace_id: str
    path: str
    text: str
    version: int
    first_line: int
    total_lines: int
    next_line: int | None
    truncated: bool
    written_at: str
    written_by: str
    channel: str
    history: NotRequired[list[VersionEntry]]


class Sessions(TypedDict):
    notice: str
    sessions: list[SessionEntry]
    next_cursor: str | None


class Turn(TypedDict):
    first_line: int
    last_line: int
    role: str
    speaker: str
    channel: str
    at: str | None
    text: str


class LineEntry(TypedDict):
    line: int
    text: str


class SessionText(TypedDict):
    notice: str
    workspace_id: str
    session_id: str
    agent_id: str
    revision: int
    view: str
    turns: NotRequired[list[Turn]]
    lines: NotRequired[list[LineEntry]]
    first_line: int
    total_lines: int
    next_line: int | None
    previous_line: int | None
    truncated: bool


class Citation(TypedDict):
    uri: str
    sha256: str


class Provenance(TypedDict):
    author: str
    channel: str


class Weighed(TypedDict):
    value: float
    weight: float


class Hit(TypedDict):
    workspace_id: str
    machine: str
    tool: str
    project: str
    path: NotRequired[str]
    version: NotRequired[int]
    session_id: NotRequired[str]
    agent_id: NotRequired[str]
    title: str
    first_line: int
    last_line: int
    snippet: str
    score: float
    role: str
    timestamp: str | None
    provenance: Provenance
    citation: Citation
    also_in: NotRequired[list[str]]
    features: NotRequired[dict[str, Weighed]]


class Pending(TypedDict):
    words: int
    vectors: int


class Searched(TypedDict):
    sources: NotRequired[int]
    passages: int
    notes: list[str]


class Hits(TypedDict):
    notice: str
    hits: list[Hit]
    next_cursor: str | None
    pending: Pending
    searched: Searched
    truncated: bool


class Written(TypedDict):
    workspace_id: str
    path: str
    version: int
    changed: bool
    sha256: str


class Deleted(TypedDict):
    workspace_id: str
    path: str
    version: int
    deleted: bool


class Uploaded(TypedDict):
    workspace_id: str
    session_id: str
    agent_id: str
    outcome: str
    revision: int
    sha256: str
    bytes: int
    lines: int
    cut_bytes: int
    indexed: str
