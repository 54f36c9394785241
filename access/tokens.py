"""Making and revoking bearer tokens; the text of one exists only when it is made.

A token reads `fms_<kind>_<43 characters><6 characters>`: 256 random bits and a CRC-32,
so that a mistyped or made-up one is turned down without a look into the database and a
leaked one is found exactly by secret scanners.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from access.models import Token, TokenQuerySet
from audit import trail
from refusals import InvalidArgument
from workspaces.models import Workspace

MIN_LENGTH = 16
MAX_LENGTH = 512

# Rows that stand for MCP_TOKEN and SYNC_TOKEN carry this in created_by and revoked_by.
ENVIRONMENT = "environment"

DEFAULT_SCOPES = {
    "ai": ("read", "write"),
    "sync": ("read", "upload"),
    "admin": ("read", "write", "upload", "raw", "admin"),
}
GRANTABLE_SCOPES = {
    "ai": frozenset({"read", "write", "raw"}),
    "sync": frozenset({"read", "upload", "raw"}),
    "admin": frozenset(DEFAULT_SCOPES["admin"]),
}

_FORM = re.compile(r"fms_(?:ai|sync|admin)_[A-Za-z0-9_-]{49}")
_CHECKSUM_LENGTH = 6


def create(
    *,
    name: str,
    kind: str,
    scopes: Iterable[str] | None = None,
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
    tool_profile: str = Token.ToolProfile.STANDARD,
    audience: str = "",
    machine: str = "",
    text: str = "",
    created_by: trail.Actor,
    at: datetime,
) -> tuple[Token, str]:
    """Make a token; the text that comes back is never to be had again.

    `text` is one that `new_text` made before, `audience` the only address the token is
    good for, `machine` the computer that will carry it.

    Without `scopes` it gets what its kind usually needs. Raises InvalidArgument for a
    name that is empty, long or not plain text, an unknown kind or tool profile, a scope
    that the kind cannot hold, and an expiry that has passed.
    """
    _check_name(name)
    _check_tool_profile(tool_profile)
    chosen = _scopes(kind, scopes)
    if expires_at is not None and expires_at <= at:
        raise InvalidArgument(
            "The expiry has already passed.", hint="Choose a time in the future."
        )
    text = text or new_text(kind)
    with transaction.atomic():
        token = _store(
            text,
            name=name.strip(),
            kind=kind,
            scopes=chosen,
            workspace=workspace,
            expires_at=expires_at,
            tool_profile=tool_profile,
            audience=audience,
            machine=machine,
            created_by=created_by,
            at=at,
        )
    return token, text


def renew(
    token: Token, *, text: str, scopes: Iterable[str], expires_at: datetime
) -> None:
    """Give a token a new text; the one before is refused from the next request on.

    What hangs on the token stays: its bindings, sessions and place in the trail. Raises
    InvalidArgument for a scope that its kind cannot hold.
    """
    token.renew(
        digest=digest(text),
        last_four=text[-4:],
        scopes=_scopes(token.kind, scopes),
        expires_at=expires_at,
    )


def show_tools(token: Token, *, profile: str, actor: trail.Actor, at: datetime) -> None:
    """Choose which tools the token's client is shown; raises InvalidArgument."""
    _check_tool_profile(profile)
    with transaction.atomic():
        token.show_tools(profile)
        trail.record(
            actor=actor,
            action="token.tool_profile",
            at=at,
            target=str(token),
            detail={"token_id": token.pk, "tool_profile": profile},
        )


def revoke(chosen: TokenQuerySet, *, actor: trail.Actor, at: datetime) -> int:
    """Refuse these tokens from the next request on; count those that were good."""
    with transaction.atomic():
        ids = chosen.values("pk")
        living = list(
            Token.objects.filter(pk__in=ids, revoked_at=None)
            .select_related("workspace")
            .select_for_update(of=("self",))
        )
        for token in living:
            token.mark_revoked(by=actor.name, at=at)
            trail.record(
                actor=actor,
                action="token.revoke",
                at=at,
                workspace_slug=token.workspace.slug if token.workspace else "",
                target=str(token),
                detail={"token_id": token.pk, "kind": token.kind},
            )
    return len(living)


def ensure_bootstrap(*, ai: str, sync: str, at: datetime) -> None:
    """Make the values of MCP_TOKEN and SYNC_TOKEN valid, and only these.

    A changed or emptied value revokes the one before it. A value that an operator
    revoked stays revoked. May run in several processes at once and any number of times.
    Raises InvalidArgument for a value that cannot be a token.
    """
    for variable, text in (("MCP_TOKEN", ai), ("SYNC_TOKEN", sync)):
        _check_bootstrap(variable, text)
    if ai and ai == sync:
        raise InvalidArgument(
            "MCP_TOKEN and SYNC_TOKEN are the same.",
            hint="Give each its own value; their holders may do different things.",
        )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('access.bootstrap'))")
        _bootstrap("MCP_TOKEN", ai, kind="ai", at=at)
        _bootstrap("SYNC_TOKEN", sync, kind="sync", at=at)


