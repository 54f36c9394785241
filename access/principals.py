"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass

from audit.trail import Actor


@dataclass(frozen=True)
class Principal:
    """The bearer of a valid token, for the length of one request.

    `workspace_id` and `workspace_slug` name the workspace that the token is pinned to,
    `tool_profile` which tools its client is shown, `through` the tool or route asked.
    `may_ask_for_more`: the client got its token by signing in and can do so again for
    another scope. `is_new`: the token is younger than two days.
    """

    token_id: int
    name: str
    kind: str
    scopes: frozenset[str]
    workspace_id: int | None = None
    workspace_slug: str | None = None
    transport: str = "command"
    request_id: str = ""
    address_digest: str = ""
    through: str = ""
    tool_profile: str = "standard"
    may_ask_for_more: bool = False
    is_new: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(
            name=self.name,
            token_id=self.token_id,
            transport=self.transport,
            through=self.through,
            request_id=self.request_id,
            address_digest=self.address_digest,
        )
