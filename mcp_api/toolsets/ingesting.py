"""Tools that take in what is more than one fact: dialogues, documents, artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp_server import MCPToolset

from mcp_api import calls, memory_shapes, presenting, scope
from mcp_api.arguments import (
    Binding,
    ContainerTag,
    ConversationBody,
    Ingested,
    Nonce,
    TimestampMs,
)
from mcp_api.registry import Result, memory_tool
from mcp_api.writes import CHANNEL, WRITE, Write
from memories import owners
from recall import ingesting

_TAG_NAMES = ("containerTag", "namespace", "scope")


class IngestTools(MCPToolset):
    @memory_tool(
        title="Save conversation",
        requirement=WRITE,
        result=memory_shapes.Done,
        idempotent=True,
        listed_from="full",
    )
    def memory_conversation_save(
        self,
        body: ConversationBody,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Remember a short dialogue word for word, as one memory.
        WHEN: When an exchange itself matters, not only what was decided in it.
        INSTEAD: memory_save for a fact; upload_session for whole sessions.
        RETURNS: memory_id, counts by role and whether it was known already.
        """
        tool = "memory_conversation_save"
        write = Write(tool, container_tag, binding, nonce, timestamp_ms)
        return _ingest(write, "conversation", body, status="saved")

    @memory_tool(
        title="Ingest",
        requirement=WRITE,
        result=memory_shapes.Done,
        destroys=True,
        idempotent=True,
        listed_from="full",
    )
    def ingest_dispatch(
        self,
        payload: Ingested,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Take in a text, a conversation, a document or an exported artefact.
        WHEN: When a program has data of such a kind; import can replace what is there.
        INSTEAD: memory_save for one fact; upload_knowledge and upload_session for sync
        clients.
        RETURNS: What was stored, with ids and counts.
        """
        write = Write("ingest_dispatch", container_tag, binding, nonce, timestamp_ms)
        return _ingest(write, payload["kind"], payload["body"], status="ok")


def _ingest(write: Write, kind: str, body: Mapping[str, Any], *, status: str) -> Result:
    call = calls.current()
    if write.container_tag is None and isinstance(tag := _tag(body), str):
        write = replace(write, container_tag=tag)
    if scope.user_id() and owners.owner_of(body) == owners.SHARED_APP:
        body = {**body, "user_id": scope.user_id()}

    def work() -> Result:
        outcome = ingesting.dispatch(
            principal=call.principal,
            workspace=write.workspace(),
            kind=kind,
            body=body,
            channel=CHANNEL,
            payer=call.principal,
            at=call.at,
        )
        return presenting.ingested(outcome, status=status)

    return write.once(work, kind=kind, body=body)


def _tag(body: Mapping[str, Any]) -> object:
    """The scope that the body names itself, under any of the names for it."""
    return next((body[name] for name in _TAG_NAMES if body.get(name)), None)
