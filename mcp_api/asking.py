"""Asking the client: its user (elicitation), its model (sampling), its directories.

A tool asks with one call in both eras. In the initialize era the questions go out on
the stream of the request and the answers come as requests of their own, at whichever
process; they meet in Redis. In the stateless era the result says what input is
required, and the client repeats its request with the answers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.core import signing
from django.utils import timezone
from jsonschema import Draft202012Validator
from mcp_types.jsonrpc import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from mcp_api import mcp_sessions, tasks, wire
from refusals import Code, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_api.calls import Call

# What a client must have declared before it is asked this.
ABILITIES = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
# People think before they answer; a thread waits as long.
_WAIT_SECONDS = 300
_LOOK_SECONDS = 0.5
_MAX_ANSWER_BYTES = 2**20
_MAX_STATE = 8192
_STATE_SECONDS = 3600


class Unanswered(Refusal):
    """The client did not answer, or answered that it cannot."""

    code = Code.INVALID_ARGUMENT
    hint = "Call the tool again once the question can be answered."


class TooManyQuestions(Refusal):
    code = Code.SERVICE_UNAVAILABLE
    hint = "Many questions wait for their answers; try again in a while."


@dataclass(frozen=True)
class Question:
    """A request to the client, in the words of the protocol."""

    method: str
    params: wire.Json

    @property
    def request(self) -> wire.Json:
        return {"method": self.method, "params": self.params}


class InputRequired(Exception):
    """The stateless era's way to ask: a result that names the questions."""

    def __init__(
        self, questions: Mapping[str, Question], state: wire.Json | None
    ) -> None:
        super().__init__("input required")
        self.questions = questions
        self.state = state

    def result(self, call: Call) -> wire.Json:
        requests = {name: asked.request for name, asked in self.questions.items()}
        result: wire.Json = {"resultType": "input_required", "inputRequests": requests}
        if self.state is not None:
            result["requestState"] = sealed(self.state, call)
        return result


def declared(capabilities: object) -> frozenset[str]:
    """What a client can be asked, from the capabilities it sent."""
    given = capabilities if isinstance(capabilities, dict) else {}
    return frozenset(ABILITIES.values()) & given.keys()


def require(call: Call, method: str) -> None:
    """Raise MissingRequiredClientCapability unless the client can be asked this."""
    if not can(call, method):
        ability = ABILITIES[method]
        raise wire.ProtocolError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            f"This needs a client with the capability {ability}.",
            data={"requiredCapabilities": {ability: {}}},
        )


def can(call: Call, method: str) -> bool:
    """Whether the client declared what this question needs."""
    return ABILITIES[method] in call.abilities


def ask(
    call: Call, questions: Mapping[str, Question], *, state: wire.Json | None = None
) -> Mapping[str, wire.Json]:
    """The client's results by the name of the question.

    `state` comes back as `call.state` when the client repeats its request; it is
    signed, not secret. What a person typed is held against the schema it was asked
    with. Raises ProtocolError for a client that cannot be asked, InputRequired in the
    stateless era, and in the initialize era and in tasks Unanswered, TooManyQuestions
    and CallCancelled.
    """
    for question in questions.values():
        require(call, question.method)
    if call.is_stateless:
        given = call.answers
        if all(
            name in given and _fits(question, given[name])
            for name, question in questions.items()
        ):
            return {name: given[name] for name in questions}
        handover = call.exchange.handover
        if handover is None or handover.keep():
            raise InputRequired(questions, state)
        return _asked_within_task(call, questions)
    return {name: _asked(call, question) for name, question in questions.items()}


# -- initialize era --------------------------------------------------------------------


def answered(message: wire.Json, *, session_id: str) -> None:
    """Hand a client's response to whoever waits for it; others are dropped.

    Only the session that was asked can answer, and only once.
    """
    request_id = message.get("id")
    if not isinstance(request_id, str) or len(request_id) > 64:
        return
    redis = mcp_sessions.shared_redis()
    asked: Any = redis.get(_key("asked", request_id))
    if asked is None or asked.decode() != session_id:
        return
    if not redis.delete(_key("asked", request_id)):
        return
    body = wire.dump({key: message.get(key) for key in ("result", "error")})
    if len(body) > _MAX_ANSWER_BYTES:
        body = wire.dump({"error": {"message": "The answer is too large."}})
    with redis.pipeline() as pipeline:
        pipeline.rpush(_key("answer", request_id), body)
        pipeline.expire(_key("answer", request_id), 60)
        pipeline.execute()


