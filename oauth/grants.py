"""From an operator's yes to a token, and on through its refreshes to its end.

A grant has one token of ours (access.models.Token) from its first to its last refresh.
Whoever revokes that token, in the list of tokens or in the list of grants, ends the
grant: the next refresh finds it revoked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import transaction

from access import tokens
from access.models import Token
from audit import trail
from oauth.models import Grant, GrantQuerySet
from workspaces.models import Workspace

KIND = "ai"
_MAX_NAME = 80


class CodeUsedTwice(Exception):
    """A code that has a token already; whoever has the other one may be a thief."""


def may_allow(user: AbstractUser | AnonymousUser) -> bool:
    """Whether this operator may make tokens, by hand or by saying yes to a client."""
    return user.is_active and user.is_staff and user.has_perm("access.add_token")


def remember(
    *,
    code: str,
    client_id: str,
    client_name: str,
    redirect_uri: str,
    scopes: Iterable[str],
    audience: str,
    workspace: Workspace | None,
    actor: trail.Actor,
    at: datetime,
) -> Grant:
    """Keep what was allowed until the client comes with the code."""
    grant: Grant = Grant.objects.create(
        client_id=client_id,
        client_name=plain(client_name) or "A client without a name",
        redirect_uri=redirect_uri,
        scopes=sorted(scopes),
        audience=audience,
        workspace=workspace,
        allowed_by=actor.name[:150],
        allowed_at=at,
        code_digest=digest(code),
    )
    trail.record(
        actor=actor,
        action="oauth.allow",
        at=at,
        workspace_slug=workspace.slug if workspace else "",
        target=client_id,
        detail={"scopes": grant.scopes, "redirect_uri": redirect_uri},
    )
    return grant


def redeem(
    *, code: str, text: str, family: UUID, expires_at: datetime, at: datetime
) -> Token:
    """Make the token of a grant; raises CodeUsedTwice if it has one."""
    with transaction.atomic():
        grant = Grant.objects.select_for_update().get(code_digest=digest(code))
        if grant.token is not None:
            raise CodeUsedTwice
        token, _text = tokens.create(
            name=f"{grant.client_name[:_MAX_NAME]} (OAuth)",
            kind=KIND,
            scopes=grant.scopes,
            workspace=grant.workspace,
            expires_at=expires_at,
            audience=grant.audience,
            text=text,
            created_by=trail.Actor(name=grant.allowed_by, transport="oauth"),
            at=at,
        )
        grant.mark_redeemed(token=token, family=family)
    return token


def renew(
    *, family: UUID, text: str, scopes: Iterable[str], expires_at: datetime
) -> None:
    """Give a grant's token the text that its client got by refreshing."""
    grant = Grant.objects.select_related("token").get(family=family)
    assert grant.token is not None  # noqa: S101 - a family begins with the token
    tokens.renew(grant.token, text=text, scopes=scopes, expires_at=expires_at)


def end(chosen: GrantQuerySet, *, actor: trail.Actor, at: datetime) -> int:
    """Refuse these grants' tokens and their refreshing; counts those that were good."""
    held = Token.objects.filter(pk__in=chosen.values("token"))
    return tokens.revoke(held, actor=actor, at=at)


def end_by_client(chosen: GrantQuerySet, *, at: datetime) -> None:
    """End grants whose client gives them back (RFC 7009)."""
    for name in chosen.values_list("client_name", flat=True):
        end(chosen, actor=trail.Actor(name=name, transport="oauth"), at=at)


def end_stolen(chosen: GrantQuerySet, *, what: str, at: datetime) -> None:
    """End grants of which something was used twice, and say so in the trail."""
    actor = trail.Actor(name="oauth", transport="oauth")
    with transaction.atomic():
        for grant in chosen.filter(token__revoked_at=None):
            trail.record(
                actor=actor,
                action=f"oauth.{what}_used_twice",
                at=at,
                target=grant.client_id,
                outcome="refused",
            )
        end(chosen, actor=actor, at=at)


def of_code(code: str) -> GrantQuerySet:
    return Grant.objects.filter(code_digest=digest(code), token__isnull=False)


def of_family(family: UUID | None) -> GrantQuerySet:
    """The grant whose refresh tokens these are; none for None."""
    return Grant.objects.filter(family=family, family__isnull=False)


def of_access_token(text: str, *, client_id: str) -> GrantQuerySet:
    of_client = Grant.objects.of_client(client_id)
    return of_client.filter(token__digest=tokens.digest(text))


def forget_unused(*, before: datetime) -> int:
    """Delete grants whose code nobody redeemed in time."""
    return Grant.objects.never_redeemed(before=before).delete()[0]


def digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def plain(name: str) -> str:
    """A client calls itself what it likes; this goes into lists and the trail."""
    kept = "".join(each for each in name if each.isprintable())
    return " ".join(kept.split())[:255]
