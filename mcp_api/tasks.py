"""Tasks: tool calls that go on after their request was answered, as Redis knows them.

The extension io.modelcontextprotocol/tasks (SEP-2663). A task belongs to the token that
called, so that with any other it is one that never was. The process that works on it
renews a lease; one that died is found out by whoever asks next. What was found is kept
sealed, and not given any more once something has been erased since it was looked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from mcp_types.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)

import changes
from erasures.models import Erasure
from mcp_api import mcp_sessions, sealing, wire
from refusals import Code

EXTENSION = "io.modelcontextprotocol/tasks"
TASKS_PER_TOKEN = 32
POLL_MS = 1000
# Several times what the process that works on a task takes to renew it.
LEASE_SECONDS = 30
_MAX_ID = 64
_MAX_RESULT_BYTES = 4 * 2**20
_MAX_RESPONSE_BYTES = 2**20

# Keys: the token's tasks, the task. Arguments: now, until, limit, id, life, lease, at,
# when the call began.
_CREATE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[2], 'created', ARGV[7], 'updated', ARGV[7], 'lease', ARGV[6],
    'begun', ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
"""
# Keys: the task. Arguments: lease, what is said, at. Answers whether it goes on.
_RENEW = """
if redis.call('HEXISTS', KEYS[1], 'created') == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], 'outcome') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
if redis.call('HGET', KEYS[1], 'said') ~= ARGV[2] then
    redis.call('HSET', KEYS[1], 'said', ARGV[2], 'updated', ARGV[3])
end
return 1 - redis.call('HEXISTS', KEYS[1], 'cancelled')
"""
# Keys: the task, its questions. Arguments: outcome, body, at. The first outcome stays.
_SETTLE = """
if redis.call('HEXISTS', KEYS[1], 'created') == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], 'outcome', ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'body', ARGV[2], 'updated', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""


@dataclass(frozen=True)
class Task:
    """What names a task: the token that it belongs to, and a random id."""

    token_id: int
    id: str

    @property
    def key(self) -> str:
        return _key("task", f"{self.token_id}:{self.id}")

    @property
    def questions_key(self) -> str:
        return _key("task-asks", f"{self.token_id}:{self.id}")

    @property
    def answers_key(self) -> str:
        return _key("task-answers", f"{self.token_id}:{self.id}")


def require_known(capabilities: object) -> None:
    """Raise MissingRequiredClientCapability unless the client declared tasks."""
    if not is_known(capabilities):
        raise wire.ProtocolError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            f"This needs a client with the extension {EXTENSION}.",
            data={"requiredCapabilities": {"extensions": {EXTENSION: {}}}},
        )


def is_known(capabilities: object) -> bool:
    """Whether these capabilities of a client have the extension."""
    found = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(found, dict) and isinstance(found.get(EXTENSION), dict)


# -- the process that works on it ------------------------------------------------------


def create(*, token_id: int, begun_at: datetime, at: datetime) -> Task | None:
    """A task that can be asked for from now on; None past what a token may have."""
    task = Task(token_id, secrets.token_urlsafe(24))
    life, now = settings.MCP_TASK_TTL_SECONDS, at.timestamp()
    is_made = _redis().eval(
        _CREATE,
        2,
        _key("tasks", token_id),
        task.key,
        now,
        now + life,
        TASKS_PER_TOKEN,
        task.id,
        life,
        now + LEASE_SECONDS,
        at.isoformat(),
        begun_at.isoformat(),
    )
    return task if is_made else None


def renew(task: Task, *, said: str, at: datetime) -> bool:
    """Say that the work goes on and how far it is; False once it need not."""
    lease = at.timestamp() + LEASE_SECONDS
    goes_on = _redis().eval(_RENEW, 1, task.key, lease, said, at.isoformat())
    return bool(goes_on)


def complete(task: Task, result: wire.Json, *, at: datetime) -> None:
    """Keep what the call answers, also where that is a refusal of its tool."""
    plain = wire.dump(result)
    if len(plain) > _MAX_RESULT_BYTES:
        fail(task, "The answer is larger than a task may keep.", at=at)
        return
    _settle(task, "completed", sealing.sealed(plain, place=task.key), at=at)


def fail(
    task: Task, message: str, *, at: datetime, error: wire.Json | None = None
) -> None:
    """Keep the JSON-RPC error that the call ended with."""
    error = error or {"code": INTERNAL_ERROR, "message": message}
    _settle(task, "failed", wire.dump(error), at=at)


def mark_cancelled(task: Task, *, at: datetime) -> None:
    """Say that the work was ended before it was done."""
    _settle(task, "cancelled", b"", at=at)


def ask(task: Task, questions: Mapping[str, wire.Json], *, at: datetime) -> None:
    """Show these requests to the client, which answers them with `tasks/update`."""
    life = settings.MCP_TASK_TTL_SECONDS
    with _redis().pipeline() as pipeline:
        for name, question in questions.items():
            pipeline.hset(task.questions_key, name, wire.dump(question))
        pipeline.expire(task.questions_key, life)
        pipeline.hset(task.key, "updated", at.isoformat())
        pipeline.execute()
    changes.publish({"task": task.id})


def next_answer(task: Task, *, seconds: float) -> tuple[str, Any] | None:
    """The name of a question and its answer; None if none came in time."""
    found: Any = _redis().blpop([task.answers_key], timeout=seconds)
    if not found:
        return None
    name, answer = orjson.loads(found[1])
    return name, answer


# -- the client ------------------------------------------------------------------------


def created(task: Task) -> wire.Json:
    """What the request is answered with in place of the tool's result."""
    return {"resultType": "task", **_described(_found(task)), "taskId": task.id}


