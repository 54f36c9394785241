from __future__ import annotations

import itertools
import socket
import time

import pytest
from threads import at_once

from access.principals import Principal
from usage import throttling
from usage.throttling import Allowance, LimiterUnavailable, RateLimited

_ids = itertools.count(int(time.time()) * 1000)

# Nothing here touches the database, but at_once closes each thread's connection.
pytestmark = pytest.mark.django_db


def somebody() -> Principal:
    """A token that no earlier test or run has charged."""
    return Principal(
        token_id=next(_ids), name="x", kind="ai", scopes=frozenset({"read"})
    )


def charge(principal=None, cost="read", address="192.0.2.1"):
    throttling.admit(principal=principal, address=address, cost=cost)


def left(principal, cost):
    return throttling.left(principal=principal, address="192.0.2.1", cost=cost)


@pytest.fixture
def without_redis(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"


def test_of_many_calls_at_once_exactly_the_limit_is_admitted(settings):
    settings.RATE_READS_PER_MINUTE = 50
    who = somebody()

    done = at_once(20, lambda _: [_admitted(who) for _ in range(10)])

    assert sum(map(sum, done)) == 50


def _admitted(who) -> bool:
    try:
        charge(who)
    except RateLimited:
        return False
    return True


def test_the_allowance_counts_down_and_the_refusal_says_how_long(settings):
    settings.RATE_WRITES_PER_MINUTE = 2
    who = somebody()

    charge(who, "write")
    first = left(who, "write")
    charge(who, "write")
    second = left(who, "write")
    with pytest.raises(RateLimited) as refused:
        charge(who, "write")

    assert (first.limit, first.remaining, second.remaining) == (2, 1, 0)
    assert 1 <= first.reset_seconds <= 120
    assert 1 <= refused.value.retry_after_seconds <= 60
    assert refused.value.detail == {
        "retry_after_seconds": refused.value.retry_after_seconds
    }
    assert refused.value.status == 429


def test_each_token_and_each_kind_of_call_is_counted_apart(settings):
    settings.RATE_READS_PER_MINUTE = settings.RATE_WRITES_PER_MINUTE = 1
    who, other = somebody(), somebody()

    charge(who, "read")
    charge(who, "write")
    charge(other, "read")
    with pytest.raises(RateLimited):
        charge(who, "read")


def test_failed_logins_are_counted_by_address(settings):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 1
    number = next(_ids)

    charge(cost="failed_auth", address=f"a-{number}")
    charge(cost="failed_auth", address=f"b-{number}")
    with pytest.raises(RateLimited):
        charge(cost="failed_auth", address=f"a-{number}")


def test_zero_turns_a_limit_off(settings, without_redis):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 0

    charge(cost="failed_auth")

    assert left(None, "failed_auth") == Allowance(0, 0, 0)


def test_without_redis_tokens_are_counted_in_this_process(settings, without_redis):
    settings.RATE_READS_PER_MINUTE = 3
    who = somebody()

    assert [_admitted(who) for _ in range(5)] == [True] * 3 + [False] * 2


def test_without_redis_failed_logins_are_refused(without_redis):
    with pytest.raises(LimiterUnavailable) as refused:
        charge(cost="failed_auth")

    assert refused.value.status == 503


def test_a_redis_that_hangs_is_asked_only_now_and_then(settings, tmp_path):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute.sock"))
        mute.listen()
        settings.REDIS_URL = f"unix://{tmp_path}/mute.sock?db=0"
        who = somebody()
        charge(who)
        started = time.monotonic()
        for _ in range(20):
            charge(who)
        assert time.monotonic() - started < 0.5


def test_redis_is_used_again_when_it_is_back(settings, tmp_path):
    settings.RATE_READS_PER_MINUTE = 1
    who, there = somebody(), settings.REDIS_URL
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    assert [_admitted(who), _admitted(who)] == [True, False]

    settings.REDIS_URL = there
    assert _admitted(who) is False
    throttling._away_until = time.monotonic()
    assert _admitted(who) is True
