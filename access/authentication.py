"""From a bearer token to a principal."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import statements
from access import audiences, tokens
from access.models import Token
from access.principals import Principal
from audit import addresses
from refusals import Code, Refusal


class Unauthenticated(Refusal):
    """No bearer, or one that was never a token; which of the two is not told apart."""

    code = Code.UNAUTHENTICATED
    hint = "Send `Authorization: Bearer <token>` with a token of this server."


class NotGoodNow(Refusal):
    """A token of ours that is out of force; `token_id` is for the trail alone."""

    token_id: int | None = None


class TokenExpired(NotGoodNow):
    code = Code.TOKEN_EXPIRED
    hint = "Ask the operator for a new token."


class TokenRevoked(NotGoodNow):
    code = Code.TOKEN_REVOKED
    hint = "Ask the operator for a new token."


class AudienceRefused(NotGoodNow):
    """A token that was made for another address, of this server or of another."""

    code = Code.TOKEN_AUDIENCE_REFUSED
    hint = "Sign in again and name this address as the resource."


_NO_DIGEST = "0" * 64
# How long a token counts as new; refreshing one that was signed in for makes none.
_NEW_FOR = timedelta(hours=48)


class _Found(NamedTuple):
    """A token's row with what its workspace is called."""

    token_id: int
    name: str
    kind: str
    scopes: list[str]
    workspace_id: int | None
    workspace_slug: str | None
    digest: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    tool_profile: str
    audience: str
    created_at: datetime


# As SQL, since every request asks this: the ORM takes ten times as long to build the
# query as the database to answer it.
_FIND = """
SELECT token.id, token.name, token.kind, token.scopes, token.workspace_id,
    workspace.slug, token.digest, token.expires_at, token.revoked_at,
    token.last_used_at, token.tool_profile, token.audience, token.created_at
FROM access_token token
LEFT JOIN workspaces_workspace workspace ON workspace.id = token.workspace_id
WHERE token.digest = %s
"""


def authenticate(
    bearer: str | None,
    *,
    at: datetime,
    transport: str,
    request_id: str,
    address: str,
    through: str = "",
) -> Principal:
    """Find whose token this is; `through` is the route, where it is known already.

    Raises Unauthenticated, TokenExpired, TokenRevoked and AudienceRefused.

    Reads the row on every call, so that revoking works on the next request.
    """
    if bearer is None or not tokens.is_plausible(bearer):
        raise Unauthenticated("A valid bearer token is needed.")
    presented = tokens.digest(bearer)
    token = _find(presented)
    # The comparison is made for unknown tokens too, so that both ways take the same.
    is_known = hmac.compare_digest(token.digest if token else _NO_DIGEST, presented)
    if token is None or not is_known:
        raise Unauthenticated("A valid bearer token is needed.")
    if refusal := _out_of_force(token, transport=transport, at=at):
        refusal.token_id = token.token_id
        raise refusal
    Token.objects.mark_used(token.token_id, last_used_at=token.last_used_at, at=at)
    return Principal(
        token_id=token.token_id,
        name=token.name,
        kind=token.kind,
        scopes=frozenset(token.scopes),
        workspace_id=token.workspace_id,
        workspace_slug=token.workspace_slug,
        transport=transport,
        request_id=request_id,
        through=through,
        address_digest=addresses.digest(address),
        tool_profile=token.tool_profile,
        may_ask_for_more=bool(token.audience),
        is_new=at - token.created_at < _NEW_FOR,
    )


def _out_of_force(token: _Found, *, transport: str, at: datetime) -> NotGoodNow | None:
    if token.revoked_at is not None:
        return TokenRevoked("This token was revoked.")
    if token.expires_at is not None and token.expires_at <= at:
        return TokenExpired("This token has expired.")
    if not audiences.admits(token.audience, transport=transport):
        return AudienceRefused("This token was made for another address.")
    return None


def _find(digest: str) -> _Found | None:
    found = statements.rows(_FIND, [digest])
    return _Found(*found[0]) if found else None


def bearer_from(headers: Mapping[str, str]) -> str | None:
    """Read the token from lower-case headers: `x-api-key`, else `authorization`."""
    if key := headers.get("x-api-key", "").strip():
        return key
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None
