"""The computers that people work on: their tokens, and when each was last heard of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max

from access import tokens
from access.models import Token
from audit import trail
from refusals import InvalidArgument
from workspaces.models import Machine, Workspace
from workspaces.registering import CONTAINER

# Names that need no quoting in any shell, since install lines carry them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

STALE_AFTER = timedelta(days=1)
BEHIND_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Enrolled:
    """The texts of a machine's own tokens; never to be had again."""

    name: str
    ai_token: str
    sync_token: str


@dataclass
class Known:
    """What is known of one computer.

    `contact_at` is when one of its own tokens, its sync client's account or content of
    one of its workspaces last came in.
    """

    name: str
    workspaces: int = 0
    tokens: list[Token] = field(default_factory=list)
    account: Machine | None = None
    contact_at: datetime | None = None

    def heard(self, at: datetime | None) -> None:
        if at is not None:
            self.contact_at = max(filter(None, (self.contact_at, at)))

    def is_stale(self, *, at: datetime) -> bool:
        """Whether it has been silent for a day, or never spoke."""
        return self.contact_at is None or at - self.contact_at > STALE_AFTER

    def lag(self, *, at: datetime) -> timedelta | None:
        """How long its oldest file has waited to be archived; None when none does."""
        waiting = self.account.oldest_waiting_at if self.account else None
        return max(at - waiting, timedelta()) if waiting else None

    def is_behind(self, *, at: datetime) -> bool:
        lag = self.lag(at=at)
        return lag is not None and lag > BEHIND_AFTER


def enrol(*, name: str, actor: trail.Actor, at: datetime) -> Enrolled:
    """Make the two tokens of a machine, one for its assistants and one for its sync.

    Tokens that it has already stay good. Raises InvalidArgument for a name that a
    command line would have to quote.
    """
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            "A machine's name is 1 to 64 letters, digits, dots, hyphens and "
            "underscores, and begins with a letter or digit.",
            hint="Use the host's name, such as wren.",
        )
    texts = {}
    with transaction.atomic():
        for kind in ("ai", "sync"):
            _, texts[kind] = tokens.create(
                name=f"{name} ({kind})",
                kind=kind,
                machine=name,
                created_by=actor,
                at=at,
            )
    return Enrolled(name, texts["ai"], texts["sync"])


def known(*, at: datetime) -> list[Known]:
    """Every computer with a workspace, an account or a good token; last heard first.

    In three queries. Containers are workspaces on no machine and not among them.
    """
    found: dict[str, Known] = {}

    def of(name: str) -> Known:
        return found.setdefault(name, Known(name))

    by_machine = Workspace.objects.exclude(machine=CONTAINER).values("machine")
    for row in by_machine.annotate(count=Count("id"), last=Max("last_active_at")):
        of(row["machine"]).workspaces = row["count"]
        of(row["machine"]).heard(row["last"])
    own = Token.objects.exclude(machine="").usable(at=at)
    for token in own.order_by("kind", "id"):
        of(token.machine).tokens.append(token)
        of(token.machine).heard(token.last_used_at)
    for account in Machine.objects.order_by("id"):
        of(account.name).account = account
        of(account.name).heard(account.reported_at)
    return sorted(found.values(), key=_by_contact)


def _by_contact(each: Known) -> tuple[float, str]:
    return (-each.contact_at.timestamp() if each.contact_at else 0.0, each.name)
