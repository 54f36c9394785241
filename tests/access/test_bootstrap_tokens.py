from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_token, signed_in
from threads import at_once

from access import tokens
from access.authentication import TokenRevoked, Unauthenticated
from access.models import Token
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db

AI, SYNC = "an ai token of an operator".replace(" ", "-"), "sync-token-of-an-operator"


def start(ai=AI, sync=SYNC):
    tokens.ensure_bootstrap(ai=ai, sync=sync, at=NOW)


def test_the_environments_tokens_work_however_often_it_starts():
    start()
    start()

    assert signed_in(AI).scopes == {"read", "write"}
    assert signed_in(SYNC).scopes == {"read", "upload"}
    assert Token.objects.count() == 2


def test_a_changed_value_revokes_the_one_before():
    start()
    start(ai="another-token-of-sixteen")

    with pytest.raises(TokenRevoked):
        signed_in(AI)
    assert signed_in("another-token-of-sixteen").name == "MCP_TOKEN"
    assert signed_in(SYNC).name == "SYNC_TOKEN"


def test_an_emptied_value_revokes_and_leaves_other_tokens_alone():
    made_here = a_token("ai", name="MCP_TOKEN")
    start()
    start(ai="", sync="")

    for text in (AI, SYNC):
        with pytest.raises(TokenRevoked):
            signed_in(text)
    assert signed_in(made_here).kind == "ai"


def test_changing_back_brings_the_old_value_back():
    start()
    start(ai="another-token-of-sixteen")
    start()

    assert signed_in(AI).name == "MCP_TOKEN"


def test_what_an_operator_revoked_stays_revoked():
    start()
    tokens.revoke(Token.objects.all(), actor=OPERATOR, at=NOW)
    start()

    with pytest.raises(TokenRevoked):
        signed_in(AI)


def test_a_token_that_was_made_here_may_be_put_into_the_environment():
    text = a_token("ai", name="made here")
    start(ai=text)

    assert signed_in(text).name == "made here"


@pytest.mark.parametrize(
    ("ai", "sync"),
    [
        ("short", ""),
        ("", "x" * 513),
        ("with spaces in its middle", ""),
        ("größer-als-sechzehn-zeichen", ""),
        (f"fms_ai_{'x' * 49}", ""),
        (AI, AI),
    ],
)
def test_a_value_that_cannot_be_a_token_stops_the_start(ai, sync):
    with pytest.raises(InvalidArgument):
        start(ai=ai, sync=sync)

    assert not Token.objects.exists()


def test_a_value_of_another_kind_stops_the_start():
    with pytest.raises(InvalidArgument):
        start(ai=a_token("sync"))


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_at_once_make_one_row_each():
    assert at_once(4, lambda _: start()) == [None] * 4

    assert Token.objects.count() == 2


def test_an_unset_environment_makes_nothing():
    start(ai="", sync="")

    assert not Token.objects.exists()
    with pytest.raises(Unauthenticated):
        signed_in("")
