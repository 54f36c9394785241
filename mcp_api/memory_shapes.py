"""The structured results of the memory tools; their schemas are published as they are.

The fields are those of recall.describing, which may add more than stand here. Names in
camelCase are the MemoryNode surface's own.
"""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from mcp_api.shapes import Citation


class OldName(TypedDict):
    """What an answer under a deprecated name has beside the answer."""

    deprecated: NotRequired[bool]
    alias_for: NotRequired[str]
    warning: NotRequired[str]
    use: NotRequired[str]


# -- recall and context ------------------------------------------------------------


class Found(TypedDict):
    kind: str
    memory_id: str
    chunk_id: str
    chunk_index: int
    text: str
    score: float
    workspace_id: str
    at: str | None
    citation: Citation
    path: NotRequired[str]
    session_id: NotRequired[str]


class Recent(TypedDict):
    recent: str


class RecallMeta(TypedDict):
    reasoning: list[str]
    confidence: float
    scope: str
    policy_version: str
    degradation_applied: NotRequired[list[str]]


class Recalled(TypedDict):
    notice: str
    status: str
    results: list[Found]
    profile: Recent
    profile_engine: NotRequired[dict[str, Any]]
    meta: RecallMeta
    truncated: bool


class RecalledByOldName(Recalled, OldName):
    pass


class History(TypedDict):
    i: int
    kind: str
    memory_id: str
    text: str
    score: float
    at: str | None
    workspace_id: str
    citation: Citation


class Packed(TypedDict):
    profileFacts: list[str]
    relevantHistory: list[History]
    guidance: list[str]


class ContextMeta(TypedDict):
    budget_chars: int
    used_chars: int
    used_tokens: int
    truncated: bool
    truncation_steps: list[str]
    confidence: float
    source_count: int
    recall_strength: str
    diversity_score: float
    redundancy_penalty: float
    integrity_score: float
    scope: str
    policy_version: str


class Context(TypedDict):
    notice: str
    status: str
    context: Packed
    context_text: str
    profile_engine: dict[str, Any]
    meta: ContextMeta


class ContextByOldName(Context, OldName):
    pass


# -- memories ----------------------------------------------------------------------


class MemoryEntry(TypedDict):
    memory_id: str
    workspace_id: str
    container_tag: str
    text: str
    metadata: dict[str, Any]
    memory_type: str | None
    importance: float
    confidence: float
    priority_tier: str
    pinned: bool
    owner_id: str
    owner_type: str
    effective_at: str
    expires_at: str | None
    created_at: str
    created_by: str
    updated_at: str
    revision: int
    duplicate_of: str | None
    archived_at: str | None
    conflict_state: str


class MemoryFound(TypedDict):
    notice: str
    status: str
    data: MemoryEntry
    policy_version: str


class MemoryPage(TypedDict):
    results: list[MemoryEntry]
    page: int
    page_size: int
    total: int
    has_more: bool
    up_to: int


class Memories(TypedDict):
    notice: str
    status: str
    data: MemoryPage
    policy_version: str


class Decision(TypedDict):
    code: str
    message: str


class SavedData(TypedDict):
    memory_id: str
    workspace_id: str
    created_at: str
    deduped: bool
    dedupe_kind: NotRequired[str]
    superseded: list[str]
    conflicts: int
    policy_version: str


class Saved(TypedDict):
    status: str
    decision: Decision
    data: SavedData


class SavedByOldName(Saved, OldName):
    pass


class Candidate(TypedDict):
    memory_id: str
    score: float
    text: str


class ForgetData(TypedDict):
    policy_version: str
    memory_id: NotRequired[str]
    receipt: NotRequired[dict[str, Any]]
    confirmation_token: NotRequired[str]
    expires_at: NotRequired[str]
    candidates: NotRequired[list[Candidate]]


class Forgotten(TypedDict):
    status: str
    decision: Decision
    data: ForgetData


class Deleted(TypedDict):
    status: str
    data: ForgetData


class MemoryDone(TypedDict):
    """What the multiplexer answers: that of the tool it stands for."""

    status: str
    decision: Decision
    data: dict[str, Any]


class Done(TypedDict):
    status: str
    data: dict[str, Any]
    policy_version: str


# -- connectors, usage, audit, billing, identity -----------------------------------


class ConnectorEntry(TypedDict):
    connector_id: str
    sync_enabled: bool
    capture_types: dict[str, bool]
    updated_at: str


class ConnectorList(TypedDict):
    settings: list[ConnectorEntry]


class Connectors(TypedDict):
    status: str
    data: ConnectorList
    policy_version: str


class Connector(TypedDict):
    status: str
    data: ConnectorEntry
    policy_version: str


class AuditEntry(TypedDict):
    id: int
    created_at: str
    actor: str
    api_key_id: int | None
    transport: str
    through: str
    action: str
    workspace_id: str
    target: str
    outcome: str
    code: str
    request_id: str
    ip_hash: str


class Audit(TypedDict):
    notice: str
    entries: list[AuditEntry]
    page: int
    limit: int
    has_more: bool


class Checkout(TypedDict):
    provider: str
    method: str
    url: str
    fields: dict[str, Any]


class Identity(TypedDict):
    workspace_id: str
    user_id: str
    namespace: str
    container_tag: str
    session_id: str
    client: str
    policy_version: str
    tool_manifest_version: str
    scoped_container_tag: str | None
    product_plan: str
    api_plan: str
    trial: bool
    trial_expires_at: str | None
    token_name: str
    token_kind: str
    scopes: list[str]
    tool_profile: str


class WhoAmI(TypedDict):
    status: str
    identity: Identity


class WhoAmIByOldName(WhoAmI, OldName):
    pass
