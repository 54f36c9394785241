from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_workspace
from remembering import remember, save
from threads import at_once

from memories import changing, linking
from memories.linking import MAX_LINKS, LinkRefused
from memories.models import Link, Memory
from memories.reading import MemoryNotFound
from refusals import InvalidArgument
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def link(memory: Memory, other: Memory, link_type: str = "related_to") -> Link:
    return linking.link(
        memory=memory, other=other, link_type=link_type, actor=OPERATOR, at=NOW
    )


def linked(*memories: Memory, **given) -> list[Memory]:
    links = linking.linked(
        memories, workspaces=Workspace.objects.all(), at=NOW, **given
    )
    return [each.to_memory for each in links]


@pytest.fixture
def memories(workspace):
    return [remember(workspace, f"memory {number}") for number in range(4)]


def test_links_are_directed_and_each_target_comes_once(memories):
    one, two, three, _ = memories
    link(one, two)
    link(one, two, "same_topic")
    link(one, three)

    assert linked(one) == [two, three]
    assert linked(two) == []
    assert linked(one, limit=1) == [two]


def test_targets_that_are_shown_already_or_not_in_force_are_left_out(memories):
    one, two, three, four = memories
    for other in (two, three, four):
        link(one, other)
    changing.archive(memory=three, actor=OPERATOR, at=NOW)
    save(four.workspace, "new", replaces=str(four.memory_id))

    assert linked(one) == [two]
    assert linked(one, two) == []


def test_targets_in_workspaces_that_are_not_read_are_left_out(memories):
    one, two, *_ = memories
    link(one, two)

    assert linking.linked([one], workspaces=Workspace.objects.none(), at=NOW) == []


def test_a_link_is_removed_once(memories):
    one, two, *_ = memories
    link(one, two)
    gone = {
        "memory": one,
        "other": two,
        "link_type": "related_to",
        "actor": OPERATOR,
        "at": NOW,
    }

    linking.unlink(**gone)

    assert linked(one) == []
    with pytest.raises(MemoryNotFound):
        linking.unlink(**gone)


def test_links_that_make_no_sense_are_refused(memories):
    one, two, *_ = memories
    elsewhere = remember(a_workspace(project="other"), "x")

    for other, link_type in [
        (one, "related_to"),
        (elsewhere, "related_to"),
        (two, "hates"),
    ]:
        with pytest.raises(InvalidArgument):
            link(one, other, link_type)
    assert not Link.objects.exists()


def test_a_link_is_made_once(memories):
    one, two, *_ = memories
    link(one, two)

    with pytest.raises(LinkRefused):
        link(one, two)


@pytest.mark.django_db(transaction=True)
def test_a_memory_has_no_more_links_than_it_may_also_at_once():
    workspace = a_workspace()
    first = remember(workspace, "first")
    others = [remember(workspace, f"memory {number}") for number in range(24)]
    for other in others[: MAX_LINKS - 2]:
        link(first, other)

    done = at_once(6, lambda number: link(first, others[MAX_LINKS - 2 + number]))

    assert sum(isinstance(each, LinkRefused) for each in done) == 4
    assert first.links.count() == MAX_LINKS
