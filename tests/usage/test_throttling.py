from __future__ import annotations

import itertools
import socket
import time

import pytest
from threads import at_once

import keystore
from access.principals import Principal
from usage import throttling
from usage.throttling import Admission, LimiterUnavailable, RateLimited

_ids = itertools.count(int(time.time()) * 1000)

# Nothing here touches the database, but at_once closes each thread's connection.
pytestmark = pytest.mark.django_db


def somebody(**given) -> Principal:
    """A token that no earlier test or run has charged."""
    number = next(_ids)
    return Principal(
        token_id=number,
        name="x",
        kind="ai",
        scopes=frozenset({"read"}),
        address_digest=f"a-{number}",
        **given,
    )


def charge(principal=None, cost="read", address="192.0.2.1", **given) -> Admission:
    return throttling.admit(principal=principal, address=address, cost=cost, **given)


@pytest.fixture
def without_redis(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"


def test_a_new_token_has_one_smaller_limit_for_everything(settings):
    settings.RATE_NEW_TOKEN_PER_MINUTE = 3
    new, old = somebody(is_new=True), somebody()

    assert charge(new).token.limit == 3
    assert [_admitted(new, cost=cost) for cost in ("write", "read", "read")] == [
        *(True, True, False)
    ]
    assert charge(old).token.limit == settings.RATE_READS_PER_MINUTE
    settings.RATE_READS_PER_MINUTE = 0
    assert charge(somebody(is_new=True)).token.limit == 3


def test_of_many_calls_at_once_exactly_the_limit_is_admitted(settings):
    # One comes back every twenty seconds, which is longer than this takes.
    settings.RATE_READS_PER_MINUTE = 3
    who = somebody()

    done = at_once(20, lambda _: [_admitted(who) for _ in range(10)])

    assert sum(map(sum, done)) == 3


def _admitted(who, **given) -> bool:
    try:
        charge(who, **given)
    except RateLimited:
        return False
    return True


def test_the_allowance_counts_down_and_the_refusal_says_how_long(settings):
    settings.RATE_WRITES_PER_MINUTE = 2
    who = somebody()

    first = charge(who, "write").token
    second = charge(who, "write").token
    with pytest.raises(RateLimited) as refused:
        charge(who, "write")

    assert (first.limit, first.remaining, second.remaining) == (2, 1, 0)
    assert 1 <= first.reset_seconds <= 120
    assert 1 <= refused.value.retry_after_seconds <= 60
    assert refused.value.detail == {
        "retry_after_seconds": refused.value.retry_after_seconds,
        "limit": "token",
    }
    assert refused.value.headers["x-ratelimit-remaining"] == "0"
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

    assert charge(cost="failed_auth").headers == {}


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
    keystore._away_until = time.monotonic()
    assert _admitted(who) is True


def test_many_tokens_of_one_workspace_still_meet_its_limit(settings):
    settings.RATE_WORKSPACE_PER_MINUTE = 2
    slug = f"w-{next(_ids)}"
    pinned = [somebody(workspace_id=1, workspace_slug=slug) for _ in range(3)]

    first = charge(pinned[0])
    charge(pinned[1])
    with pytest.raises(RateLimited) as refused:
        charge(pinned[2])

    assert first.headers["x-ratelimit-workspace-remaining"] == "1"
    assert refused.value.detail["limit"] == "workspace"
    assert refused.value.headers["x-ratelimit-workspace-limit"] == "2"


def test_a_pinned_token_is_charged_to_its_own_workspace_whatever_it_names(settings):
    settings.RATE_WORKSPACE_PER_MINUTE = 1
    number = next(_ids)
    who = somebody(workspace_id=1, workspace_slug=f"mine-{number}")

    charge(who, workspace=f"other-{number}")
    charge(somebody(), workspace=f"other-{number}")
    with pytest.raises(RateLimited):
        charge(who, workspace=f"another-{number}")


def test_an_address_has_a_limit_over_all_its_tokens(settings):
    settings.RATE_ADDRESS_PER_MINUTE = 1
    one, two = somebody(), somebody()

    charge(one)
    charge(two)
    with pytest.raises(RateLimited) as refused:
        charge(one)

    assert refused.value.detail["limit"] == "address"


def test_a_refused_call_costs_nothing_elsewhere(settings):
    settings.RATE_READS_PER_MINUTE = 5
    settings.RATE_WORKSPACE_PER_MINUTE = 1
    slug, who = f"w-{next(_ids)}", somebody()

    charge(who, workspace=slug)
    for _ in range(9):
        with pytest.raises(RateLimited):
            charge(who, workspace=slug)

    assert charge(who).token.remaining == 3


def test_calls_in_flight_are_capped_and_released(settings):
    settings.RATE_IN_FLIGHT_PER_TOKEN = 2
    settings.RATE_IN_FLIGHT_PER_WORKSPACE = 3
    slug, who = f"w-{next(_ids)}", somebody()

    held = [charge(who, workspace=slug, holds=True) for _ in range(2)]
    with pytest.raises(RateLimited) as refused:
        charge(who, workspace=slug, holds=True)
    other = charge(somebody(), workspace=slug, holds=True)
    with pytest.raises(RateLimited) as full:
        charge(somebody(), workspace=slug, holds=True)
    throttling.release(held[0])
    throttling.release(held[0])

    assert refused.value.detail["limit"] == "token in flight"
    assert full.value.headers["x-workspace-inflight-count"] == "3"
    assert other.in_flight == (3, 3)
    assert charge(who, workspace=slug, holds=True).in_flight == (3, 3)
    with pytest.raises(RateLimited):
        charge(who, workspace=slug, holds=True)


def test_of_many_calls_in_flight_at_once_exactly_the_cap_runs(settings):
    settings.RATE_IN_FLIGHT_PER_TOKEN = 4
    who = somebody()

    done = at_once(20, lambda _: _admitted(who, holds=True))

    assert sum(done) == 4


@pytest.mark.parametrize("limit", [1, 7, 9, 13, 33])
def test_a_limit_that_divides_no_minute_is_given_out_whole(settings, limit):
    settings.RATE_READS_PER_MINUTE = limit
    who = somebody()

    left = [charge(who).token.remaining for _ in range(limit)]

    # What comes back while this runs may be one more.
    assert left[0] in (limit - 1, limit)
    assert left[-1] in (0, 1)
