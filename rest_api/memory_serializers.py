"""What requests to the memory API may hold: form and size; the domain has the rules.

Bodies that describe a memory are read by recall.ingesting, as every interface reads
them; here they are described for the schema.
"""

from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.models import Link, Memory
from memories.reading import MAX_PAGE_SIZE
from recall import packing
from recall.recalling import KINDS, MOST_HITS
from rest_api.serializers import MAX_QUERY_CHARS, Count, Moment, Text
from search.question import MODES

MAX_TAG_CHARS = 128
MAX_ID_CHARS = 128
MAX_PAGE = 10_000
MOST_TOP_K, TOP_K = 20, 8
# What clients of the first implementation call searching by meaning.
VECTOR = "vector"
PROFILES = ("balanced", "precision", "recall")


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "array"}]})
class OneOrMore(serializers.Field[tuple[str, ...], Any, Any, Any]):
    """One choice or a list of them; in a query separated by commas."""

    default_error_messages = {"invalid": "Choose from: {choices}."}

    def __init__(self, *, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        words = data.split(",") if isinstance(data, str) else data
        is_list = isinstance(words, list) and all(isinstance(w, str) for w in words)
        if not is_list or not words or not set(words) <= set(self.choices):
            self.fail("invalid", choices=", ".join(self.choices))
        return tuple(dict.fromkeys(words))


@extend_schema_field({"type": "object"})
class Scalars(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A flat object; in a query written as JSON."""

    default_error_messages = {
        "json": "Send a JSON object.",
        "flat": "Values are text, numbers, true, false or null.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            try:
                data = orjson.loads(data)
            except orjson.JSONDecodeError:
                self.fail("json")
        if not isinstance(data, dict):
            self.fail("json")
        if not all(
            isinstance(v, str | int | float | bool | None) for v in data.values()
        ):
            self.fail("flat")
        fields: dict[str, Any] = data
        return fields


class Share(serializers.FloatField):
    """A number from 0 to 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **options)

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Scoped(serializers.Serializer[Any]):
    """Names a workspace: containerTag > namespace > scope."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # One of the names is not spelled as Python spells them.
        names = ("containerTag", "container_tag", "namespace", "scope")
        tags = {
            name: Text(required=False, allow_blank=True, max_length=MAX_TAG_CHARS)
            for name in names
        }
        return {**super().get_fields(), **tags}


class MemoryWriting(Scoped):
    text = Text()
    memory_type = serializers.ChoiceField(Memory.Type.choices, required=False)
    metadata = serializers.DictField(required=False)
    importance = serializers.FloatField(required=False)
    confidence = Share(required=False)
    pinned = serializers.BooleanField(required=False)
    subject = Text(required=False)
    user_id = Text(required=False)
    owner_id = Text(required=False)
    entity_id = Text(required=False)
    owner_type = Text(required=False)
    effective_at = Moment(required=False)
    expires_at = Moment(required=False)
    replaces_memory_id = Text(required=False)
    source_memory_id = Text(required=False)
    chunk_profile = Text(required=False)


class Turn(serializers.Serializer[Any]):
    role = serializers.ChoiceField(("user", "assistant", "system", "tool"))
    content = Text()
    at = Text(required=False)


class ConversationWriting(MemoryWriting):
    text = None  # type: ignore[assignment]
    messages = serializers.ListField(child=Turn(), required=False)
    transcript = Text(required=False)


class Ingesting(Scoped):
    kind = Text(max_length=40)
    body = serializers.DictField()


class MemoryListing(Scoped):
    page = Count(default=1, min_value=1, max_value=MAX_PAGE)
    page_size = Count(default=20, min_value=1, max_value=MAX_PAGE_SIZE)
    up_to = Count(required=False, min_value=0, max_value=2**62)
    user_id = Text(required=False)
    owner_id = Text(required=False)
    entity_id = Text(required=False)
    owner_type = Text(required=False, max_length=40)
    memory_type = OneOrMore(choices=tuple(Memory.Type.values), default=())
    metadata = Scalars(default=dict)
    filter_mode = serializers.ChoiceField(("and", "or"), default="and")
    start_time = Moment(required=False)
    end_time = Moment(required=False)
    subject = Text(default="", allow_blank=True, max_length=200)
    include_archived = serializers.BooleanField(default=False)
    include_superseded = serializers.BooleanField(default=False)


class MemoryChanging(Scoped):
    """What is left out stays; expires_at null takes the end away."""

    text = Text(required=False)
    metadata = Scalars(required=False)
    memory_type = serializers.ChoiceField(
        Memory.Type.choices, required=False, allow_blank=True
    )
    importance = serializers.FloatField(required=False)
    expires_at = Moment(required=False, allow_null=True)
    expected_revision = Count(required=False, min_value=1, max_value=2**31 - 1)
    reason = Text(default="revised", max_length=40)


class Linking(Scoped):
    to_memory_id = Text(max_length=64)
    link_type = serializers.ChoiceField(Link.Type.choices, default="related_to")


class Pinning(Scoped):
    memory_ids = serializers.ListField(child=Text(max_length=64), max_length=100)


class Filtering(serializers.Serializer[Any]):
    metadata = Scalars(default=dict)
    start_time = Moment(required=False)
    end_time = Moment(required=False)
    memory_type = OneOrMore(choices=tuple(Memory.Type.values), default=())
    filter_mode = serializers.ChoiceField(("and", "or"), default="and")


class Asking(Scoped):
    """A question. Scores are 0 to 1."""

    query = Text(max_length=MAX_QUERY_CHARS)
    top_k = Count(default=TOP_K, min_value=1, max_value=MOST_TOP_K)
    page = Count(default=1, min_value=1, max_value=100)
    page_size = Count(required=False, min_value=1, max_value=MOST_HITS)
    max_passage_id = Count(required=False, min_value=0, max_value=2**62)
    search_mode = serializers.ChoiceField((*MODES, VECTOR), default="hybrid")
    retrieval_profile = serializers.ChoiceField(PROFILES, default="balanced")
    min_score = Share(required=False)
    kinds = OneOrMore(choices=KINDS, default=KINDS)
    explain = serializers.BooleanField(default=False)


class Searching(Asking):
    filters = Filtering(default=dict)


class Contextualising(Searching):
    budget_chars = Count(
        default=2500, min_value=packing.LEAST_CHARS, max_value=packing.MOST_CHARS
    )
    budget_tokens = Count(
        required=False, min_value=packing.LEAST_TOKENS, max_value=packing.MOST_TOKENS
    )


class Explaining(Asking, Filtering):
    """As a context is asked for, in the query."""

    budget_chars = Count(
        default=2500, min_value=packing.LEAST_CHARS, max_value=packing.MOST_CHARS
    )


class HistoryListing(serializers.Serializer[Any]):
    limit = Count(default=20, min_value=1, max_value=100)


class Replaying(serializers.Serializer[Any]):
    query_id = Text(max_length=64)


class ContextJudging(serializers.Serializer[Any]):
    trace_id = Text(max_length=MAX_ID_CHARS)
    query_id = Text(required=False, max_length=MAX_ID_CHARS)
    eval_set_id = Text(required=False, max_length=MAX_ID_CHARS)
    chunk_ids_used = serializers.ListField(
        child=Text(max_length=MAX_ID_CHARS), default=list, max_length=200
    )
    chunk_ids_unused = serializers.ListField(
        child=Text(max_length=MAX_ID_CHARS), default=list, max_length=200
    )


class Judging(serializers.Serializer[Any]):
    request_id = Text(max_length=MAX_ID_CHARS)
    feedback = serializers.ChoiceField(("positive", "negative"))


class Answering(serializers.Serializer[Any]):
    question = Text(max_length=2000)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has a context of its own.
        return {**super().get_fields(), "context": Text(max_length=48_000)}


class Forgetting(Scoped):
    content = Text()


class Confirming(Scoped):
    token = Text(required=False, max_length=MAX_ID_CHARS)
    confirmation_token = Text(required=False, max_length=MAX_ID_CHARS)
    memory_id = Text(required=False, max_length=64)


class Importing(Scoped):
    artefact_base64 = Text()
    mode = Text(default="upsert", max_length=40)


class ImportAsking(Scoped):
    mode = Text(default="upsert", max_length=40)


class ExportAsking(Scoped):
    masked = serializers.BooleanField(default=True)


class EvalSetWriting(Scoped):
    name = Text(max_length=200)


class EvalItemListing(serializers.Serializer[Any]):
    eval_set_id = Text(max_length=64)


class EvalItemWriting(serializers.Serializer[Any]):
    eval_set_id = Text(max_length=64)
    query = Text(max_length=MAX_QUERY_CHARS)
    expected_memory_ids = serializers.ListField(
        child=Text(max_length=64), allow_empty=False, max_length=50
    )


class EvalRunning(serializers.Serializer[Any]):
    eval_set_id = Text(max_length=64)
    top_k = Count(default=5, min_value=1, max_value=MOST_TOP_K)


class ConnectorAsking(Scoped):
    connector_id = Text(required=False, max_length=120)


class ConnectorChanging(Scoped):
    connector_id = Text(max_length=120)
    sync_enabled = serializers.BooleanField(required=False)
    capture_types = serializers.DictField(required=False)


class AuditListing(serializers.Serializer[Any]):
    page = Count(default=1, min_value=1, max_value=100)
    limit = Count(default=50, min_value=1, max_value=200)
    since = Moment(required=False)
    until = Moment(required=False)
    api_key_id = Count(required=False, min_value=1, max_value=2**53)
    workspace_id = Text(required=False, max_length=MAX_TAG_CHARS)
    action = Text(required=False, max_length=64)
    outcome = serializers.ChoiceField(("done", "refused", "failed"), required=False)


class WorkspaceMaking(serializers.Serializer[Any]):
    name = Text(max_length=MAX_TAG_CHARS)


class WorkspaceAsking(serializers.Serializer[Any]):
    workspace_id = Text(max_length=MAX_TAG_CHARS)


class KeyListing(serializers.Serializer[Any]):
    workspace_id = Text(required=False, max_length=MAX_TAG_CHARS)


class KeyMaking(serializers.Serializer[Any]):
    name = Text(max_length=100)
    workspace_id = Text(required=False, max_length=MAX_TAG_CHARS)
    scoped_container_tag = Text(required=False, max_length=MAX_TAG_CHARS)
    kind = serializers.ChoiceField(("ai", "sync"), default="ai")
    scopes = serializers.ListField(
        child=Text(max_length=8), required=False, max_length=8
    )
    expires_at = Moment(required=False)


class KeyRevoking(serializers.Serializer[Any]):
    api_key_id = Count(min_value=1, max_value=2**62)


class CheckingOut(Scoped):
    plan = Text(default="build", max_length=40)
    firstname = Text(default="", allow_blank=True, max_length=200)
    email = Text(default="", allow_blank=True, max_length=200)
    phone = Text(default="", allow_blank=True, max_length=40)
