"""PayU's hashes against examples worked out by hand, with the text that is hashed."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from usage.billing import payu

KEY, SALT = "gtKFFx", "eCwWELxi"
FIELDS = {
    "txnid": "mn202611a1b2c3d4e5f60718",
    "amount": "999.00",
    "productinfo": "Federated memory, plan build",
    "firstname": "Asha",
    "email": "asha@example.org",
    "udf1": "laptop-claude-code-atlas",
    "udf2": "build",
}


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def test_a_request_is_signed_over_its_fields_five_empty_ones_and_the_salt():
    text = (
        "gtKFFx|mn202611a1b2c3d4e5f60718|999.00|Federated memory, plan build|Asha|"
        "asha@example.org|laptop-claude-code-atlas|build|||||||||eCwWELxi"
    )

    made = payu.request_hash(FIELDS, key=KEY, salt=SALT)

    assert made == sha512(text)
    assert made == (
        "2700c27fbba44cb2044dbdab73961025a10ef0dccf22d45b97665a428fe3ab45"
        "ee084ce57d24e4177ed96b5dfb1d74c6f440a75798e61b2057f2edb2eee623f2"
    )


def test_all_five_user_fields_are_signed_in_order():
    text = "k|t|1.00|p|f|e|1|2|3|4|5||||||s"
    fields = {"txnid": "t", "amount": "1.00", "productinfo": "p"}
    fields |= {"firstname": "f", "email": "e"}
    fields |= {f"udf{number}": str(number) for number in range(1, 6)}

    assert payu.request_hash(fields, key="k", salt="s") == sha512(text)
    assert payu.response_hash(
        fields | {"status": "success"}, key="k", salt="s"
    ) == sha512("s|success||||||5|4|3|2|1|e|f|p|1.00|t|k")


def test_a_callback_is_signed_in_the_reverse_order():
    text = (
        "eCwWELxi|success|||||||||build|laptop-claude-code-atlas|asha@example.org|Asha|"
        "Federated memory, plan build|999.00|mn202611a1b2c3d4e5f60718|gtKFFx"
    )

    made = payu.response_hash(FIELDS | {"status": "success"}, key=KEY, salt=SALT)

    assert made == sha512(text)
    assert made == (
        "175e8a77879d60e4e9f496192c6a7593daf188c055d411e14cb3df3eadd84722"
        "13205644bc1e73558920541229654d6b4ac6d08050adaf5fe152a245c1482f6d"
    )


@pytest.mark.parametrize("name", ["additionalCharges", "additional_charges"])
def test_added_charges_are_signed_in_front(name):
    text = (
        "12.50|eCwWELxi|success|||||||||build|laptop-claude-code-atlas|"
        "asha@example.org|Asha|Federated memory, plan build|999.00|"
        "mn202611a1b2c3d4e5f60718|gtKFFx"
    )
    fields = FIELDS | {"status": "success", name: "12.50"}

    made = payu.response_hash(fields, key=KEY, salt=SALT)

    assert made == sha512(text)
    assert made == (
        "e71487aaeeec7c3485554a88cd8b40eb42487530a3d7f4a93d17d9d627c793f4"
        "f49802ba8d2a718846a304b38fb3b5839d535c52e0cdda6e1325722fdf3311ec"
    )


def test_a_verification_is_signed_over_command_and_transaction():
    form = payu.verification_form(FIELDS["txnid"], key=KEY, salt=SALT)

    assert form == {
        "key": "gtKFFx",
        "command": "verify_payment",
        "var1": "mn202611a1b2c3d4e5f60718",
        "hash": (
            "491b5c589ba146f2dbb1ba1561c77c138fbbc1a8e89f81212b78186860a6c76f"
            "ceaa777f70598cd14fc5d46fdd4c4ae58c174319337a5a90f5c06f66b265317e"
        ),
    }
    assert form["hash"] == sha512(
        "gtKFFx|verify_payment|mn202611a1b2c3d4e5f60718|eCwWELxi"
    )


def signed(**changed: str) -> dict[str, str]:
    fields = FIELDS | {"status": "success", "key": KEY}
    fields["hash"] = payu.response_hash(fields, key=KEY, salt=SALT)
    return fields | changed


def test_a_callback_of_ours_is_recognised_in_either_case():
    assert payu.is_signed(signed(), key=KEY, salt=SALT)
    assert payu.is_signed(signed(hash=signed()["hash"].upper()), key=KEY, salt=SALT)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "1.00"},
        {"status": "failure"},
        {"udf2": "scale"},
        {"udf1": "somebody-else"},
        {"txnid": "mn202611ffffffffffffffff"},
        {"additionalCharges": "1.00"},
        {"key": "another"},
        {"hash": ""},
        {"hash": "é" * 128},
    ],
    ids=str,
)
def test_a_changed_callback_is_not(changed):
    assert not payu.is_signed(signed(**changed), key=KEY, salt=SALT)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("999", "999.00"), ("2999.5", "2999.50"), ("0.01", "0.01"), ("1E+3", "1000.00")],
)
def test_amounts_have_two_decimals(amount, text):
    assert payu.money(Decimal(amount)) == text
