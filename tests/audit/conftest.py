from __future__ import annotations

import pytest
from redis import Redis

import keystore


@pytest.fixture(autouse=True)
def empty_buckets(settings):
    """Nobody was refused before, and nobody pays for what was refused here."""
    redis = Redis.from_url(settings.REDIS_URL)
    names = keystore.key("audit", "*")
    for name in redis.scan_iter(names):
        redis.delete(name)
    yield
    for name in redis.scan_iter(names):
        redis.delete(name)
