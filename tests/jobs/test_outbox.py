from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from people import OPERATOR

from jobs import announcing, handlers, outbox, running
from jobs.handlers import NotNow, handles
from jobs.models import Job
from refusals import InvalidArgument

done: list[str] = []


@handles("test.note")
def note(subject, *, lease):
    done.append(subject)


@handles("test.fail")
def fail(subject, *, lease):
    done.append(subject)
    raise InvalidArgument("the secret hunter2 is in this transcript")


@handles("test.put_off")
def put_off(subject, *, lease):
    done.append(subject)
    raise NotNow("away", not_before=lease.clock() + timedelta(minutes=1))


@handles("test.ask_again")
def ask_itself_again(subject, *, lease):
    done.append(subject)
    if len(done) == 1:
        outbox.ask(verb="test.ask_again", subject=subject, at=timezone.now())


@handles("test.lose")
def lose_the_lease(subject, *, lease):
    Job.objects.filter(pk=lease.job_id).update(lease=None, leased_until=None)
    lease.renew()
    done.append("went on without a lease")


@pytest.fixture(autouse=True)
def nothing_done_yet():
    done.clear()


def ask(verb="test.note", subject="1", **options):
    at = options.pop("at", timezone.now())
    outbox.ask(verb=verb, subject=subject, at=at, **options)


def later(seconds):
    return lambda: timezone.now() + timedelta(seconds=seconds)


@pytest.mark.django_db
def test_asking_twice_for_the_same_is_one_job():
    ask()
    ask()
    ask(subject="2")

    assert running.run_due() == 2
    assert done == ["1", "2"]


@pytest.mark.django_db
def test_a_finished_job_can_be_asked_for_anew():
    ask()
    running.run_due()
    ask()
    running.run_due()

    assert done == ["1", "1"]
    assert Job.objects.unfinished().count() == 0


@pytest.mark.django_db
def test_asking_while_it_runs_makes_it_run_once_more():
    ask("test.ask_again")

    assert running.run_due() == 2
    assert done == ["1", "1"]
    assert Job.objects.get().finished_at is not None


@pytest.mark.django_db
def test_a_job_waits_until_its_time_and_may_be_asked_to_come_sooner():
    at = timezone.now()
    ask(at=at, not_before=at + timedelta(hours=1))
    assert running.run_due() == 0

    ask(at=at)
    assert running.run_due() == 1


@pytest.mark.django_db
def test_a_job_for_later_is_announced_as_soon_as_its_time_has_come(monkeypatch):
    told = []
    away = Celery(broker="memory://", set_as_current=False)
    monkeypatch.setattr(away, "send_task", lambda name, **_: told.append(name))
    monkeypatch.setattr(announcing, "current_app", away)
    at = timezone.now()
    ask(at=at, not_before=at + timedelta(seconds=2))

    assert announcing.announce_due(at=at) == 0
    assert announcing.announce_due(at=at + timedelta(seconds=3)) == 1
    assert announcing.announce_due(at=at + timedelta(seconds=8)) == 0
    lost = at + timedelta(seconds=4 + announcing.ANNOUNCED_SECONDS)
    assert announcing.announce_due(at=lost) == 1
    assert told == ["jobs.run", "jobs.run"]


@pytest.mark.django_db
def test_a_job_that_was_rolled_back_never_runs():
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)

    assert running.run_due() == 0


@pytest.mark.django_db
def test_a_failing_job_backs_off_and_is_given_up_with_its_error_but_no_text():
    ask("test.fail")
    for attempt in range(1, running.MAX_ATTEMPTS + 1):
        assert running.run_due(clock=later(10_000 * attempt)) == 1

    job = Job.objects.get()
    assert job.gave_up
    assert job.finished_at is not None
    assert job.error == "InvalidArgument INVALID_ARGUMENT"
    assert len(done) == running.MAX_ATTEMPTS
    assert running.run_due(clock=later(1_000_000)) == 0


@pytest.mark.django_db
def test_the_wait_doubles_with_each_failure():
    ask("test.fail")
    waits = []
    for attempt in range(1, 5):
        clock = later(10_000 * attempt)
        at = clock()
        running.run_due(clock=lambda at=at: at)
        waits.append((Job.objects.get().not_before - at).total_seconds())

    assert waits == [2, 4, 8, 16]


@pytest.mark.django_db
def test_asking_does_not_shorten_the_wait_of_a_failing_job():
    ask("test.fail")
    running.run_due()
    ask("test.fail")

    assert running.run_due() == 0


