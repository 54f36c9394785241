"""What the memory API answers, described for the schema; recall.describing makes it.

Nothing is answered through these: tests/rest_api/test_memory_schema.py holds real
answers against them.
"""

from __future__ import annotations

from typing import Any, get_args

from rest_framework import serializers

from memories.models import Link, Memory
from recall.recalling import KINDS
from recall.rendering import Step

_Fields = serializers.Serializer[Any]


def _text(*, null: bool = False) -> serializers.CharField:
    return serializers.CharField(allow_null=null, allow_blank=True)


def _count() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0)


def _share() -> serializers.FloatField:
    return serializers.FloatField(min_value=0, max_value=1)


def _time(*, null: bool = False) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=null)


def _texts() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField())


def _kind() -> serializers.CharField:
    return serializers.CharField(help_text=f"One of {', '.join(KINDS)}.")


class MemoryAnswer(_Fields):
    """A memory, whole; secrets in its text are masked."""

    memory_id = serializers.UUIDField()
    id = serializers.UUIDField()
    workspace_id = _text()
    container_tag = _text()
    namespace = _text()
    text = _text()
    metadata = serializers.DictField()
    memory_type = serializers.ChoiceField(Memory.Type.choices, allow_null=True)
    importance = serializers.FloatField()
    confidence = _share()
    source_weight = serializers.FloatField()
    priority_score = serializers.FloatField()
    priority_tier = serializers.ChoiceField(("cold", "warm", "hot", "critical"))
    pinned = serializers.BooleanField()
    owner_id = _text()
    owner_type = _text()
    user_id = _text()
    subject = _text()
    effective_at = _time()
    expires_at = _time(null=True)
    created_at = _time()
    created_by = _text()
    channel = _text()
    updated_at = _time()
    revision = _count()
    duplicate_of = serializers.UUIDField(allow_null=True)
    superseded_for = _text(null=True)
    archived_at = _time(null=True)
    conflict_state = serializers.ChoiceField(Memory.ConflictState.choices)
    last_conflict_at = _time(null=True)
    retrieval_count = _count()
    source_memory_id = serializers.UUIDField(allow_null=True)


class MemoryPage(_Fields):
    results = MemoryAnswer(many=True)
    page = _count()
    page_size = _count()
    total = _count()
    has_more = serializers.BooleanField()
    up_to = _count()


class Extraction(_Fields):
    status = serializers.ChoiceField(("skipped",))
    reason = _text()


class Intelligence(_Fields):
    canonical_hash = _text()
    confidence = _share()
    source_weight = serializers.FloatField()
    priority_score = serializers.FloatField()
    priority_tier = _text()
    auto_pinned = serializers.BooleanField()
    conflict_state = _text()


class Safety(_Fields):
    pii_hints = _texts()


class SavedAnswer(_Fields):
    """What a save came to, without the text."""

    memory_id = serializers.UUIDField()
    stored = serializers.BooleanField()
    chunks = _count()
    workspace_id = _text()
    container_tag = _text()
    created_at = _time()
    extraction = Extraction()
    intelligence = Intelligence()
    deduped = serializers.BooleanField()
    dedupe_kind = serializers.ChoiceField(("exact", "near"), required=False)
    duplicate_created_at = serializers.DateTimeField(required=False)
    superseded = _texts()
    superseded_memory_id = serializers.UUIDField(required=False)
    conflicts = _count()
    safety = Safety(required=False)


class ConversationAnswer(SavedAnswer):
    """A conversation may be several memories; the first is told of."""

    kind = _text()
    memory_ids = _texts()
    messages = _count()
    counts = serializers.DictField(child=serializers.IntegerField())
    trace = serializers.DictField()


class RevisedAnswer(_Fields):
    memory_id = serializers.UUIDField()
    id = serializers.UUIDField()
    revision = _count()
    updated_at = _time()


class RevisionAnswer(_Fields):
    revision = _count()
    text = _text()
    metadata = serializers.DictField()
    reason = _text()
    channel = _text()
    created_at = _time()
    created_by = _text()


class RevisionsAnswer(_Fields):
    memory_id = serializers.UUIDField()
    revisions = RevisionAnswer(many=True)


class ArchivedAnswer(_Fields):
    memory_id = serializers.UUIDField()
    archived = serializers.BooleanField()
    archived_at = _time(null=True)


class LinkedAnswer(_Fields):
    linked = serializers.BooleanField()
    from_memory_id = serializers.UUIDField()
    to_memory_id = serializers.UUIDField()
    link_type = serializers.ChoiceField(Link.Type.choices)
    created_at = _time()
    created_by = _text()


class PinnedAnswer(_Fields):
    updated = serializers.BooleanField()
    memory_ids = _texts()
    workspace_id = _text()


class Receipt(_Fields):
    """`purged_at` is null while index files still hold the words."""

    receipt_id = serializers.UUIDField()
    memory_id = _text()
    workspace_id = _text()
    erased_at = _time()
    erased_by = _text()
    counts = serializers.DictField(child=serializers.IntegerField())
    purged_at = _time(null=True)


