"""Keeping memories: saving, reading, changing, linking, pinning and erasing them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from memories import changing, erasing, linking, owners, reading, saving
from memories.reading import Filters
from recall import describing, ingesting
from rest_api import hints
from rest_api.memory_answers import (
    ArchivedAnswer,
    ConversationAnswer,
    ErasedAnswer,
    LinkedAnswer,
    MemoryAnswer,
    MemoryPage,
    PinnedAnswer,
    RevisedAnswer,
    RevisionsAnswer,
    SavedAnswer,
)
from rest_api.memory_resource import (
    CHANNEL,
    READ,
    WRITE,
    MemoryResource,
    untagged,
)
from rest_api.memory_serializers import (
    ConversationWriting,
    Ingesting,
    Linking,
    MemoryChanging,
    MemoryListing,
    MemoryWriting,
    Pinning,
    Scoped,
)
from rest_api.memory_wire import (
    erased_fields,
    ingested_fields,
    page_fields,
    saved_fields,
)
from rest_api.resource import Written

_NOT_EXTRACTED = {
    "x-extraction-status": "skipped",
    "x-extraction-reason": "user_disabled",
}


class MemoriesView(MemoryResource):
    """The memories that the token may read; saving one."""

    requirement = {"GET": READ, "POST": WRITE}
    answers = {"GET": {200: MemoryPage}, "POST": {200: SavedAnswer}}
    header_names = (*MemoryResource.header_names, "x-mn-user-id", "x-safety-pii-scan")

    @extend_schema(parameters=[MemoryListing])
    def get(self, request: Request) -> Response:
        """List memories, newest first."""
        asked = self.asked(MemoryListing)
        scope = self.reads(asked)
        page = reading.page(
            workspaces=scope.workspaces,
            filters=_filters(asked),
            page=asked["page"],
            page_size=asked["page_size"],
            up_to=asked.get("up_to"),
            home=scope.home,
            payer=self.principal,
            at=self.at,
        )
        return Response(page_fields(page))

    @extend_schema(request=MemoryWriting)
    def post(self, request: Request) -> Response:
        """Remember something; what is remembered already is not kept twice."""
        body = self.owned(self.body)
        draft = ingesting.draft_of(body)

        def save() -> Written:
            outcome = saving.save(
                workspace=self.writes(body),
                draft=draft,
                channel=CHANNEL,
                actor=self.principal.actor,
                payer=self.principal,
                at=self.at,
            )
            return Written(
                {**saved_fields(outcome), **self._safety(draft.text)},
                headers=_NOT_EXTRACTED,
            )

        return self.once(save)

    def _safety(self, text: str) -> dict[str, Any]:
        if self.request.headers.get("X-Safety-Pii-Scan", "") not in {"1", "true"}:
            return {}
        return {"safety": {"pii_hints": hints.pii(text)}}


class ConversationsView(MemoryResource):
    """Conversations kept as memories."""

    requirement = WRITE
    answers = {"POST": {200: ConversationAnswer}}
    header_names = (*MemoryResource.header_names, "x-mn-user-id")

    @extend_schema(request=ConversationWriting)
    def post(self, request: Request) -> Response:
        """Remember a conversation word for word."""
        body = self.owned(self.body)
        return _taken_in(self, kind="conversation", body=body)


class IngestView(MemoryResource):
    """One door for texts, conversations, documents and artefacts."""

    requirement = WRITE

    @extend_schema(request=Ingesting)
    def post(self, request: Request) -> Response:
        """Take in a body of a kind: text, conversation, document or import."""
        sent = self.sent(Ingesting)
        body = self.owned(sent["body"])
        return _taken_in(self, kind=sent["kind"], body={**sent, **body})


class MemoryView(MemoryResource):
    """One memory."""

    requirement = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    answers = {
        "GET": {200: MemoryAnswer},
        "PATCH": {200: RevisedAnswer},
        "DELETE": {200: ErasedAnswer},
    }

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request, memory_id: str) -> Response:
        """Read a memory whole, also an archived or superseded one."""
        found = reading.get(
            memory_id,
            workspaces=self.reads(self.asked(Scoped)).workspaces,
            payer=self.principal,
            at=self.at,
        )
        return Response(describing.memory_fields(found))

    @extend_schema(request=MemoryChanging)
    def patch(self, request: Request, memory_id: str) -> Response:
        """Give it another text, metadata, type, importance or end."""
        sent = untagged(self.sent(MemoryChanging))

        def revise() -> Written:
            changed = changing.revise(
                memory=self.own_memory(memory_id, self.body),
                channel=CHANNEL,
                actor=self.principal.actor,
                at=self.at,
                **sent,
            )
            return Written(
                {
                    "memory_id": str(changed.memory_id),
                    "id": str(changed.memory_id),
                    "revision": changed.revision_number,
                    "updated_at": describing.iso(changed.updated_at),
                }
            )

        return self.once(revise)

    @extend_schema(parameters=[Scoped])
    def delete(self, request: Request, memory_id: str) -> Response:
        """Erase a memory for good, with its revisions."""
        asked = self.asked(Scoped)

        def erase() -> Written:
            erasure = erasing.erase(
                memory=self.own_memory(memory_id, asked),
                actor=self.principal.actor,
                at=self.at,
            )
            return Written({"deleted": True, **erased_fields(erasure)})

        return self.once(erase)


class RevisionsView(MemoryResource):
    """Every state that a memory had."""

    requirement = READ
    answers = {"GET": {200: RevisionsAnswer}}

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request, memory_id: str) -> Response:
        """List a memory's revisions, newest first."""
        found = reading.get(
            memory_id,
            workspaces=self.reads(self.asked(Scoped)).workspaces,
            payer=self.principal,
            at=self.at,
        )
        revisions = changing.revisions(found)
        return Response(
            {
                "memory_id": str(found.memory_id),
                "revisions": [describing.revision_fields(each) for each in revisions],
            }
        )


