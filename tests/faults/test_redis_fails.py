"""Redis goes away or forgets everything; the truth is in the database."""

from __future__ import annotations

from stand import Stand, in_make_faults, lines, wait_until


def indexed(stand: Stand) -> bool:
    return stand.jobs_waiting() == 0


@in_make_faults
def test_f11_uploads_are_taken_while_redis_is_away_and_indexed_later(stand):
    """I1, I12."""
    client = stand.client("f11")
    before = stand.jobs_waiting()
    stand.valkey.stop()

    first = client.upload("one", lines("a quince while redis was away"))
    second = client.upload("two", lines("another quince"))

    assert (first.status, second.status) == (201, 201)
    assert client.lost() == []
    assert stand.jobs_waiting() == before + 2
    stand.start_valkey()
    stand.start_worker()
    wait_until(lambda: indexed(stand), seconds=45)
    assert client.finds("quince while redis was away") >= 1


@in_make_faults
def test_f12_what_redis_forgot_is_announced_again_within_a_minute(stand):
    """I12."""
    client = stand.client("f12")
    for number in range(5):
        client.upload(f"s{number}", lines(f"medlar {number}"))
    stand.redis().flushall()

    stand.start_worker()

    wait_until(lambda: indexed(stand), seconds=60)
    assert client.finds("medlar") >= 1


@in_make_faults
def test_f13_a_worker_goes_on_when_redis_comes_back(stand):
    client = stand.client("f13")
    stand.start_worker()
    client.upload("before", lines("before"))
    wait_until(lambda: indexed(stand), seconds=45)

    stand.valkey.stop()
    stand.start_valkey()
    client.upload("after", lines("a serviceberry after the restart"))

    wait_until(lambda: indexed(stand), seconds=60)
    assert client.finds("serviceberry after the restart") >= 1
