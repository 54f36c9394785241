"""Token buckets: so many at once, refilled evenly over a window.

Kept as the time at which a bucket is full again (GCRA), one number a bucket, so that a
script looks at many of them and takes from all or from none.
"""

from __future__ import annotations

from dataclasses import dataclass

# Begins a script. `now` is Redis's clock in milliseconds. `after_taking` gives the time
# at which the bucket would be full again, and for how long it cannot give that much.
LUA = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function after_taking(key, capacity, window, amount)
    local full_at = math.max(tonumber(redis.call('GET', key) or 0), now)
    local each = window / capacity
    local after = full_at + each * amount
    local wait = after - window - now
    -- What many additions of a fraction came to must not cost the last one its place.
    if wait <= math.min(1, each / 2) then wait = 0 end
    return after, wait
end
local function keep(key, after)
    local life = math.max(math.ceil(after - now), 1)
    redis.call('SET', key, string.format('%.3f', after), 'PX', life)
end
"""


@dataclass(frozen=True)
class Bucket:
    """At most `capacity` at once and, over time, in `window_seconds`."""

    key: str
    capacity: int
    window_seconds: int
    amount: int = 1

    @property
    def arguments(self) -> tuple[int, int, int]:
        """What `after_taking` is told: capacity, milliseconds, amount."""
        return self.capacity, self.window_seconds * 1000, self.amount