def detailed(task: Task, *, at: datetime) -> wire.Json:
    """The task as it stands, with its result, error or questions.

    Raises ProtocolError for one that this token does not have.
    """
    found = _found(task)
    if "outcome" not in found and float(found["lease"]) < at.timestamp():
        fail(task, "The process that worked on it has ended; call again.", at=at)
        found = _found(task)
    if found.get("outcome") == b"completed" and _is_outdated(found):
        error = {
            "code": INTERNAL_ERROR,
            "message": "Something was erased since this was found; call again.",
        }
        _redis().hset(task.key, mapping={"outcome": "failed", "body": wire.dump(error)})
        found = _found(task)
    described = {**_described(found), "taskId": task.id}
    if described["status"] == "completed":
        plain = sealing.opened(found["body"], place=task.key)
        if plain is None:
            raise _not_found()
        return {**described, "result": orjson.loads(plain)}
    if described["status"] == "failed":
        error = orjson.loads(found["body"])
        return {**described, "statusMessage": error["message"], "error": error}
    questions = _questions(task)
    if described["status"] == "working" and questions:
        asking = {"status": "input_required", "inputRequests": questions}
        return {**described, **asking}
    return described


def is_there(task: Task) -> bool:
    """Whether this token has such a task."""
    return len(task.id) <= _MAX_ID and bool(_redis().exists(task.key))


def take_back(task: Task) -> None:
    """Ask the process that works on it to end; one that is over stays as it is."""
    _found(task)
    # Only while it is there: a key made anew would never expire.
    _redis().eval(
        "if redis.call('EXISTS', KEYS[1]) == 1 then"
        " redis.call('HSET', KEYS[1], 'cancelled', 1) end",
        1,
        task.key,
    )


def answer(task: Task, responses: Mapping[str, Any]) -> None:
    """Hand over answers to open questions; what answers none is dropped."""
    _found(task)
    redis = _redis()
    for name, response in responses.items():
        body = wire.dump([name, response])
        if len(body) > _MAX_RESPONSE_BYTES:
            raise wire.ProtocolError(
                INVALID_PARAMS,
                f"An answer is larger than {_MAX_RESPONSE_BYTES:,} bytes.",
                reason=Code.CONTENT_TOO_LARGE,
            )
        if redis.hdel(task.questions_key, name):
            with redis.pipeline() as pipeline:
                pipeline.rpush(task.answers_key, body)
                pipeline.expire(task.answers_key, settings.MCP_TASK_TTL_SECONDS)
                pipeline.execute()
    changes.publish({"task": task.id})


def _settle(task: Task, outcome: str, body: bytes, *, at: datetime) -> None:
    keys = [task.key, task.questions_key]
    _redis().eval(_SETTLE, 2, *keys, outcome, body, at.isoformat())
    changes.publish({"task": task.id})


def _found(task: Task) -> dict[str, bytes]:
    found: Any = _redis().hgetall(task.key) if is_there(task) else {}
    if b"created" not in found:
        raise _not_found()
    return {name.decode(): value for name, value in found.items()}


def _described(found: Mapping[str, bytes]) -> wire.Json:
    described: wire.Json = {
        "status": found.get("outcome", b"working").decode(),
        "createdAt": found["created"].decode(),
        "lastUpdatedAt": found["updated"].decode(),
        "ttlMs": settings.MCP_TASK_TTL_SECONDS * 1000,
        "pollIntervalMs": POLL_MS,
    }
    if said := found.get("said"):
        described["statusMessage"] = said.decode()
    return described


def _questions(task: Task) -> wire.Json:
    found: Any = _redis().hgetall(task.questions_key)
    return {name.decode(): orjson.loads(each) for name, each in found.items()}


def _is_outdated(found: Mapping[str, bytes]) -> bool:
    """Whether something was erased that the result may still hold."""
    begun = datetime.fromisoformat(found["begun"].decode())
    return Erasure.objects.filter(erased_at__gte=begun).exists()


def _redis() -> Any:
    return mcp_sessions.shared_redis()


def _key(kind: str, name: object) -> str:
    return f"{settings.REDIS_PREFIX}:mcp:{kind}:{name}"


def _not_found() -> wire.ProtocolError:
    return wire.ProtocolError(
        INVALID_PARAMS,
        "There is no such task, or its time is over.",
        reason=Code.NOT_FOUND,
    )
