from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def nothing_left_in_redis(settings):
    """Counts of calls outlive a test run, and tokens' ids begin anew with each."""
    import keystore

    redis = keystore._client(settings.REDIS_URL)
    yield
    for key in redis.scan_iter(f"{settings.REDIS_PREFIX}:*", count=1000):
        redis.delete(key)


@pytest.fixture
def limits(settings):
    """Sets limits of the policy by name."""

    def choose(**chosen):
        settings.POLICY_LIMITS = {name: str(value) for name, value in chosen.items()}

    return choose
