"""The transport-free core: which era, is it valid, who serves it, in which envelope.

A `Core` serves one catalogue of methods to both eras. It knows nothing of HTTP but
header values and statuses, and runs inside one worker thread for each HTTP request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from access import noting
from access.principals import Principal
from mcp_api import (
    asking,
    calling,
    eras,
    mcp_sessions,
    subscriptions,
    task_methods,
    tasks,
    wire,
)
from mcp_api.asking import InputRequired
from mcp_api.calls import Call, CallCancelled, Exchange, serving
from mcp_api.eras import Era
from mcp_api.mcp_sessions import McpSession
from mcp_api.subscriptions import Listening, Watchable, Wishes
from mcp_api.wire import RESOURCE_NOT_FOUND, Json, ProtocolError
from refusals import Code, Refusal

Method = Callable[[Json, Call], Json]

_OF_ONE_RESOURCE = frozenset(
    {"resources/read", "resources/subscribe", "resources/unsubscribe"}
)
# How long clients may keep lists and what they read; a credential's own view of them.
_CACHEABLE_SECONDS = {
    "server/discover": 300,
    "tools/list": 300,
    "prompts/list": 300,
    "resources/templates/list": 300,
    "resources/list": 30,
    "resources/read": 0,
}


@dataclass(frozen=True)
class Catalogue:
    """What a server offers: its name, its words for models and its methods."""

    info: Json
    instructions: str
    capabilities: Json
    methods: Mapping[str, Method]
    watchable: Watchable


@dataclass(frozen=True)
class Answer:
    """What goes back: an HTTP status, a JSON body (None: empty) and extra headers.

    With `listening` the answer is a stream that stays open.
    """

    status: int
    body: Json | list[Json] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    listening: Listening | None = None


class Core:
    """Answers JSON-RPC bodies of either era with the methods of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._initialize_methods: dict[str, Method] = {
            **catalogue.methods,
            "ping": lambda params, call: {},
            "logging/setLevel": _set_log_level,
            "resources/subscribe": self._subscribe,
            "resources/unsubscribe": self._unsubscribe,
        }
        self._stateless_methods: dict[str, Method] = {
            **catalogue.methods,
            **task_methods.METHODS,
            "server/discover": self._discover,
        }

    @property
    def meta(self) -> Json:
        """What results of the stateless era say about the server."""
        return {eras.META + "serverInfo": self._catalogue.info}

    def answer(self, parsed: Json | list[Any], exchange: Exchange) -> Answer:
        """Answer a body that `wire.read` accepted; CallCancelled when nobody waits."""
        era = eras.era_of(parsed, exchange.headers)
        try:
            if isinstance(parsed, list):
                return self._answer_batch(parsed, era, exchange)
            if era is Era.STATELESS:
                return self._answer_stateless(parsed, exchange)
            return self._answer_initialize_era(parsed, exchange)
        except ProtocolError as error:
            return Answer(error.status, error.reply(wire.id_of(parsed)))

    # -- stateless era -------------------------------------------------------------

    def _answer_stateless(self, message: Json, exchange: Exchange) -> Answer:
        if "method" not in message:
            raise ProtocolError(
                INVALID_REQUEST,
                "This protocol version has no requests to answer.",
                reason=Code.MALFORMED_BODY,
            )
        if "id" not in message:
            return Answer(202)
        params = message.get("params")
        if params is not None and not isinstance(params, dict):
            raise ProtocolError(INVALID_PARAMS, "params must be an object.")
        version = eras.check_stateless(message, exchange.headers)
        method = message["method"]
        serve = self._stateless_methods.get(method)
        if serve is None and method != "subscriptions/listen":
            raise eras.unknown_method(method)
        if method in task_methods.METHODS:
            task_methods.check(message)
        else:
            eras.check_params(method, version, params)
        call = _stateless_call(message, version, exchange)
        if method == "tools/call" and exchange.handover and _knows_tasks(call):
            exchange.handover.allow(
                message_id=message["id"],
                token_id=call.principal.token_id,
                at=call.at,
            )
        if serve is None:
            return self._listen(message["id"], call)
        try:
            result = {"resultType": "complete", **_served(serve, call)}
        except InputRequired as required:
            result = required.result(call)
        result["_meta"] = {**result.get("_meta", {}), **self.meta}
        if method in _CACHEABLE_SECONDS and result["resultType"] == "complete":
            result["ttlMs"] = _CACHEABLE_SECONDS[method] * 1000
            result["cacheScope"] = "private"
        return Answer(200, wire.result(message["id"], result))

    def _listen(self, request_id: str | int, call: Call) -> Answer:
        if call.exchange.emit is None:
            raise ProtocolError(
                INVALID_REQUEST,
                "Notifications come as text/event-stream, which Accept leaves out.",
                reason=Code.NOT_ACCEPTABLE,
                status=406,
            )
        asked = call.params["notifications"]
        resources: Json = _served(self._watched, call)
        # Where there is no place, that is said ahead of JSON-RPC, like a rate limit.
        place = subscriptions.take_place(
            call.principal,
            watchable=self._catalogue.watchable,
            request_id=request_id,
            at=call.at,
        )
        lists = {name for name in self._lists if asked.get(f"{name}ListChanged")}
        wishes = Wishes(frozenset(lists), resources, task_methods.watched(call))
        return Answer(200, listening=Listening(place, wishes))

    def _watched(self, params: Json, call: Call) -> Json:
        uris = params["notifications"].get("resourceSubscriptions") or []
        return subscriptions.watched(
            uris, watchable=self._catalogue.watchable, principal=call.principal
        )

    @property
    def _lists(self) -> frozenset[str]:
        """The lists whose changes this server tells."""
        offered = self._catalogue.capabilities.items()
        return frozenset(name for name, can in offered if can.get("listChanged"))

    def _discover(self, params: Json, call: Call) -> Json:
        return {
            "supportedVersions": list(eras.ALL_VERSIONS),
            "capabilities": self._capabilities(Era.STATELESS),
            "serverInfo": self._catalogue.info,
            "instructions": self._catalogue.instructions,
        }

    # -- initialize era ------------------------------------------------------------

    def _answer_initialize_era(self, message: Json, exchange: Exchange) -> Answer:
        if message.get("method") == "initialize" and "id" in message:
            return self._initialize(message, exchange)
        session = self._session(exchange)
        if "method" not in message and session is not None:
            asking.answered(message, session_id=session.id)
        if "method" not in message or "id" not in message:
            # Cancelled requests are found by the endpoint, which knows what runs.
            return Answer(202)
        return Answer(200, self._reply(message, session, exchange))

    def _initialize(self, message: Json, exchange: Exchange) -> Answer:
        params = message.get("params")
        wanted = params.get("protocolVersion") if isinstance(params, dict) else None
        # An unknown version is answered with the newest that has this handshake.
        version = (
            wanted
            if wanted in eras.INITIALIZE_VERSIONS
            else eras.INITIALIZE_VERSIONS[0]
        )
        try:
            eras.check_params("initialize", version, params)
        except ProtocolError as error:
            return Answer(200, error.reply(message["id"]))
        assert isinstance(params, dict)  # noqa: S101 - check_params saw to it
        session = mcp_sessions.open_session(
            token_id=exchange.principal.token_id,
            version=version,
            client=str(params["clientInfo"]["name"])[:100],
            abilities=asking.declared(params["capabilities"]),
            at=exchange.at,
        )
        result = {
            "protocolVersion": version,
            "capabilities": self._capabilities(Era.INITIALIZE),
            "serverInfo": self._catalogue.info,
            "instructions": self._catalogue.instructions,
        }
        return Answer(
            200, wire.result(message["id"], result), {"mcp-session-id": session.id}
        )

    def _answer_batch(
        self, messages: Sequence[Any], era: Era, exchange: Exchange
    ) -> Answer:
        if era is Era.STATELESS:
            raise eras.batch_refused()
        session = self._session(exchange)
        if _version(session, exchange) != eras.BATCH_VERSION:
            raise eras.batch_refused()
        replies = []
        for item in messages:
            try:
                message = wire.checked(item)
            except ProtocolError as error:
                replies.append(error.reply(wire.id_of(item)))
                continue
            if "method" not in message and session is not None:
                asking.answered(message, session_id=session.id)
            if "method" in message and "id" in message:
                replies.append(self._reply(message, session, exchange))
        return Answer(200, replies) if replies else Answer(202)

    def _reply(
        self, message: Json, session: McpSession | None, exchange: Exchange
    ) -> Json:
        method, version = message["method"], _version(session, exchange)
        try:
            serve = self._initialize_methods.get(method)
            if serve is None:
                raise eras.unknown_method(method)
            eras.check_params(method, version, message.get("params"))
            call = Call(
                exchange=exchange,
                era=Era.INITIALIZE,
                version=version,
                method=method,
                params=message.get("params") or {},
                session=session,
                progress_token=eras.meta_of(message).get("progressToken"),
                abilities=frozenset(session.abilities if session else ()),
            )
            return wire.result(message["id"], _served(serve, call))
        except ProtocolError as error:
            return error.reply(message["id"])

    def stream_of(
        self, session: McpSession, *, principal: Principal, at: datetime
    ) -> Listening:
        """The stream of a session; raises subscriptions.TooManyStreams."""
        place = subscriptions.take_place(
            principal,
            watchable=self._catalogue.watchable,
            session_id=session.id,
            at=at,
        )
        uris = subscriptions.of_session(session.id)
        return Listening(place, Wishes(lists=self._lists, uris=uris))

    def _subscribe(self, params: Json, call: Call) -> Json:
        uri = str(params["uri"])
        told_as = self._catalogue.watchable(uri, call.principal)
        subscriptions.subscribe(_session_of(call), uri, told_as=told_as)
        return {}

    def _unsubscribe(self, params: Json, call: Call) -> Json:
        told_as = self._catalogue.watchable(str(params["uri"]), call.principal)
        subscriptions.unsubscribe(_session_of(call), told_as=told_as)
        return {}

    def _session(self, exchange: Exchange) -> McpSession | None:
        """The session that the request names; one is not demanded."""
        session_id = exchange.headers.get("mcp-session-id")
        if session_id is None:
            return None
        return mcp_sessions.resume(
            session_id, token_id=exchange.principal.token_id, at=exchange.at
        )

    def _capabilities(self, era: Era) -> Json:
        if era is Era.STATELESS:
            return {**self._catalogue.capabilities, "extensions": {tasks.EXTENSION: {}}}
        return {**self._catalogue.capabilities, "logging": {}}


