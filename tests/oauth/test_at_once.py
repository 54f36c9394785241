"""The same secret presented several times at the same moment."""

from __future__ import annotations

import pytest
from django.test import Client
from flow import Flow, an_application
from threads import at_once

from access.models import Token

pytestmark = pytest.mark.django_db(transaction=True)
TOGETHER = 4


@pytest.fixture
def flow(django_user_model):
    browser = Client()
    browser.force_login(django_user_model.objects.create_superuser("olga"))
    return Flow(browser, an_application().client_id)


def test_a_code_becomes_one_token(flow):
    code = flow.code()

    answers = at_once(TOGETHER, lambda _: flow.redeem(code))

    given = [answer for answer in answers if answer.status_code == 200]
    assert len(given) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}
    assert Token.objects.count() == 1
    # Used more than once, whichever came first.
    assert Token.objects.get().revoked_at is not None


def test_a_refresh_token_is_answered_once(flow):
    first = flow.tokens()

    answers = at_once(TOGETHER, lambda _: flow.refresh(first["refresh_token"]))

    given = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    assert given[0]["access_token"]
    assert Token.objects.count() == 1
