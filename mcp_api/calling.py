"""tools/list and tools/call: from a name and arguments to a result or a refusal."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

import redis
from django.db import InterfaceError, OperationalError
from mcp_types.jsonrpc import INVALID_PARAMS

from access import noting
from mcp_api import eras, governing, tool_profiles, wire
from mcp_api.asking import InputRequired
from mcp_api.calls import Call, CallCancelled
from mcp_api.eras import Era
from mcp_api.quoting import Writing
from mcp_api.registry import Tool
from policy.decisions import Denied
from refusals import Code, InvalidArgument, Refusal
from telemetry import metrics, tracing

logger = logging.getLogger(__name__)

_AWAY = (OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError)
# PostgreSQL takes no NUL; these arguments are checked by those who take them.
_CHECKED_ELSEWHERE = frozenset({"content", "path"})
# Details of refusals that somebody stored; all others are facts of ours.
_STORED_DETAILS = frozenset({"current_text"})


class ServiceUnavailable(Refusal):
    """The database or Redis does not answer."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Wait a few seconds, then repeat the same request."


class InternalError(Refusal):
    """A fault of ours; the log has it under the request id."""

    code = Code.INTERNAL_ERROR


def methods(tools: Mapping[str, Tool]) -> dict[str, Any]:
    """The protocol methods that serve these tools."""

    def listing(params: wire.Json, call: Call) -> wire.Json:
        _first_page_only(params)
        profile = tool_profiles.chosen(call)
        return {"tools": tool_profiles.listed(tools, profile=profile)}

    def calling(params: wire.Json, call: Call) -> wire.Json:
        tool = tools.get(params["name"])
        if tool is None:
            raise wire.ProtocolError(
                INVALID_PARAMS,
                f"Unknown tool: {params['name'][:100]}",
                reason=Code.NOT_FOUND,
            )
        arguments = params.get("arguments") or {}
        if call.era is Era.STATELESS:
            eras.check_parameter_headers(
                tool.listing["inputSchema"], arguments, call.exchange.headers
            )
        return answer(tool, arguments, call)

    return {"tools/list": listing, "tools/call": calling}


def answer(tool: Tool, arguments: Mapping[str, Any], call: Call) -> wire.Json:
    """Run one tool; everything that goes wrong becomes a result a model can act on."""
    began = time.perf_counter()
    with tracing.span(f"tool {tool.name}") as span:
        answered = _answer(tool, arguments, call)
        code = answered["structuredContent"]["code"] if answered["isError"] else "ok"
        span.set_attribute("mcp.result", code)
    metrics.count_call(tool.name, code, seconds=time.perf_counter() - began)
    return answered


def _answer(tool: Tool, arguments: Mapping[str, Any], call: Call) -> wire.Json:
    try:
        tool.requirement.check(call.principal)
        _refuse_nul(arguments)
        result = governing.run(tool, tool.checked(arguments), call)
    except (CallCancelled, wire.ProtocolError, InputRequired):
        raise
    except Denied as denial:
        # The policy has told the trail itself.
        return refused(denial)
    except Refusal as refusal:
        return _noted(refusal, tool, call)
    except Exception as error:
        failure = as_refusal(
            error, doing=tool.name, request_id=call.principal.request_id
        )
        return _noted(failure, tool, call)
    answered: wire.Json = {
        "content": [{"type": "text", "text": result.text}, *result.blocks],
        "structuredContent": result.structured,
        "isError": False,
    }
    if result.meta:
        answered["_meta"] = dict(result.meta)
    return answered


def _noted(refusal: Refusal, tool: Tool, call: Call) -> wire.Json:
    noting.note(refusal, principal=call.principal, target=tool.name, at=call.at)
    return refused(refusal)


def refused(refusal: Refusal) -> wire.Json:
    """A refusal as a tool result: `{code, message, hint}` and, if any, `detail`."""
    body: wire.Json = {
        "code": refusal.code.value,
        "message": refusal.message,
        "hint": refusal.hint,
    }
    writing = Writing()
    writing.say(f"{refusal.code.value}: {refusal.message}")
    if refusal.hint:
        writing.say(refusal.hint)
    if refusal.detail:
        body["detail"] = dict(refusal.detail)
    if isinstance(refusal, Denied):
        body["error"] = refusal.envelope
    for name, value in refusal.detail.items():
        if name in _STORED_DETAILS:
            writing.say(f"{name}:")
            writing.quote(str(value))
        else:
            writing.say(f"{name}: {value}")
    return {
        "content": [{"type": "text", "text": str(writing)}],
        "structuredContent": body,
        "isError": True,
    }


def as_refusal(error: Exception, *, doing: str, request_id: str) -> Refusal:
    """What to tell a client about an error that nobody foresaw; logs it.

    Only the type and the place are logged: messages of database and parser errors quote
    the values, and those are what people remember here.
    """
    if isinstance(error, _AWAY):
        logger.warning(
            "dependency_away doing=%s request_id=%s error=%s",
            doing,
            request_id,
            type(error).__name__,
        )
        return ServiceUnavailable("The server's database or cache does not answer.")
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error(
        "unexpected_error doing=%s request_id=%s error=%s\n%s",
        doing,
        request_id,
        type(error).__qualname__,
        frames,
    )
    return InternalError(
        "The server failed to answer.",
        hint=f"Not your fault; tell the operator request id {request_id}.",
    )


def _refuse_nul(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if isinstance(value, str) and "\0" in value and name not in _CHECKED_ELSEWHERE:
            raise InvalidArgument(f"The argument '{name[:100]}' holds a NUL character.")


def _first_page_only(params: wire.Json) -> None:
    """The list fits one page, so that no cursor was ever given out."""
    if params.get("cursor") is not None:
        raise wire.ProtocolError(
            INVALID_PARAMS, "Unknown cursor.", reason=Code.CURSOR_INVALID
        )
