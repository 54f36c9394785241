"""Which account pays for a call, and putting accounts on plans.

A token that an operator gave a plan pays for itself; else the workspace that the call
is about, if that has a plan; else the token's own account on the plan without caps.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from access.models import Token
from access.principals import Principal
from audit import trail
from refusals import Code, InvalidArgument, Refusal
from usage.models import SELF_HOSTED, Account, Plan
from workspaces.models import Workspace

_PAID = Account.Source.PAYMENT


class EntitlementExpired(Refusal):
    """The account's plan has ended."""

    code = Code.ENTITLEMENT_EXPIRED
    hint = "Renew the plan or ask the operator; reading goes on."


def account_of(
    principal: Principal, workspace: Workspace | None, *, at: datetime
) -> Account:
    """Who pays for a call of this token about this workspace, with its plan loaded."""
    found = _known(principal.token_id, workspace)
    return found or _new(principal.token_id, at=at)


def paying_account(token_id: int | None, workspace: Workspace | None) -> Account | None:
    """The same for a token known by its id alone; None if neither has an account."""
    return _known(token_id, workspace)


def assign(
    plan: Plan,
    *,
    token: Token | None = None,
    workspace: Workspace | None = None,
    ends_at: datetime | None = None,
    actor: trail.Actor,
    at: datetime,
) -> Account:
    """Put a token or a workspace on a plan; its periods are counted from now.

    Without `ends_at` the plan holds until another is assigned. Raises InvalidArgument
    unless exactly one of token and workspace is given and the end lies ahead.
    """
    if (token is None) == (workspace is None):
        raise InvalidArgument(
            "A plan is assigned to a token or to a workspace.", hint="Name one of them."
        )
    if ends_at is not None and ends_at <= at:
        raise InvalidArgument(
            "The end has already passed.", hint="Choose a time in the future."
        )
    with transaction.atomic():
        account = _locked_or_new(plan, token=token, workspace=workspace, at=at)
        account.put_on(plan, source=Account.Source.OPERATOR, at=at, ends_at=ends_at)
        _record("plan.assign", account, actor=actor, at=at)
    return account


def withdraw(account: Account, *, actor: trail.Actor, at: datetime) -> None:
    """Put an account back where it was before anybody gave it a plan."""
    with transaction.atomic():
        account.put_on(
            _default_plan(), source=Account.Source.DEFAULT, at=at, ends_at=None
        )
        _record("plan.withdraw", account, actor=actor, at=at)


def entitle(
    plan: Plan,
    *,
    workspace: Workspace,
    period_days: int,
    actor: trail.Actor,
    at: datetime,
) -> Account:
    """Put a workspace on a plan that was paid for; the same plan is prolonged."""
    bought = timedelta(days=period_days)
    with transaction.atomic():
        account = _locked_or_new(plan, token=None, workspace=workspace, at=at)
        is_same = account.plan_id == plan.pk and account.source == _PAID
        if is_same and account.ends_at is not None and account.is_active(at=at):
            account.prolong(ends_at=account.ends_at + bought)
        else:
            account.put_on(plan, source=_PAID, at=at, ends_at=at + bought)
        _record("plan.buy", account, actor=actor, at=at)
    return account


def check_writable(account: Account, *, at: datetime) -> None:
    """Raise EntitlementExpired once the account's plan has ended."""
    if not account.is_active(at=at) and account.ends_at is not None:
        raise EntitlementExpired(
            f"The plan {account.plan} has ended.",
            expired_at=account.ends_at.isoformat(),
        )


def _known(token_id: int | None, workspace: Workspace | None) -> Account | None:
    wanted = Q(token_id=token_id) if token_id is not None else Q(pk=None)
    if workspace is not None:
        wanted |= Q(workspace=workspace) & ~Q(source=Account.Source.DEFAULT)
    found = list(Account.objects.select_related("plan").filter(wanted))
    return min(found, key=_precedence, default=None)


def _precedence(account: Account) -> int:
    if account.token_id is None:
        return 1
    return 2 if account.source == Account.Source.DEFAULT else 0


def _new(token_id: int, *, at: datetime) -> Account:
    account, _ = Account.objects.select_related("plan").get_or_create(
        token_id=token_id, defaults={"plan": _default_plan(), "started_at": at}
    )
    return account


def _default_plan() -> Plan:
    plan, _ = Plan.objects.get_or_create(
        name=SELF_HOSTED, defaults={"title": "Self-hosted"}
    )
    return plan


def _locked_or_new(
    plan: Plan, *, token: Token | None, workspace: Workspace | None, at: datetime
) -> Account:
    Account.objects.get_or_create(
        token=token, workspace=workspace, defaults={"plan": plan, "started_at": at}
    )
    return Account.objects.select_for_update(no_key=True).get(
        token=token, workspace=workspace
    )


def _record(action: str, account: Account, *, actor: trail.Actor, at: datetime) -> None:
    trail.record(
        actor=actor,
        action=action,
        at=at,
        workspace_slug=account.workspace.slug if account.workspace else "",
        target=str(account),
        detail={
            "plan": account.plan.name,
            "ends_at": account.ends_at.isoformat() if account.ends_at else None,
        },
    )
