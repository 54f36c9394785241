from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone
from embedding_server import DIMENSIONS, serving, status, well
from messages import AT
from vector_blocks import everything, keep_block, passage_id

from jobs import outbox
from jobs.handlers import Lease, LeaseLost, NotNow
from jobs.models import Job
from memory_server import preparing
from search import dense, meaning, vector_cache, vectorising
from search.embedders import breaker, openai, packaged
from search.embedders.packaged import PackagedEmbedder
from search.models import Block, Vectors

TEXTS = [
    "The cat sleeps on the warm windowsill",
    "Our database migration failed because the disk was full",
    "Whisk the eggs with sugar until they are pale",
]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(openai, "PASSAGES_SECONDS", 3.0)
    monkeypatch.setattr(openai, "_FIRST_PAUSE_SECONDS", 0.02)
    breaker._away_until.clear()
    meaning.forget()
    vector_cache.forget()


@pytest.fixture
def lease(db):
    """The right to run the job, as a worker has it."""
    vectorising.ask(at=AT)
    now = timezone.now()
    job = Job.objects.claim(
        Job.objects.unfinished().get(verb=vectorising.VERB).pk,
        holder=uuid4(),
        at=now,
        until=now + timedelta(minutes=1),
        most_attempts=1,
    )
    return Lease(job_id=job.pk, holder=job.lease, clock=timezone.now)


@pytest.fixture
def endpoint(settings):
    """Vectors come from an endpoint on the loopback."""
    with serving() as running:
        settings.EMBEDDER = "openai"
        settings.EMBEDDER_URL = running.url
        settings.EMBEDDER_MODEL = "small"
        settings.EMBEDDER_DIMENSIONS = DIMENSIONS
        yield running
        openai._client().close()
        openai._client.cache_clear()


def texts_asked(endpoint):
    return [text for _, _, asked in endpoint.asked for text in asked["input"]]


def embedders_kept():
    return set(Vectors.objects.values_list("embedder", flat=True))


def test_waiting_passages_get_the_vectors_of_their_texts(workspace, lease):
    block = keep_block(workspace, TEXTS)

    assert vectorising.embed_waiting(lease=lease) == 3

    row = Vectors.objects.get()
    assert (row.block_id, row.embedder, row.dimensions) == (
        block.pk,
        packaged.NAME,
        384,
    )
    for number, text in enumerate(TEXTS):
        vector = PackagedEmbedder().embed_query(text)
        found = dense.nearest(
            vector, allowed=everything, embedder=packaged.NAME, limit=1
        )
        assert found == {passage_id(block, number): pytest.approx(1, abs=0.001)}
    assert vectorising.pending() == 0
    assert vectorising.embed_waiting(lease=lease) == 0


@pytest.mark.parametrize(
    ("also", "numbers"), [([], b"\x00\x02"), (["tool_input"], b"\x00\x01\x02")]
)
def test_tool_traffic_gets_none_unless_asked_for(
    workspace, lease, settings, endpoint, also, numbers
):
    keep_block(workspace, ["said", "called", "done"], roles=["user", "tool_input"])
    settings.EMBED_ROLES = [*settings.EMBED_ROLES, *also]

    vectorising.embed_waiting(lease=lease)

    assert bytes(Vectors.objects.get().passages) == numbers
    assert ("called" in texts_asked(endpoint)) == bool(also)


def test_a_block_whose_roles_get_no_vectors_any_more_is_done(
    workspace, lease, settings, endpoint
):
    keep_block(workspace, ["asked"])
    settings.EMBED_ROLES = ["document"]

    assert vectorising.embed_waiting(lease=lease) == 0
    assert vectorising.pending() == 0
    assert endpoint.asked == []


def test_the_newest_are_made_first(workspace, lease, endpoint, monkeypatch):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 2)
    for text in ("oldest", "older", "newer", "newest"):
        keep_block(workspace, [text])

    vectorising.embed_waiting(lease=lease)

    assert [set(asked["input"]) for _, _, asked in endpoint.asked] == [
        {"newest", "newer"},
        {"older", "oldest"},
    ]


