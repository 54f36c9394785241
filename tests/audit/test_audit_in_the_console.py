from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from people import NOW
from trails import as_superuser, sealed, write

from audit import anchoring, reading
from audit.models import Checkpoint, Event
from audit.reading import Wanted

pytestmark = pytest.mark.django_db
EVENTS = "admin:audit_event_changelist"


def page(client, view: str, *args: int) -> str:
    return client.get(reverse(view, args=args)).content.decode()


def test_the_page_tells_how_far_the_trail_is_sealed(admin_client):
    assert "never" in page(admin_client, "console:audit")
    ids = sealed(7, batch=5)
    write(3)
    call_command("audit_verify")

    shown = page(admin_client, "console:audit")
    assert "nothing was changed" in shown
    last = Checkpoint.objects.last_one()
    assert reverse("admin:audit_checkpoint_change", args=[last.pk]) in shown
    assert "does not end with the last checkpoint" not in shown

    anchoring.path().unlink()
    as_superuser("UPDATE audit_event SET actor = '' WHERE id = %(pk)s", pk=ids[0])
    with pytest.raises(CommandError):
        call_command("audit_verify", "--no-anchor")
    shown = page(admin_client, "console:audit")
    assert "1 problems" in shown
    assert "does not end with the last checkpoint" in shown


def test_the_list_shows_what_seals_each_event(admin_client):
    sealed(6, batch=3)
    (waiting,) = write(1)

    listed = page(admin_client, EVENTS)
    assert listed.count(">checkpoint 2<") == 3
    assert "not yet" in listed
    assert "not yet" in page(admin_client, "admin:audit_event_change", waiting)
    checkpoint = page(admin_client, "admin:audit_checkpoint_change", 2)
    assert bytes(Checkpoint.objects.get(pk=2).root).hex() in checkpoint


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=memory.save", 4),
        ("action=never", 0),
        ("token_id=2", 1),
        ("token_id=x", 0),
        ("workspace_slug=laptop-claude-atlas", 4),
    ],
)
def test_the_list_is_filtered(admin_client, query, count):
    write(4)

    shown = admin_client.get(f"{reverse(EVENTS)}?{query}")

    assert len(shown.context["cl"].result_list) == count


@pytest.mark.parametrize("model", ["event", "checkpoint"])
def test_nobody_changes_the_trail_by_hand(admin_client, model):
    sealed(1)
    pk = {"event": Event, "checkpoint": Checkpoint}[model].objects.first().pk

    for view, args in (("add", []), ("change", [pk]), ("delete", [pk])):
        address = reverse(f"admin:audit_{model}_{view}", args=args)
        assert admin_client.post(address, {"actor": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 4),
        (Wanted(token_id=2), 1),
        (Wanted(workspace="laptop-claude-atlas", action="memory.save"), 4),
        (Wanted(outcome="refused"), 0),
        (Wanted(since=NOW), 4),
        (Wanted(until=NOW), 0),
    ],
)
def test_events_are_chosen(wanted, count):
    write(4)

    assert len(reading.page(wanted).events) == count
