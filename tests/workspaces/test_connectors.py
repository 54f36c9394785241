from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from people import NOW, OPERATOR, a_workspace
from threads import at_once

from audit.models import Event
from refusals import InvalidArgument
from workspaces import connectors
from workspaces.models import SyncSource

CAPTURED = {"pdf", "docx", "txt", "md", "html"}


def update(workspace, connector_id="claude-code", **given):
    return connectors.update(
        workspace=workspace,
        connector_id=connector_id,
        **{"actor": OPERATOR, "at": NOW, **given},
    )


def captured(source):
    return {name for name, on in source.capture_types.items() if on}


@pytest.mark.django_db
def test_a_new_connector_captures_the_usual_types():
    source = update(a_workspace())

    assert source.sync_enabled
    assert captured(source) == CAPTURED
    assert len(source.capture_types) == 11


@pytest.mark.django_db
def test_types_left_out_take_their_default():
    workspace = a_workspace()
    update(workspace, capture_types={"csv": True})

    source = update(workspace, capture_types={"pdf": False})

    assert captured(source) == CAPTURED - {"pdf"}
    assert SyncSource.objects.count() == 1


@pytest.mark.django_db
def test_what_is_not_given_stays():
    workspace = a_workspace()
    update(workspace, sync_enabled=False)
    update(workspace, capture_types={"msg": True})

    kept = SyncSource.objects.get()
    assert not kept.sync_enabled
    assert captured(kept) == {*CAPTURED, "msg"}


@pytest.mark.django_db
def test_settings_are_of_one_workspace_in_the_order_of_their_ids():
    here, there = a_workspace(), a_workspace(project="other")
    for name in ("zed", "aider"):
        update(here, name)
    update(there, "codex")

    assert [s.connector_id for s in connectors.settings_of(here)] == ["aider", "zed"]


@pytest.mark.django_db
def test_without_settings_the_defaults_hold_and_nothing_is_written():
    workspace = a_workspace()

    source = connectors.effective(workspace, "codex")

    assert (source.sync_enabled, captured(source)) == (True, CAPTURED)
    assert not SyncSource.objects.exists()
    update(workspace, "codex", sync_enabled=False)
    assert not connectors.effective(workspace, "codex").sync_enabled


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [
        {"connector_id": ""},
        {"connector_id": "x" * 121},
        {"connector_id": "a\nb"},
        {"connector_id": 7},
        {"capture_types": {"exe": True}},
        {"capture_types": {"pdf": "yes"}},
        {"capture_types": ["pdf"]},
    ],
)
def test_what_is_outside_its_bounds_is_refused(given):
    workspace = a_workspace()
    with pytest.raises(InvalidArgument):
        update(workspace, **given)

    assert not SyncSource.objects.exists()


@pytest.mark.django_db
def test_a_workspace_has_no_more_connectors_than_the_bound(monkeypatch):
    monkeypatch.setattr(connectors, "MAX_CONNECTORS", 2)
    workspace = a_workspace()
    update(workspace, "one")
    update(workspace, "two")

    with pytest.raises(InvalidArgument):
        update(workspace, "three")
    assert not update(workspace, "two", sync_enabled=False).sync_enabled


@pytest.mark.django_db(transaction=True)
def test_twins_at_once_make_one_row():
    workspace = a_workspace()

    done = at_once(6, lambda _: update(workspace, sync_enabled=False))

    assert {source.pk for source in done} == {SyncSource.objects.get().pk}


@pytest.mark.django_db
def test_a_change_is_audited():
    workspace = a_workspace()

    update(workspace, capture_types={"pdf": False})

    event = Event.objects.get(action="connector.update")
    assert (event.workspace_slug, event.target) == (workspace.slug, "claude-code")
    assert "pdf" not in event.detail["captured"]


@pytest.mark.django_db
def test_an_operator_ticks_what_is_captured(client):
    source = update(a_workspace())
    client.force_login(get_user_model().objects.create_superuser("op", password="pw"))
    page = reverse("admin:workspaces_syncsource_change", args=[source.pk])
    assert 'value="pdf"' in client.get(page).content.decode()

    client.post(page, {"captured": ["md", "eml"]})

    source.refresh_from_db()
    assert (source.sync_enabled, captured(source)) == (False, {"md", "eml"})
    assert Event.objects.filter(action="connector.update", actor="op").exists()
