"""completion/complete: workspace ids, machines, paths and session ids while typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from access import scoping
from knowledge import browsing
from mcp_api import wire
from mcp_api.calls import Call
from sessions import browsing as transcript_browsing

# The protocol allows a hundred values.
_MOST = 100
_Completer = Callable[[Call, str, Mapping[str, str]], list[str]]


def complete(params: wire.Json, call: Call) -> wire.Json:
    """Values that begin with what was typed; an argument without any has an empty
    list.
    """
    argument = params["argument"]
    given = (params.get("context") or {}).get("arguments") or {}
    completer = _COMPLETERS.get(argument["name"])
    # PostgreSQL refuses NUL in a comparison, and no value holds one.
    typed = argument["value"][:200].replace("\0", "\ufffd")
    values = completer(call, typed, given) if completer else []
    return {
        "completion": {
            "values": values[:_MOST],
            "hasMore": len(values) > _MOST,
        }
    }


def _workspace_ids(call: Call, typed: str, given: Mapping[str, str]) -> list[str]:
    found = scoping.readable(call.principal).filter(slug__startswith=typed)
    return list(found.order_by("slug").values_list("slug", flat=True)[: _MOST + 1])


def _machines(call: Call, typed: str, given: Mapping[str, str]) -> list[str]:
    found = scoping.readable(call.principal).filter(machine__istartswith=typed)
    names = found.order_by("machine").values_list("machine", flat=True).distinct()
    return list(names[: _MOST + 1])


def _paths(call: Call, typed: str, given: Mapping[str, str]) -> list[str]:
    if "workspace_id" not in given:
        return []
    workspace = scoping.readable_workspace(call.principal, given["workspace_id"])
    found = browsing.documents(
        workspace=workspace, prefix=typed, after=None, limit=_MOST + 1
    )
    return [document.path for document in found]


def _session_ids(call: Call, typed: str, given: Mapping[str, str]) -> list[str]:
    workspaces = scoping.readable(call.principal)
    if "workspace_id" in given:
        workspaces = workspaces.filter(slug=given["workspace_id"])
    found = transcript_browsing.transcripts(workspaces=workspaces, limit=_MOST)
    ids = dict.fromkeys(transcript.session_id for transcript in found)
    return [session_id for session_id in ids if session_id.startswith(typed)]


_COMPLETERS: dict[str, _Completer] = {
    "workspace_id": _workspace_ids,
    "machine": _machines,
    "path": _paths,
    "session_id": _session_ids,
}
