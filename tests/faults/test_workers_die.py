"""Workers are killed, and jobs come twice and in any order."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from stand import Stand, in_make_faults, kill_group, lines, wait_until

from memory_server.embedded import processes

RUN_AGAIN = """
import random
from jobs import running
from jobs.models import Job

chance = random.Random(16)
jobs = list(Job.objects.all())
chance.shuffle(jobs)
for job in jobs * 2:
    waiting = Job.objects.unfinished().filter(verb=job.verb, subject=job.subject)
    if not waiting.exclude(pk=job.pk).exists():
        Job.objects.filter(pk=job.pk).update(
            finished_at=None, lease=None, leased_until=None, attempts=0, gave_up=False
        )
        running.run(job.pk)
"""


def long_transcript(word: str) -> bytes:
    """Seconds of work for an indexer."""
    return lines(*(f"{word} {n} " + f"turn{n} " * 80 for n in range(12_000)))


def is_being_indexed(stand: Stand) -> bool:
    return bool(
        stand.one(
            "SELECT count(*) FROM jobs_job WHERE lease IS NOT NULL"
            " AND finished_at IS NULL AND verb LIKE '%index%'"
        )
    )


def unindexed_lines(stand: Stand) -> int:
    counted = "SELECT coalesce(sum(line_count - indexed_line_count), 0)"
    return int(stand.one(f"{counted} FROM transcripts_transcript"))


def check_index(stand: Stand, client, word: str) -> None:
    """I10, I11: what is found is what an index made anew finds."""
    assert unindexed_lines(stand) == 0
    asked = [f"{word} 7", f"turn11 {word}", word]
    found = [client.finds(query) for query in asked]
    assert all(found)
    stand.server.manage("reindex")
    stand.server.run_jobs()
    assert [client.finds(query) for query in asked] == found


@in_make_faults
def test_f16_jobs_that_come_twice_and_in_any_order_change_nothing(stand):
    """I10, I11."""
    stand.empty()
    client = stand.client("f16")
    for number in range(4):
        client.upload("grown", lines(*(f"cloudberry {n}" for n in range(number + 1))))
        client.upload(f"s{number}", lines(f"cloudberry of {number}"))
    stand.server.run_jobs()
    before = client.finds("cloudberry")

    stand.server.manage("shell", "-v0", "-c", RUN_AGAIN)
    stand.server.run_jobs()

    assert before > 0
    assert client.finds("cloudberry") == before
    assert unindexed_lines(stand) == 0
    stand.verify()


@in_make_faults
def test_f14_a_pool_child_killed_in_its_work_is_replaced_and_the_work_done(stand):
    """I11."""
    stand.empty()
    client = stand.client("f14")
    worker = stand.start_worker()
    client.upload("long", long_transcript("mirabelle"))
    wait_until(lambda: is_being_indexed(stand), seconds=60)
    children = processes.descendants(worker.pid)[1:]

    for pid in children:
        if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    stand.let_time_pass()

    wait_until(lambda: stand.jobs_waiting() == 0, seconds=120)
    check_index(stand, client, "mirabelle")


@in_make_faults
def test_f15_another_worker_finishes_what_a_killed_one_began(stand):
    """I11, by the real lease: nothing here makes time pass."""
    stand.empty()
    client = stand.client("f15")
    worker = stand.start_worker()
    client.upload("long", long_transcript("bullace"))
    wait_until(lambda: is_being_indexed(stand), seconds=60)

    kill_group(worker)
    stand.start_worker()

    wait_until(lambda: stand.jobs_waiting() == 0, seconds=150)
    check_index(stand, client, "bullace")