def _stateless_call(message: Json, version: str, exchange: Exchange) -> Call:
    meta = eras.meta_of(message)
    call = Call(
        exchange=exchange,
        era=Era.STATELESS,
        version=version,
        method=message["method"],
        params=message.get("params") or {},
        progress_token=meta.get("progressToken"),
        abilities=asking.declared(meta.get(eras.META + "clientCapabilities")),
        log_level=meta.get(eras.META + "logLevel"),
    )
    state = call.params.get("requestState")
    return call if state is None else replace(call, state=asking.unsealed(state, call))


def _knows_tasks(call: Call) -> bool:
    meta = call.params.get("_meta") or {}
    return tasks.is_known(meta.get(eras.META + "clientCapabilities"))


def _served(serve: Method, call: Call) -> Json:
    """Run a method; refusals of the domain become errors of the protocol.

    Tools turn theirs into results before they get here.
    """
    try:
        with serving(call):
            return serve(call.params, call)
    except (ProtocolError, CallCancelled, InputRequired):
        raise
    except Refusal as error:
        refusal = error
    except Exception as error:
        refusal = calling.as_refusal(
            error, doing=call.method, request_id=call.principal.request_id
        )
    target = str(call.params.get("uri", call.method))
    noting.note(refusal, principal=call.principal, target=target, at=call.at)
    code = INVALID_PARAMS if refusal.status < 500 else INTERNAL_ERROR
    about: Json = {}
    if call.method in _OF_ONE_RESOURCE:
        about["uri"] = call.params["uri"]
        if refusal.status == 404 and not call.is_stateless:
            code = RESOURCE_NOT_FOUND
    raise ProtocolError(
        code,
        refusal.message,
        reason=refusal.code,
        data={"hint": refusal.hint, **about, **refusal.detail},
    )


def _set_log_level(params: Json, call: Call) -> Json:
    # Without a session there is nothing that could remember it.
    if call.session is not None:
        mcp_sessions.set_log_level(call.session, params["level"])
    return {}


def _session_of(call: Call) -> McpSession:
    if call.session is None:
        raise ProtocolError(
            INVALID_REQUEST, "Subscriptions belong to a session; send initialize first."
        )
    return call.session


def _version(session: McpSession | None, exchange: Exchange) -> str:
    if session is not None:
        return session.version
    return exchange.headers.get("mcp-protocol-version", eras.ASSUMED_VERSION)
