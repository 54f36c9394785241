from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from people import NOW, OPERATOR, a_workspace

from access.containers import ReadScope
from memories import reading, saving
from memories.models import Memory
from memories.owners import Owner
from recall import recalling, upkeep
from refusals import InvalidArgument
from workspaces.models import Workspace

WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike"


def save(workspace, text, *, age=0, **given):
    return saving.save(
        workspace=workspace,
        draft=saving.Draft(text=text, may_duplicate=True, **given),
        channel="assistant",
        actor=OPERATOR,
        at=NOW - timedelta(days=age),
    ).memory


def hygiene(**given):
    return upkeep.hygiene(
        **{
            "workspaces": Workspace.objects.all(),
            "actor": OPERATOR,
            "at": NOW,
            **given,
        }
    )


def retention(**given):
    return upkeep.retention(
        **{
            "workspaces": Workspace.objects.all(),
            "actor": OPERATOR,
            "at": NOW,
            **given,
        }
    )


def recalled(workspace, text):
    scope = ReadScope(Workspace.objects.all(), workspace, None)
    found = recalling.recall(scope, recalling.Wanted(text=text, limit=20), at=NOW)
    return {hit.memory for hit in found.hits}


@pytest.mark.django_db
def test_a_dry_run_tells_and_changes_nothing():
    workspace = a_workspace()
    first = save(workspace, WORDS, age=2)
    second = save(workspace, f"{WORDS}, november!", age=1)

    done = hygiene()

    assert done.looked_at == 2
    assert done.marked == 0
    assert done.duplicates == [
        upkeep.Duplicate(str(second.memory_id), str(first.memory_id), 0.9286)
    ]
    assert Memory.objects.standing().count() == 2


@pytest.mark.django_db
def test_a_duplicate_is_superseded_and_leaves_recall():
    workspace = a_workspace()
    first = save(workspace, WORDS, age=2)
    second = save(workspace, f"{WORDS}, november!", age=1)

    assert hygiene(dry_run=False).marked == 1

    second.refresh_from_db()
    assert (second.superseded_by, second.superseded_for) == (first, "duplicate")
    assert recalled(workspace, "alpha bravo november") == {first}
    assert reading.find(str(second.memory_id), workspaces=Workspace.objects.all())
    assert hygiene(dry_run=False).marked == 0


@pytest.mark.django_db
def test_many_of_a_kind_are_superseded_by_one():
    workspace = a_workspace()
    first, *others = [
        save(workspace, f"{WORDS} {more}", age=9 - number)
        for number, more in enumerate(["", "x", "y", "z"])
    ]

    hygiene(dry_run=False, threshold=0.8)

    for each in others:
        each.refresh_from_db()
        assert each.superseded_by == first


@pytest.mark.django_db
def test_the_pinned_one_stays():
    workspace = a_workspace()
    save(workspace, WORDS, age=2)
    pinned = save(workspace, f"{WORDS} november", age=1, is_pinned=True)

    assert hygiene().duplicates[0].duplicate_of == str(pinned.memory_id)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "given"),
    [
        (f"not {WORDS}", {}),
        (f"{WORDS} 8443", {}),
        (f"{WORDS} november", {"memory_type": "fact"}),
        (f"{WORDS} november", {"owner": Owner("maria", "user")}),
        (f"{WORDS} november", {"subject": "maria"}),
        (f"{WORDS} november oscar", {}),
    ],
)
def test_what_makes_a_difference_is_no_duplicate(text, given):
    workspace = a_workspace()
    save(workspace, WORDS, age=1)
    save(workspace, text, **given)

    assert hygiene().duplicates == []


@pytest.mark.django_db
def test_one_that_ends_does_not_stand_for_one_that_lasts():
    workspace = a_workspace()
    save(workspace, WORDS, age=1, expires_at=NOW + timedelta(days=1))
    lasting = save(workspace, f"{WORDS} november")
    assert hygiene().duplicates == []

    save(workspace, f"{WORDS} oscar", expires_at=NOW + timedelta(days=1))

    assert [each.duplicate_of for each in hygiene(threshold=0.8).duplicates] == [
        str(Memory.objects.order_by("pk")[0].memory_id)
    ]
    assert lasting.superseded_by is None


@pytest.mark.django_db
def test_workspaces_are_apart():
    save(a_workspace(), WORDS)
    save(a_workspace(project="other"), f"{WORDS} november")

    assert hygiene() == upkeep.Hygiene(looked_at=2)


@pytest.mark.django_db
def test_only_the_newest_are_compared():
    workspace = a_workspace()
    save(workspace, WORDS, age=3)
    save(workspace, "something else", age=2)
    save(workspace, f"{WORDS} november", age=1)

    assert hygiene(limit=2) == upkeep.Hygiene(looked_at=2)


@pytest.mark.django_db
def test_old_notes_are_archived_and_nothing_else():
    workspace = a_workspace()
    fact = save(workspace, "a lasting fact", memory_type="fact", age=100)
    child = save(
        workspace,
        "taken from the fact",
        memory_type="fact",
        source_memory_id=str(fact.memory_id),
        age=99,
    )
    old = save(workspace, "an old note", memory_type="note", age=91)
    save(workspace, "a pinned note", memory_type="note", age=91, is_pinned=True)
    save(workspace, "a young note", memory_type="note", age=89)

    told = retention()
    assert (told.found, told.archived) == (2, 0)
    assert told.memory_ids == [str(child.memory_id), str(old.memory_id)]
    assert not Memory.objects.exclude(archived_at=None).exists()

    assert retention(dry_run=False).archived == 2
    assert set(Memory.objects.exclude(archived_at=None)) == {child, old}
    assert old not in recalled(workspace, "an old note")
    assert retention(dry_run=False).found == 0


@pytest.mark.django_db
def test_no_more_than_asked_are_archived_and_the_oldest_first():
    workspace = a_workspace()
    for age in (100, 300, 200):
        save(workspace, f"note of {age} days", memory_type="note", age=age)

    retention(dry_run=False, limit=2)

    standing = Memory.objects.standing().get()
    assert standing.text == "note of 100 days"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given", [{"threshold": 0.79}, {"threshold": 1.0}, {"limit": 0}, {"limit": 501}]
)
def test_hygiene_has_bounds(given):
    with pytest.raises(InvalidArgument):
        hygiene(**given)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [{"older_than_days": 6}, {"older_than_days": 3651}, {"limit": 0}, {"limit": 1001}],
)
def test_retention_has_bounds(given):
    with pytest.raises(InvalidArgument):
        retention(**given)


@pytest.mark.django_db
def test_operators_see_what_would_be_done_and_do_it(capsys):
    workspace = a_workspace()
    save(workspace, WORDS, memory_type="note", age=200)
    save(workspace, f"{WORDS} november", memory_type="note", age=199)

    call_command("memory_hygiene", "--workspace", workspace.slug)
    assert "1 duplicates, 0 superseded" in capsys.readouterr().out
    call_command("memory_hygiene", "--apply")
    assert "1 superseded" in capsys.readouterr().out
    call_command("memory_retention")
    assert "1 too old, 0 archived" in capsys.readouterr().out
    call_command("memory_retention", "--apply", "--older-than-days", "30")
    assert "1 archived" in capsys.readouterr().out
    assert not Memory.objects.standing().exists()


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["memory_hygiene", "memory_retention"])
@pytest.mark.parametrize("given", [["--workspace", "nowhere"], ["--limit", "0"]])
def test_operators_hear_what_is_wrong(command, given):
    with pytest.raises(CommandError):
        call_command(command, *given)