def _asked(call: Call, question: Question) -> wire.Json:
    exchange = call.exchange
    if call.session is None or exchange.emit is None:
        raise Unanswered(
            "The client cannot be asked in this request.",
            hint="Call within an MCP session and accept text/event-stream.",
        )
    request_id = secrets.token_urlsafe(24)
    redis = mcp_sessions.shared_redis()
    with _one_of_few():
        redis.set(_key("asked", request_id), call.session.id, ex=_WAIT_SECONDS)
        try:
            exchange.emit({"jsonrpc": "2.0", "id": request_id, **question.request})
            body = _awaited(call, request_id)
        finally:
            redis.delete(_key("asked", request_id), _key("answer", request_id))
    result = body.get("result")
    if not isinstance(result, dict) or not _fits(question, result):
        raise Unanswered("The client answered with an error, or not what was asked.")
    return result


def _awaited(call: Call, request_id: str) -> wire.Json:
    """The answer as soon as it comes; looks now and then whether anybody waits."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        call.exchange.cancellation.check_waited_for()
        found: Any = mcp_sessions.shared_redis().blpop(
            [_key("answer", request_id)], timeout=_LOOK_SECONDS
        )
        if found:
            body: wire.Json = orjson.loads(found[1])
            return body
    raise Unanswered("The client did not answer in time.")


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Keep most threads free: the answers need some, and so do all other calls."""
    places = _places()
    if not places.acquire(blocking=False):
        raise TooManyQuestions("Too many questions are open in this process.")
    try:
        yield
    finally:
        places.release()


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(1, settings.MCP_THREADS // 4))


def _key(kind: str, request_id: str) -> str:
    return f"{settings.REDIS_PREFIX}:mcp:{kind}:{request_id}"


def _fits(question: Question, answer: wire.Json) -> bool:
    """Whether a form came back filled in as it was asked for; others always do."""
    schema = question.params.get("requestedSchema")
    if schema is None or answer.get("action") != "accept":
        return True
    return Draft202012Validator(schema).is_valid(answer.get("content"))


# -- tasks -----------------------------------------------------------------------------


def _asked_within_task(
    call: Call, questions: Mapping[str, Question]
) -> Mapping[str, wire.Json]:
    """Ask through the task, which waits; each question under a name of its own."""
    task = call.task
    assert task is not None  # noqa: S101 - whoever calls has looked
    names = {f"{name}-{secrets.token_hex(8)}": name for name in questions}
    answers: dict[str, wire.Json] = {}
    deadline = time.monotonic() + _WAIT_SECONDS
    with _one_of_few():
        asked = {key: questions[name].request for key, name in names.items()}
        tasks.ask(task, asked, at=timezone.now())
        while len(answers) < len(names):
            call.exchange.cancellation.check_waited_for()
            if time.monotonic() > deadline:
                raise Unanswered("The client did not answer in time.")
            found = tasks.next_answer(task, seconds=_LOOK_SECONDS)
            if found is None:
                continue
            key, answer = found
            name = names.get(key, "")
            if not name:
                # Of a question that nobody waits for any more.
                continue
            if not isinstance(answer, dict) or not _fits(questions[name], answer):
                raise Unanswered("The client answered not what was asked.")
            answers[name] = answer
    return answers


# -- stateless era ---------------------------------------------------------------------


def sealed(state: wire.Json, call: Call) -> str:
    """The state as text for the client to bring back, bound to token and request."""
    signed = [call.principal.token_id, subject_of(call), state]
    return signing.TimestampSigner(salt="memory.request-state").sign_object(signed)


def unsealed(text: str, call: Call) -> wire.Json:
    """The state that `sealed` wrapped; raises ProtocolError for any other text."""
    invalid = wire.ProtocolError(
        INVALID_PARAMS, "requestState is not what this server gave for this request."
    )
    if len(text) > _MAX_STATE or not text.isascii():
        raise invalid
    try:
        owner, asked, state = signing.TimestampSigner(
            salt="memory.request-state"
        ).unsign_object(text, max_age=_STATE_SECONDS)
    except signing.BadSignature:
        raise invalid from None
    if (owner, asked) != (call.principal.token_id, subject_of(call)):
        raise invalid
    found: wire.Json = state
    return found


def subject_of(call: Call) -> str:
    """A digest of what is asked, leaving out what changes from round to round."""
    same = {
        key: value
        for key, value in call.params.items()
        if key not in ("_meta", "inputResponses", "requestState")
    }
    text = json.dumps([call.method, same], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
