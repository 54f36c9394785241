"""PayU's hashes and forms: pure functions over its field names.

Every hash is SHA-512, in lowercase hexadecimal, of fields joined by `|`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal

CURRENCY = "INR"
_UDFS = ("udf1", "udf2", "udf3", "udf4", "udf5")
_SIGNED = ("txnid", "amount", "productinfo", "firstname", "email", *_UDFS)
_RESERVED = [""] * 5
# One provider, two spellings; what they add is signed in front of everything else.
_CHARGES = ("additionalCharges", "additional_charges")


def money(amount: Decimal) -> str:
    """An amount as the hashes want it, with two decimals."""
    return f"{amount:.2f}"


def request_hash(fields: Mapping[str, str], *, key: str, salt: str) -> str:
    """Sign a checkout form: key|txnid|…|udf5|five empty fields|salt."""
    signed = [fields.get(name, "") for name in _SIGNED]
    return _sha512([key, *signed, *_RESERVED, salt])


def response_hash(fields: Mapping[str, str], *, key: str, salt: str) -> str:
    """What a true callback is signed with: the reverse order, with its status.

    salt|status|five empty fields|udf5|…|txnid|key, after what charges were added.
    """
    signed = [fields.get(name, "") for name in reversed(_SIGNED)]
    charges = [fields[name] for name in _CHARGES if fields.get(name)][:1]
    status = fields.get("status", "")
    return _sha512([*charges, salt, status, *_RESERVED, *signed, key])


def is_signed(fields: Mapping[str, str], *, key: str, salt: str) -> bool:
    """Whether a callback is from the holder of our salt, about our key."""
    wanted = response_hash(fields, key=key, salt=salt)
    given = fields.get("hash", "").lower().encode("utf-8", "replace")
    is_ours = fields.get("key", "") == key
    return hmac.compare_digest(given, wanted.encode()) and is_ours


def verification_form(transaction_id: str, *, key: str, salt: str) -> dict[str, str]:
    """The body of a verify_payment call."""
    command = "verify_payment"
    return {
        "key": key,
        "command": command,
        "var1": transaction_id,
        "hash": _sha512([key, command, transaction_id, salt]),
    }


def _sha512(parts: list[str]) -> str:
    return hashlib.sha512("|".join(parts).encode("utf-8", "replace")).hexdigest()