@pytest.mark.django_db
def test_a_job_that_is_put_off_waits_its_time_and_is_never_given_up():
    ask("test.put_off")
    rounds = 2 * running.MAX_ATTEMPTS
    for attempt in range(rounds):
        assert running.run_due(clock=later(61 * attempt)) == 1
        assert running.run_due(clock=later(61 * attempt + 50)) == 0

    ask("test.put_off")
    assert running.run_due() == 0
    job = Job.objects.get()
    assert (job.finished_at, job.error) == (None, "NotNow")
    assert len(done) == rounds


@pytest.mark.django_db
def test_jobs_given_up_can_be_asked_for_again():
    ask("test.fail")
    for attempt in range(1, running.MAX_ATTEMPTS + 1):
        running.run_due(clock=later(10_000 * attempt))

    assert outbox.ask_again(Job.objects.all(), actor=OPERATOR, at=timezone.now()) == 1
    assert outbox.waiting_count(verb="test.fail") == 1


@pytest.mark.django_db
def test_who_lost_the_lease_stops_and_leaves_the_job_to_its_new_holder():
    ask("test.lose")
    job = Job.objects.get()
    running.run(job.pk)

    job.refresh_from_db()
    assert done == []
    assert job.finished_at is None


@pytest.mark.django_db
def test_a_held_job_is_left_alone_until_its_lease_ends():
    ask()
    job = Job.objects.get()
    at = timezone.now()
    # A worker that was killed right after it claimed the job.
    assert running._claim(job.pk, clock=lambda: at) is not None

    assert running.run_due(clock=lambda: at) == 0
    after = at + timedelta(seconds=handlers.LEASE_SECONDS + 1)
    assert running.run_due(clock=lambda: after) == 1
    assert done == ["1"]


@pytest.mark.django_db
def test_a_job_that_kills_every_worker_is_given_up():
    ask()
    job = Job.objects.get()
    for attempt in range(running.MAX_ATTEMPTS):
        running._claim(job.pk, clock=later(1000 * attempt))

    running.run_due(clock=later(1_000_000))
    job.refresh_from_db()
    assert (job.gave_up, job.error, done) == (True, "WorkerDied", [])


@pytest.mark.django_db
def test_a_verb_nobody_knows_is_tried_again_later():
    ask("test.unheard_of")
    running.run_due()

    job = Job.objects.get()
    assert job.error == "KeyError"
    assert job.finished_at is None


def test_a_verb_has_one_handler():
    with pytest.raises(ValueError, match="two handlers"):
        handles("test.note")(lambda subject, *, lease: None)


@pytest.mark.django_db(transaction=True)
def test_a_job_is_not_run_before_the_work_it_is_about_is_committed():
    """Asking for a job that waits already must still hold it back."""
    ask()
    job_id = Job.objects.get().pk
    ran = []

    def run_elsewhere():
        ran.append(running.run(job_id))
        connections.close_all()

    with transaction.atomic():
        ask()
        other = threading.Thread(target=run_elsewhere)
        other.start()
        other.join(timeout=10)
        assert ran == [False]
    assert running.run_due() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_run_one_job_at_once():
    ask()
    job_id = Job.objects.get().pk
    barrier = threading.Barrier(6)
    ran = []

    def run():
        barrier.wait()
        ran.append(running.run(job_id))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(ran) == 1
    assert done == ["1"]


@pytest.mark.django_db
def test_a_dead_redis_neither_stops_nor_delays_who_asks(
    monkeypatch, django_capture_on_commit_callbacks, caplog
):
    away = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    away.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(announcing, "current_app", away)
    monkeypatch.setattr(announcing, "_silent_until", 0.0)
    started = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        for subject in range(50):
            ask(subject=str(subject))

    assert time.monotonic() - started < 4
    assert "jobs_not_announced" in caplog.text
    assert Job.objects.unfinished().filter(announced_at=None).count() == 50
    assert running.run_due() == 50


@pytest.mark.django_db
def test_finished_jobs_are_forgotten_after_a_week_but_not_those_given_up():
    ask()
    ask(subject="2")
    running.run_due()
    Job.objects.filter(subject="2").update(gave_up=True)

    at = timezone.now() + timedelta(days=announcing.KEPT_DAYS + 1)
    assert announcing.forget_finished(at=at) == 1
    assert Job.objects.get().subject == "2"


@pytest.mark.django_db
def test_the_database_allows_one_unfinished_job_per_subject():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes "
            "WHERE indexname = 'one_unfinished_job_per_subject'"
        )
        assert "UNIQUE" in cursor.fetchone()[0]
