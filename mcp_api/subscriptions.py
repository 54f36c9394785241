"""What clients want to hear of: a session's resources, and the open streams' places.

All of it is in Redis: the request that subscribes and the stream that tells may be at
two processes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

import changes
from access.models import Token
from access.principals import Principal
from mcp_api import mcp_sessions, wire
from mcp_api.mcp_sessions import McpSession
from refusals import Code, Refusal

MOST_SUBSCRIPTIONS = 100
# A stream renews its place every two seconds; one whose process died is free again
# after this.
_PLACE_SECONDS = 15

# Gives the URI under which changes of a resource are told; raises a Refusal when the
# principal may not read it.
Watchable = Callable[[str, Principal], str]

# Keys: the token's places. Arguments: now, until, limit, stream, life.
_TAKE_PLACE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""


class TooManySubscriptions(Refusal):
    code = Code.INVALID_ARGUMENT
    hint = f"At most {MOST_SUBSCRIPTIONS} resources; unsubscribe from some first."


class TooManyStreams(Refusal):
    """The token holds as many open streams as it may."""

    code = Code.RATE_LIMITED
    hint = "Close streams that are no longer read."


@dataclass(frozen=True)
class Place:
    """One open stream of a token, as the other processes know it.

    A session's stream has its id; `subscriptions/listen` has that of the request.
    """

    id: str
    principal: Principal
    watchable: Watchable = field(repr=False)
    session_id: str = ""
    request_id: str | int | None = None


@dataclass(frozen=True)
class Wishes:
    """What a stream tells of: lists that change, resources, and tasks by their ids.

    `uris` maps the URI under which a resource's changes are told to how the client
    wrote it, which is how it hears of it.
    """

    lists: frozenset[str] = frozenset()
    uris: Mapping[str, str] = field(default_factory=dict)
    tasks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Listening:
    """A stream about to be opened."""

    place: Place
    wishes: Wishes


def subscribe(session: McpSession, uri: str, *, told_as: str) -> None:
    """Add a resource to what a session hears of; raises TooManySubscriptions."""
    redis, key = mcp_sessions.shared_redis(), _session_key(session.id)
    redis.hset(key, told_as, uri)
    if redis.hlen(key) > MOST_SUBSCRIPTIONS:
        redis.hdel(key, told_as)
        raise TooManySubscriptions("This session has too many subscriptions.")
    redis.expire(key, settings.MCP_SESSION_TTL_SECONDS)
    changes.publish({"session": session.id})


def unsubscribe(session: McpSession, *, told_as: str) -> None:
    """Take a resource out again; one that was never in is fine."""
    mcp_sessions.shared_redis().hdel(_session_key(session.id), told_as)
    changes.publish({"session": session.id})


def of_session(session_id: str) -> Mapping[str, str]:
    """The session's resources, from the URI they are told as to what it wrote."""
    found: Any = mcp_sessions.shared_redis().hgetall(_session_key(session_id))
    return {told_as.decode(): uri.decode() for told_as, uri in found.items()}


def watched(
    uris: Sequence[str], *, watchable: Watchable, principal: Principal
) -> dict[str, str]:
    """These resources by the URIs they are told as; raises TooManySubscriptions, and
    Refusals for resources that the principal may not read.
    """
    if len(uris) > MOST_SUBSCRIPTIONS:
        raise TooManySubscriptions(f"{len(uris)} resources are too many.")
    return {watchable(uri, principal): uri for uri in uris}


def take_place(
    principal: Principal,
    *,
    watchable: Watchable,
    session_id: str = "",
    request_id: str | int | None = None,
    at: datetime,
) -> Place:
    """Count one more stream of this token; raises TooManyStreams.

    A session has one stream: the newest, since each message goes to only one.
    """
    place = Place(
        id=secrets.token_urlsafe(16),
        principal=principal,
        watchable=watchable,
        session_id=session_id,
        request_id=request_id,
    )
    now = at.timestamp()
    is_taken = mcp_sessions.shared_redis().eval(
        _TAKE_PLACE,
        1,
        _places_key(principal.token_id),
        now,
        now + _PLACE_SECONDS,
        settings.MCP_STREAMS_PER_TOKEN,
        place.id,
        _PLACE_SECONDS,
    )
    if not is_taken:
        raise TooManyStreams(
            f"This token has {settings.MCP_STREAMS_PER_TOKEN} open streams already."
        )
    if session_id:
        mcp_sessions.shared_redis().set(
            _newest_key(session_id), place.id, ex=settings.MCP_SESSION_TTL_SECONDS
        )
        changes.publish({"session": session_id})
    return place


def leave_place(place: Place) -> None:
    mcp_sessions.shared_redis().zrem(_places_key(place.principal.token_id), place.id)


def still_open(places: Sequence[Place], *, at: datetime) -> set[str]:
    """The ids of the places that go on, which are renewed.

    Not those of revoked or expired tokens, of ended sessions, and of sessions that
    opened a newer stream.
    """
    usable = set(
        Token.objects.usable(at=at)
        .filter(pk__in={place.principal.token_id for place in places})
        .values_list("pk", flat=True)
    )
    of_sessions = [place for place in places if place.session_id]
    alive = mcp_sessions.alive([place.session_id for place in of_sessions], at=at)
    newest = _newest([place.session_id for place in of_sessions])
    going_on = [
        place
        for place in places
        if place.principal.token_id in usable
        and (
            not place.session_id
            or (place.session_id in alive and newest.get(place.session_id) == place.id)
        )
    ]
    _renew(going_on, at=at)
    return {place.id for place in going_on}


def _newest(session_ids: Sequence[str]) -> Mapping[str, str]:
    if not session_ids:
        return {}
    with mcp_sessions.shared_redis().pipeline(transaction=False) as pipeline:
        for session_id in session_ids:
            pipeline.get(_newest_key(session_id))
        found = pipeline.execute()
    return {
        session_id: place_id.decode()
        for session_id, place_id in zip(session_ids, found, strict=True)
        if place_id
    }


def _renew(places: Sequence[Place], *, at: datetime) -> None:
    until = at.timestamp() + _PLACE_SECONDS
    with mcp_sessions.shared_redis().pipeline(transaction=False) as pipeline:
        for place in places:
            key = _places_key(place.principal.token_id)
            # Never added again: the stream may have ended while this was under way.
            pipeline.zadd(key, {place.id: until}, xx=True)
            pipeline.expire(key, _PLACE_SECONDS)
        pipeline.execute()


def notification(place: Place, method: str, params: wire.Json) -> wire.Json:
    """A message for this stream, tagged where its era wants that."""
    if place.request_id is not None:
        meta = {"io.modelcontextprotocol/subscriptionId": place.request_id}
        params = {**params, "_meta": meta}
    return wire.notification(method, params)


def _session_key(session_id: str) -> str:
    return mcp_sessions.key_of(session_id, "subscriptions")


def _newest_key(session_id: str) -> str:
    return mcp_sessions.key_of(session_id, "stream")


def _places_key(token_id: int) -> str:
    return f"{settings.REDIS_PREFIX}:mcp:streams:{token_id}"