def test_equal_texts_are_embedded_once(workspace, lease, endpoint):
    for _ in range(40):
        keep_block(workspace, ["yes", "go on", "yes"])

    assert vectorising.embed_waiting(lease=lease) == 120

    assert sorted(texts_asked(endpoint)) == ["go on", "yes"]
    assert Vectors.objects.count() == 40


def test_what_is_remembered_of_texts_is_bounded(
    workspace, lease, endpoint, monkeypatch
):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 1)
    monkeypatch.setattr(vectorising, "_REMEMBERED", 1)
    for text in ("yes", "no", "yes", "yes"):
        keep_block(workspace, [text])

    vectorising.embed_waiting(lease=lease)

    assert texts_asked(endpoint) == ["yes", "no", "yes"]


def test_it_stops_for_other_work_and_asks_to_go_on(
    workspace, lease, endpoint, monkeypatch
):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 1)
    for number in range(3):
        keep_block(workspace, [f"text {number}"])
    outbox.ask(verb="another", subject="1", at=AT)

    assert vectorising.embed_waiting(lease=lease) == 1
    assert Job.objects.get(pk=lease.job_id).asked_again
    assert vectorising.pending() == 2


def test_a_long_backlog_is_made_in_several_jobs(
    workspace, lease, endpoint, monkeypatch
):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 1)
    monkeypatch.setattr(vectorising, "_BATCHES_A_JOB", 2)
    for number in range(3):
        keep_block(workspace, [f"text {number}"])

    assert vectorising.embed_waiting(lease=lease) == 2
    assert Job.objects.get(pk=lease.job_id).asked_again
    assert vectorising.embed_waiting(lease=lease) == 1


def test_who_lost_the_lease_stops(workspace, lease, endpoint):
    keep_block(workspace, ["text"])
    Job.objects.filter(pk=lease.job_id).update(lease=None)

    with pytest.raises(LeaseLost):
        vectorising.embed_waiting(lease=lease)


def test_while_the_endpoint_is_away_the_job_is_put_off(
    workspace, lease, endpoint, monkeypatch
):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 1)
    keep_block(workspace, ["older"])
    keep_block(workspace, ["newer"])
    endpoint.answers = [well, status(429, **{"Retry-After": "90"})]
    at = timezone.now()

    with pytest.raises(NotNow) as caught:
        vectorising.embed_waiting(lease=lease)

    wait = caught.value.not_before - at
    assert timedelta(seconds=89) < wait < timedelta(seconds=100)
    assert Vectors.objects.count() == 1
    assert vectorising.pending() == 1
    assert vectorising.embed_waiting(lease=lease) == 1


def test_a_text_that_the_model_refuses_holds_up_no_other(workspace, lease, endpoint):
    def picky(asked):
        return (400, {}, {}) if "poison" in asked["input"] else well(asked)

    endpoint.always = picky
    block = keep_block(workspace, ["good", "poison", "better"])

    assert vectorising.embed_waiting(lease=lease) == 2

    row = Vectors.objects.get(block=block)
    assert bytes(row.passages) == b"\x00\x02"
    assert vectorising.pending() == 0


def test_an_endpoint_that_refuses_every_text_is_away(workspace, lease, endpoint):
    endpoint.always = status(400)
    keep_block(workspace, ["one", "two"])

    with pytest.raises(NotNow):
        vectorising.embed_waiting(lease=lease)

    assert not Vectors.objects.exists()


def test_turned_off_nothing_is_made_and_nothing_waits(workspace, lease, settings):
    settings.EMBEDDER = "off"
    keep_block(workspace, TEXTS)
    Job.objects.all().delete()

    vectorising.ask(at=AT)

    assert not Job.objects.exists()
    assert vectorising.embed_waiting(lease=lease) == 0
    assert vectorising.pending() == 0
    told = meaning.of("a pet")
    assert told.vector is None
    assert told.note == "Vectors are turned off: ranked by words alone."


