"""Evaluation sets: questions with the memories that recall should find."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from memories.models import EvalSet
from recall import describing, evaluating
from rest_api.memory_resource import READ, WRITE, MemoryResource
from rest_api.memory_serializers import (
    EvalItemListing,
    EvalItemWriting,
    EvalRunning,
    EvalSetWriting,
    Scoped,
)
from rest_api.resource import Written


class Evaluation(MemoryResource):
    """What the views of evaluation share."""

    def eval_set(self, set_id: str) -> EvalSet:
        workspaces = self.reads({}).workspaces
        return evaluating.find_set(set_id, workspaces=workspaces)


class EvalSetsView(Evaluation):
    """Evaluation sets."""

    requirement = {"GET": READ, "POST": WRITE}
    answers = {"POST": {201: OpenApiTypes.OBJECT}}

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request) -> Response:
        """List the sets that the token reads, newest first."""
        workspaces = self.reads(self.asked(Scoped)).workspaces
        found = evaluating.sets(workspaces=workspaces)
        return Response({"sets": [describing.eval_set_fields(each) for each in found]})

    @extend_schema(request=EvalSetWriting)
    def post(self, request: Request) -> Response:
        """Make a set in the workspace that this request writes to."""
        sent = self.sent(EvalSetWriting)

        def create() -> Written:
            made = evaluating.create_set(
                workspace=self.writes(sent),
                name=sent["name"],
                principal=self.principal,
                at=self.at,
            )
            return Written(describing.eval_set_fields(made), status=201)

        return self.once(create)


class EvalSetView(Evaluation):
    """One evaluation set."""

    requirement = WRITE

    @extend_schema(parameters=[Scoped])
    def delete(self, request: Request, set_id: str) -> Response:
        """Delete a set with its items."""
        asked = self.asked(Scoped)

        def delete() -> Written:
            found = self.eval_set(set_id)
            self.own(found.workspace, asked)
            evaluating.delete_set(found, actor=self.principal.actor, at=self.at)
            return Written({"deleted": True, "id": str(found.set_id)})

        return self.once(delete)


class EvalItemsView(Evaluation):
    """The items of a set."""

    requirement = {"GET": READ, "POST": WRITE}
    answers = {"POST": {201: OpenApiTypes.OBJECT}}

    @extend_schema(parameters=[EvalItemListing])
    def get(self, request: Request) -> Response:
        """List a set's items in the order they were added."""
        found = self.eval_set(self.asked(EvalItemListing)["eval_set_id"])
        items = evaluating.items(found)
        return Response(
            {"items": [describing.eval_item_fields(each) for each in items]}
        )

    @extend_schema(request=EvalItemWriting)
    def post(self, request: Request) -> Response:
        """Add a question and the memories that answer it."""
        sent = self.sent(EvalItemWriting)

        def add() -> Written:
            found = self.eval_set(sent["eval_set_id"])
            self.own(found.workspace, sent)
            item = evaluating.add_item(
                eval_set=found,
                query=sent["query"],
                expected_memory_ids=sent["expected_memory_ids"],
                actor=self.principal.actor,
                at=self.at,
            )
            return Written(describing.eval_item_fields(item), status=201)

        return self.once(add)


class EvalItemView(Evaluation):
    """One item."""

    requirement = WRITE

    @extend_schema(parameters=[Scoped])
    def delete(self, request: Request, item_id: str) -> Response:
        """Delete an item."""
        asked = self.asked(Scoped)

        def delete() -> Written:
            workspaces = self.reads({}).workspaces
            found = evaluating.find_item(item_id, workspaces=workspaces)
            self.own(found.eval_set.workspace, asked)
            evaluating.delete_item(found, actor=self.principal.actor, at=self.at)
            return Written({"deleted": True, "id": str(found.item_id)})

        return self.once(delete)


class EvalRunView(Evaluation):
    """Measuring recall."""

    requirement = READ
    only_reads = True

    @extend_schema(request=EvalRunning)
    def post(self, request: Request) -> Response:
        """Ask every question of a set, in its workspace; charged as so many reads."""
        sent = self.sent(EvalRunning)
        found = self.eval_set(sent["eval_set_id"])
        run = evaluating.run(
            eval_set=found,
            scope=self.reads({"containerTag": found.workspace.slug}),
            top_k=sent["top_k"],
            payer=self.principal,
            at=self.at,
        )
        return Response(describing.run_fields(run))
