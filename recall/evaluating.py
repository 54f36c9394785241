"""Evaluation sets: questions with the memories that recall should find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count

from access.containers import ReadScope
from access.principals import Principal
from audit import trail
from memories.models import EvalItem, EvalSet
from recall import recalling
from recall.recalling import Wanted
from refusals import Code, InvalidArgument, Refusal
from search.question import TEXT_CHARS
from workspaces.models import Workspace, WorkspaceQuerySet

MAX_NAME_CHARS = 120
MOST_SETS = 100
MOST_ITEMS = 500
MOST_EXPECTED = 50
# Each item is a search; a run must end within a request.
MOST_ITEMS_A_RUN = 100


class EvalNotFound(Refusal):
    """An evaluation set or item that the caller cannot see."""

    code = Code.NOT_FOUND
    hint = "List the evaluation sets for their ids."


class EvalNameTaken(Refusal):
    """A second set of one name in a workspace."""

    code = Code.CONFLICT
    hint = "Choose another name, or add items to the set that is there."


class EvalFull(Refusal):
    """More sets or items than one may have."""

    code = Code.PLAN_LIMIT_EXCEEDED
    hint = "Delete some first."


@dataclass(frozen=True)
class Measured:
    """How one question did: of the first `top_k` memories, which were expected."""

    item: EvalItem
    found_ids: list[str]
    hits: int
    precision_at_k: float
    recall: float


@dataclass(frozen=True)
class Run:
    """The figures of a set, and their means over its items (0 without items)."""

    eval_set: EvalSet
    top_k: int
    items: list[Measured]

    @property
    def average_precision_at_k(self) -> float:
        return _mean([item.precision_at_k for item in self.items])

    @property
    def average_recall(self) -> float:
        return _mean([item.recall for item in self.items])


def create_set(
    *, workspace: Workspace, name: str, principal: Principal, at: datetime
) -> EvalSet:
    """Raises InvalidArgument, EvalNameTaken and EvalFull."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise InvalidArgument(f"name must be a line of 1 to {MAX_NAME_CHARS}.")
    if EvalSet.objects.filter(workspace=workspace).count() >= MOST_SETS:
        raise EvalFull(f"{workspace.slug} has {MOST_SETS} evaluation sets.")
    try:
        with transaction.atomic():
            made = EvalSet.objects.create(
                workspace=workspace,
                name=name,
                created_at=at,
                created_by=principal.name,
            )
            _record("eval_set.create", made, principal.actor, at=at)
            return made
    except IntegrityError as error:
        raise EvalNameTaken(f"{workspace.slug} has a set {name!r}.") from error


def sets(*, workspaces: WorkspaceQuerySet) -> list[EvalSet]:
    """The sets of these workspaces, newest first, with `item_count`."""
    found = EvalSet.objects.filter(workspace__in=workspaces.order_by())
    counted = found.select_related("workspace").annotate(item_count=Count("items"))
    return list(counted.order_by("-created_at", "-pk")[: MOST_SETS * 10])


def find_set(set_id: str, *, workspaces: WorkspaceQuerySet) -> EvalSet:
    """Raises EvalNotFound."""
    try:
        return EvalSet.objects.select_related("workspace").get(
            set_id=UUID(set_id), workspace__in=workspaces.order_by()
        )
    except (EvalSet.DoesNotExist, ValueError) as error:
        raise EvalNotFound("There is no such evaluation set.") from error


@transaction.atomic
def delete_set(eval_set: EvalSet, *, actor: trail.Actor, at: datetime) -> None:
    _record("eval_set.delete", eval_set, actor, at=at)
    eval_set.delete()


@transaction.atomic
def add_item(
    *,
    eval_set: EvalSet,
    query: str,
    expected_memory_ids: Sequence[str],
    actor: trail.Actor,
    at: datetime,
) -> EvalItem:
    """Raises InvalidArgument and EvalFull."""
    query = query.strip()
    if not 1 <= len(query) <= TEXT_CHARS:
        raise InvalidArgument(f"query must have 1 to {TEXT_CHARS} characters.")
    if not 1 <= len(expected_memory_ids) <= MOST_EXPECTED:
        raise InvalidArgument(f"expected_memory_ids must be 1 to {MOST_EXPECTED} ids.")
    if eval_set.items.count() >= MOST_ITEMS:
        raise EvalFull(f"The set has {MOST_ITEMS} items.")
    made = EvalItem.objects.create(
        eval_set=eval_set,
        query=query,
        expected_memory_ids=sorted({_uuid(each) for each in expected_memory_ids}),
        created_at=at,
    )
    _record("eval_item.add", eval_set, actor, at=at, item=str(made.item_id))
    return made


def items(eval_set: EvalSet) -> list[EvalItem]:
    """The items of a set, in the order they were added."""
    return list(eval_set.items.order_by("created_at", "pk"))


def find_item(item_id: str, *, workspaces: WorkspaceQuerySet) -> EvalItem:
    """Raises EvalNotFound."""
    try:
        return EvalItem.objects.select_related("eval_set__workspace").get(
            item_id=UUID(item_id), eval_set__workspace__in=workspaces.order_by()
        )
    except (EvalItem.DoesNotExist, ValueError) as error:
        raise EvalNotFound("There is no such evaluation item.") from error


@transaction.atomic
def delete_item(item: EvalItem, *, actor: trail.Actor, at: datetime) -> None:
    named = str(item.item_id)
    _record("eval_item.delete", item.eval_set, actor, at=at, item=named)
    item.delete()


def run(
    *,
    eval_set: EvalSet,
    scope: ReadScope,
    top_k: int = 5,
    payer: Principal | None = None,
    at: datetime,
) -> Run:
    """Recall every question of a set, among memories alone; charged as recalls.

    Looks at the first 100 items. Retrieval counters stay as they are. Raises what
    recalling.recall does.
    """
    measured = [
        _measured(item, scope, top_k=top_k, payer=payer, at=at)
        for item in items(eval_set)[:MOST_ITEMS_A_RUN]
    ]
    return Run(eval_set=eval_set, top_k=top_k, items=measured)


def _measured(
    item: EvalItem,
    scope: ReadScope,
    *,
    top_k: int,
    payer: Principal | None,
    at: datetime,
) -> Measured:
    wanted = Wanted(
        text=item.query, limit=top_k, kinds=(recalling.MEMORY,), is_counted=False
    )
    recalled = recalling.recall(scope, wanted, payer=payer, at=at)
    found = [hit.id for hit in recalled.hits]
    expected = set(item.expected_memory_ids)
    hits = len(expected & set(found))
    return Measured(
        item=item,
        found_ids=found,
        hits=hits,
        precision_at_k=hits / top_k,
        recall=hits / len(expected) if expected else 0.0,
    )


def _record(
    action: str, eval_set: EvalSet, actor: trail.Actor, *, at: datetime, **detail: str
) -> None:
    trail.record(
        actor=actor,
        action=action,
        at=at,
        workspace_slug=eval_set.workspace.slug,
        target=str(eval_set.set_id),
        detail=detail,
    )


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise InvalidArgument(
            f"{text[:40]!r} is no memory id.", hint="Memory ids are UUIDs."
        ) from error


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
