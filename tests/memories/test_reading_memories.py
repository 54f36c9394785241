from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from people import NOW, OPERATOR, a_principal, a_workspace
from remembering import ADA, DAY, GRACE, HOUR, SECRET, remember, save

from memories import changing, reading
from memories.models import Memory
from memories.reading import Filters, MemoryNotFound
from refusals import InvalidArgument
from usage.models import Meter
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

EVERYWHERE = Workspace.objects.all()


def read(memory_id, workspaces=EVERYWHERE, **given):
    return reading.get(str(memory_id), workspaces=workspaces, at=NOW, **given)


def listed(**filters) -> list[str]:
    page = reading.page(workspaces=EVERYWHERE.all(), filters=Filters(**filters), at=NOW)
    return [memory.text for memory in page.memories]


def test_a_memory_is_read_by_its_id_also_when_it_is_archived(workspace):
    memory = remember(workspace, "Kept")
    changing.archive(memory=memory, actor=OPERATOR, at=NOW)

    assert read(memory.memory_id) == memory


@pytest.mark.parametrize(
    # The last is the same in every process of the tests, which compare their lists.
    "odd",
    ["", "x", "\0", "\ud800", "1" * 500, "7f1c5f04-36c7-4f5b-8d20-5b1a0e6f3c11"],
)
def test_what_is_no_memory_is_not_found(workspace, odd):
    with pytest.raises(MemoryNotFound):
        read(odd)


def test_a_memory_of_a_workspace_that_is_not_read_is_not_found(workspace):
    memory = remember(workspace, "Ours")
    others = Workspace.objects.exclude(pk=workspace.pk)

    with pytest.raises(MemoryNotFound):
        read(memory.memory_id, workspaces=others)
    page = reading.page(workspaces=others, filters=Filters(), at=NOW)
    assert page.memories == []


def test_reading_is_charged_and_finding_nothing_is_not(workspace):
    payer = a_principal()
    memory = remember(workspace, "Paid for")

    read(memory.memory_id, payer=payer)
    reading.page(workspaces=EVERYWHERE, filters=Filters(), payer=payer, at=NOW)
    with pytest.raises(MemoryNotFound):
        read(uuid.uuid4(), payer=payer)

    assert sum(Meter.objects.values_list("reads", flat=True)) == 2


def test_a_list_has_what_is_in_force_newest_first(workspace):
    remember(workspace, "old", at=NOW - DAY)
    remember(workspace, "gone", at=NOW - DAY, expires_at=NOW - HOUR)
    remember(workspace, "soon", effective_at=NOW + HOUR)
    remember(workspace, "one")
    remember(workspace, "two")

    assert listed() == ["two", "one", "old"]


def test_history_is_listed_only_when_it_is_asked_for(workspace):
    archived, replaced = (
        remember(workspace, "archived"),
        remember(workspace, "replaced"),
    )
    changing.archive(memory=archived, actor=OPERATOR, at=NOW)
    save(workspace, "new", replaces=str(replaced.memory_id))

    assert listed() == ["new"]
    assert listed(include_archived=True) == ["new", "archived"]
    assert listed(include_superseded=True) == ["new", "replaced"]


def test_filters_narrow_a_list(workspace):
    remember(workspace, "a", owner=ADA, memory_type="fact", metadata={"n": 1, "s": "x"})
    remember(workspace, "b", owner=GRACE, metadata={"n": 1, "s": "y"}, subject="oven")
    remember(workspace, "c", memory_type="note", at=NOW - DAY)

    assert listed(owner_id="ada") == ["a"]
    assert listed(owner_type="app") == ["c"]
    assert listed(memory_types=("fact", "note")) == ["a", "c"]
    assert listed(subject="oven") == ["b"]
    assert listed(metadata={"n": 1}) == ["b", "a"]
    assert listed(metadata={"n": 1, "s": "y"}) == ["b"]
    assert listed(metadata={"n": 2, "s": "y"}, metadata_mode="or") == ["b"]
    assert listed(metadata={"n": "1"}) == []
    assert listed(metadata={"n": True}) == []
    assert listed(start=NOW) == ["b", "a"]
    assert listed(end=NOW) == ["c"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory_types": ("gossip",)},
        {"start": NOW, "end": NOW},
        {"metadata": {"a": []}},
        {"metadata": {"a": "\0"}},
        {"metadata": {str(number): 1 for number in range(21)}},
    ],
)
def test_filters_out_of_bounds_are_refused(workspace, wrong):
    with pytest.raises(InvalidArgument):
        listed(**wrong)


@pytest.mark.parametrize(("page", "size"), [(0, 20), (1, 0), (1, 51), (10_001, 20)])
def test_pages_out_of_bounds_are_refused(workspace, page, size):
    with pytest.raises(InvalidArgument):
        reading.page(
            workspaces=EVERYWHERE, filters=Filters(), page=page, page_size=size, at=NOW
        )


@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.lists(st.integers(0, 3), max_size=12),
    meanwhile=st.lists(st.integers(0, 3), max_size=4),
    size=st.integers(1, 5),
)
def test_pages_have_each_memory_once_whatever_is_saved_meanwhile(
    workspace, before, meanwhile, size
):
    Memory.objects.all().delete()
    wanted = {bare(workspace, number, hours).pk for number, hours in enumerate(before)}
    seen, number, up_to = [], 1, None
    while True:
        page = reading.page(
            workspaces=EVERYWHERE,
            filters=Filters(),
            page=number,
            page_size=size,
            up_to=up_to,
            at=NOW,
        )
        seen += page.memories
        if not page.has_more:
            break
        number, up_to = number + 1, page.up_to
        if meanwhile:
            bare(workspace, 100 + number, meanwhile.pop())

    ages = [(memory.created_at, memory.pk) for memory in seen]
    assert {memory.pk for memory in seen} == wanted
    assert len(seen) == len(wanted) == page.total
    assert ages == sorted(ages, reverse=True)


def bare(workspace, number: int, hours: int) -> Memory:
    """A row alone; what search knows does not matter to a list."""
    at = NOW - hours * HOUR
    return Memory.objects.create(
        workspace=workspace,
        text=f"memory {number}",
        canonical_sha256=f"{number:064d}",
        fingerprint="",
        effective_at=at,
        created_at=at,
        updated_at=at,
    )


def test_newest_and_pinned_are_in_force_and_of_the_workspaces_asked(workspace):
    plain, pin = (
        remember(workspace, "plain"),
        remember(workspace, "pin", is_pinned=True),
    )
    remember(workspace, "later", is_pinned=True, effective_at=NOW + HOUR)
    remember(a_workspace(project="other"), "elsewhere", is_pinned=True)
    here = Workspace.objects.filter(pk=workspace.pk)

    assert reading.newest(workspaces=here, limit=5, at=NOW) == [pin, plain]
    assert reading.newest(workspaces=here, limit=1, at=NOW) == [pin]
    assert reading.pinned(workspaces=here, at=NOW) == [pin]


def test_nothing_shown_has_secrets_or_deceiving_characters(workspace):
    memory = remember(
        workspace, f"safe\u202eevil {SECRET}", metadata={SECRET: "\u200b"}
    )

    shown = reading.shown_text(memory) + str(reading.shown_metadata(memory))

    assert SECRET not in shown
    assert "\u202e" not in shown
    assert "\u200b" not in shown
