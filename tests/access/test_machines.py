"""Which computers there are, when each was last heard of and how far behind it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from people import NOW, OPERATOR, a_workspace, signed_in

from access import machines, tokens
from access.models import Token
from refusals import InvalidArgument
from workspaces import machines as accounts
from workspaces import registering

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def told(name: str, **given: object) -> None:
    counts = dict.fromkeys(("found", "skipped", "failed", "waiting"), 0)
    account = accounts.Account(**{"client_version": "2", **counts, **given})
    accounts.report(name=name, account=account, at=NOW)


def known(at=NOW) -> dict[str, machines.Known]:
    return {each.name: each for each in machines.known(at=at)}


def test_a_new_machine_has_a_token_for_each_of_its_two_uses():
    made = machines.enrol(name="wren", actor=OPERATOR, at=NOW)

    assert signed_in(made.ai_token).kind == "ai"
    assert signed_in(made.sync_token).scopes == {"read", "upload"}
    mine = known()["wren"]
    assert [token.kind for token in mine.tokens] == ["ai", "sync"]
    assert mine.contact_at == NOW  # Signing in just now.


@pytest.mark.parametrize("name", ["", "-x", "a b", "$(id)", "é", "x" * 65])
def test_a_name_that_a_shell_would_read_is_refused(name):
    with pytest.raises(InvalidArgument):
        machines.enrol(name=name, actor=OPERATOR, at=NOW)

    assert not Token.objects.exists()


def test_contact_is_the_latest_sign_of_life():
    a_workspace(machine="wren")
    machines.enrol(name="wren", actor=OPERATOR, at=NOW)
    sync = Token.objects.filter(machine="wren", kind="sync")
    sync.update(last_used_at=NOW + DAY)

    assert known()["wren"].contact_at == NOW + DAY
    told("finch")
    assert list(known()) == ["wren", "finch"]


def test_silence_and_lag_are_seen():
    told("wren", waiting=2, oldest_waiting_at=NOW - timedelta(minutes=50))
    told("finch")
    wren, finch = known()["wren"], known()["finch"]

    assert (wren.lag(at=NOW), wren.is_behind(at=NOW)) == (timedelta(minutes=50), False)
    later = NOW + timedelta(hours=25)
    assert wren.is_behind(at=later)
    assert finch.lag(at=later) is None
    assert (finch.is_stale(at=NOW), finch.is_stale(at=later)) == (False, True)


def test_what_is_told_replaces_what_was_told_before():
    told("wren", waiting=2)
    told("wren", found=5)

    account = known()["wren"].account
    assert (account.found, account.waiting) == (5, 0)


def test_containers_and_revoked_tokens_make_no_machine():
    registering.container("notes", actor=OPERATOR, at=NOW)
    machines.enrol(name="wren", actor=OPERATOR, at=NOW)
    tokens.revoke(Token.objects.filter(machine="wren"), actor=OPERATOR, at=NOW)

    assert known() == {}
