from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import scoping
from access.requirements import Requirement
from knowledge import searching as documents
from refusals import InvalidArgument
from rest_api.resource import Resource
from rest_api.serializers import Searching
from rest_api.wire import document_hit_fields, transcript_hit_fields
from sessions import searching as transcripts

# What means nothing for the other kind, and what it is when it was not asked for.
_ONLY_OF: dict[str, dict[str, Any]] = {
    "sessions": {"roles": (), "group_by_session": False},
    "knowledge": {"path_prefix": ""},
}


class SearchView(Resource):
    """Search over everything that the token may read."""

    requirement = Requirement()

    @extend_schema(parameters=[Searching])
    def get(self, request: Request) -> Response:
        """Search transcripts or documents, best hits first."""
        asked = self.asked(Searching)
        cursor, limit = asked.pop("cursor", None), asked.pop("limit")
        query = self.query_name(**asked)
        offset, newest = self.position(query, cursor) or (0, None)
        workspace_ids = self._workspace_ids(asked)
        kind, page = (
            asked.pop("kind"),
            {"limit": limit, "offset": offset, "max_passage_id": newest},
        )
        for name, unasked in _ONLY_OF[_other(kind)].items():
            if asked.pop(name) != unasked:
                raise InvalidArgument(
                    f"{name} is for kind={_other(kind)}.", hint=f"Leave {name} out."
                )
        search = _sessions if kind == "sessions" else _documents
        answer, has_more, newest = search(workspace_ids, asked.pop("q"), asked | page)
        following = [offset + limit, newest] if has_more else None
        return Response({**answer, "next_cursor": self.cursor(query, following)})

    def _workspace_ids(self, asked: dict[str, Any]) -> list[int]:
        """Readable workspaces that the filters leave, by row id; they leave `asked`."""
        slug = asked.pop("workspace_id", None)
        parts = {name: asked.pop(name, None) for name in ("machine", "tool", "project")}
        return scoping.readable_ids(self.principal, slug=slug, **parts)


Answer = tuple[dict[str, Any], bool, int]


def _sessions(workspace_ids: Sequence[int], text: str, asked: dict[str, Any]) -> Answer:
    found = transcripts.search(workspace_ids=workspace_ids, text=text, **asked)
    searched: dict[str, Any] = {
        "passages": found.passages_searched,
        "notes": found.notes,
    }
    if found.transcripts_searched is not None:
        searched["sessions"] = found.transcripts_searched
    answer = {
        "hits": [transcript_hit_fields(hit) for hit in found.hits],
        "pending": {"words": found.pending.words, "vectors": found.pending.vectors},
        "searched": searched,
    }
    return answer, found.has_more, found.max_passage_id


def _documents(
    workspace_ids: Sequence[int], text: str, asked: dict[str, Any]
) -> Answer:
    found = documents.search(workspace_ids=workspace_ids, text=text, **asked)
    answer = {
        "hits": [document_hit_fields(hit) for hit in found.hits],
        "pending": {"words": found.pending_words, "vectors": found.pending_vectors},
        "searched": {
            "passages": found.searched.passages,
            "notes": found.searched.notes,
        },
    }
    return answer, found.has_more, found.max_passage_id


def _other(kind: str) -> str:
    return "knowledge" if kind == "sessions" else "sessions"
