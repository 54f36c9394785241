from __future__ import annotations

import json
from datetime import timedelta

import pytest
from people import OPERATOR
from recallable import (
    ACTOR,
    ASSISTANT,
    NOW,
    everywhere,
    payer,
    project,
    publish,
    remember,
    upload,
)

from memories import changing, erasing, linking, reading
from recall import describing, evaluating, kept_searches, packing, profiles, recalling
from recall.recalling import Wanted
from workspaces import registering
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

SECRET = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


@pytest.fixture(autouse=True)
def without_vectors(settings):
    settings.EMBEDDINGS_ENABLED = False


def find(memory):
    return reading.find(str(memory.memory_id), workspaces=Workspace.objects.all())


def test_a_memory_has_the_fields_of_the_contract():
    workspace = project()
    source = remember(workspace, "The whole talk.")
    memory = remember(
        workspace,
        "Quince jam.",
        memory_type="fact",
        metadata={"n": 1},
        subject="jam",
        expires_at=NOW + timedelta(days=1),
        source_memory_id=str(source.memory_id),
    )

    fields = describing.memory_fields(find(memory))

    told = {
        "memory_id": str(memory.memory_id),
        "id": str(memory.memory_id),
        "workspace_id": workspace.slug,
        "container_tag": workspace.slug,
        "namespace": workspace.slug,
        "text": "Quince jam.",
        "metadata": {"n": 1},
        "memory_type": "fact",
        "owner_id": "shared_app",
        "owner_type": "app",
        "user_id": "shared_app",
        "subject": "jam",
        "effective_at": "2026-11-21T09:00:00Z",
        "expires_at": "2026-11-22T09:00:00Z",
        "created_at": "2026-11-21T09:00:00Z",
        "created_by": "laptop",
        "revision": 1,
        "pinned": False,
        "duplicate_of": None,
        "archived_at": None,
        "conflict_state": "none",
        "retrieval_count": 0,
        "source_memory_id": str(source.memory_id),
    }
    assert {name: fields[name] for name in told} == told
    assert fields["priority_tier"] in {"cold", "warm", "hot", "critical"}
    assert {"importance", "confidence", "source_weight", "priority_score"} <= set(
        fields
    )


def test_a_superseded_memory_names_its_successor():
    workspace = project()
    old = remember(workspace, "Quince one.")
    new = remember(workspace, "Quince two.", replaces=str(old.memory_id))

    fields = describing.memory_fields(find(old))

    assert fields["duplicate_of"] == str(new.memory_id)
    assert fields["superseded_for"] == "replaced"


def test_a_container_goes_by_its_tag():
    container = registering.container("team.notes", actor=ACTOR, at=NOW)
    fields = describing.memory_fields(find(remember(container, "Quince.")))

    assert fields["namespace"] == fields["container_tag"] == "team.notes"
    assert fields["workspace_id"] == container.slug


def test_secrets_are_masked_in_every_field():
    workspace = project()
    memory = remember(
        workspace,
        f"Quince {SECRET}.",
        metadata={"key": SECRET},
        subject=f"token {SECRET}",
    )
    scope = everywhere(workspace)
    wanted = Wanted(text="quince", explain=True)

    told = [
        describing.memory_fields(find(memory)),
        describing.recalled_fields(recalling.recall(scope, wanted, at=NOW)),
        describing.context_fields(packing.context(scope, "quince", at=NOW)),
        describing.context_fields(packing.context(scope, f"quince {SECRET}", at=NOW)),
        describing.profile_fields(profiles.profile(scope, at=NOW)),
        *map(describing.revision_fields, changing.revisions(memory)),
    ]

    assert "Quince" in json.dumps(told)
    assert SECRET not in json.dumps(told)