def test_an_embedder_that_is_not_there_leaves_all_waiting(workspace, lease, settings):
    settings.EMBEDDER = "directory"
    settings.EMBEDDER_DIRECTORY = "/nowhere"
    keep_block(workspace, TEXTS)

    with pytest.raises(NotNow):
        vectorising.embed_waiting(lease=lease)

    assert vectorising.pending() == 3


def test_pending_is_counted_up_to_a_bound(workspace, db):
    for _ in range(3):
        keep_block(workspace, ["a", "b"])

    assert vectorising.pending() == 6
    assert vectorising.pending(most_blocks=2) == 4


def test_a_start_asks_for_the_vectors_that_are_missing(workspace, db):
    preparing.ask_for_vectors(at=AT)
    assert not Job.objects.exists()
    keep_block(workspace, ["a"])

    preparing.ask_for_vectors(at=AT)

    assert Job.objects.get().verb == vectorising.VERB


def test_a_question_has_the_vector_of_the_chosen_embedder(workspace, lease):
    keep_block(workspace, TEXTS)
    vectorising.embed_waiting(lease=lease)

    asked = meaning.of("a pet taking a nap")

    assert (asked.embedder, asked.note) == (packaged.NAME, "")
    assert np.array_equal(
        asked.vector, PackagedEmbedder().embed_query("a pet taking a nap")
    )
    [best] = dense.nearest(
        asked.vector, allowed=everything, embedder=asked.embedder, limit=1
    )
    assert best == passage_id(Block.objects.get(), 0)


def test_a_dead_endpoint_is_told_and_names_nothing_of_this_machine(db, settings):
    settings.EMBEDDER = "openai"
    settings.EMBEDDER_URL = "http://127.0.0.1:1/v1"
    settings.EMBEDDER_MODEL = "m"
    settings.EMBEDDER_DIMENSIONS = 8

    told = meaning.of("anything")

    assert told.vector is None
    assert told.note == (
        "Vectors of questions cannot be made now: ranked by words alone."
    )


def test_after_a_change_the_old_vectors_answer_until_the_new_are_made(
    workspace, lease, settings, endpoint, monkeypatch
):
    monkeypatch.setattr(vectorising, "_TEXTS_A_BATCH", 1)
    monkeypatch.setattr(vectorising, "_BATCHES_A_JOB", 10)
    settings.EMBEDDER = "packaged"
    for number in range(20):
        keep_block(workspace, [f"text {number}"])
    while vectorising.pending():
        vectorising.embed_waiting(lease=lease)

    settings.EMBEDDER = "openai"
    meaning.forget()
    assert meaning.of("text").embedder == packaged.NAME
    assert vectorising.pending() == 20
    vectorising.embed_waiting(lease=lease)
    meaning.forget()
    assert meaning.of("text").embedder == packaged.NAME
    assert embedders_kept() == {packaged.NAME, endpoint_name(settings)}

    monkeypatch.setattr(vectorising, "_BATCHES_A_JOB", 9)
    vectorising.embed_waiting(lease=lease)

    meaning.forget()
    assert vectorising.pending() == 1
    assert meaning.of("text").embedder == endpoint_name(settings)
    assert embedders_kept() == {endpoint_name(settings)}


def endpoint_name(settings):
    return openai.OpenAIEmbedder(
        url=settings.EMBEDDER_URL, model="small", dimensions=DIMENSIONS
    ).name


def test_old_vectors_whose_embedder_is_gone_do_not_answer(
    workspace, lease, settings, endpoint
):
    block = keep_block(workspace, TEXTS)
    dense.save(block.pk, [(0, np.ones(8))], embedder="forgotten/1")

    assert meaning.of("text").embedder == endpoint_name(settings)
    assert embedders_kept() == {"forgotten/1"}
    vectorising.embed_waiting(lease=lease)
    assert embedders_kept() == {endpoint_name(settings)}
