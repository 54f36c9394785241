from __future__ import annotations

import numpy as np
import pytest
import redis
from django.conf import settings as configured
from django.db import connection
from people import NOW, OPERATOR, a_principal, a_workspace
from remembering import DAY, HOUR, SECRET, found, remember, save
from threads import at_once

from audit.models import Event
from erasures.models import Erasure
from jobs.running import run_due
from memories import changing, erasing, linking, reading
from memories.models import (
    Asked,
    Conflict,
    EvalItem,
    EvalSet,
    ForgetRequest,
    Link,
    Memory,
    Revision,
)
from memories.reading import MemoryNotFound
from recall import erasing as everything
from search import analysis, blocks, compaction, finding
from search.finding import Query
from search.index import vocabulary
from search.index.columns import Columns
from search.index.terms import Terms
from search.models import Block, Finding, IndexSegment, Vectors
from usage.models import Meter
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

CANARY = "quokkaberry"


def erase(memory: Memory, **given) -> Erasure:
    return erasing.erase(memory=memory, **{"actor": OPERATOR, "at": NOW, **given})


def purge(*, at=NOW + HOUR) -> None:
    run_due(clock=lambda: at)


# --- is a word anywhere? --------------------------------------------------------------


def tables_with(word: str) -> list[str]:
    """Every table of the database that has the word in any column of any row."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        holding = []
        for name in names:
            cursor.execute(
                f'SELECT count(*) FROM "{name}" row WHERE row::text ILIKE %s',
                [f"%{word}%"],
            )
            if cursor.fetchone()[0]:
                holding.append(name)
    return holding


def blocks_with(word: str) -> int:
    return sum(
        word in text.lower()
        for body in Block.objects.values_list("body", flat=True)
        for _, text in blocks.unpack(bytes(body)).values()
    )


def segments_with(word: str) -> list[str]:
    """What index segments still know of the word, whether it can be found or not."""
    known = []
    term = np.array([analysis.term_hash(analysis.term_of(word))], np.uint64)
    for row in IndexSegment.objects.all():
        if vocabulary.containing(bytes(row.vocabulary), word, 1):
            known.append("vocabulary")
        if Terms.unpack(bytes(row.terms)).holds(term).any():
            known.append("postings")
        columns = Columns.unpack(bytes(row.columns))
        names = [*columns.speaker_names, *(key.path for key in columns.source_keys)]
        if any(word in name.lower() for name in names):
            known.append("columns")
    return known


def cached_with(word: str) -> list[bytes]:
    store = redis.from_url(configured.REDIS_URL)
    holding = []
    for key in store.scan_iter(f"*{configured.REDIS_PREFIX}*"):
        value = store.get(key) if store.type(key) == b"string" else b""
        if word.encode() in key + (value or b""):
            holding.append(key)
    return holding


@pytest.fixture
def canary(workspace, settings):
    """A memory whose word went everywhere that a memory's words go."""
    settings.EMBEDDINGS_ENABLED = True
    memory = remember(
        workspace,
        f"The {CANARY} jam is stored with {SECRET} in the cellar",
        memory_type="fact",
        metadata={CANARY: CANARY},
        subject=CANARY,
    )
    changing.revise(
        memory=memory,
        text=f"The {CANARY} jam moved upstairs, key {SECRET}",
        reason="moved",
        channel="assistant",
        actor=OPERATOR,
        at=NOW,
    )
    other = remember(workspace, "Another jam is stored in the cellar")
    linking.link(
        memory=memory, other=other, link_type="related_to", actor=OPERATOR, at=NOW
    )
    linking.link(
        memory=other, other=memory, link_type="same_topic", actor=OPERATOR, at=NOW
    )
    run_due(clock=lambda: NOW + HOUR)
    # More than fit on the page, so that the ranking is kept.
    finding.find(
        Query(
            text="jam",
            mode="hybrid",
            workspace_ids=[workspace.pk],
            kinds=["memory"],
            limit=1,
            at=NOW,
        )
    )
    memory.refresh_from_db()
    return memory


