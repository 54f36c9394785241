from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from people import NOW, OPERATOR
from remembering import HOUR, SECRET, found, remember, save

from audit.models import Event
from erasures.models import Erasure
from memories import linking
from memories.models import (
    Asked,
    Conflict,
    EvalItem,
    EvalSet,
    Feedback,
    ForgetRequest,
    Memory,
)

pytestmark = pytest.mark.django_db

YES = "The oven runs pistachio programs at night"
NO = "The oven never runs pistachio programs at night"


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("ada"))
    return client


def opened(operator, name: str, *args: int) -> str:
    response = operator.get(reverse(f"admin:memories_{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def act(operator, model: str, action: str, *rows):
    return operator.post(
        reverse(f"admin:memories_{model}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    ).content.decode()


def test_operators_see_a_memory_with_all_that_hangs_on_it_and_no_secret(
    operator, workspace
):
    told = {"key": SECRET}
    memory = remember(workspace, f"oven {SECRET}", metadata=told, memory_type="fact")
    other = remember(workspace, "linked to it")
    linking.link(
        memory=memory, other=other, link_type="same_topic", actor=OPERATOR, at=NOW
    )

    pages = [
        opened(operator, "memory_changelist"),
        opened(operator, "memory_change", memory.pk),
    ]

    assert all("oven [REDACTED:" in page for page in pages)
    assert all(SECRET not in page for page in pages)
    assert "same_topic" in pages[1]


def test_every_list_and_every_row_opens(operator, workspace):
    memory = remember(workspace, YES, memory_type="fact")
    remember(workspace, NO, memory_type="fact")
    rows = [
        Conflict.objects.get(),
        ForgetRequest.objects.create(
            digest="d1g3st",
            workspace=workspace,
            memory=memory,
            candidates=[],
            token_id=1,
            created_at=NOW,
            expires_at=NOW + HOUR,
        ),
        Asked.objects.create(token_id=1, query={"text": "q"}, found=[], asked_at=NOW),
        Feedback.objects.create(token_id=1, request_id="r", created_at=NOW),
        EvalSet.objects.create(workspace=workspace, name="set", created_at=NOW),
    ]
    EvalItem.objects.create(
        eval_set=rows[-1], query="what?", expected_memory_ids=[], created_at=NOW
    )

    pages = []
    for row in rows:
        name = row._meta.model_name
        pages.append(opened(operator, f"{name}_changelist"))
        pages.append(opened(operator, f"{name}_change", row.pk))

    assert not any("d1g3st" in page for page in pages)
    assert any("what?" in page for page in pages)


def test_operators_archive_bring_back_and_erase(operator, workspace):
    memory = remember(workspace, "zwieback")

    assert "1 memories archived." in act(operator, "memory", "archive", memory)
    assert not found("zwieback")
    assert "1 memories brought back." in act(operator, "memory", "unarchive", memory)
    assert found("zwieback") == {memory.pk}
    page = act(operator, "memory", "erase", memory)
    assert str(memory.memory_id) in page
    assert Memory.objects.exists()
    confirmed = {"of": "memory", "id": memory.pk}
    operator.post(reverse("console:erase"), confirmed)
    assert not Memory.objects.exists()
    assert Erasure.objects.get().erased_by == "ada"
    assert Event.objects.get(action="memory.erase").actor == "ada"


def test_an_action_that_is_refused_says_why(operator, workspace):
    memory = remember(workspace, "zwieback")
    act(operator, "memory", "archive", memory)
    remember(workspace, "zwieback")

    page = act(operator, "memory", "unarchive", memory)

    assert "has this text" in page
    assert "0 memories brought back." in page


def test_operators_settle_conflicts(operator, workspace):
    old = remember(workspace, YES, memory_type="fact")
    new = save(workspace, NO, memory_type="fact").memory
    conflict = Conflict.objects.get()

    assert "1 conflicts settled." in act(
        operator, "conflict", "let_older_win", conflict
    )
    assert found("pistachio") == {old.pk}
    assert "1 conflicts settled." in act(
        operator, "conflict", "let_newer_win", conflict
    )
    assert found("pistachio") == {new.pk}


def test_nothing_is_changed_by_hand(operator, workspace):
    memory = remember(workspace, "zwieback")

    added = operator.get(reverse("admin:memories_memory_add"))
    changed = operator.post(
        reverse("admin:memories_memory_change", args=[memory.pk]), {"subject": "x"}
    )
    deleted = operator.post(
        reverse("admin:memories_memory_delete", args=[memory.pk]), {"post": "yes"}
    )

    assert [each.status_code for each in (added, changed, deleted)] == [403] * 3
    memory.refresh_from_db()
    assert memory.subject == ""
