"""What is kept of clients' attempts, and how it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings
from flow import Flow, an_application, mcp
from people import NOW

from mcp_api.endpoint import mcp_application
from oauth import attempts
from oauth.attempts import Step
from oauth.watching import Watch

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def noted(
    step: Step, *, minutes: int = 0, is_good: bool = True, who: str = "a"
) -> None:
    attempts.note(
        step,
        is_good=is_good,
        address=who,
        agent="agent/1",
        at=NOW + timedelta(minutes=minutes),
    )


def steps() -> list[list[Step]]:
    return [[taken.step for taken in each.steps] for each in attempts.recent()]


def test_steps_of_one_address_are_one_attempt_until_it_pauses():
    noted(Step.CHALLENGE)
    noted(Step.CHALLENGE, who="b", minutes=1)
    noted(Step.SERVER, minutes=2)
    noted(Step.CHALLENGE, minutes=60)

    assert steps() == [
        [Step.CHALLENGE],
        [Step.CHALLENGE, Step.SERVER],
        [Step.CHALLENGE],
    ]


@pytest.mark.parametrize(
    ("taken", "failed_at"),
    [
        ([(Step.CHALLENGE, False)], None),
        ([(Step.CHALLENGE, False), (Step.SERVER, True)], None),
        ([(Step.CHALLENGE, False), (Step.TOKEN, False)], Step.TOKEN),
        ([(Step.TOKEN, True), (Step.CHALLENGE, False)], Step.CHALLENGE),
        ([(Step.REVOKE, True), (Step.CHALLENGE, False)], None),
        ([(Step.TOKEN, False), (Step.TOKEN, True), (Step.TOOLS, True)], None),
    ],
)
def test_an_attempt_failed_where_it_did_not_get_on(taken, failed_at):
    for step, is_good in taken:
        noted(step, is_good=is_good)

    (attempt,) = attempts.recent()

    assert (attempt.failed_at.step if attempt.failed_at else None) == failed_at


def test_only_so_many_steps_are_kept(monkeypatch):
    monkeypatch.setattr(attempts, "KEPT", 5)
    for minutes in range(8):
        noted(Step.SERVER, minutes=minutes)

    (attempt,) = attempts.recent()
    assert [taken.at.minute for taken in attempt.steps] == [3, 4, 5, 6, 7]


def test_what_clients_say_is_cut_and_cleaned():
    attempts.note(
        Step.AUTHORISE,
        is_good=False,
        address="a",
        agent="x" * 5000,
        client_id="a\n\x1b[31m\u202eb\ud800",
        at=NOW,
    )

    (taken,) = attempts.recent()[0].steps
    assert len(taken.agent) == 300
    assert taken.client_id.isprintable()
    assert taken.who != "a"


def test_without_redis_nothing_is_kept_and_nobody_is_refused():
    with override_settings(REDIS_URL="unix:///nowhere/valkey.sock"):
        noted(Step.SERVER)
        attempts.expect("token")

        assert attempts.recent() == []
        assert attempts.is_expected("token") is False


def test_first_calls_of_a_new_token_are_noted(transactional_db, operator):
    from django.test import Client

    browser = Client()
    browser.force_login(operator)
    token = Flow(browser, an_application().client_id).tokens()["access_token"]

    status, _headers, _body = mcp(Watch(mcp_application), token, LISTING)

    assert status == 200
    assert attempts.recent()[0].newest.step == Step.TOOLS


def test_calls_of_other_tokens_are_not(transactional_db):
    from django.utils import timezone
    from people import a_token

    token = a_token("ai", at=timezone.now())

    status, _headers, _body = mcp(Watch(mcp_application), token, LISTING)

    assert status == 200
    assert attempts.recent() == []


def test_refusals_for_want_of_a_token_are_noted(transactional_db):
    status, _headers, _body = mcp(Watch(mcp_application), None, LISTING)

    assert status == 401
    (taken,) = attempts.recent()[0].steps
    assert (taken.step, taken.said) == (
        Step.CHALLENGE,
        "POST /mcp: 401, without a token",
    )
