"""Asking PayU itself whether a payment was made: callbacks alone are never believed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import httpx
import orjson
from django.conf import settings

from refusals import Code, Refusal
from usage.billing import payu
from usage.billing.merchant import Merchant
from usage.models import Transaction

TIMEOUT_SECONDS = 10.0
_CONNECT_SECONDS = 3.0
_MAX_BYTES = 256 * 1024
_MAX_ID_CHARS = 64
_UNDER_WAY = {"pending", "in progress", "initiated", "not started"}


class VerifyUnavailable(Refusal):
    """The provider does not answer, or says that it cannot."""

    code = Code.VERIFY_API_UNAVAILABLE
    hint = "The provider's next callback tries again."


class VerifyBadResponse(Refusal):
    """The provider's answer is not of its documented form."""

    code = Code.VERIFY_API_BAD_RESPONSE
    hint = "Tell the operator; the provider's next callback tries again."


@dataclass(frozen=True)
class Verdict:
    """What the provider says; `why` names what does not agree in a mismatch."""

    says: Literal["paid", "pending", "mismatch"]
    payment_id: str = ""
    why: str = ""


def ask(bought: Transaction, merchant: Merchant) -> Verdict:
    """Ask about one transaction, for TIMEOUT_SECONDS at most.

    Not to be called inside a database transaction. Raises VerifyUnavailable and
    VerifyBadResponse.
    """
    form = payu.verification_form(
        bought.transaction_id, key=merchant.key, salt=merchant.salt
    )
    return _verdict(_found(_posted(form), bought.transaction_id), bought)


def _posted(form: dict[str, str]) -> bytes:
    until = time.monotonic() + TIMEOUT_SECONDS
    timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=_CONNECT_SECONDS)
    body = bytearray()
    try:
        # No redirect is followed: our key goes where the operator sent it.
        with httpx.stream(
            "POST", settings.PAYU_VERIFY_URL, data=form, timeout=timeout
        ) as answer:
            if answer.status_code != 200:
                raise VerifyUnavailable(f"PayU answers {answer.status_code}.")
            for chunk in answer.iter_bytes():
                body += chunk
                # A timeout of the client starts anew with every byte.
                if time.monotonic() > until:
                    raise VerifyUnavailable("PayU's answer does not end.")
                if len(body) > _MAX_BYTES:
                    raise VerifyBadResponse("PayU's answer is too long.")
    except httpx.TransportError as error:
        raise VerifyUnavailable(
            f"PayU does not answer ({type(error).__name__})."
        ) from error
    except (httpx.DecodingError, httpx.InvalidURL) as error:
        raise VerifyBadResponse(
            f"PayU cannot be read ({type(error).__name__})."
        ) from error
    return bytes(body)


def _found(body: bytes, transaction_id: str) -> dict[str, Any]:
    """What the answer says about our transaction; {} when it does not know it."""
    try:
        answer = orjson.loads(body)
        details = answer["transaction_details"]
        found = details.get(transaction_id, {}) if isinstance(details, dict) else None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise VerifyBadResponse("PayU's answer is not of the known form.") from error
    if not isinstance(found, dict):
        raise VerifyBadResponse("PayU's answer is not of the known form.")
    return found


def _verdict(found: dict[str, Any], bought: Transaction) -> Verdict:
    status = str(found.get("status", "")).lower()
    if status in _UNDER_WAY:
        return Verdict("pending")
    for name, agrees in (
        ("status", status == "success"),
        ("txnid", found.get("txnid") == bought.transaction_id),
        ("amount", _amount(found) == bought.amount),
        # PayU leaves the currency out where it is the only one that it takes.
        ("currency", (found.get("currency") or payu.CURRENCY) == bought.currency),
        ("udf1", (found.get("udf1") or bought.workspace_slug) == bought.workspace_slug),
        ("udf2", (found.get("udf2") or bought.plan.name) == bought.plan.name),
    ):
        if not agrees:
            return Verdict("mismatch", why=name)
    return Verdict("paid", payment_id=str(found.get("mihpayid", ""))[:_MAX_ID_CHARS])


def _amount(found: dict[str, Any]) -> Decimal | None:
    """What the goods cost; `amt` may hold the provider's own charges as well."""
    told = found.get("transaction_amount") or found.get("amt")
    try:
        amount = Decimal(str(told)[:40])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
