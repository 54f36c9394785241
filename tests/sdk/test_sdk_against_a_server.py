"""Everything that the clients can ask, asked of a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from loopback import Forward

from federated_memory import Client, Refused

JAM = "Quince jam needs three kilos of sugar."


def test_what_was_remembered_is_recalled(memory, home):
    saved = memory.remember(
        JAM, memory_type="fact", metadata={"by": "anna"}, importance=3, subject="jam"
    )

    hit = memory.recall("quince sugar", container=home).hits[0]
    kept = memory.get(saved.memory_id)

    assert saved.is_new
    assert (hit.memory_id, hit.text, hit.kind) == (saved.memory_id, JAM, "memory")
    assert 0 < hit.score <= 1
    assert hit.citation.uri.startswith(f"memory://{saved.workspace_id}/memories/")
    assert (kept.text, kept.memory_type, kept.revision) == (JAM, "fact", 1)
    assert (kept.metadata, kept.importance) == ({"by": "anna"}, 3)
    assert kept.created_at == saved.created_at


def test_the_same_is_not_kept_twice(memory):
    first, again = memory.remember(JAM), memory.remember(JAM)

    assert (again.is_new, again.memory_id) == (False, first.memory_id)


def test_the_same_key_gives_the_first_answer(memory, home):
    first = memory.remember(JAM, idempotency_key=home)
    again = memory.remember(JAM, idempotency_key=home)

    # Its first answer said that it was new, and so does its repetition.
    assert (again.memory_id, again.is_new) == (first.memory_id, True)


def test_a_newer_one_takes_the_place_of_an_older(memory, home):
    old = memory.remember(JAM)
    new = memory.remember("Quince jam needs two kilos.", replaces=old.memory_id)

    found = memory.recall("quince", kinds=["memory"], container=home).hits

    assert new.superseded == [old.memory_id]
    assert [hit.memory_id for hit in found] == [new.memory_id]
    assert memory.get(old.memory_id).fields["duplicate_of"] == new.memory_id


def test_what_expired_is_not_recalled(memory):
    ends = datetime.now(UTC) + timedelta(days=1)
    saved = memory.remember("Elderflower grows until tomorrow.", expires_at=ends)

    kept = memory.get(saved.memory_id)

    assert datetime.fromisoformat(kept.fields["expires_at"]) == ends


def test_filters_narrow(memory, home):
    by_anna = memory.remember(
        "Plum jam is Anna's.", memory_type="fact", metadata={"by": "anna"}
    )
    memory.remember("Plum jam is Ben's.", memory_type="fact", metadata={"by": "ben"})

    filters = {"metadata": {"by": "anna"}, "memory_type": ["fact", "note"]}
    found = memory.recall("plum jam", container=home, filters=filters).hits

    assert [hit.memory_id for hit in found] == [by_anna.memory_id]


def test_context_cites_what_it_tells(memory, home):
    saved = memory.remember("Rhubarb wants shade.")

    pack = memory.context("rhubarb", container=home, budget_chars=400)

    assert "Rhubarb wants shade." in pack.text
    assert len(pack.text) <= 400
    assert saved.memory_id in pack.citations[1].uri


def test_an_answer_can_be_judged(memory):
    memory.remember("Sorrel is sour.")

    found = memory.recall("sorrel")

    assert memory.judge(found.trace_id, "positive") == {"updated": True}


def test_a_conversation_is_kept(memory):
    saved = memory.save_conversation(
        [
            {"role": "user", "content": "Where do medlars grow?"},
            {"role": "assistant", "content": "Behind the shed."},
        ],
        metadata={"by": "anna"},
    )

    kept = memory.get(saved.memory_id)

    assert "user: Where do medlars grow?" in kept.text
    assert kept.metadata["by"] == "anna"


def test_pages_go_on_where_they_ended(memory, home):
    kept = [memory.remember(f"Apple {n} is red.").memory_id for n in range(55)]

    first = memory.page(size=50, container=home)
    every = [each.memory_id for each in memory.memories(container=home)]

    assert len(first.memories) == 50
    assert (first.total, first.has_more) == (55, True)
    assert every == kept[::-1]


def test_what_is_saved_between_pages_moves_nothing(memory, home):
    kept = [memory.remember(f"Pear {n} is green.").memory_id for n in range(4)]

    first = memory.page(1, size=2, container=home)
    memory.remember("Pear 5 came late.")
    second = memory.page(2, size=2, container=home, up_to=first.up_to)

    seen = [each.memory_id for each in [*first.memories, *second.memories]]
    assert seen == kept[::-1]


def test_forgetting_takes_two_steps(memory):
    for who in ("Maria", "Jonas", "Ada"):
        memory.remember(f"{who} drinks coffee black.")

    staged = memory.forget("drinks coffee black")
    chosen = staged.candidates[1]
    erased = memory.confirm_forget(staged.token, memory_id=chosen.memory_id)

    assert staged.status == "needs_confirmation"
    assert staged.expires_at > datetime.now(UTC)
    assert erased.memory_id == chosen.memory_id
    with pytest.raises(Refused) as gone:
        memory.get(chosen.memory_id)
    assert gone.value.status == 404
    with pytest.raises(Refused) as used:
        memory.confirm_forget(staged.token)
    assert used.value.code == "CONFIRMATION_REQUIRED"


def test_nothing_to_forget_is_said(memory):
    memory.remember("Chives are hardy.")

    assert memory.forget("zeppelins").status == "no_match"


def test_a_deleted_memory_leaves_a_receipt(memory):
    saved = memory.remember("Tansy keeps ants away.")

    erased = memory.delete(saved.memory_id)

    assert erased.memory_id == saved.memory_id
    assert erased.receipt_id
    with pytest.raises(Refused) as gone:
        memory.delete(saved.memory_id)
    assert gone.value.code == "NOT_FOUND"


def test_an_export_comes_back_elsewhere(memory, home):
    memory.remember("Lovage is tall.")

    artefact = memory.export(container=home)
    elsewhere = f"{home}-2"
    counts = memory.import_(artefact.data, container=elsewhere)["counts"]

    assert artefact.data[:2] == b"PK"
    assert artefact.fields["bytes"] == len(artefact.data)
    assert (
        memory.recall("lovage", container=elsewhere).hits[0].text == "Lovage is tall."
    )
    assert sum(counts.values()) == 1


def test_usage_is_told(memory):
    memory.remember("Dill is cut young.")

    assert memory.usage_today()["writes"] >= 1


def test_whose_it_is_comes_from_the_client(connect, server):
    memory = connect(server.base, server.ai_token, container="owners", user="anna")

    saved = memory.remember("Anna likes fennel.")

    assert memory.get(saved.memory_id).fields["owner_id"] == "anna"


def test_writing_elsewhere_than_the_workspace_is_refused(connect, server, memory):
    home = memory.remember("Borage is blue.").workspace_id
    bound = connect(server.base, server.ai_token, workspace=home)

    with pytest.raises(Refused) as refused:
        bound.remember("Borage is blue.", container="elsewhere")

    assert (refused.value.code, refused.value.status) == ("UNAUTHORIZED_SCOPE", 403)
    assert refused.value.detail["workspace_id"] == home
    assert refused.value.request_id


def test_what_was_done_when_its_answer_got_lost_is_done_once(
    connect, server, memory, network, home
):
    shaky = connect(network.url, server.ai_token)

    network.plays(Forward(server.base, is_lost=True), Forward(server.base))
    saved = shaky.remember("Mint spreads.", container=home)
    kept = memory.page(container=home)
    network.plays(Forward(server.base, is_lost=True), Forward(server.base))
    erased = shaky.delete(saved.memory_id)

    # The answers are those of the first time, though each was asked twice.
    assert len(network.asked) == 4
    assert saved.is_new
    assert [each.memory_id for each in kept.memories] == [saved.memory_id]
    assert erased.memory_id == saved.memory_id
    assert memory.page(container=home).total == 0


def test_an_unknown_token_is_refused(connect, server):
    with pytest.raises(Refused) as refused:
        connect(server.base, "unknown").recall("quince")

    assert (refused.value.code, refused.value.status) == ("UNAUTHENTICATED", 401)
    assert refused.value.hint


def test_a_wrong_argument_is_named(memory):
    with pytest.raises(Refused) as refused:
        memory.recall("quince", top_k=500)

    assert refused.value.code == "INVALID_ARGUMENT"
    assert "top_k" in refused.value.detail["fields"]


def test_many_threads_share_a_client(server):
    from concurrent.futures import ThreadPoolExecutor

    with (
        Client(server.base, server.ai_token, container="threads") as memory,
        ThreadPoolExecutor(8) as pool,
    ):
        saved = list(
            pool.map(memory.remember, [f"Seed {n} sprouts." for n in range(16)])
        )

    assert len({each.memory_id for each in saved}) == 16
