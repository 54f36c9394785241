"""From a bearer token to a principal."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime

from django.utils.crypto import salted_hmac

from access import tokens
from access.models import Token
from access.principals import Principal
from refusals import Code, Refusal


class Unauthenticated(Refusal):
    """No bearer, or one that was never a token; which of the two is not told apart."""

    code = Code.UNAUTHENTICATED
    hint = "Send `Authorization: Bearer <token>` with a token of this server."


class TokenExpired(Refusal):
    code = Code.TOKEN_EXPIRED
    hint = "Ask the operator for a new token."


class TokenRevoked(Refusal):
    code = Code.TOKEN_REVOKED
    hint = "Ask the operator for a new token."


_NO_DIGEST = "0" * 64


def authenticate(
    bearer: str | None, *, at: datetime, transport: str, request_id: str, address: str
) -> Principal:
    """Find whose token this is; raises Unauthenticated, TokenExpired or TokenRevoked.

    Reads the row on every call, so that revoking works on the next request.
    """
    if bearer is None or not tokens.is_plausible(bearer):
        raise Unauthenticated("A valid bearer token is needed.")
    presented = tokens.digest(bearer)
    token = Token.objects.select_related("workspace").filter(digest=presented).first()
    # The comparison is made for unknown tokens too, so that both ways take the same.
    is_known = hmac.compare_digest(token.digest if token else _NO_DIGEST, presented)
    if token is None or not is_known:
        raise Unauthenticated("A valid bearer token is needed.")
    if token.revoked_at is not None:
        raise TokenRevoked("This token was revoked.")
    if token.expires_at is not None and token.expires_at <= at:
        raise TokenExpired("This token has expired.")
    token.mark_used(at=at)
    return Principal(
        token_id=token.pk,
        name=token.name,
        kind=token.kind,
        scopes=frozenset(token.scopes),
        workspace_id=token.workspace_id,
        workspace_slug=token.workspace.slug if token.workspace else None,
        transport=transport,
        request_id=request_id,
        address_digest=address_digest(address),
    )


def bearer_from(headers: Mapping[str, str]) -> str | None:
    """Read the token from lower-case headers: `x-api-key`, else `authorization`."""
    if key := headers.get("x-api-key", "").strip():
        return key
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


def address_digest(address: str) -> str:
    """A short keyed digest, so that the trail links requests but names no address."""
    return salted_hmac("memory.address", address, algorithm="sha256").hexdigest()[:16]
