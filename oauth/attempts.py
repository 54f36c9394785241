"""What clients tried on their way in, so that operators see at which step one failed.

Kept in Redis for a week, the newest few hundred steps: a help for connecting, not the
audit trail. While Redis is away nothing is kept and nobody is refused for it.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

import orjson
import redis
from django.conf import settings

from access.tokens import digest
from audit import addresses

logger = logging.getLogger(__name__)

KEPT = 400
_KEPT_SECONDS = 7 * 24 * 3600
# A pause as long as this begins another attempt.
_PAUSE = timedelta(minutes=15)
# How long after its token a client's first calls belong to the attempt.
_FRESH_SECONDS = 600
_MAX_TEXT = 300


class Step(StrEnum):
    """In the order in which a client takes them."""

    CHALLENGE = "asked without a good token"
    RESOURCE = "read the resource's metadata"
    SERVER = "read the server's metadata"
    REGISTER = "registered itself"
    AUTHORISE = "sent the operator to the consent page"
    CONSENT = "was answered by the operator"
    TOKEN = "redeemed the code"  # noqa: S105 - a step
    REFRESH = "refreshed its token"
    REVOKE = "gave its token back"
    INITIALIZE = "opened MCP"
    TOOLS = "listed the tools"


@dataclass(frozen=True)
class Taken:
    """One step; `who` is a keyed digest of the address it came from."""

    at: datetime
    step: Step
    is_good: bool
    said: str
    who: str
    agent: str
    client_id: str


@dataclass
class Attempt:
    """Steps from one address without a long pause, oldest first."""

    steps: list[Taken] = field(default_factory=list)

    @property
    def newest(self) -> Taken:
        return self.steps[-1]

    @property
    def clients(self) -> list[str]:
        named = {step.client_id or step.agent for step in self.steps}
        return sorted(named - {""})

    @property
    def failed_at(self) -> Taken | None:
        """The step that it did not get past.

        A challenge is where every one begins, and what follows a token given back.
        """
        newest = self.newest
        before = self.steps[-2].step if len(self.steps) > 1 else None
        is_natural = newest.step is Step.CHALLENGE and before in (None, Step.REVOKE)
        return None if newest.is_good or is_natural else newest


def note(
    step: Step,
    *,
    is_good: bool,
    address: str,
    agent: str,
    at: datetime,
    said: str = "",
    client_id: str = "",
) -> None:
    """Keep one step; texts are cut, and none may hold a code or a token."""
    taken = Taken(
        at=at,
        step=step,
        is_good=is_good,
        said=_short(said),
        who=addresses.digest(address),
        agent=_short(agent),
        client_id=_short(client_id),
    )
    try:
        with _redis().pipeline() as pipe:
            pipe.lpush(_key("attempts"), orjson.dumps(asdict(taken)))
            pipe.ltrim(_key("attempts"), 0, KEPT - 1)
            pipe.expire(_key("attempts"), _KEPT_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        logger.warning("connection_step_not_kept step=%s error=%s", step.name, error)


def expect(token: str) -> None:
    """Watch for the first calls with this token; only its digest is kept."""
    try:
        _redis().set(_key(f"fresh:{digest(token)}"), 1, ex=_FRESH_SECONDS)
    except redis.RedisError as error:
        logger.warning("first_calls_not_watched error=%s", error)


def is_expected(token: str) -> bool:
    try:
        return bool(_redis().exists(_key(f"fresh:{digest(token)}")))
    except redis.RedisError:
        return False


def recent() -> list[Attempt]:
    """Attempts, newest first."""
    try:
        kept: list[Any] = _redis().lrange(_key("attempts"), 0, KEPT - 1)
    except redis.RedisError:
        return []
    attempts: list[Attempt] = []
    open_of: dict[str, Attempt] = {}
    for taken in map(_read, reversed(kept)):
        attempt = open_of.get(taken.who)
        if attempt is None or taken.at - attempt.newest.at > _PAUSE:
            attempt = open_of[taken.who] = Attempt()
            attempts.append(attempt)
        attempt.steps.append(taken)
    return sorted(attempts, key=lambda attempt: attempt.newest.at, reverse=True)


def _read(kept: Any) -> Taken:
    given = orjson.loads(kept)
    return Taken(
        **{
            **given,
            "at": datetime.fromisoformat(given["at"]),
            "step": Step(given["step"]),
        }
    )


def _short(text: str) -> str:
    cleaned = text.encode("utf-8", "replace").decode()[:_MAX_TEXT]
    return "".join(each if each.isprintable() else "�" for each in cleaned)


def _key(name: str) -> str:
    return f"{settings.REDIS_PREFIX}:oauth:{name}"


def _redis() -> redis.Redis:
    return _redis_at(settings.REDIS_URL)


@cache
def _redis_at(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1)