def digest(text: str) -> str:
    """The SHA-256 by which a token is kept and found.

    No password hash: the text is 256 random bits, which nobody guesses however fast the
    hash is, and this runs on every request.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def is_plausible(text: str) -> bool:
    """Whether this can be a token: printable ASCII, with a true checksum if ours."""
    if not (MIN_LENGTH <= len(text) <= MAX_LENGTH and text.isascii()):
        return False
    if not text.isprintable() or " " in text:
        return False
    if not _FORM.fullmatch(text):
        return True
    head, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return secrets.compare_digest(_checksum(head), checksum)


def _bootstrap(variable: str, text: str, *, kind: str, at: datetime) -> None:
    actor = trail.Actor(name=ENVIRONMENT)
    wanted = digest(text) if text else ""
    outdated = Token.objects.filter(name=variable, created_by=ENVIRONMENT)
    revoke(outdated.exclude(digest=wanted), actor=actor, at=at)
    if not text:
        return
    token = Token.objects.filter(digest=wanted).first()
    if token is None:
        _store(
            text,
            name=variable,
            kind=kind,
            scopes=list(DEFAULT_SCOPES[kind]),
            workspace=None,
            expires_at=None,
            created_by=actor,
            at=at,
        )
    elif token.kind != kind:
        raise InvalidArgument(
            f"{variable} is the text of a token of kind {token.kind}.",
            hint=f"Set {variable} to another value.",
        )
    elif token.revoked_by == ENVIRONMENT:
        token.mark_valid_again()
        trail.record(actor=actor, action="token.create", at=at, target=str(token))


def _store(
    text: str,
    *,
    name: str,
    kind: str,
    scopes: list[str],
    workspace: Workspace | None,
    expires_at: datetime | None,
    created_by: trail.Actor,
    at: datetime,
    tool_profile: str = Token.ToolProfile.STANDARD,
    audience: str = "",
    machine: str = "",
) -> Token:
    token = Token.objects.create(
        name=name,
        kind=kind,
        scopes=scopes,
        workspace=workspace,
        tool_profile=tool_profile,
        audience=audience,
        machine=machine,
        digest=digest(text),
        last_four=text[-4:],
        created_at=at,
        created_by=created_by.name[:150],
        expires_at=expires_at,
    )
    trail.record(
        actor=created_by,
        action="token.create",
        at=at,
        workspace_slug=workspace.slug if workspace else "",
        target=str(token),
        detail={"token_id": token.pk, "kind": kind, "scopes": scopes},
    )
    return token


def new_text(kind: str) -> str:
    """A text for a token of this kind; nothing is stored."""
    head = f"fms_{kind}_{secrets.token_urlsafe(32)}"
    return head + _checksum(head)


def _checksum(head: str) -> str:
    crc = zlib.crc32(head.encode()).to_bytes(4, "big")
    return base64.urlsafe_b64encode(crc).decode()[:_CHECKSUM_LENGTH]


def _check_name(name: str) -> None:
    if not (0 < len(name.strip()) <= 100 and name.isprintable()):
        raise InvalidArgument(
            "The token's name must be 1 to 100 printable characters.",
            hint="Name it for who or what will carry it.",
        )


def _check_tool_profile(profile: str) -> None:
    if profile not in Token.ToolProfile.values:
        raise InvalidArgument(
            f"There is no tool profile {profile[:20]!r}.",
            hint=f"Use one of: {', '.join(Token.ToolProfile.values)}.",
        )


def _scopes(kind: str, scopes: Iterable[str] | None) -> list[str]:
    if kind not in DEFAULT_SCOPES:
        raise InvalidArgument(
            f"There is no token kind {kind[:20]!r}.", hint="Use ai, sync or admin."
        )
    chosen = set(DEFAULT_SCOPES[kind] if scopes is None else scopes)
    if not chosen or not chosen <= GRANTABLE_SCOPES[kind]:
        allowed = ", ".join(sorted(GRANTABLE_SCOPES[kind]))
        raise InvalidArgument(
            f"A token of kind {kind} cannot have these scopes.",
            hint=f"Choose at least one of: {allowed}.",
        )
    return sorted(chosen)


def _check_bootstrap(variable: str, text: str) -> None:
    if text and not is_plausible(text):
        raise InvalidArgument(
            f"{variable} cannot be a token.",
            hint=(
                f"Use {MIN_LENGTH} to {MAX_LENGTH} printable ASCII characters without "
                "spaces; one that starts with fms_ must be copied whole."
            ),
        )
