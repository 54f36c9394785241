from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from people import NOW, OPERATOR, a_principal, a_workspace
from remembering import (
    ADA,
    DAY,
    GRACE,
    HOUR,
    MINUTE,
    SECRET,
    found,
    hits,
    remember,
    save,
)
from threads import at_once

from access.models import Token
from audit.models import Event
from jobs.running import run_due
from memories import reading, texts
from memories.drafts import MAX_METADATA_BYTES
from memories.models import Memory
from memories.pacing import IngestThrottled
from memories.reading import MemoryNotFound
from refusals import InvalidArgument
from search.models import Finding
from usage import accounts
from usage.models import Meter, Plan
from usage.spending import PeriodCapExceeded

pytestmark = pytest.mark.django_db


def test_a_memory_is_found_by_its_words_when_saving_returns(workspace):
    saved = save(
        workspace,
        "The oven needs zwieback settings.",
        memory_type="fact",
        channel="operator",
    )

    (hit,) = hits("zwieback")
    assert saved.is_new
    assert (hit.source_id, hit.role, hit.channel, hit.path) == (
        saved.memory.pk,
        "memory",
        "operator",
        "fact",
    )
    assert (hit.first_line, hit.last_line, hit.at) == (1, 1, NOW)
    assert saved.passages == 1


def test_what_was_written_is_kept_and_its_first_revision(workspace):
    text = "  Two\r\nlines, é\n"

    memory = remember(workspace, text, metadata={"a": 1, "b": None, "c": True})

    memory.refresh_from_db()
    (revision,) = memory.revisions.all()
    assert memory.text == revision.text == text
    assert memory.metadata == revision.metadata == {"a": 1, "b": None, "c": True}
    assert (revision.number, revision.reason) == (1, "saved")


def test_a_save_leaves_an_event_without_the_text(workspace):
    memory = remember(workspace, "Only between us")

    event = Event.objects.get(action="memory.save")
    assert event.target == str(memory.memory_id)
    assert "between" not in str(event.detail)


def test_a_secret_is_stored_and_neither_found_nor_shown(workspace):
    memory = remember(workspace, f"The key is {SECRET} here", metadata={"k": SECRET})

    assert Memory.objects.get().text.endswith(f"{SECRET} here")
    assert not found(SECRET, "exact")
    assert SECRET not in hits("key")[0].snippet
    assert SECRET not in reading.shown_text(memory)
    assert SECRET not in str(reading.shown_metadata(memory))
    assert Finding.objects.get().kind == "memory"


# --- said already ---------------------------------------------------------------


def test_the_same_text_again_gives_the_memory_that_has_it(workspace):
    first = save(workspace, "We use tabs")

    again = save(workspace, "  we USE\n tabs ")

    assert (again.memory, again.dedupe, again.is_new) == (first.memory, "exact", False)
    assert Memory.objects.count() == 1


def test_other_owners_types_and_workspaces_say_it_for_themselves(workspace):
    save(workspace, "We use tabs", owner=ADA)
    others = [
        save(workspace, "We use tabs", owner=GRACE),
        save(a_workspace(project="other"), "We use tabs", owner=ADA),
    ]

    assert all(saved.is_new for saved in others)


def test_what_hardly_differs_is_folded_unless_the_draft_may_duplicate(workspace):
    text = "we deploy the bakery service every friday after lunch from the main branch"
    first = save(workspace, text)

    alike = save(workspace, text.replace("friday", "Friday,"))
    kept = save(workspace, text + " there", may_duplicate=True)

    assert (alike.memory, alike.dedupe) == (first.memory, "near")
    assert kept.is_new


def test_the_same_text_of_another_type_within_a_day_is_a_near_duplicate(workspace):
    first = save(workspace, "We use tabs")

    soon = save(workspace, "we use tabs", memory_type="fact", at=NOW + HOUR)
    later = save(workspace, "we use tabs", memory_type="fact", at=NOW + 2 * DAY)

    assert (soon.memory, soon.dedupe) == (first.memory, "near")
    assert later.is_new


def test_texts_that_differ_in_a_number_are_two_memories(workspace):
    save(workspace, "The port is 80")

    assert save(workspace, "The port is 81").is_new


@pytest.mark.django_db(transaction=True)
def test_the_same_text_at_once_is_kept_once():
    workspace = a_workspace()

    saved = at_once(8, lambda number: save(workspace, "Said by everybody at once"))

    assert {each.memory.pk for each in saved} == {Memory.objects.get().pk}
    assert sum(each.is_new for each in saved) == 1
    assert {each.dedupe for each in saved} == {"", "exact"}
    assert found("everybody") == {saved[0].memory.pk}


