from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from people import NOW, OPERATOR

from audit import trail
from audit.models import Event

pytestmark = pytest.mark.django_db


def record(**given):
    trail.record(**{"actor": OPERATOR, "action": "blob.sweep", "at": NOW, **given})
    return Event.objects.get()


def test_an_event_says_who_did_what_when_and_where():
    actor = trail.Actor(
        name="claude",
        token_id=7,
        transport="mcp",
        request_id="r-9",
        address_digest="ab",
    )

    event = record(
        actor=actor, workspace_slug="a-b-c", target="x.md", detail={"version": 3}
    )

    assert (event.actor, event.token_id, event.transport) == ("claude", 7, "mcp")
    assert (event.request_id, event.address_digest) == ("r-9", "ab")
    assert (event.action, event.at, event.workspace_slug) == (
        "blob.sweep",
        NOW,
        "a-b-c",
    )
    assert (event.target, event.outcome, event.detail) == (
        "x.md",
        "done",
        {"version": 3},
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda: Event.objects.update(actor="nobody"),
        lambda: Event.objects.all().delete(),
        lambda: Event.objects.get().save(),
    ],
    ids=["update", "delete", "save"],
)
def test_the_database_refuses_to_change_the_trail(change):
    record()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()

    assert Event.objects.get().actor == "operator"


def test_an_event_falls_with_the_work_it_tells_of():
    @transaction.atomic
    def work():
        record()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()

    assert not Event.objects.exists()


@pytest.mark.parametrize("odd", ["\0", "\ud800", "é" * 700])
def test_text_that_no_column_holds_still_leaves_its_trace(odd):
    event = record(
        actor=trail.Actor(name=odd, request_id=odd),
        target=odd,
        workspace_slug=odd,
        outcome="refused",
        detail={odd: [odd, {"deep": odd}]},
    )

    assert event.outcome == "refused"
    assert "\0" not in event.target
    assert len(event.target) <= 600
