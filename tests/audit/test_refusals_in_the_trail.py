"""Refusals are told, and being refused fills no disk."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.utils import timezone
from people import NOW, a_principal, a_token

from access import noting, tokens
from access.authentication import Unauthenticated
from access.models import Token
from access.requirements import ScopeMissing
from access.scoping import BindingRequired
from audit import refusing
from audit.models import Event
from audit.trail import Actor
from refusals import InvalidArgument


def refused(actor: Actor) -> None:
    refusing.record(actor=actor, action="access.refused", at=NOW, code="X")


def stranger(address: str = "a") -> Actor:
    return Actor(name=noting.ANYBODY, transport="rest", address_digest=address)


def told() -> list[tuple[str, str, str]]:
    events = Event.objects.filter(outcome="refused").order_by("pk")
    return list(events.values_list("action", "actor", "code"))


@pytest.mark.django_db
def test_what_a_token_may_not_and_what_it_gets_wrong_are_told_apart():
    principal = a_principal("ai", name="claude")

    for refusal in (ScopeMissing("no"), BindingRequired("no"), InvalidArgument("no")):
        noting.note(refusal, principal=principal, target="read_session", at=NOW)
    noting.note(Unauthenticated("no"), principal=None, target="x", at=NOW)

    assert told() == [
        ("access.refused", "claude", "SCOPE_MISSING"),
        ("call.refused", "claude", "BINDING_REQUIRED"),
        ("call.refused", "claude", "INVALID_ARGUMENT"),
    ]
    event = Event.objects.filter(outcome="refused").first()
    assert (event.token_id, event.target) == (principal.token_id, "read_session")
    assert event.request_id == "r-1"


@pytest.mark.django_db
def test_past_its_bound_an_address_is_counted_and_the_next_event_says_so():
    for _ in range(refusing.AN_ADDRESS + 7):
        refused(stranger("one"))
    refused(stranger("another"))

    events = Event.objects.order_by("pk")
    assert events.count() == refusing.AN_ADDRESS + 1
    assert [event.detail for event in events][-2:] == [{}, {"unwritten": 7}]


@pytest.mark.django_db
def test_any_number_of_addresses_shares_one_bound():
    for number in range(refusing.ALL_STRANGERS + 30):
        refused(stranger(f"address {number}"))

    assert Event.objects.count() <= refusing.ALL_STRANGERS + 5


@pytest.mark.django_db
def test_a_token_has_a_bound_of_its_own():
    for _ in range(refusing.A_TOKEN + 10):
        refused(Actor(name="one", token_id=1))
    refused(Actor(name="two", token_id=2))

    assert Event.objects.filter(token_id=1).count() in range(
        refusing.A_TOKEN, refusing.A_TOKEN + 5
    )
    assert Event.objects.filter(token_id=2).count() == 1


@pytest.mark.django_db
def test_without_redis_tokens_are_told_of_and_strangers_are_not(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    refused(stranger())
    refused(Actor(name="one", token_id=1))

    assert [event.actor for event in Event.objects.all()] == ["one"]


@pytest.mark.django_db
def test_failed_authentications_name_the_token_that_was_once_valid():
    text = a_token("ai", at=timezone.now())
    token = Token.objects.get()
    tokens.revoke(Token.objects.all(), actor=Actor(name="op"), at=timezone.now())

    for bearer in (text, "fms_ai_nonsense"):
        headers = {"Authorization": f"Bearer {bearer}", "X-Request-Id": "r-5"}
        assert Client().get("/api/v1/me", headers=headers).status_code == 401

    known, unknown = Event.objects.filter(action="access.refused").order_by("pk")
    assert (known.code, known.detail) == ("TOKEN_REVOKED", {"token_id": token.pk})
    assert (unknown.code, unknown.detail) == ("UNAUTHENTICATED", {})
    assert (known.actor, known.token_id) == ("anybody", None)
    assert (known.through, known.request_id) == ("GET /api/v1/me", "r-5")
    assert text not in str([vars(event) for event in Event.objects.all()])


@pytest.mark.django_db(transaction=True)
def test_a_refusal_reaches_its_caller_though_it_cannot_be_told(caplog):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event RENAME TO audit_away")
    try:
        with caplog.at_level(logging.WARNING):
            refused(Actor(name="one", token_id=1, request_id="r-6"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_away RENAME TO audit_event")

    assert "refusal_not_noted code=X request_id=r-6" in caplog.text
