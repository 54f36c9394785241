from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_workspace
from remembering import ADA, DAY, GRACE, HOUR, found, remember, save

from audit.models import Event
from memories import changing, conflicts, erasing
from memories.models import Conflict, Memory
from memories.standing import SaidAlready
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db

YES = "The user prefers tabs for indentation in pistachio files"
NO = "The user does not prefer tabs for indentation in pistachio files"


def preference(workspace, text, **given):
    return save(workspace, text, memory_type="preference", **given)


def settle(conflict: Conflict, winner: Memory) -> Conflict:
    return conflicts.settle(
        conflict=conflict, winner=winner, actor=OPERATOR, at=NOW + DAY
    )


def test_the_newer_of_two_that_contradict_takes_the_others_place(workspace):
    old = preference(workspace, YES).memory

    saved = preference(workspace, NO, at=NOW + HOUR)

    (conflict,) = saved.conflicts
    old.refresh_from_db()
    assert (conflict.older, conflict.newer) == (old, saved.memory)
    assert (conflict.state, conflict.winner, conflict.settled_by) == (
        "resolved",
        saved.memory,
        "rule",
    )
    assert saved.superseded == [old]
    assert (old.superseded_by, old.superseded_for) == (saved.memory, "conflict")
    assert (old.conflict_state, saved.memory.conflict_state) == (
        "superseded",
        "resolved",
    )
    assert found("pistachio") == {saved.memory.pk}
    assert Event.objects.get(action="memory.supersede").detail["reason"] == "conflict"


def assert_both_stay(saved, old: Memory) -> None:
    (conflict,) = saved.conflicts
    old.refresh_from_db()
    assert conflict.state == "candidate"
    assert (old.conflict_state, saved.memory.conflict_state) == ("candidate",) * 2
    assert found("pistachio") == {old.pk, saved.memory.pk}


def test_a_pinned_memory_stays_until_a_person_settles_it(workspace):
    old = preference(workspace, YES, is_pinned=True).memory

    assert_both_stay(preference(workspace, NO), old)


def test_a_memory_that_counts_more_stays_until_a_person_settles_it(workspace):
    old = preference(workspace, YES, confidence=1.0).memory

    assert_both_stay(preference(workspace, NO, confidence=0.3), old)


def test_nothing_is_settled_by_itself_where_that_is_turned_off(workspace, settings):
    settings.SETTLE_CONFLICTS = False
    old = preference(workspace, YES).memory

    assert_both_stay(preference(workspace, NO), old)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"memory_type": "note"}, {"memory_type": "note"}),
        ({"memory_type": "fact"}, {"memory_type": "preference"}),
        (
            {"memory_type": "fact", "owner": ADA},
            {"memory_type": "fact", "owner": GRACE},
        ),
    ],
)
def test_other_types_and_owners_do_not_contradict_each_other(workspace, first, second):
    save(workspace, YES, **first)

    assert save(workspace, NO, **second).conflicts == []


@pytest.mark.parametrize(
    "other",
    [
        "The user does not eat pistachio",
        "The user prefers tabs for indentation in pistachio files and elsewhere",
        "Pistachio is no file",
    ],
)
def test_another_topic_and_the_same_stance_are_no_conflict(workspace, other):
    preference(workspace, YES)

    assert preference(workspace, other).conflicts == []


def test_other_workspaces_do_not_contradict(workspace):
    preference(a_workspace(project="other"), YES)

    assert preference(workspace, NO).conflicts == []


def test_a_person_settles_either_way_and_may_think_again(workspace):
    old = preference(workspace, YES).memory
    saved = preference(workspace, NO)
    (conflict,) = saved.conflicts

    settled = settle(conflict, old)

    assert (settled.winner, settled.settled_by) == (old, "operator")
    assert found("pistachio") == {old.pk}
    settle(conflict, saved.memory)
    assert found("pistachio") == {saved.memory.pk}


def test_a_stranger_does_not_win(workspace):
    preference(workspace, YES)
    (conflict,) = preference(workspace, NO).conflicts

    with pytest.raises(InvalidArgument):
        settle(conflict, remember(workspace, "stranger"))


def test_a_memory_that_was_replaced_since_does_not_win(workspace):
    old = preference(workspace, YES).memory
    saved = preference(workspace, NO)
    save(workspace, "Now something else", replaces=str(saved.memory.memory_id))
    settle(saved.conflicts[0], old)

    with pytest.raises(InvalidArgument):
        settle(saved.conflicts[0], saved.memory)
    assert found("pistachio") == {old.pk}


def test_a_loser_does_not_come_back_where_another_says_the_same(workspace, settings):
    old = preference(workspace, YES).memory
    (conflict,) = preference(workspace, NO).conflicts
    settings.SETTLE_CONFLICTS = False
    preference(workspace, YES)

    with pytest.raises(SaidAlready):
        settle(conflict, old)


@pytest.mark.parametrize("how", ["replaced", "archived", "erased"])
def test_what_does_not_stand_any_more_has_lost(workspace, how):
    old = preference(workspace, YES, is_pinned=True).memory
    new = preference(workspace, NO).memory

    if how == "replaced":
        save(workspace, "About something else", replaces=str(old.memory_id))
    elif how == "archived":
        changing.archive(memory=old, actor=OPERATOR, at=NOW)
    else:
        erasing.erase(memory=old, actor=OPERATOR, at=NOW)

    new.refresh_from_db()
    assert new.conflict_state == "resolved"
    assert not Conflict.objects.unsettled().exists()
    assert found("pistachio") == {new.pk}


def test_naming_what_it_replaces_is_no_conflict(workspace):
    old = preference(workspace, YES, is_pinned=True).memory

    saved = preference(workspace, NO, replaces=str(old.memory_id))

    assert saved.superseded == [old]
    assert saved.conflicts == []
