"""tasks/get, tasks/update and tasks/cancel, which only the stateless era has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from mcp_types.jsonrpc import INVALID_PARAMS
from pydantic import BaseModel, Field, ValidationError

from mcp_api import eras, tasks, wire
from mcp_api.calls import Call
from mcp_api.subscriptions import MOST_SUBSCRIPTIONS
from mcp_api.tasks import Task

_MAX_RESPONSES = 100


class _OfOneTask(BaseModel):
    taskId: Annotated[str, Field(min_length=1, max_length=200)]  # noqa: N815


class _Update(_OfOneTask):
    inputResponses: Annotated[  # noqa: N815
        dict[str, Any], Field(max_length=_MAX_RESPONSES)
    ]


def _get(params: wire.Json, call: Call) -> wire.Json:
    return tasks.detailed(_task(params, call), at=call.at)


def _update(params: wire.Json, call: Call) -> wire.Json:
    tasks.answer(_task(params, call), params["inputResponses"])
    return {}


def _cancel(params: wire.Json, call: Call) -> wire.Json:
    tasks.take_back(_task(params, call))
    return {}


METHODS: Mapping[str, Callable[[wire.Json, Call], wire.Json]] = {
    "tasks/get": _get,
    "tasks/update": _update,
    "tasks/cancel": _cancel,
}
_PARAMS: Mapping[str, type[BaseModel]] = {
    "tasks/get": _OfOneTask,
    "tasks/update": _Update,
    "tasks/cancel": _OfOneTask,
}


def check(message: wire.Json) -> None:
    """Refuse clients that did not declare tasks, and params of the wrong shape."""
    tasks.require_known(eras.meta_of(message).get(eras.META + "clientCapabilities"))
    try:
        _PARAMS[message["method"]].model_validate(message["params"])
    except ValidationError as error:
        fault = error.errors(
            include_url=False, include_input=False, include_context=False
        )[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise wire.ProtocolError(
            INVALID_PARAMS, f"Invalid params: {where}: {fault['msg']}"
        ) from None


def watched(call: Call) -> frozenset[str]:
    """The tasks of this client that a request for notifications names.

    Raises ProtocolError for a client that did not declare tasks.
    """
    ids = call.params["notifications"].get("taskIds") or []
    if not ids:
        return frozenset()
    tasks.require_known(
        call.params.get("_meta", {}).get(eras.META + "clientCapabilities")
    )
    if len(ids) > MOST_SUBSCRIPTIONS or not all(isinstance(each, str) for each in ids):
        raise wire.ProtocolError(
            INVALID_PARAMS, f"taskIds are at most {MOST_SUBSCRIPTIONS} strings."
        )
    token_id = call.principal.token_id
    return frozenset(each for each in ids if tasks.is_there(Task(token_id, each)))


def _task(params: wire.Json, call: Call) -> Task:
    return Task(call.principal.token_id, params["taskId"])