@pytest.mark.django_db(transaction=True)
def test_many_memories_at_once_are_all_kept_and_found():
    workspace = a_workspace()

    saved = at_once(12, lambda number: save(workspace, f"Baker {number} said zwieback"))

    assert found("zwieback") == {each.memory.pk for each in saved}


@hypothesis_settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    sayings=st.lists(
        st.lists(st.sampled_from(["tabs", "Tabs", "no", "8", "9"]), max_size=4)
        .map(" ".join)
        .filter(str.strip),
        max_size=6,
    )
)
def test_saving_everything_again_adds_nothing(workspace, sayings):
    Memory.objects.all().delete()
    first = [remember(workspace, text) for text in sayings]

    again = [remember(workspace, text) for text in sayings]

    assert again == first
    assert all(
        texts.is_nearly(memory.text, text)
        for memory, text in zip(first, sayings, strict=True)
    )


# --- times ------------------------------------------------------------------------


def run_jobs(*, at):
    return run_due(clock=lambda: at)


def test_a_memory_is_found_from_when_it_is_in_force_until_it_expires(workspace):
    memory = remember(
        workspace,
        "The zwieback oven is off",
        effective_at=NOW + HOUR,
        expires_at=NOW + 2 * HOUR,
    )

    assert not found("zwieback")
    run_jobs(at=NOW + HOUR)
    assert found("zwieback") == {memory.pk}
    run_jobs(at=NOW + 2 * HOUR)
    assert not found("zwieback")


def test_saying_again_what_has_expired_makes_it_findable(workspace):
    old = remember(workspace, "zwieback today", expires_at=NOW + HOUR)

    new = save(workspace, "zwieback today", at=NOW + DAY)

    assert new.is_new
    assert found("zwieback") == {new.memory.pk}
    old.refresh_from_db()
    assert old.archived_at == NOW + DAY


def test_saying_for_ever_what_ends_soon_outlasts_it(workspace):
    remember(workspace, "zwieback today", expires_at=NOW + HOUR)

    assert save(workspace, "zwieback today").is_new
    assert Memory.objects.standing().get().expires_at is None


@pytest.mark.parametrize(
    "times",
    [
        {"effective_at": NOW + 400 * DAY},
        {"expires_at": NOW},
        {"effective_at": NOW + 2 * DAY, "expires_at": NOW + DAY},
        {"expires_at": (NOW + DAY).replace(tzinfo=None)},
    ],
)
def test_times_out_of_bounds_are_refused(workspace, times):
    with pytest.raises(InvalidArgument):
        save(workspace, "x", **times)


# --- replacing --------------------------------------------------------------------


def test_a_memory_takes_the_place_of_the_one_it_replaces(workspace):
    old = remember(workspace, "zwieback is baked on Monday")

    saved = save(workspace, "zwieback is baked on Tuesday", replaces=str(old.memory_id))

    old.refresh_from_db()
    assert saved.superseded == [old]
    assert (old.superseded_by, old.superseded_for) == (saved.memory, "replaced")
    assert found("zwieback") == {saved.memory.pk}


def test_replacing_by_what_is_said_already_supersedes_all_the_same(workspace):
    old, known = remember(workspace, "Baked Monday"), remember(workspace, "Fresh")

    saved = save(workspace, "fresh", replaces=str(old.memory_id))
    again = save(workspace, "fresh", replaces=str(old.memory_id))

    assert (saved.memory, saved.superseded) == (known, [old])
    assert again.superseded == []


def test_a_memory_does_not_replace_itself(workspace):
    memory = remember(workspace, "Fresh")

    saved = save(workspace, "Fresh", replaces=str(memory.memory_id))

    assert saved.superseded == []
    assert Memory.objects.standing().get() == memory


def test_nothing_is_saved_that_replaces_what_it_may_not(workspace):
    ours = remember(workspace, "Baked on Monday", owner=ADA)
    elsewhere = remember(a_workspace(project="other"), "Baked on Monday")
    gone = remember(workspace, "one")
    save(workspace, "two", replaces=str(gone.memory_id))

    for replaced, refusal in [
        (ours.memory_id, InvalidArgument),
        (elsewhere.memory_id, MemoryNotFound),
        ("no id", MemoryNotFound),
        (gone.memory_id, InvalidArgument),
    ]:
        with pytest.raises(refusal):
            save(workspace, "Baked on Tuesday", replaces=str(replaced))
    assert not Memory.objects.filter(text="Baked on Tuesday").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_replace_one_at_once_one_does():
    workspace = a_workspace()
    old = remember(workspace, "Baked on Monday")

    done = at_once(
        2, lambda number: save(workspace, f"Day {number}", replaces=str(old.memory_id))
    )

    assert sum(isinstance(each, InvalidArgument) for each in done) == 1
    assert Memory.objects.standing().count() == 1