class ErasedAnswer(_Fields):
    deleted = serializers.BooleanField()
    id = _text()
    memory_id = _text()
    receipt = Receipt()


class Candidate(_Fields):
    memory_id = serializers.UUIDField()
    score = _share()
    text = _text()


class StagedAnswer(_Fields):
    """Either what was erased, or who to confirm it with."""

    status = serializers.ChoiceField(("forgot", "needs_confirmation", "no_match"))
    confirmation_token = serializers.CharField(allow_null=True, required=False)
    expires_at = serializers.DateTimeField(allow_null=True, required=False)
    candidates = Candidate(many=True, required=False)
    id = serializers.CharField(required=False)
    memory_id = serializers.CharField(required=False)
    receipt = Receipt(required=False)


class ForgotAnswer(_Fields):
    status = serializers.ChoiceField(("forgot",))
    id = _text()
    memory_id = _text()
    receipt = Receipt()


class HitAnswer(_Fields):
    """What every hit has; documents and sessions have fields of their own beside it."""

    kind = _kind()
    memory_id = _text()
    chunk_id = _text()
    chunk_index = _count()
    text = _text()
    snippet = _text()
    score = _share()
    workspace_id = _text()
    container_tag = _text()
    is_home = serializers.BooleanField()
    at = _time(null=True)
    first_line = _count()
    last_line = _count()
    provenance = serializers.DictField()
    citation = serializers.DictField()


class SearchAnswer(_Fields):
    status = serializers.ChoiceField(("ok", "low_confidence"))
    results = HitAnswer(many=True)
    total = _count()
    has_more = serializers.BooleanField()
    page = _count()
    page_size = _count()
    max_passage_id = _count()
    confidence = _share()
    reasoning = _texts()
    pending = serializers.DictField(child=serializers.IntegerField())
    searched = serializers.DictField()
    retrieval_trace = serializers.DictField()
    trace_id = _text()
    query_id = serializers.UUIDField(required=False)


class BlockAnswer(_Fields):
    i = _count()
    kind = _kind()
    memory_id = _text()
    text = _text()
    score = _share()
    at = _time(null=True)
    workspace_id = _text()
    is_cut = serializers.BooleanField()
    citation = serializers.DictField()


class ContextParts(_Fields):
    guidance = _texts()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # The names of the original, which are not spelled as Python spells them.
        return {
            **super().get_fields(),
            "profileFacts": _texts(),
            "relevantHistory": BlockAnswer(many=True),
        }


class ContextMeta(_Fields):
    budget_chars = _count()
    budget_tokens = serializers.IntegerField(allow_null=True)
    used_chars = _count()
    used_tokens = _count()
    truncated = serializers.BooleanField()
    truncation_steps = serializers.ListField(
        child=serializers.ChoiceField(get_args(Step))
    )
    confidence = _share()
    source_count = _count()
    recall_strength = serializers.ChoiceField(("weak", "medium", "strong"))
    diversity_score = _share()
    redundancy_penalty = _share()
    integrity_score = serializers.FloatField()


class CitationAnswer(_Fields):
    i = _count()
    memory_id = _text()
    chunk_id = _text()
    chunk_index = _count()
    uri = _text()
    sha256 = _text()


class LinkedMemory(_Fields):
    memory_id = serializers.UUIDField()
    text = _text()
    link_type = _text()
    from_memory_id = serializers.UUIDField()


class ShortProfile(_Fields):
    pinned_facts = _texts()
    recent_notes = _texts()
    preferences = _texts()


class ContextAnswer(_Fields):
    """`context_text` never exceeds the budget."""

    status = serializers.ChoiceField(("ok", "degraded"))
    context_text = _text()
    context_blocks = BlockAnswer(many=True)
    citations = CitationAnswer(many=True)
    linked_memories = LinkedMemory(many=True)
    profile = ShortProfile()
    profile_engine = serializers.DictField()
    meta = ContextMeta()
    page = _count()
    page_size = _count()
    total = _count()
    has_more = serializers.BooleanField()
    trace_id = _text()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has a context of its own.
        return {**super().get_fields(), "context": ContextParts()}


class ImportedAnswer(_Fields):
    imported = serializers.BooleanField()
    workspace_id = _text()
    counts = serializers.DictField(child=serializers.IntegerField())
    renamed = serializers.DictField(child=serializers.CharField())


class ExportedAnswer(_Fields):
    artefact_base64 = _text()
    bytes = _count()
    sha256 = _text()
    counts = serializers.DictField(child=serializers.IntegerField())
    masked = serializers.BooleanField()


class KeyAnswer(_Fields):
    """`api_key` is in the answer that made it, and nowhere else."""

    api_key_id = _count()
    api_key = serializers.CharField(required=False)
    name = _text()
    masked = _text()
    kind = _text()
    scopes = _texts()
    workspace_id = _text(null=True)
    scoped_container_tag = _text(null=True)
    created_at = _time()
    created_by = _text()
    expires_at = _time(null=True)
    revoked_at = _time(null=True)
    last_used_at = _time(null=True)


class KeysAnswer(_Fields):
    api_keys = KeyAnswer(many=True)
