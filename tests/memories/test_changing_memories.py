from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_principal, a_workspace
from remembering import DAY, HOUR, SECRET, found, remember, save
from threads import at_once

from jobs.running import run_due
from memories import changing
from memories.changing import NotStanding, RevisionConflict
from memories.models import Memory
from memories.reading import MemoryNotFound
from memories.standing import SaidAlready
from refusals import InvalidArgument
from usage.models import Meter

pytestmark = pytest.mark.django_db


def revise(memory: Memory, **given) -> Memory:
    return changing.revise(
        memory=memory,
        **{
            "reason": "corrected",
            "channel": "assistant",
            "actor": OPERATOR,
            "at": NOW + HOUR,
            **given,
        },
    )


def archive(memory: Memory) -> Memory:
    return changing.archive(memory=memory, actor=OPERATOR, at=NOW + HOUR)


def unarchive(memory: Memory) -> Memory:
    return changing.unarchive(memory=memory, actor=OPERATOR, at=NOW + HOUR)


# --- revisions ----------------------------------------------------------------------


def test_a_revised_memory_is_found_by_its_new_words_alone(workspace):
    memory = remember(workspace, "The oven is brioche red")

    revise(memory, text="The oven is pistachio green")

    assert not found("brioche")
    assert found("pistachio") == {memory.pk}


def test_the_states_before_stay_as_revisions(workspace):
    memory = remember(workspace, "one", metadata={"a": 1})
    revise(memory, text="two")
    revise(memory, metadata={"a": 2}, memory_type="fact", importance=3)

    states = [
        (each.number, each.text, each.metadata, each.reason)
        for each in changing.revisions(memory)
    ]
    memory.refresh_from_db()
    assert states == [
        (3, "two", {"a": 2}, "corrected"),
        (2, "two", {"a": 1}, "corrected"),
        (1, "one", {"a": 1}, "saved"),
    ]
    assert (memory.memory_type, memory.importance) == ("fact", 3)
    assert (memory.revision_number, memory.updated_at) == (3, NOW + HOUR)


def test_revising_to_what_stands_there_makes_no_revision(workspace):
    memory = remember(workspace, "one", metadata={"a": 1})

    assert revise(memory, text="one", metadata={"a": 1}).revision_number == 1
    assert memory.revisions.count() == 1


def test_a_revision_expected_elsewhere_is_told_what_stands_there(workspace):
    memory = remember(workspace, "one")
    revise(memory, text=f"two {SECRET}", expected_revision=1)

    with pytest.raises(RevisionConflict) as refused:
        revise(memory, text="three", expected_revision=1)

    detail = refused.value.detail
    assert detail["current_revision"] == 2
    assert str(detail["current_text"]).startswith("two [REDACTED:")


def test_a_memory_is_not_revised_to_what_another_says(workspace):
    known, memory = remember(workspace, "known"), remember(workspace, "one")

    with pytest.raises(SaidAlready) as refused:
        revise(memory, text="KNOWN")

    assert refused.value.detail["memory_id"] == str(known.memory_id)
    assert found("one") == {memory.pk}


def test_history_is_not_revised(workspace):
    archived, replaced = remember(workspace, "one"), remember(workspace, "two")
    archive(archived)
    save(workspace, "three", replaces=str(replaced.memory_id))

    for memory in (archived, replaced):
        with pytest.raises(NotStanding):
            revise(memory, text="four")


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"memory_type": "gossip"},
        {"metadata": {"a": []}},
        {"importance": 0},
        {"expires_at": NOW},
    ],
)
def test_revisions_out_of_bounds_are_refused(workspace, wrong):
    memory = remember(workspace, "one")

    with pytest.raises(InvalidArgument):
        revise(memory, **wrong)
    assert memory.revisions.count() == 1


def test_an_end_can_be_set_and_taken_away(workspace):
    memory = remember(workspace, "zwieback")
    revise(memory, expires_at=NOW + 2 * HOUR)
    run_due(clock=lambda: NOW + 2 * HOUR)
    assert not found("zwieback")

    revise(memory, expires_at=None, at=NOW + DAY)

    assert found("zwieback") == {memory.pk}


@pytest.mark.django_db(transaction=True)
def test_of_revisions_at_once_each_gets_a_number():
    memory = remember(a_workspace(), "zero")

    at_once(4, lambda number: revise(memory, text=f"text {number}"))

    numbers = memory.revisions.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3, 4, 5]


# --- archive ------------------------------------------------------------------------


def test_archiving_hides_a_memory_and_bringing_it_back_shows_it(workspace):
    memory = remember(workspace, "zwieback", is_pinned=True)

    archive(memory)
    assert not found("zwieback")
    unarchive(memory)

    memory.refresh_from_db()
    assert found("zwieback") == {memory.pk}
    assert not memory.is_pinned


def test_a_memory_does_not_come_back_where_another_says_the_same(workspace):
    memory = remember(workspace, "zwieback")
    archive(memory)
    remember(workspace, "zwieback", at=NOW + HOUR)

    with pytest.raises(SaidAlready):
        unarchive(memory)


# --- pins ---------------------------------------------------------------------------


def pin(workspace, *memories, **given) -> list[Memory]:
    return changing.set_pins(
        workspace=workspace,
        memory_ids=[str(memory.memory_id) for memory in memories],
        actor=OPERATOR,
        at=NOW,
        **given,
    )


def test_pins_are_replaced_as_a_set(workspace):
    one, two, three = (remember(workspace, text) for text in ("one", "two", "three"))
    elsewhere = remember(a_workspace(project="other"), "x", is_pinned=True)
    pin(workspace, one, two)

    assert pin(workspace, three, two, three) == [three, two]
    assert set(Memory.objects.pinned()) == {two, three, elsewhere}
    assert pin(workspace) == []
    assert set(Memory.objects.pinned()) == {elsewhere}


def test_pins_that_are_too_many_elsewhere_or_gone_are_refused(workspace):
    pinned = remember(workspace, "pinned", is_pinned=True)
    many = [remember(workspace, f"memory {number}") for number in range(11)]
    elsewhere = remember(a_workspace(project="other"), "x")
    archived = archive(remember(workspace, "archived"))

    with pytest.raises(InvalidArgument):
        pin(workspace, *many)
    for memory in (elsewhere, archived):
        with pytest.raises(MemoryNotFound):
            pin(workspace, memory)
    assert list(Memory.objects.pinned()) == [pinned]


def test_pinning_is_charged_as_one_write(workspace):
    pin(workspace, remember(workspace, "one"), payer=a_principal())

    assert Meter.objects.get().writes == 1