def test_a_words_every_place_is_known_to_these_tests(canary):
    assert found(CANARY) == {canary.pk}
    assert set(tables_with(CANARY)) == {"memories_memory", "memories_revision"}
    assert blocks_with(CANARY) == 1
    assert set(segments_with(CANARY)) == {"vocabulary", "postings"}
    assert Vectors.objects.count() == 2
    assert Finding.objects.count() == 1


def test_an_erased_memory_is_gone_at_once_and_its_words_after_the_job(canary):
    erasure = erase(canary)

    assert not found(CANARY)
    assert not found("upstairs", "exact")
    assert tables_with(CANARY) == []
    assert tables_with(SECRET) == []
    assert blocks_with(CANARY) == 0
    assert cached_with(CANARY) == []
    assert Vectors.objects.count() == 1
    assert not Finding.objects.exists()
    assert not Link.objects.exists()
    with pytest.raises(MemoryNotFound):
        reading.find(str(canary.memory_id), workspaces=Workspace.objects.all())
    assert erasure.purged_at is None

    purge()

    erasure.refresh_from_db()
    assert erasure.purged_at == NOW + HOUR
    assert segments_with(CANARY) == []
    assert found("jam") == {Memory.objects.get().pk}


def test_a_receipt_says_what_went_and_nothing_of_what_it_was(canary):
    erasure = erase(canary)

    assert erasure.target == str(canary.memory_id)
    assert erasure.counts == {
        "memories": 1,
        "passages": 1,
        "revisions": 2,
        "links": 2,
        "conflicts": 0,
        "forget_requests": 0,
        "kept_searches": 0,
        "evaluation_items": 0,
    }
    event = Event.objects.get(action="memory.erase")
    assert event.detail["receipt_id"] == str(erasure.receipt_id)


def test_a_spelling_goes_though_its_term_has_others(workspace):
    erased = remember(workspace, "Two quokkaberries are enough")
    for number in range(9):
        remember(workspace, f"One {CANARY} for plate {number}")
    # All in one segment, where their spellings share a term.
    run_due(clock=lambda: NOW)
    assert segments_with("quokkaberries")

    erase(erased)
    purge()

    assert not vocabularies_with("quokkaberries")
    assert vocabularies_with(CANARY)
    assert len(found(CANARY)) == 9


def vocabularies_with(word: str) -> bool:
    return any(
        word in vocabulary.containing(bytes(row.vocabulary), word, 10)
        for row in IndexSegment.objects.all()
    )


def test_purging_writes_no_segment_without_erased_words(workspace):
    kept = remember(workspace, "zwieback")
    untouched = IndexSegment.objects.get().pk

    erase(remember(workspace, CANARY))
    purge()

    assert IndexSegment.objects.filter(pk=untouched).exists()
    assert found("zwieback") == {kept.pk}


def test_merging_meanwhile_does_not_keep_erased_words(workspace):
    memories = [remember(workspace, f"{CANARY} {number}") for number in range(9)]
    erasure = erase(memories[0])
    merged = []

    def merge_meanwhile() -> None:
        if not merged:
            merged.append(compaction.compact(renew=lambda: None))

    everything.purge(renew=merge_meanwhile, clock=lambda: NOW)

    erasure.refresh_from_db()
    assert merged[0] > 0
    assert erasure.purged_at == NOW
    assert not IndexSegment.objects.filter(dead_count__gt=0).exists()
    assert found(CANARY) == {memory.pk for memory in memories[1:]}


def test_what_is_erased_while_purging_waits_for_its_own_job(workspace):
    memories = [remember(workspace, f"{CANARY} {number}") for number in range(2)]
    first, later = erase(memories[0]), []

    def erase_meanwhile() -> None:
        if not later:
            later.append(erase(memories[1]))

    everything.purge(renew=erase_meanwhile, clock=lambda: NOW)

    first.refresh_from_db()
    later[0].refresh_from_db()
    assert first.purged_at == NOW
    assert later[0].purged_at is None
    purge()
    later[0].refresh_from_db()
    assert later[0].purged_at == NOW + HOUR
    assert segments_with(CANARY) == []


# --- what else knew of it -------------------------------------------------------------


