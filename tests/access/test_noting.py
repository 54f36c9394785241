from __future__ import annotations

import pytest
from people import NOW, a_principal

from access import noting
from access.authentication import Unauthenticated
from access.requirements import ScopeMissing
from access.scoping import BindingRequired
from audit.models import Event

pytestmark = pytest.mark.django_db


def test_an_attempt_beyond_a_tokens_authority_is_noted():
    principal = a_principal("ai", name="claude")

    noting.note(ScopeMissing("no"), principal=principal, target="read_session", at=NOW)

    event = Event.objects.get(action="access.refused")
    assert (event.actor, event.token_id) == ("claude", principal.token_id)
    assert (event.target, event.outcome, event.code) == (
        "read_session",
        "refused",
        "SCOPE_MISSING",
    )
    assert event.request_id == "r-1"


def test_slips_and_strangers_are_not():
    principal = a_principal()

    noting.note(BindingRequired("no"), principal=principal, target="x", at=NOW)
    noting.note(Unauthenticated("no"), principal=None, target="x", at=NOW)

    assert not Event.objects.filter(action="access.refused").exists()
