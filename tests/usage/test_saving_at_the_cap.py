"""Memories saved by many at once on a capped account: exactly the cap is kept."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from paying import a_plan, put_on
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from memories import saving
from memories.models import Memory
from memories.saving import Draft
from usage import spending
from usage.models import Meter, Reservation
from usage.spending import PeriodCapExceeded

TOPICS = ("bread", "ovens", "flour", "salt", "water", "yeast", "steam", "crust")


def text(number: int) -> str:
    topic, other = TOPICS[number % 8], TOPICS[number // 8 % 8]
    return f"Batch {number} of {topic} was weighed with {other} on scale {number * 7}."


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_memories_saved_at_once_exactly_the_cap_is_kept():
    who, workspace = a_principal(), a_workspace()
    account = put_on(a_plan(writes=100), who)
    gate = threading.Semaphore(16)

    def save(number: int) -> None:
        # The database has a hundred connections.
        with gate:
            try:
                saving.save(
                    workspace=workspace,
                    draft=Draft(text=text(number), may_duplicate=True),
                    channel="assistant",
                    actor=OPERATOR,
                    payer=who,
                    at=NOW,
                )
            finally:
                connection.close()

    done = at_once(200, save)

    refused = [each for each in done if each is not None]
    assert {type(each) for each in refused} == {PeriodCapExceeded}
    assert (len(refused), Memory.objects.count()) == (100, 100)
    assert not Reservation.objects.open().exists()
    kept = sum(len(each.text.encode()) for each in Memory.objects.all())
    assert Meter.objects.get().writes == 100
    assert spending.spent(account, at=NOW).today["storage_bytes"] == kept
