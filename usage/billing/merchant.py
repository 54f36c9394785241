"""Our account at the payment provider; billing is off without one."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

from refusals import Code, Refusal


class BillingDisabled(Refusal):
    """No payment provider is configured."""

    code = Code.BILLING_DISABLED
    hint = "The operator sets PAYU_KEY and PAYU_SALT, or assigns plans by hand."


@dataclass(frozen=True)
class Merchant:
    key: str
    salt: str = field(repr=False)


def ours() -> Merchant:
    """Raises BillingDisabled unless both the key and the salt are set."""
    if not (settings.PAYU_KEY and settings.PAYU_SALT):
        raise BillingDisabled("Nothing can be bought on this server.")
    return Merchant(settings.PAYU_KEY, settings.PAYU_SALT)
