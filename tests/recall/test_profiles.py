from __future__ import annotations

from datetime import timedelta

import pytest
from recallable import ACTOR, NOW, everywhere, project, remember, tagged

from memories import changing
from recall import profiles
from recall.profiles import Profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def known(workspace=None) -> Profile:
    return profiles.profile(everywhere(workspace), at=NOW)


def texts(facts) -> list[str]:
    return [fact.text for fact in facts]


def test_memories_are_sorted_by_what_they_say_and_by_their_type():
    workspace = project()
    remember(workspace, "Anna usually writes tests first.")
    remember(workspace, "Short names.", memory_type="preference")
    remember(workspace, "We are working on the quince parser.")
    remember(workspace, "The deadline is in March.")
    remember(workspace, "Ship the exporter.", memory_type="task")
    remember(workspace, "Never push to main.")
    remember(workspace, "Bread rises.")

    profile = known(workspace)

    assert set(texts(profile.preferences)) == {
        "Anna usually writes tests first.",
        "Short names.",
    }
    assert texts(profile.projects) == ["We are working on the quince parser."]
    assert set(texts(profile.goals)) == {
        "The deadline is in March.",
        "Ship the exporter.",
    }
    assert texts(profile.constraints) == ["Never push to main."]
    assert profile.confidence == 1.0


def test_words_inside_other_words_do_not_count():
    workspace = project()
    remember(
        workspace, "Unlikely explanations and reporting airplanes avoided nothing."
    )

    profile = known(workspace)

    assert profile.preferences == profile.goals == profile.projects == []


def test_each_bucket_has_the_newest_eight_newest_first():
    workspace = project()
    for number in range(12):
        at = NOW - timedelta(days=number)
        remember(workspace, f"Never use rule {number}.", at=at)

    profile = known(workspace)

    assert texts(profile.constraints) == [f"Never use rule {n}." for n in range(8)]
    assert len(profile.recent) == 5
    assert profile.last_updated_at == NOW


def test_the_same_text_is_told_once():
    here, there = project("here"), project("there")
    remember(here, "Never push to main.")
    remember(there, "Never  push to MAIN.")

    assert len(known().constraints) == 1


def test_pinned_memories_come_first_among_the_facts():
    workspace = project()
    old = remember(workspace, "The staging host is gull.", at=NOW - timedelta(days=99))
    remember(workspace, "Never push to main.")
    changing.set_pins(
        workspace=workspace, memory_ids=[str(old.memory_id)], actor=ACTOR, at=NOW
    )

    profile = known(workspace)

    assert texts(profile.pinned) == ["The staging host is gull."]
    assert texts(profile.facts) == [
        "The staging host is gull.",
        "Never push to main.",
    ]


def test_a_profile_tells_of_its_home_alone():
    here, there = project("here"), project("there")
    remember(here, "Never push to main.")
    remember(there, "Never sleep.")

    assert texts(known(here).constraints) == ["Never push to main."]
    assert known(here).workspace_id == here.slug
    assert set(texts(known().constraints)) == {"Never push to main.", "Never sleep."}
    assert known().workspace_id == ""


def test_what_was_retrieved_is_sorted_too():
    workspace = project()
    old = remember(workspace, "Never push to main.", at=NOW - timedelta(days=99))
    for number in range(60):
        remember(workspace, f"Bread {number} rises.")
    scope = everywhere(workspace)

    assert profiles.profile(scope, at=NOW).constraints == []
    found = profiles.profile(scope, also=[old], at=NOW)
    assert texts(found.constraints) == ["Never push to main."]


def test_corrections_and_filled_buckets_make_a_profile_confident():
    workspace = project()
    assert known(workspace).confidence == 0.1
    remember(workspace, "Never push to main.")
    assert known(workspace).confidence == 0.25
    remember(workspace, "It is Anne, without an a.", memory_type="correction")
    assert known(workspace).confidence == 0.5


def test_an_unknown_tag_has_an_empty_profile():
    remember(project(), "Never push to main.")

    profile = profiles.profile(tagged("nothing-here"), at=NOW)

    assert profile.facts == []
    assert profile.container_tag == "nothing-here"
    assert profile.last_updated_at is None


def test_secrets_are_masked():
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    workspace = project()
    remember(workspace, f"Never use {secret}.")

    assert secret not in str(texts(known(workspace).facts))
