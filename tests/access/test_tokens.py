from __future__ import annotations

import re
from datetime import timedelta

import pytest
from people import NOW, OPERATOR, a_token, a_workspace, signed_in

from access import authentication, tokens
from access.authentication import TokenExpired, TokenRevoked, Unauthenticated
from access.models import Token
from audit import addresses
from audit.models import Event
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_kept_as_a_digest():
    text = a_token("ai", name="claude")

    token = Token.objects.get()
    assert re.fullmatch(r"fms_ai_[A-Za-z0-9_-]{49}", text)
    assert token.digest == tokens.digest(text)
    assert token.last_four == text[-4:]
    assert text not in str(vars(token))
    assert text not in str([vars(event) for event in Event.objects.all()])


def test_the_bearer_becomes_a_principal():
    workspace = a_workspace()
    principal = signed_in(a_token("sync", name="cron", workspace=workspace))

    assert (principal.name, principal.kind) == ("cron", "sync")
    assert principal.scopes == {"read", "upload"}
    assert (principal.workspace_id, principal.workspace_slug) == (
        workspace.pk,
        workspace.slug,
    )
    assert principal.actor.transport == "rest"
    assert principal.actor.request_id == "r-1"
    assert re.fullmatch(r"[0-9a-f]{16}", principal.address_digest)
    assert principal.address_digest == addresses.digest("192.0.2.7")


@pytest.mark.parametrize(
    ("kind", "scopes"),
    [
        ("ai", {"read", "write"}),
        ("sync", {"read", "upload"}),
        ("admin", {"read", "write", "upload", "raw", "admin"}),
    ],
)
def test_each_kind_has_its_usual_scopes(kind, scopes):
    assert signed_in(a_token(kind)).scopes == scopes


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "root"},
        {"kind": "ai", "scopes": ["admin"]},
        {"kind": "ai", "scopes": ["upload"]},
        {"kind": "sync", "scopes": ["write"]},
        {"kind": "sync", "scopes": []},
        {"kind": "ai", "scopes": ["everything"]},
        {"kind": "ai", "name": " "},
        {"kind": "ai", "name": "x" * 101},
        {"kind": "ai", "name": "a\nb"},
        {"kind": "ai", "expires_at": NOW},
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(given):
    with pytest.raises(InvalidArgument):
        a_token(**given)

    assert not Token.objects.exists()


def changed(text: str, position: int) -> str:
    other = "A" if text[position] != "A" else "B"
    return text[:position] + other + text[position:][1:]


def test_junk_and_unknown_tokens_are_refused_alike(django_assert_num_queries):
    text = a_token("ai")
    head = f"fms_ai_{'x' * 43}"
    unknown = head + tokens._checksum(head)
    junk = [
        None,
        "",
        "short",
        "x" * 600,
        "é" * 30,
        "a b" * 10,
        "\0" * 20,
        "\ud800" * 20,
    ]
    messages = set()

    with django_assert_num_queries(0):
        for presented in [*junk, changed(text, 20), changed(text, 55)]:
            with pytest.raises(Unauthenticated) as refused:
                signed_in(presented)
            messages.add((refused.value.message, refused.value.hint))
    with django_assert_num_queries(1), pytest.raises(Unauthenticated) as refused:
        signed_in(unknown)

    assert messages == {(refused.value.message, refused.value.hint)}


def test_revoking_works_on_the_next_request():
    text = a_token("ai", name="claude")
    signed_in(text)

    assert tokens.revoke(Token.objects.all(), actor=OPERATOR, at=NOW) == 1

    with pytest.raises(TokenRevoked):
        signed_in(text)
    assert tokens.revoke(Token.objects.all(), actor=OPERATOR, at=NOW) == 0
    event = Event.objects.get(action="token.revoke")
    assert event.target.startswith("claude")


def test_revoking_takes_a_page_of_a_list_as_well():
    a_token(), a_token()

    assert tokens.revoke(Token.objects.order_by("id")[:1], actor=OPERATOR, at=NOW) == 1
    assert Token.objects.usable(at=NOW).count() == 1


def test_a_token_ends_at_its_expiry():
    end = NOW + timedelta(hours=1)
    text = a_token("ai", expires_at=end)

    assert signed_in(text, at=end - timedelta(seconds=1)).kind == "ai"
    with pytest.raises(TokenExpired):
        signed_in(text, at=end)


def test_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    text = a_token("ai")

    signed_in(text, at=NOW)
    with django_assert_num_queries(1):
        signed_in(text, at=NOW + timedelta(seconds=59))
    assert Token.objects.get().last_used_at == NOW
    signed_in(text, at=NOW + timedelta(seconds=60))
    assert Token.objects.get().last_used_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("headers", "bearer"),
    [
        ({}, None),
        ({"authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer  abc "}, "abc"),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Bearer"}, None),
        ({"x-api-key": "key"}, "key"),
        ({"x-api-key": "key", "authorization": "Bearer abc"}, "key"),
        ({"x-api-key": " ", "authorization": "Bearer abc"}, "abc"),
    ],
)
def test_the_token_is_read_from_two_headers(headers, bearer):
    assert authentication.bearer_from(headers) == bearer