# --- bounds and payment -----------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory_type": "gossip"},
        {"importance": 0},
        {"importance": 101},
        {"importance": float("nan")},
        {"confidence": 1.1},
        {"subject": "a\nb"},
        {"subject": "x" * 201},
        {"metadata": {"a": ["list"]}},
        {"metadata": {"a": float("inf")}},
        {"metadata": {"a": "\0"}},
        {"metadata": {"a": "\ud800"}},
        {"metadata": {"a": 2**70}},
        {"metadata": {"": 1}},
        {"metadata": {"x" * 101: 1}},
        {"metadata": {"a": "x" * MAX_METADATA_BYTES}},
        {"metadata": {str(number): 1 for number in range(101)}},
    ],
)
def test_values_out_of_bounds_are_refused_and_nothing_is_saved(workspace, wrong):
    with pytest.raises(InvalidArgument):
        save(workspace, "x", **wrong)

    assert not Memory.objects.exists()


def test_metadata_may_say_confidence_weight_and_pin(workspace):
    told = {"confidence": 0.9, "source_weight": 2, "pinned": True}

    memory = remember(workspace, "x", metadata=told)

    assert (memory.confidence, memory.source_weight) == (0.9, 2.0)
    assert memory.is_pinned


@pytest.fixture
def payer():
    return a_principal()


def writes() -> int:
    return sum(Meter.objects.values_list("writes", flat=True))


def test_a_save_is_charged_and_a_duplicate_is_not(workspace, payer):
    save(workspace, "We use tabs", payer=payer)
    save(workspace, "We use tabs", payer=payer)

    assert writes() == 1
    assert sum(Meter.objects.values_list("storage_bytes", flat=True)) == 11


def test_a_refused_save_is_not_charged(workspace, payer):
    with pytest.raises(MemoryNotFound):
        save(workspace, "We use tabs", payer=payer, replaces="nothing")

    assert writes() == 0


@pytest.fixture
def unpaced(workspace):
    """The workspace under a number that no earlier test or run has counted."""
    type(workspace).objects.filter(pk=workspace.pk).update(id=time.time_ns())
    return type(workspace).objects.get(slug=workspace.slug)


def test_one_text_again_and_again_is_throttled(unpaced, payer):
    for _ in range(5):
        save(unpaced, "We use tabs", payer=payer)

    with pytest.raises(IngestThrottled) as refused:
        save(unpaced, "we use tabs", payer=payer)
    assert refused.value.retry_after_seconds == 300
    assert save(unpaced, "We use spaces", payer=payer).is_new


def test_a_workspace_is_written_to_no_faster_than_its_bound(unpaced, payer, settings):
    settings.MEMORY_WRITES_PER_5_MINUTES = 2
    for number in range(2):
        save(unpaced, f"Fact {number}", payer=payer)

    with pytest.raises(IngestThrottled):
        save(unpaced, "Fact 3", payer=payer)
    assert save(unpaced, "Nobody pays, nobody waits").is_new
    settings.MEMORY_WRITES_PER_5_MINUTES = 0
    assert save(unpaced, "Fact 3", payer=payer, at=NOW + MINUTE).is_new


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_saves_at_once_at_a_cap_of_one_hundred_one_hundred_stand(
    settings,
):
    settings.MEMORY_WRITES_PER_5_MINUTES = 0
    workspace, payer = a_workspace(), a_principal()
    plan = Plan.objects.create(name="small", title="Small", writes=100)
    token = Token.objects.get(pk=payer.token_id)
    accounts.assign(plan, token=token, actor=OPERATOR, at=NOW)
    # At most twenty connections at a time; the database has a hundred.
    gate = threading.Semaphore(20)

    def save_one(number: int) -> None:
        with gate:
            try:
                save(workspace, f"Fact {number}", payer=payer)
            finally:
                connection.close()

    done = at_once(200, save_one)

    refused = [each for each in done if each is not None]
    assert {type(each) for each in refused} == {PeriodCapExceeded}
    assert (len(refused), Memory.objects.count(), writes()) == (100, 100, 100)
