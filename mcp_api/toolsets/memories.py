"""Tools that keep, read and forget memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_server import MCPToolset

from access import containers
from access.requirements import Requirement
from mcp_api import calls, deprecation, memory_shapes, presenting, scope
from mcp_api.arguments import (
    Action,
    Binding,
    Confirmation,
    ContainerTag,
    MemoryId,
    MemoryText,
    MemoryType,
    Metadata,
    MetadataFilter,
    Nonce,
    PageNumber,
    PageSize,
    TimestampMs,
    UpTo,
)
from mcp_api.registry import Result, memory_tool
from mcp_api.writes import CHANNEL, WRITE, Write
from memories import erasing, owners, reading, saving
from memories.models import Memory
from memories.reading import Filters
from memories.saving import Draft
from recall import forgetting
from refusals import InvalidArgument


class MemoryTools(MCPToolset):
    @memory_tool(
        title="Memory",
        requirement=WRITE,
        result=memory_shapes.MemoryDone,
        destroys=True,
        idempotent=True,
    )
    def memory(
        self,
        content: MemoryText | None = None,
        action: Action = "save",
        container_tag: ContainerTag = None,
        confirm: Confirmation | None = None,
        memory_type: MemoryType | None = None,
        replaces_memory_id: MemoryId | None = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Remember one thing in a few sentences, or forget one.
        WHEN: save when you learn a decision, preference, fact or correction that later
        sessions need; forget when the person asks; confirm_forget with the token that
        forget returned.
        INSTEAD: write_overview for the state of the whole project. Never save secrets.
        RETURNS: memory_id and whether it was known; or candidates with a token; or the
        receipt of what was forgotten.
        """
        write = Write("memory", container_tag, binding, nonce, timestamp_ms)
        if action == "confirm_forget":
            return _confirm(write, confirm or Confirmation())
        if content is None:
            raise InvalidArgument(
                f"action={action} needs content.",
                hint="Say in content what to remember or forget.",
            )
        if action == "forget":
            return _forget(write, content)
        return _save(
            write,
            content,
            memory_type=memory_type,
            replaces_memory_id=replaces_memory_id,
        )

    @memory_tool(
        title="Save memory",
        requirement=WRITE,
        result=memory_shapes.Saved,
        idempotent=True,
        listed_from="full",
    )
    def memory_save(
        self,
        content: MemoryText,
        container_tag: ContainerTag = None,
        memory_type: MemoryType | None = None,
        metadata: Metadata | None = None,
        replaces_memory_id: MemoryId | None = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Remember one thing in a few sentences.
        WHEN: When you learn a decision, preference, fact or correction that later
        sessions need.
        INSTEAD: memory_conversation_save for a dialogue; write_overview for the state
        of the whole project. Never save secrets.
        RETURNS: memory_id, created_at, whether it was known already, what it replaced.
        """
        return _save(
            Write("memory_save", container_tag, binding, nonce, timestamp_ms),
            content,
            memory_type=memory_type,
            metadata=metadata,
            replaces_memory_id=replaces_memory_id,
        )

    @memory_tool(
        title="Insert memory (old name)",
        requirement=WRITE,
        result=memory_shapes.SavedByOldName,
        idempotent=True,
        listed_from="all",
    )
    def memory_insert(
        self,
        content: MemoryText,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Old name of memory_save.
        WHEN: Only in clients that know no other name.
        INSTEAD: memory_save or memory.
        RETURNS: What memory_save returns, and what to call instead.
        """
        write = Write("memory_insert", container_tag, binding, nonce, timestamp_ms)
        return deprecation.alias(
            "memory_insert",
            canonical="memory_save",
            alias_for="memory_save",
            answer=lambda: _save(write, content),
        )

    @memory_tool(
        title="Forget memory",
        requirement=WRITE,
        result=memory_shapes.Forgotten,
        idempotent=True,
        listed_from="full",
    )
    def memory_forget(
        self,
        content: MemoryText,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Find the memory that says this and stage its forgetting.
        WHEN: When the person asks to forget something and you have no memory_id.
        INSTEAD: memory_delete when you know the memory_id.
        RETURNS: Up to three candidates and a token for memory_forget_confirm, good for
        three minutes; where exactly one memory fits beyond doubt, its receipt.
        """
        write = Write("memory_forget", container_tag, binding, nonce, timestamp_ms)
        return _forget(write, content)

    @memory_tool(
        title="Confirm forgetting",
        requirement=WRITE,
        result=memory_shapes.Forgotten,
        destroys=True,
        idempotent=True,
        listed_from="full",
    )
    def memory_forget_confirm(
        self,
        confirm: Confirmation,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Erase what memory_forget staged, for good.
        WHEN: After the person agreed to the candidate.
        INSTEAD: memory_delete when you know the memory_id and staged nothing.
        RETURNS: The memory_id and a receipt. The token alone takes the best candidate;
        with memory_id one of the other candidates.
        """
        tool = "memory_forget_confirm"
        write = Write(tool, container_tag, binding, nonce, timestamp_ms)
        return _confirm(write, confirm)

    @memory_tool(
        title="Get memory",
        requirement=Requirement(),
        result=memory_shapes.MemoryFound,
        reads_only=True,
        listed_from="full",
    )
    def memory_get(
        self, memory_id: MemoryId, container_tag: ContainerTag = None
    ) -> Result:
        """WHAT: Read one memory whole.
        WHEN: When recall, a citation or a link gave you its id.
        INSTEAD: recall for a question; memory_list to page through all.
        RETURNS: Text, type, metadata, owner, dates, revision and whether it was
        superseded or archived.
        """
        call = calls.current()
        found = reading.get(
            memory_id,
            workspaces=scope.reading(container_tag).workspaces,
            payer=call.principal,
            at=call.at,
        )
        return presenting.memory(found)

    @memory_tool(
        title="List memories",
        requirement=Requirement(),
        result=memory_shapes.Memories,
        reads_only=True,
        listed_from="full",
    )
    def memory_list(
        self,
        container_tag: ContainerTag = None,
        page: PageNumber = 1,
        page_size: PageSize = 20,
        metadata_filter: MetadataFilter | None = None,
        include_archived: bool = False,
        include_superseded: bool = False,
        up_to: UpTo | None = None,
    ) -> Result:
        """WHAT: Page through memories, newest first.
        WHEN: To see what is remembered, or all memories with some metadata.
        INSTEAD: recall for a question.
        RETURNS: A page of memories with total and has_more.
        """
        call, reads = calls.current(), scope.reading(container_tag)
        found = reading.page(
            workspaces=reads.workspaces,
            filters=Filters(
                metadata=metadata_filter or {},
                include_archived=include_archived,
                include_superseded=include_superseded,
            ),
            page=page,
            page_size=page_size,
            up_to=up_to,
            home=reads.home,
            payer=call.principal,
            at=call.at,
        )
        return presenting.memories(found)

    @memory_tool(
        title="Delete memory",
        requirement=WRITE,
        result=memory_shapes.Deleted,
        destroys=True,
        idempotent=True,
        listed_from="full",
    )
    def memory_delete(
        self,
        memory_id: MemoryId,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Erase one memory of your own workspace for good, with its revisions.
        WHEN: When the person asked for it and you know the memory_id.
        INSTEAD: memory_forget when you know only what it says; memory_save with
        replaces_memory_id when it is merely outdated.
        RETURNS: The memory_id and a receipt.
        """
        call = calls.current()
        write = Write("memory_delete", container_tag, binding, nonce, timestamp_ms)

        def work() -> Result:
            erasure = erasing.erase(
                memory=_own(memory_id, write), actor=call.principal.actor, at=call.at
            )
            return presenting.erased(erasure)

        return write.once(work, memory_id=memory_id)


def _save(
    write: Write,
    content: str,
    *,
    memory_type: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    replaces_memory_id: str | None = None,
) -> Result:
    call = calls.current()

    def work() -> Result:
        outcome = saving.save(
            workspace=write.workspace(),
            draft=Draft(
                text=content,
                memory_type=memory_type or "",
                metadata=metadata or {},
                owner=owners.owner_of({"user_id": scope.user_id()}),
                replaces=replaces_memory_id,
            ),
            channel=CHANNEL,
            actor=call.principal.actor,
            payer=call.principal,
            at=call.at,
        )
        return presenting.saved(outcome)

    return write.once(
        work,
        content=content,
        memory_type=memory_type,
        metadata=metadata,
        replaces_memory_id=replaces_memory_id,
    )


def _forget(write: Write, content: str) -> Result:
    call = calls.current()

    def work() -> Result:
        outcome = forgetting.stage(
            principal=call.principal,
            workspace=write.workspace(),
            text=content,
            payer=call.principal,
            at=call.at,
        )
        return presenting.staged(outcome)

    return write.once(
        work,
        # A staged answer holds a secret and stored text, and staging again is harmless.
        is_final=lambda result: result.structured["status"] == "forgot",
        content=content,
    )


def _confirm(write: Write, confirm: Confirmation) -> Result:
    call = calls.current()

    def work() -> Result:
        erasure = forgetting.confirm(
            principal=call.principal,
            workspace=write.workspace(),
            token=confirm.get("token"),
            memory_id=confirm.get("memory_id"),
            at=call.at,
        )
        return presenting.forgotten(erasure, message="confirmed_delete")

    return write.once(work, confirm=dict(confirm))


def _own(memory_id: str, write: Write) -> Memory:
    """A memory of the workspace that this call writes to.

    Raises MemoryNotFound for one that the caller cannot read, before any container is
    made, and UnauthorizedScope for one of another workspace.
    """
    found = reading.find(memory_id, workspaces=scope.reading().workspaces)
    bound = write.workspace()
    if found.workspace_id != bound.pk:
        raise containers.UnauthorizedScope(
            f"This call writes to {bound.slug}; the memory is in another workspace.",
            hint=f"Pass containerTag={found.workspace.slug} or bind to it.",
            workspace_id=bound.slug,
        )
    return found
