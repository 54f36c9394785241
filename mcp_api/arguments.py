"""Types of tool arguments: what the input schemas say and pydantic enforces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

from recall import packing
from workspaces import connectors


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


WorkspaceId = Annotated[
    str, Field(min_length=1, max_length=128, description="As list_workspaces shows it.")
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Path = Annotated[str, Field(max_length=2048, description="Relative, e.g. notes/db.md.")]
PathPrefix = Annotated[str, Field(max_length=512, description="E.g. notes/")]
SessionId = Annotated[str, Field(min_length=1, max_length=128)]
AgentId = Annotated[
    str, Field(max_length=128, description="A subagent's id; empty: main session.")
]
Query = Annotated[str, Field(min_length=1, max_length=2000)]
Moment = Annotated[
    datetime,
    AfterValidator(_utc),
    WithJsonSchema({"type": "string", "description": "ISO 8601; UTC unless said."}),
]
Cursor = Annotated[
    str, Field(max_length=4000, description="next_cursor of the previous page.")
]
Limit = Annotated[int, Field(ge=1, le=100)]
MaxChars = Annotated[
    int, Field(ge=500, le=200_000, description="Budget for the text that comes back.")
]
LineNumber = Annotated[int, Field(ge=1, le=10**12)]
LineCount = Annotated[int, Field(ge=1, le=10_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
ExpectedVersion = Annotated[
    int,
    Field(
        ge=0,
        le=2**31 - 1,
        description="The version you read; refused if it is stale. 0: must not exist.",
    ),
]
Binding = Annotated[
    str,
    Field(max_length=1000, description="From register_workspace."),
]
WriteToken = Annotated[
    str, Field(max_length=200, description="From register_workspace.")
]
# Far above every limit of the store, which refuses in its own words.
Content = Annotated[str, Field(max_length=2**26)]
Cwd = Annotated[str, Field(max_length=1024, description="Working directory.")]
Description = Annotated[str, Field(max_length=2000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
ArchiveId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Mode = Annotated[
    Literal["hybrid", "keyword", "semantic", "regex", "exact"],
    Field(
        description="hybrid: most questions; exact: identifiers, error messages; "
        "regex: RE2; keyword: rare words; semantic: meaning only."
    ),
]
Role = Literal["user", "assistant", "tool_input", "tool_output", "summary"]
Roles = Annotated[list[Role], Field(max_length=5)]
View = Literal["conversation", "lines", "raw"]

# -- memories: the names on the wire are those of the MemoryNode surface -----------

ContainerTag = Annotated[
    Annotated[str, Field(max_length=128)] | None,
    Field(
        alias="containerTag",
        description="A workspace_id, or any name: read or write only there.",
    ),
]
IncludeProfile = Annotated[bool, Field(alias="includeProfile")]
IncludeRecent = Annotated[bool, Field(alias="includeRecent")]
TopK = Annotated[int, Field(ge=1, le=20)]
Kinds = Annotated[
    list[Literal["memory", "knowledge", "transcript"]],
    Field(max_length=3, description="All three if left out."),
]
Score = Annotated[float, Field(ge=0, le=1)]
BudgetChars = Annotated[int, Field(ge=packing.LEAST_CHARS, le=packing.MOST_CHARS)]
BudgetTokens = Annotated[int, Field(ge=packing.LEAST_TOKENS, le=packing.MOST_TOKENS)]
Emphasis = Literal["balanced", "precision", "recall"]
MemoryText = Annotated[str, Field(min_length=1, max_length=10_000)]
MemoryId = Annotated[
    str,
    Field(pattern=r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"),
]
MemoryType = Literal[
    "fact",
    "preference",
    "event",
    "note",
    "task",
    "correction",
    "pin",
    "summary",
]
Scalar = str | int | float | bool
MetadataFilter = Annotated[
    dict[Annotated[str, Field(max_length=100)], Scalar], Field(max_length=20)
]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=100)], Scalar | None], Field(max_length=50)
]
PageNumber = Annotated[int, Field(ge=1, le=10_000)]
PageSize = Annotated[int, Field(ge=1, le=50)]
UpTo = Annotated[
    int,
    Field(ge=0, le=2**62, description="Of the first page: keeps what is new out."),
]
AuditPage = Annotated[int, Field(ge=1, le=100)]
AuditLimit = Annotated[int, Field(ge=1, le=200)]
AuditAction = Annotated[str, Field(max_length=64, description="E.g. memory.save")]
AuditOutcome = Literal["done", "refused", "failed"]
TokenId = Annotated[int, Field(ge=1, le=2**53)]
Nonce = Annotated[
    Annotated[str, Field(min_length=8, max_length=200)] | None,
    Field(description="Repeating a call with its nonce does nothing twice."),
]
TimestampMs = Annotated[
    Annotated[int, Field(ge=0, le=2**53)] | None, Field(alias="timestampMs")
]
Action = Literal["save", "forget", "confirm_forget"]
ConfirmationToken = Annotated[str, Field(min_length=1, max_length=200)]
ConnectorId = Annotated[str, Field(min_length=1, max_length=120)]
CaptureTypes = Annotated[
    dict[
        Annotated[
            str,
            WithJsonSchema({"type": "string", "enum": list(connectors.CAPTURE_TYPES)}),
        ],
        bool,
    ],
    Field(max_length=11, description="Types left out take their default."),
]
ConversationBody = Annotated[
    dict[str, Any],
    Field(max_length=40, description="messages [{role, content, at?}] or transcript."),
]
Plan = Annotated[str, Field(max_length=40)]
FirstName = Annotated[str, Field(max_length=200)]
Email = Annotated[str, Field(max_length=200)]
Phone = Annotated[str, Field(max_length=40)]


@with_config(ConfigDict(extra="forbid"))
class Confirmation(TypedDict):
    token: NotRequired[ConfirmationToken]
    memory_id: NotRequired[MemoryId]


@with_config(ConfigDict(extra="forbid"))
class Ingested(TypedDict):
    kind: Literal["text", "memory", "conversation", "document", "import", "bundle"]
    body: Annotated[dict[str, Any], Field(max_length=40)]