def test_hits_of_every_kind_are_plain_json_and_say_where_they_stand(
    django_assert_max_num_queries,
):
    workspace = project()
    memory = remember(workspace, "Quince jam needs sugar.")
    publish(workspace, "jam.md", "# Jam\n\nQuince jam is boiled.\n")
    upload(workspace, "Why is my quince jam so red?")
    recalled = recalling.recall(
        everywhere(workspace), Wanted(text="quince jam", explain=True), at=NOW
    )

    with django_assert_max_num_queries(0):
        fields = describing.recalled_fields(recalled)

    assert json.loads(json.dumps(fields)) == fields
    assert fields["status"] == "ok"
    by_kind = {each["kind"]: each for each in fields["results"]}
    assert by_kind["memory"]["memory_id"] == str(memory.memory_id)
    assert by_kind["memory"]["text"] == "Quince jam needs sugar."
    assert (by_kind["knowledge"]["path"], by_kind["knowledge"]["version"]) == (
        "jam.md",
        1,
    )
    assert by_kind["transcript"]["session_id"] == "s-1"
    for each in by_kind.values():
        assert each["citation"]["uri"].startswith(f"memory://{workspace.slug}/")
        assert len(each["citation"]["sha256"]) == 64
        assert each["_explain"]["final"] == each["score"]
        assert each["_explain"]["features"]


def test_an_uncertain_answer_says_so():
    recalled = recalling.recall(everywhere(), Wanted(text="pelican"), at=NOW)

    fields = describing.recalled_fields(recalled)

    assert (fields["status"], fields["results"]) == ("low_confidence", [])


def test_a_context_pack_has_the_fields_of_the_contract():
    workspace = project()
    one = remember(workspace, "Quince jam needs sugar.")
    other = remember(workspace, "Ticket 17 is about shelves.")
    linking.link(memory=one, other=other, link_type="same_topic", actor=ACTOR, at=NOW)
    remember(workspace, "Anna prefers tabs.")
    pack = packing.context(everywhere(workspace), "quince jam", explain=True, at=NOW)

    fields = describing.context_fields(pack)
    why = describing.explained_fields(pack)

    assert json.loads(json.dumps([fields, why])) == [fields, why]
    assert set(fields["context"]) == {"profileFacts", "relevantHistory", "guidance"}
    assert fields["context"]["relevantHistory"][0]["memory_id"] == str(one.memory_id)
    assert fields["linked_memories"] == [
        {
            "memory_id": str(other.memory_id),
            "text": "Ticket 17 is about shelves.",
            "link_type": "same_topic",
            "from_memory_id": str(one.memory_id),
        }
    ]
    assert fields["meta"]["used_chars"] == len(fields["context_text"])
    assert fields["citations"][0]["i"] == 1
    assert why["results"][0]["rank"] == 1
    assert why["chunk_ids_used"] == [each["chunk_id"] for each in fields["citations"]]
    assert why["memories_retrieved"] == 1


def test_receipts_links_kept_searches_and_runs_are_plain_json():
    workspace = project()
    one = remember(workspace, "Quince jam.")
    other = remember(workspace, "Quince wine.")
    scope, wanted = everywhere(workspace), Wanted(text="quince")
    asker = payer()
    link = linking.link(
        memory=one, other=other, link_type="related_to", actor=ACTOR, at=NOW
    )
    asked = kept_searches.keep(
        principal=asker,
        scope=scope,
        wanted=wanted,
        recalled=recalling.recall(scope, wanted, at=NOW),
        at=NOW,
    )
    eval_set = evaluating.create_set(
        workspace=workspace, name="quinces", principal=ASSISTANT, at=NOW
    )
    item = evaluating.add_item(
        eval_set=eval_set,
        query="quince",
        expected_memory_ids=[str(one.memory_id)],
        actor=OPERATOR,
        at=NOW,
    )
    replayed = kept_searches.replay(str(asked.query_id), scope, principal=asker, at=NOW)
    told = {
        "link": describing.link_fields(link),
        "asked": describing.asked_fields(asked),
        "replayed": describing.replayed_fields(replayed),
        "set": describing.eval_set_fields(eval_set),
        "item": describing.eval_item_fields(item),
        "run": describing.run_fields(
            evaluating.run(eval_set=eval_set, scope=scope, at=NOW)
        ),
    }
    erasure = erasing.erase(memory=one, actor=ACTOR, at=NOW)
    told["erasure"] = describing.erasure_fields(erasure)

    assert json.loads(json.dumps(told)) == told
    assert told["link"]["to_memory_id"] == str(other.memory_id)
    assert told["asked"]["query"] == "quince"
    assert told["replayed"]["previous"] == told["replayed"]["current"]
    assert told["run"]["average_recall"] == 1.0
    assert told["erasure"]["memory_id"] == str(one.memory_id)
