from __future__ import annotations

from datetime import timedelta

import pytest
from people import NOW, OPERATOR, a_workspace
from threads import at_once

from audit.models import Event
from refusals import InvalidArgument
from workspaces import registering
from workspaces.models import Workspace


def register(machine="laptop", tool="claude-code", project="atlas", **given):
    return registering.register(
        machine=machine,
        tool=tool,
        project=project,
        **{"actor": OPERATOR, "at": NOW, **given},
    )


@pytest.mark.django_db
def test_the_same_triple_is_one_workspace():
    first, second = register(), register(at=NOW + timedelta(days=1))

    assert first == (second[0], True)
    assert second[1] is False
    assert first[0].slug == "laptop-claude-code-atlas"
    assert first[0].created_at == NOW


@pytest.mark.django_db
def test_triples_that_meet_in_a_slug_do_not_share_a_workspace():
    first, _ = register("a", "b", "c d")
    second, _ = register("a", "b-c", "d")
    third, _ = register("a", "b", "C D")

    assert first.slug == "a-b-c-d"
    assert second.slug.startswith("a-b-c-d-")
    assert len({first.slug, second.slug, third.slug}) == 3
    assert register("a", "b-c", "d") == (second, False)


@pytest.mark.django_db
def test_what_is_given_replaces_and_what_is_not_stays():
    register(cwd="/old", description="An atlas.")
    found, _ = register(cwd="/new")

    assert (found.cwd, found.description) == ("/new", "An atlas.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [
        {"machine": ""},
        {"tool": "   "},
        {"project": "x" * 201},
        {"project": "a\nb"},
        {"machine": "a\0"},
        {"machine": "\ud800"},
        {"cwd": "/" * 1025},
        {"description": "d" * 2001},
    ],
)
def test_parts_outside_their_bounds_are_refused(given):
    with pytest.raises(InvalidArgument):
        register(**given)

    assert not Workspace.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_one_spelling_for_what_looks_the_same():
    assert register(project="cafe\u0301")[0] == register(project=" caf\u00e9 ")[0]


@pytest.mark.django_db
def test_registering_is_audited_when_it_changes_something():
    register()
    register()
    register(cwd="/srv")

    assert [e.detail["created"] for e in Event.objects.order_by("id")] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_twins_at_once_share_one_workspace():
    done = at_once(8, lambda _: register())

    assert {workspace.pk for workspace, _ in done} == {Workspace.objects.get().pk}
    assert sum(is_new for _, is_new in done) == 1


@pytest.mark.django_db(transaction=True)
def test_different_triples_of_one_slug_at_once_get_a_workspace_each():
    done = at_once(6, lambda number: register("a", "b", "c" + "!" * number))

    assert len({workspace.slug for workspace, _ in done}) == 6
    assert all(is_new for _, is_new in done)


@pytest.mark.django_db
def test_activity_moves_forward_only():
    workspace = a_workspace()

    workspace.mark_active(at=NOW + timedelta(hours=1))
    workspace.mark_active(at=NOW)

    workspace.refresh_from_db()
    assert workspace.last_active_at == NOW + timedelta(hours=1)
