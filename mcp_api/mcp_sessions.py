"""Sessions of the initialize era, in Redis so that any worker serves any of them.

They are ours alone: random ids, tied to the token that opened them, with a sliding life
and a cap. Django's login sessions are never touched.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache

import orjson
import redis
from django.conf import settings

import changes
from mcp_api.wire import SESSION_NOT_FOUND, ProtocolError
from refusals import Code

_EVICTED_AT_ONCE = 100
# Our ids are 43 characters; anything much longer is not worth a look-up.
_MAX_ID = 128

# What is kept for one session: its body and, in keys of their own, what changes.
_PARTS = ("session", "log", "subscriptions", "stream")

# Keys: index, session. Arguments: id, body, now, ttl, limit, evicted at once, prefix,
# parts.
# One script, so that neither a crash nor a race leaves a session without its index
# entry, which would put it out of the cap's reach.
_OPEN = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tonumber(ARGV[3]) - tonumber(ARGV[4]))
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[5])
if over <= 0 then return 0 end
local evicted = redis.call('ZPOPMIN', KEYS[1], over + tonumber(ARGV[6]))
for i = 1, #evicted, 2 do
  for part = 8, #ARGV do
    redis.call('DEL', ARGV[7] .. ARGV[part] .. ':' .. evicted[i])
  end
end
return #evicted / 2
"""


@dataclass(frozen=True)
class McpSession:
    """What a client settled in `initialize`, and the workspace it registered since."""

    id: str
    token_id: int
    version: str
    client: str
    workspace_slug: str = ""
    # What the client declared that it can be asked.
    abilities: tuple[str, ...] = ()
    # How grave a message must be for the client to hear it; None for nothing at all.
    log_level: str | None = None


def open_session(
    *,
    token_id: int,
    version: str,
    client: str,
    abilities: Iterable[str] = (),
    at: datetime,
) -> McpSession:
    """Start a session; past the cap the ones idle for longest make room."""
    session = McpSession(
        id=secrets.token_urlsafe(32),
        token_id=token_id,
        version=version,
        client=client,
        abilities=tuple(abilities),
    )
    _redis().eval(
        _OPEN,
        2,
        _index(),
        _key(session.id),
        session.id,
        orjson.dumps(asdict(session)),
        at.timestamp(),
        settings.MCP_SESSION_TTL_SECONDS,
        settings.MCP_SESSION_LIMIT,
        min(_EVICTED_AT_ONCE, settings.MCP_SESSION_LIMIT - 1),
        _prefix(),
        *_PARTS,
    )
    return session


def resume(session_id: str, *, token_id: int, at: datetime) -> McpSession:
    """The session with this id, its life renewed.

    Another token's session answers exactly like one that never was.
    """
    if len(session_id) > _MAX_ID:
        raise _not_found()
    with _redis().pipeline(transaction=False) as pipeline:
        pipeline.get(_key(session_id))
        pipeline.get(key_of(session_id, "log"))
        body, level = pipeline.execute()
    session = McpSession(**orjson.loads(body)) if body else None
    if session is None or session.token_id != token_id:
        raise _not_found()
    _renew([session_id], at=at)
    return replace(session, log_level=level.decode() if level else None)


def bind(session: McpSession, *, workspace_slug: str) -> None:
    """Remember the workspace that writes of this session go to."""
    bound = McpSession(**{**asdict(session), "workspace_slug": workspace_slug})
    # xx: a session that was ended meanwhile stays ended.
    _redis().set(_key(session.id), orjson.dumps(asdict(bound)), xx=True, keepttl=True)


def end(session_id: str, *, token_id: int, at: datetime) -> None:
    """End a session of this token; raises like `resume` when there is none."""
    session = resume(session_id, token_id=token_id, at=at)
    _redis().delete(*(key_of(session.id, part) for part in _PARTS))
    _redis().zrem(_index(), session.id)
    # Its stream ends wherever it is.
    changes.publish({"session": session.id})


def set_log_level(session: McpSession, level: str) -> None:
    """Remember how grave a message must be for this session to hear it."""
    key = key_of(session.id, "log")
    _redis().set(key, level, ex=settings.MCP_SESSION_TTL_SECONDS)


def alive(session_ids: Sequence[str], *, at: datetime) -> set[str]:
    """Which of these sessions go on; the life of those is renewed."""
    return _renew(session_ids, at=at)


def shared_redis() -> redis.Redis:
    """The connection pool of this module, for what belongs to its sessions."""
    return _redis()


def _redis() -> redis.Redis:
    return _redis_at(settings.REDIS_URL)


@cache
def _redis_at(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)


def key_of(session_id: str, part: str) -> str:
    """Where one of the parts of a session is kept."""
    return f"{_prefix()}{part}:{session_id}"


def _renew(session_ids: Sequence[str], *, at: datetime) -> set[str]:
    """Give each session that is still there its whole life again, in all its parts."""
    with _redis().pipeline(transaction=False) as pipeline:
        for session_id in session_ids:
            for part in _PARTS:
                key = key_of(session_id, part)
                pipeline.expire(key, settings.MCP_SESSION_TTL_SECONDS)
            pipeline.zadd(_index(), {session_id: at.timestamp()}, xx=True)
        renewed = pipeline.execute()[:: len(_PARTS) + 1]
    pairs = zip(session_ids, renewed, strict=True)
    return {session_id for session_id, is_there in pairs if is_there}


def _key(session_id: str) -> str:
    return key_of(session_id, "session")


def _prefix() -> str:
    return f"{settings.REDIS_PREFIX}:mcp:"


def _index() -> str:
    return f"{settings.REDIS_PREFIX}:mcp:sessions"


def _not_found() -> ProtocolError:
    return ProtocolError(
        SESSION_NOT_FOUND,
        "Session not found; send initialize again.",
        reason=Code.NOT_FOUND,
    )