class ArchiveView(MemoryResource):
    """Whether a memory is out of recall and lists."""

    requirement = WRITE
    answers = {"POST": {200: ArchivedAnswer}, "DELETE": {200: ArchivedAnswer}}

    @extend_schema(parameters=[Scoped])
    def post(self, request: Request, memory_id: str) -> Response:
        """Archive: hide it, and keep it readable by its id."""
        return self._change(memory_id, changing.archive)

    @extend_schema(parameters=[Scoped])
    def delete(self, request: Request, memory_id: str) -> Response:
        """Bring it back."""
        return self._change(memory_id, changing.unarchive)

    def _change(self, memory_id: str, verb: Any) -> Response:
        asked = self.asked(Scoped)

        def change() -> Written:
            found = verb(
                memory=self.own_memory(memory_id, asked),
                actor=self.principal.actor,
                at=self.at,
            )
            return Written(
                {
                    "memory_id": str(found.memory_id),
                    "archived": found.archived_at is not None,
                    "archived_at": describing.iso(found.archived_at),
                }
            )

        return self.once(change)


class LinksView(MemoryResource):
    """Links from one memory to others of its workspace."""

    requirement = WRITE
    answers = {"POST": {201: LinkedAnswer}}

    @extend_schema(request=Linking)
    def post(self, request: Request, memory_id: str) -> Response:
        """Link it to another memory."""
        sent = self.sent(Linking)

        def link() -> Written:
            made = linking.link(
                **self._ends(memory_id, sent),
                actor=self.principal.actor,
                payer=self.principal,
                at=self.at,
            )
            return Written({"linked": True, **describing.link_fields(made)}, status=201)

        return self.once(link)

    @extend_schema(parameters=[Linking])
    def delete(self, request: Request, memory_id: str) -> Response:
        """Remove a link, named in the query or in a body."""
        sent = self.sent(Linking) if request.data else self.asked(Linking)

        def unlink() -> Written:
            ends = self._ends(memory_id, sent)
            linking.unlink(
                **ends,
                actor=self.principal.actor,
                payer=self.principal,
                at=self.at,
            )
            return Written(
                {
                    "deleted": True,
                    "from_memory_id": str(ends["memory"].memory_id),
                    "to_memory_id": str(ends["other"].memory_id),
                    "link_type": sent["link_type"],
                }
            )

        return self.once(unlink)

    def _ends(self, memory_id: str, sent: dict[str, Any]) -> dict[str, Any]:
        return {
            "memory": self.own_memory(memory_id, sent),
            "other": self.memory(sent["to_memory_id"], {}),
            "link_type": sent["link_type"],
        }


class PinsView(MemoryResource):
    """The pinned memories of a workspace."""

    requirement = WRITE
    answers = {"PATCH": {200: PinnedAnswer}}

    @extend_schema(request=Pinning)
    def patch(self, request: Request) -> Response:
        """Make these the pinned memories, and no others."""
        sent = self.sent(Pinning)

        def pin() -> Written:
            workspace = self.writes(sent)
            pinned = changing.set_pins(
                workspace=workspace,
                memory_ids=sent["memory_ids"],
                actor=self.principal.actor,
                payer=self.principal,
                at=self.at,
            )
            ids = [str(each.memory_id) for each in pinned]
            return Written(
                {"updated": True, "memory_ids": ids, "workspace_id": workspace.slug}
            )

        return self.once(pin)


def _taken_in(view: MemoryResource, *, kind: str, body: dict[str, Any]) -> Response:
    def take_in() -> Written:
        outcome = ingesting.dispatch(
            principal=view.principal,
            workspace=view.writes(body),
            kind=kind,
            body=body,
            channel=CHANNEL,
            payer=view.principal,
            at=view.at,
        )
        return Written(ingested_fields(outcome), headers=_NOT_EXTRACTED)

    return view.once(take_in)


def _filters(asked: dict[str, Any]) -> Filters:
    owner = owners.owner_of(asked)
    is_named = owner != owners.SHARED_APP or _names_owner(asked)
    owner_type = asked.get("owner_type")
    return Filters(
        owner_id=owner.owner_id if is_named else "",
        owner_type=owners.owner_type_of(owner_type) if owner_type else "",
        memory_types=asked["memory_type"],
        metadata=asked["metadata"],
        metadata_mode=asked["filter_mode"],
        start=asked.get("start_time"),
        end=asked.get("end_time"),
        subject=asked["subject"],
        include_archived=asked["include_archived"],
        include_superseded=asked["include_superseded"],
    )


def _names_owner(asked: dict[str, Any]) -> bool:
    return any(asked.get(name) for name in ("user_id", "owner_id", "entity_id"))
