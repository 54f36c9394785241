"""The transport-free core: which era, is it valid, who serves it, in which envelope.

A `Core` serves one catalogue of methods to both eras. It knows nothing of HTTP but
header values and statuses, and runs inside one worker thread for each HTTP request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from mcp_api import calling, eras, mcp_sessions, wire
from mcp_api.calls import Call, CallCancelled, Exchange, serving
from mcp_api.eras import Era
from mcp_api.mcp_sessions import McpSession
from mcp_api.wire import RESOURCE_NOT_FOUND, Json, ProtocolError
from refusals import Code, Refusal

Method = Callable[[Json, Call], Json]

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


@dataclass(frozen=True)
class Answer:
    """What goes back: an HTTP status, a JSON body (None: empty) and extra headers."""

    status: int
    body: Json | list[Json] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Core:
    """Answers JSON-RPC bodies of either era with the methods of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._initialize_methods: dict[str, Method] = {
            **catalogue.methods,
            "ping": lambda params, call: {},
            # Accepted and without effect: this server sends no log messages.
            "logging/setLevel": lambda params, call: {},
        }
        self._stateless_methods: dict[str, Method] = {
            **catalogue.methods,
            "server/discover": self._discover,
        }

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
        if serve is None:
            raise eras.unknown_method(method)
        eras.check_params(method, version, params)
        call = Call(
            exchange=exchange,
            era=Era.STATELESS,
            version=version,
            progress_token=eras.meta_of(message).get("progressToken"),
        )
        result = {
            "resultType": "complete",
            **_served(serve, method, params or {}, call),
        }
        server_info = {eras.META + "serverInfo": self._catalogue.info}
        result["_meta"] = {**result.get("_meta", {}), **server_info}
        if method in _CACHEABLE_SECONDS:
            result["ttlMs"] = _CACHEABLE_SECONDS[method] * 1000
            result["cacheScope"] = "private"
        return Answer(200, wire.result(message["id"], result))

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
                session=session,
                progress_token=eras.meta_of(message).get("progressToken"),
            )
            result = _served(serve, method, message.get("params") or {}, call)
            return wire.result(message["id"], result)
        except ProtocolError as error:
            return error.reply(message["id"])

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
            return self._catalogue.capabilities
        return {**self._catalogue.capabilities, "logging": {}}


def _served(serve: Method, method: str, params: Json, call: Call) -> Json:
    """Run a method; refusals of the domain become errors of the protocol.

    Tools turn theirs into results before they get here.
    """
    try:
        with serving(call):
            return serve(params, call)
    except (ProtocolError, CallCancelled):
        raise
    except Refusal as error:
        refusal = error
    except Exception as error:
        refusal = calling.as_refusal(
            error, doing=method, request_id=call.principal.request_id
        )
    code = INVALID_PARAMS if refusal.status < 500 else INTERNAL_ERROR
    if method == "resources/read" and refusal.status == 404:
        code = RESOURCE_NOT_FOUND if call.era is Era.INITIALIZE else INVALID_PARAMS
    raise ProtocolError(
        code,
        refusal.message,
        reason=refusal.code,
        data={"hint": refusal.hint, **refusal.detail},
    )


def _version(session: McpSession | None, exchange: Exchange) -> str:
    if session is not None:
        return session.version
    return exchange.headers.get("mcp-protocol-version", eras.ASSUMED_VERSION)
