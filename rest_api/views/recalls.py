"""Recall: searching everything that is remembered, and packing it into a context."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recall import describing, feedback, kept_searches, packing, recalling
from recall.packing import ContextPack
from recall.recalling import Wanted
from refusals import Code, Refusal
from rest_api.memory_answers import ContextAnswer, SearchAnswer
from rest_api.memory_resource import READ, MemoryResource
from rest_api.memory_serializers import (
    VECTOR,
    Answering,
    ContextJudging,
    Contextualising,
    Explaining,
    HistoryListing,
    Judging,
    Replaying,
    Searching,
)
from rest_api.memory_wire import context_fields, explained_fields, recalled_fields

_FILTERS = ("metadata", "start_time", "end_time", "memory_type", "filter_mode")


class NoModel(Refusal):
    """This server has no language model."""

    code = Code.NOT_CONFIGURED
    hint = "Ask for /v1/context and let the assistant answer."


class MemorySearchView(MemoryResource):
    """Searching memories, documents and sessions at once."""

    requirement = READ
    answers = {"POST": {200: SearchAnswer}}
    header_names = (*MemoryResource.header_names, "x-save-history")
    only_reads = True

    @extend_schema(request=Searching)
    def post(self, request: Request) -> Response:
        """Find what answers, best first; `x-save-history: 1` keeps the search."""
        sent = self.sent(Searching)
        scope, wanted = self.reads(sent), _wanted(sent)
        recalled = recalling.recall(scope, wanted, payer=self.principal, at=self.at)
        answer = recalled_fields(
            recalled, page=sent["page"], page_size=wanted.limit, mode=wanted.mode
        )
        answer["trace_id"] = self.principal.request_id
        if request.headers.get("X-Save-History", "").lower() in {"1", "true"}:
            asked = kept_searches.keep(
                principal=self.principal,
                scope=scope,
                wanted=wanted,
                recalled=recalled,
                at=self.at,
            )
            answer["query_id"] = str(asked.query_id)
        return Response(answer)


class SearchHistoryView(MemoryResource):
    """The searches that this token kept."""

    requirement = READ

    @extend_schema(parameters=[HistoryListing])
    def get(self, request: Request) -> Response:
        """List kept searches, newest first."""
        limit = self.asked(HistoryListing)["limit"]
        kept = kept_searches.history(self.principal, limit=limit)
        return Response({"history": [describing.asked_fields(each) for each in kept]})


class SearchReplayView(MemoryResource):
    """Asking a kept search again."""

    requirement = READ
    only_reads = True

    @extend_schema(request=Replaying)
    def post(self, request: Request) -> Response:
        """Ask again, where it was asked; compare ids and scores."""
        query_id = self.sent(Replaying)["query_id"]
        asked = kept_searches.find(query_id, principal=self.principal)
        replayed = kept_searches.replay(
            query_id,
            self.reads({"containerTag": asked.query.get("container_tag")}),
            principal=self.principal,
            at=self.at,
        )
        return Response(describing.replayed_fields(replayed))


class ContextView(MemoryResource):
    """A context for a prompt."""

    requirement = READ
    answers = {"POST": {200: ContextAnswer}}
    only_reads = True

    @extend_schema(request=Contextualising)
    def post(self, request: Request) -> Response:
        """Pack what answers into one text within a hard budget."""
        sent = self.sent(Contextualising)
        pack = _pack(self, sent, sent["filters"], explain=sent["explain"])
        answer = context_fields(pack, page=sent["page"], page_size=_size(sent))
        return Response({**answer, "trace_id": self.principal.request_id})


class ContextExplainView(MemoryResource):
    """Why a context holds what it holds."""

    requirement = READ

    @extend_schema(parameters=[Explaining])
    def get(self, request: Request) -> Response:
        """Pack a context and say why in this order."""
        asked = self.asked(Explaining)
        pack = _pack(self, asked, asked, explain=True)
        return Response(
            explained_fields(pack, page=asked["page"], page_size=_size(asked))
        )


class ContextFeedbackView(MemoryResource):
    """What parts of a context were of use."""

    requirement = READ
    answers = {"POST": {202: OpenApiTypes.OBJECT}}

    @extend_schema(request=ContextJudging)
    def post(self, request: Request) -> Response:
        """Keep it for evaluation; nothing is ranked by it."""
        sent = self.sent(ContextJudging)
        feedback.of_context(
            self.principal,
            trace_id=sent["trace_id"],
            used=sent["chunk_ids_used"],
            unused=sent["chunk_ids_unused"],
            at=self.at,
        )
        return Response({"accepted": True}, status=202)


class FeedbackView(MemoryResource):
    """Whether an answer was good."""

    requirement = READ

    @extend_schema(request=Judging)
    def post(self, request: Request) -> Response:
        """Say it of an answer of the last day, by its x-request-id."""
        sent = self.sent(Judging)
        feedback.verdict(
            self.principal,
            request_id=sent["request_id"],
            said=sent["feedback"],
            at=self.at,
        )
        return Response({"updated": True})


class AnswerView(MemoryResource):
    """Answers by a language model, of which this server has none."""

    requirement = READ
    only_reads = True

    @extend_schema(request=Answering)
    def post(self, request: Request) -> Response:
        """Refused with NOT_CONFIGURED: the assistant that asks is the model."""
        self.sent(Answering)
        raise NoModel("No language model is configured to answer.")


def _pack(
    view: MemoryResource,
    sent: dict[str, Any],
    filters: dict[str, Any],
    *,
    explain: bool,
) -> ContextPack:
    return packing.context(
        view.reads(sent),
        sent["query"],
        limit=_size(sent),
        offset=(sent["page"] - 1) * _size(sent),
        profile=sent["retrieval_profile"],
        budget_chars=sent["budget_chars"],
        budget_tokens=sent.get("budget_tokens"),
        mode=_mode(sent),
        kinds=sent["kinds"],
        min_score=_least_score(sent) if "min_score" in sent else None,
        explain=explain,
        payer=view.principal,
        at=view.at,
        **_narrowed(filters),
    )


def _wanted(sent: dict[str, Any]) -> Wanted:
    size = _size(sent)
    return Wanted(
        text=sent["query"],
        limit=size,
        offset=(sent["page"] - 1) * size,
        max_passage_id=sent.get("max_passage_id"),
        mode=_mode(sent),
        kinds=sent["kinds"],
        min_score=_least_score(sent),
        explain=sent["explain"],
        **_narrowed(sent["filters"]),
    )


def _narrowed(filters: dict[str, Any]) -> dict[str, Any]:
    given = {name: filters.get(name) for name in _FILTERS}
    return {
        "metadata": given["metadata"] or {},
        "metadata_mode": given["filter_mode"] or "and",
        "memory_types": given["memory_type"] or (),
        "start": given["start_time"],
        "end": given["end_time"],
    }


def _size(sent: dict[str, Any]) -> int:
    size: int = sent.get("page_size") or sent["top_k"]
    return size


def _mode(sent: dict[str, Any]) -> Any:
    mode = sent["search_mode"]
    return "semantic" if mode == VECTOR else mode


def _least_score(sent: dict[str, Any]) -> float:
    """The least score of a hit: a profile has one, and bounds the one that is asked."""
    given: float | None = sent.get("min_score")
    match sent["retrieval_profile"]:
        case "recall":
            return min(0.08 if given is None else given, 0.2)
        case "precision":
            return max(0.32 if given is None else given, 0.25)
    return given or 0.0
