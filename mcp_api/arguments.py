"""Types of tool arguments: what the input schemas say and pydantic enforces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema


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
