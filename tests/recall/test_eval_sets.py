from __future__ import annotations

from uuid import uuid4

import pytest
from people import OPERATOR
from recallable import ASSISTANT, NOW, everywhere, project, remember, upload

from memories.models import EvalItem, EvalSet, Memory
from recall import evaluating
from refusals import InvalidArgument
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def a_set(workspace, name="quinces") -> EvalSet:
    return evaluating.create_set(
        workspace=workspace, name=name, principal=ASSISTANT, at=NOW
    )


def add(eval_set, query, *memories) -> EvalItem:
    ids = [str(memory.memory_id) for memory in memories]
    return evaluating.add_item(
        eval_set=eval_set, query=query, expected_memory_ids=ids, actor=OPERATOR, at=NOW
    )


def test_a_run_measures_precision_and_recall_of_each_question_and_their_means():
    workspace = project()
    jam = remember(workspace, "Quince jam needs sugar.")
    tree = remember(workspace, "The quince tree is old.")
    gate = remember(workspace, "The harbour gate opens at six.")
    upload(workspace, "Quince jam, said somebody.")
    eval_set = a_set(workspace)
    add(eval_set, "quince", jam, tree)
    add(eval_set, "harbour gate", gate, jam)
    add(eval_set, "pelican", gate)

    run = evaluating.run(eval_set=eval_set, scope=everywhere(), top_k=4, at=NOW)

    figures = [(item.hits, item.precision_at_k, item.recall) for item in run.items]
    assert figures == [(2, 0.5, 1.0), (1, 0.25, 0.5), (0, 0.0, 0.0)]
    assert run.average_precision_at_k == 0.25
    assert run.average_recall == 0.5
    assert run.items[1].found_ids == [str(gate.memory_id)]


def test_a_run_counts_no_retrievals():
    workspace = project()
    memory = remember(workspace, "Quince jam.")
    eval_set = a_set(workspace)
    add(eval_set, "quince", memory)

    run = evaluating.run(eval_set=eval_set, scope=everywhere(), at=NOW)

    assert run.items[0].recall == 1.0
    assert Memory.objects.get().retrieval_count == 0


def test_an_empty_set_has_no_figures():
    run = evaluating.run(eval_set=a_set(project()), scope=everywhere(), at=NOW)

    assert (run.items, run.average_precision_at_k, run.average_recall) == ([], 0.0, 0.0)


def test_sets_and_items_are_listed_and_deleted():
    workspace = project()
    memory = remember(workspace, "Quince jam.")
    eval_set = a_set(workspace)
    first, second = add(eval_set, "one", memory), add(eval_set, "two", memory)
    everything = Workspace.objects.all()

    assert [each.item_count for each in evaluating.sets(workspaces=everything)] == [2]
    assert evaluating.items(eval_set) == [first, second]
    found = evaluating.find_item(str(first.item_id), workspaces=everything)
    evaluating.delete_item(found, actor=OPERATOR, at=NOW)
    assert evaluating.items(eval_set) == [second]
    evaluating.delete_set(
        evaluating.find_set(str(eval_set.set_id), workspaces=everything),
        actor=OPERATOR,
        at=NOW,
    )
    assert evaluating.sets(workspaces=everything) == []
    assert not EvalItem.objects.exists()


def test_a_set_of_an_unreadable_workspace_is_not_there():
    eval_set = a_set(project())
    item = add(eval_set, "one", remember(eval_set.workspace, "Quince."))
    nowhere = Workspace.objects.none()

    assert evaluating.sets(workspaces=nowhere) == []
    for set_id in (str(eval_set.set_id), str(uuid4()), "none"):
        with pytest.raises(evaluating.EvalNotFound):
            evaluating.find_set(set_id, workspaces=nowhere)
    with pytest.raises(evaluating.EvalNotFound):
        evaluating.find_item(str(item.item_id), workspaces=nowhere)


def test_a_name_is_taken_once_in_a_workspace():
    here, there = project("here"), project("there")
    a_set(here)

    with pytest.raises(evaluating.EvalNameTaken):
        a_set(here)
    assert a_set(there).name == "quinces"


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines"])
def test_a_name_is_a_short_line(name):
    with pytest.raises(InvalidArgument):
        a_set(project(), name)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [str(uuid4())]),
        ("x" * 2001, [str(uuid4())]),
        ("quince", []),
        ("quince", ["no id"]),
        ("quince", [str(uuid4()) for _ in range(51)]),
    ],
)
def test_items_are_bounded(query, ids):
    eval_set = a_set(project())

    with pytest.raises(InvalidArgument):
        evaluating.add_item(
            eval_set=eval_set,
            query=query,
            expected_memory_ids=ids,
            actor=OPERATOR,
            at=NOW,
        )


def test_sets_and_items_are_not_without_number(monkeypatch):
    monkeypatch.setattr(evaluating, "MOST_ITEMS", 1)
    monkeypatch.setattr(evaluating, "MOST_SETS", 1)
    eval_set = a_set(project())
    memory = remember(eval_set.workspace, "Quince.")
    add(eval_set, "one", memory)

    with pytest.raises(evaluating.EvalFull):
        add(eval_set, "two", memory)
    with pytest.raises(evaluating.EvalFull):
        a_set(eval_set.workspace, "another")
