"""How the memory API answers; recall.describing describes what is in an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from erasures.models import Erasure
from memories.reading import Page
from memories.saving import Saved
from memories.scoring import tier_of
from recall import describing
from recall.describing import Fields
from recall.forgetting import Staged
from recall.ingesting import Ingested
from recall.packing import ContextPack
from recall.profiles import Fact
from recall.recalling import Recalled

_FACT_CHARS, _PROFILE_CHARS = 280, 4000
_MOST_PINNED, _MOST_RECENT, _MOST_PREFERENCES = 10, 5, 8


def saved_fields(outcome: Saved) -> Fields:
    """What a save came to. It holds no stored text, and so may be remembered."""
    kept = outcome.memory
    fields: Fields = {
        "memory_id": str(kept.memory_id),
        "stored": True,
        "chunks": outcome.passages,
        "workspace_id": kept.workspace.slug,
        "container_tag": kept.workspace.container_tag or kept.workspace.slug,
        "created_at": describing.iso(kept.created_at),
        "extraction": {"status": "skipped", "reason": "user_disabled"},
        "intelligence": {
            "canonical_hash": kept.canonical_sha256,
            "confidence": round(kept.confidence, 4),
            "source_weight": kept.source_weight,
            "priority_score": round(kept.priority_score, 4),
            "priority_tier": tier_of(kept.priority_score),
            "auto_pinned": kept.is_pinned,
            "conflict_state": kept.conflict_state,
        },
        "deduped": not outcome.is_new,
        "superseded": [str(each.memory_id) for each in outcome.superseded],
        "conflicts": len(outcome.conflicts),
    }
    if outcome.superseded:
        fields["superseded_memory_id"] = fields["superseded"][0]
    if outcome.dedupe:
        fields["dedupe_kind"] = outcome.dedupe
        fields["duplicate_created_at"] = fields["created_at"]
    return fields


def ingested_fields(outcome: Ingested) -> Fields:
    """What a body became, by its kind."""
    fields: Fields = {"kind": outcome.kind}
    if outcome.saved is not None:
        return fields | saved_fields(outcome.saved)
    if outcome.conversation is not None:
        talked = outcome.conversation
        return fields | {
            **saved_fields(talked.saved[0]),
            "memory_ids": [str(each.memory.memory_id) for each in talked.saved],
            "messages": talked.summary.message_count,
            "counts": talked.summary.counts,
            "trace": {"conversation_summary_status": "not_triggered"},
        }
    if outcome.document is not None:
        published = outcome.document
        return fields | {
            "stored": True,
            "workspace_id": published.document.workspace.slug,
            "path": published.document.path,
            "version": published.version_number,
            "changed": published.changed,
        }
    assert outcome.imported is not None  # noqa: S101 - one of the four is set
    return fields | {
        "counts": outcome.imported.counts,
        "renamed": outcome.imported.renamed,
    }


def page_fields(page: Page) -> Fields:
    return {
        "results": [describing.memory_fields(each) for each in page.memories],
        "page": page.page,
        "page_size": page.page_size,
        "total": page.total,
        "has_more": page.has_more,
        "up_to": page.up_to,
    }


def erased_fields(erasure: Erasure) -> Fields:
    return {
        "id": erasure.target,
        "memory_id": erasure.target,
        "receipt": describing.erasure_fields(erasure),
    }


def staged_fields(staged: Staged) -> Fields:
    """What a wish to forget came to."""
    if staged.erasure is not None:
        return {"status": staged.status, **erased_fields(staged.erasure)}
    return {
        "status": staged.status,
        "confirmation_token": staged.token or None,
        "expires_at": describing.iso(staged.expires_at),
        "candidates": [
            {"memory_id": each.memory_id, "score": each.score, "text": each.text}
            for each in staged.candidates
        ],
    }


def recalled_fields(
    recalled: Recalled, *, page: int, page_size: int, mode: str
) -> Fields:
    fields = describing.recalled_fields(recalled)
    return {
        **fields,
        "page": page,
        "page_size": page_size,
        "retrieval_trace": {
            "search_mode": mode,
            "searched": fields["searched"],
            "reasoning": fields["reasoning"],
        },
    }


def context_fields(pack: ContextPack, *, page: int, page_size: int) -> Fields:
    fields = describing.context_fields(pack)
    return {
        **fields,
        "context_blocks": fields["context"]["relevantHistory"],
        **_paging(pack, page=page, page_size=page_size),
        "profile": _profile(pack),
    }


def explained_fields(pack: ContextPack, *, page: int, page_size: int) -> Fields:
    return {
        **describing.explained_fields(pack),
        **_paging(pack, page=page, page_size=page_size),
    }


def _paging(pack: ContextPack, *, page: int, page_size: int) -> Fields:
    return {
        "page": page,
        "page_size": page_size,
        "total": pack.recalled.total,
        "has_more": pack.recalled.has_more,
    }


def _profile(pack: ContextPack) -> Fields:
    """The profile as short texts, together at most 4,000 characters."""
    left, profile = _PROFILE_CHARS, pack.profile
    shown: dict[str, Any] = {}
    for name, facts, most in (
        ("pinned_facts", profile.pinned, _MOST_PINNED),
        ("recent_notes", profile.recent, _MOST_RECENT),
        ("preferences", profile.preferences, _MOST_PREFERENCES),
    ):
        shown[name] = _fitting(facts[:most], left)
        left -= sum(map(len, shown[name]))
    return shown


def _fitting(facts: Sequence[Fact], most_chars: int) -> list[str]:
    texts = []
    for text in (fact.text[:_FACT_CHARS] for fact in facts):
        most_chars -= len(text)
        if most_chars < 0:
            break
        texts.append(text)
    return texts
