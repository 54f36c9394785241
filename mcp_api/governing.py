"""Runs a tool under the policy, and answers recall and context from the cache first.

What is answered from the cache counts for nothing: a retry is served, and only work
that is done makes a loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mcp_api import negotiation, response_cache, scope
from mcp_api.calls import Call
from mcp_api.registry import Result, Tool
from policy import engine, events
from policy.decisions import Decision
from policy.requests import Request

META = "memorynode/policy"
REDUCED = "reduce_top_k"


def run(tool: Tool, given: Mapping[str, Any], call: Call) -> Result:
    """The tool's answer to arguments that were checked; raises Denied and its own."""
    request = Request(
        tool=tool.name,
        arguments=given,
        principal=call.principal,
        scope=_scope(given, call),
        session_id=call.session.id if call.session else "",
        policy_version=negotiation.SUPPORTED[0],
    )
    family = response_cache.FAMILIES.get(tool.name)
    if family is None:
        return _governed(tool, request, call)
    readable = scope.reading(given["container_tag"])
    call.scopes[given["container_tag"]] = readable
    asked = {name: value for name, value in given.items() if name != "container_tag"}
    return response_cache.answered(
        family, readable, asked, lambda: _governed(tool, request, call)
    )


def _governed(tool: Tool, request: Request, call: Call) -> Result:
    decision = engine.decide(request, at=call.at)
    began = time.perf_counter()
    try:
        result = tool.run(**_reduced(request.arguments, decision))
    except Exception:
        engine.undo(request)
        raise
    events.executed(request, decision, seconds=time.perf_counter() - began)
    return _marked(result, decision)


def _reduced(given: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    if decision.applied_top_k is None:
        return dict(given)
    name = "limit" if given.get("limit") else "top_k"
    return {**given, name: decision.applied_top_k}


def _marked(result: Result, decision: Decision) -> Result:
    """Say in an answer that it is smaller than was asked for."""
    if decision.applied_top_k is None:
        return result
    told = {
        "status": decision.status,
        "degradation_applied": [REDUCED],
        "applied_top_k": decision.applied_top_k,
        "truncate_instruction": {"max_output_tokens": decision.truncate_to_tokens},
    }
    structured = {**result.structured, "status": "degraded"}
    text = f"Only {decision.applied_top_k} hits were asked for, to keep within budget."
    return Result(structured, f"{text}\n{result.text}", {**result.meta, META: told})


def _scope(given: Mapping[str, Any], call: Call) -> str:
    """What the call is about, as the client names it; nothing is looked up."""
    headers = call.exchange.headers
    session_slug = call.session.workspace_slug if call.session else ""
    named = (
        given.get("workspace_id") or call.workspace_header or session_slug or "",
        headers.get("x-mn-user-id", ""),
        given.get("container_tag")
        or headers.get("x-mn-container-tag")
        or headers.get("x-mn-scope")
        or "",
    )
    return ":".join(named)
