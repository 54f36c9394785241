"""Plans of any size, and tokens on them."""

from __future__ import annotations

from typing import Any

from people import NOW, OPERATOR

from access.models import Token
from access.principals import Principal
from usage import accounts
from usage.models import Account, Plan


def a_plan(name: str = "small", **caps: Any) -> Plan:
    return Plan.objects.create(name=name, title=name, **caps)


def put_on(plan: Plan, who: Principal, **given: Any) -> Account:
    token = Token.objects.get(pk=who.token_id)
    values = {"actor": OPERATOR, "at": NOW} | given
    return accounts.assign(plan, token=token, **values)