def test_what_it_replaced_goes_with_it(workspace):
    first = remember(workspace, f"{CANARY} one")
    second = remember(workspace, f"{CANARY} two", replaces=str(first.memory_id))
    third = remember(workspace, f"{CANARY} three", replaces=str(second.memory_id))

    assert erase(third).counts["memories"] == 3
    assert tables_with(CANARY) == []


def test_what_lost_a_conflict_against_it_stays_hidden(workspace):
    old = remember(workspace, "Oven seven bakes bread", memory_type="fact")
    new = remember(workspace, "Oven seven never bakes bread", memory_type="fact")
    assert Conflict.objects.get().state == "resolved"

    assert erase(new).counts["conflicts"] == 1

    old.refresh_from_db()
    assert old.archived_at == NOW
    assert not found("bread")


def test_other_rows_forget_its_id(workspace):
    memory, other = remember(workspace, CANARY), remember(workspace, "other")
    ids = [str(memory.memory_id), str(other.memory_id)]
    scored = [{"memory_id": each, "score": 0.5} for each in ids]
    ForgetRequest.objects.create(
        digest="0" * 64,
        workspace=workspace,
        memory=memory,
        candidates=scored,
        token_id=1,
        created_at=NOW,
        expires_at=NOW + HOUR,
    )
    Asked.objects.create(
        workspace=workspace, token_id=1, query={}, found=scored, asked_at=NOW
    )
    EvalItem.objects.create(
        eval_set=EvalSet.objects.create(workspace=workspace, name="s", created_at=NOW),
        query="q",
        expected_memory_ids=ids,
        created_at=NOW,
    )

    erase(memory)

    assert ForgetRequest.objects.get().candidates == scored[1:]
    assert ForgetRequest.objects.get().memory is None
    assert Asked.objects.get().found == scored[1:]
    assert EvalItem.objects.get().expected_memory_ids == ids[1:]


@pytest.mark.django_db(transaction=True)
def test_those_that_contradict_each_other_are_erased_at_once(workspace, settings):
    settings.SETTLE_CONFLICTS = False
    names = ("alder", "birch", "cedar", "dogwood", "elder", "fir")
    memories = [
        remember(workspace, f"Oven {name} {verb} bread", memory_type="fact")
        for name in names
        for verb in ("bakes", "never bakes")
    ]
    assert Conflict.objects.unsettled().count() >= len(names)

    outcomes = at_once(len(memories), lambda number: erase(memories[number]))

    assert [each for each in outcomes if not isinstance(each, Erasure)] == []
    assert not Memory.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_those_of_several_tokens_are_erased_at_once_wherever_they_are(db):
    """Each erasure counts for the same tokens, met in another order."""
    payers = [a_principal(), a_principal()]
    chains = []
    for round_number in range(6):
        for order in (payers, payers[::-1]):
            place = a_workspace(project=f"p{round_number}-{order[0].token_id}")
            older, newer = order
            old = save(place, "An older one", payer=older, actor=older.actor).memory
            chains.append(
                save(
                    place,
                    "A newer one of more words",
                    payer=newer,
                    actor=newer.actor,
                    replaces=str(old.memory_id),
                ).memory
            )

    outcomes = at_once(len(chains), lambda number: erase(chains[number]))

    assert [each for each in outcomes if not isinstance(each, Erasure)] == []
    assert sum(Meter.objects.values_list("storage_bytes", flat=True)) == 0


def test_erased_text_takes_up_no_storage_any_more(workspace):
    payer = a_principal()
    save(workspace, "12345", payer=payer, actor=payer.actor)
    memory = save(workspace, "123", payer=payer, actor=payer.actor).memory

    erase(memory, at=NOW + DAY)

    assert sum(Meter.objects.values_list("storage_bytes", flat=True)) == 5


@pytest.mark.django_db(transaction=True)
def test_a_memory_is_erased_once_however_many_ask():
    memory = remember(a_workspace(), CANARY)

    done = at_once(4, lambda number: erase(memory))

    assert sum(isinstance(each, Erasure) for each in done) == 1
    assert sum(isinstance(each, MemoryNotFound) for each in done) == 3
    assert Erasure.objects.count() == 1
    assert not Revision.objects.exists()
