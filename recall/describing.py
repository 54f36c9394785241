"""What memories and answers look like as plain JSON, the same on every interface."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from erasures.models import Erasure
from memories import reading, scoring
from memories.models import (
    Asked,
    Conflict,
    EvalItem,
    EvalSet,
    Link,
    Memory,
    Revision,
)
from recall.evaluating import Measured, Run
from recall.kept_searches import Replayed, found_then
from recall.packing import ContextPack
from recall.profiles import Fact, Profile
from recall.recalling import HOME_BONUS, MEMORY, Found, Recalled
from recall.rendering import Block, Citation, Linked
from search import masking
from workspaces.models import Workspace

Fields = dict[str, Any]


def memory_fields(memory: Memory) -> Fields:
    """The record of section 8.1; `memory.workspace` is read."""
    return {
        "memory_id": str(memory.memory_id),
        "id": str(memory.memory_id),
        **_place(memory.workspace),
        "namespace": _namespace(memory.workspace),
        "text": reading.shown_text(memory),
        "metadata": _shown_metadata(memory.metadata),
        "memory_type": memory.memory_type or None,
        "importance": memory.importance,
        "confidence": round(memory.confidence, 4),
        "source_weight": memory.source_weight,
        "priority_score": round(memory.priority_score, 4),
        "priority_tier": scoring.tier_of(memory.priority_score),
        "pinned": memory.is_pinned,
        "owner_id": memory.owner_id,
        "owner_type": memory.owner_type,
        "user_id": memory.owner_id,
        "subject": masking.mask(memory.subject),
        "effective_at": iso(memory.effective_at),
        "expires_at": iso(memory.expires_at),
        "created_at": iso(memory.created_at),
        "created_by": memory.created_by,
        "channel": memory.channel,
        "updated_at": iso(memory.updated_at),
        "revision": memory.revision_number,
        "duplicate_of": _memory_id(memory.superseded_by),
        "superseded_for": memory.superseded_for or None,
        "archived_at": iso(memory.archived_at),
        "conflict_state": memory.conflict_state,
        "last_conflict_at": iso(memory.conflicted_at),
        "retrieval_count": memory.retrieval_count,
        "source_memory_id": _memory_id(memory.source_memory),
    }


def found_fields(found: Found) -> Fields:
    """A hit: what every kind has, and what its own kind adds."""
    passage = found.passage
    fields: Fields = {
        "kind": found.kind,
        "memory_id": found.id,
        "chunk_id": str(passage.passage_id),
        "chunk_index": found.chunk_index,
        "text": found.text,
        "snippet": passage.snippet,
        "score": round(found.score, 4),
        **_place(found.workspace),
        "is_home": found.is_home,
        "at": iso(found.at),
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "provenance": {"author": passage.speaker, "channel": passage.channel},
        "citation": {"uri": found.citation_uri, "sha256": passage.lines_sha256},
    }
    fields |= _of_kind(found)
    if passage.features is not None:
        fields["_explain"] = _scores(found)
    return fields


def recalled_fields(recalled: Recalled) -> Fields:
    """An answer with its hits."""
    return {
        "status": "low_confidence" if recalled.is_uncertain else "ok",
        "results": [found_fields(hit) for hit in recalled.hits],
        "total": recalled.total,
        "has_more": recalled.has_more,
        "max_passage_id": recalled.max_passage_id,
        "confidence": round(recalled.confidence, 4),
        "reasoning": recalled.reasoning,
        "pending": {
            "words": recalled.pending_words,
            "vectors": recalled.pending_vectors,
        },
        "searched": {
            "passages": recalled.searched.passages,
            "notes": recalled.searched.notes,
        },
    }


def context_fields(pack: ContextPack) -> Fields:
    """A context pack: its text, its parts, where they stand, and its signals."""
    return {
        "status": "degraded" if pack.truncated else "ok",
        "context_text": pack.text,
        "context": {
            "profileFacts": [fact.text for fact in pack.profile_facts],
            "relevantHistory": [_block_fields(block) for block in pack.blocks],
            "guidance": pack.guidance,
        },
        "citations": [_citation_fields(each) for each in pack.citations],
        "linked_memories": [_linked_fields(each) for each in pack.linked],
        "profile_engine": profile_fields(pack.profile),
        "meta": {
            "budget_chars": pack.budget_chars,
            "budget_tokens": pack.budget_tokens,
            "used_chars": pack.used_chars,
            "used_tokens": pack.used_tokens,
            "truncated": pack.truncated,
            "truncation_steps": list(pack.steps),
            "confidence": round(pack.confidence, 4),
            "source_count": pack.source_count,
            "recall_strength": pack.recall_strength,
            "diversity_score": round(pack.diversity_score, 4),
            "redundancy_penalty": round(pack.redundancy_penalty, 4),
            "integrity_score": round(pack.integrity_score, 4),
        },
    }


def explained_fields(pack: ContextPack) -> Fields:
    """Why a pack, asked for with explain, has what it has in this order."""
    return {
        "results": [
            {
                **_block_fields(block),
                "rank": block.number,
                "scores": _scores(block.found),
            }
            for block in pack.blocks
        ],
        "ordering_explanation": (
            "By relevance, the calibrated score of the one search over all kinds, plus "
            f"{HOME_BONUS:g} for the workspace that asks, whose blocks come first. "
            "Equal ones: the newer first. Importance and use do not count."
        ),
        "reasoning": pack.recalled.reasoning,
        "chunk_ids_used": [str(each.passage_id) for each in pack.citations],
        "memories_retrieved": sum(hit.kind == MEMORY for hit in pack.recalled.hits),
    }


def profile_fields(profile: Profile) -> Fields:
    """What a scope's memories say; facts as text, newest first."""
    return {
        "preferences": [fact.text for fact in profile.preferences],
        "projects": [fact.text for fact in profile.projects],
        "goals": [fact.text for fact in profile.goals],
        "constraints": [fact.text for fact in profile.constraints],
        "pinned": [fact_fields(fact) for fact in profile.pinned],
        "recent": [fact_fields(fact) for fact in profile.recent],
        "identity": {
            "workspace_id": profile.workspace_id,
            "container_tag": profile.container_tag,
        },
        "last_updated": iso(profile.last_updated_at),
        "confidence": round(profile.confidence, 4),
    }


def fact_fields(fact: Fact) -> Fields:
    return {
        "memory_id": fact.memory_id,
        "text": fact.text,
        "memory_type": fact.memory.memory_type or None,
        "created_at": iso(fact.at),
    }


def revision_fields(revision: Revision) -> Fields:
    return {
        "revision": revision.number,
        "text": masking.mask(revision.text),
        "metadata": _shown_metadata(revision.metadata),
        "reason": revision.reason,
        "channel": revision.channel,
        "created_at": iso(revision.created_at),
        "created_by": revision.created_by,
    }


def link_fields(link: Link) -> Fields:
    """`link.from_memory` and `link.to_memory` are read."""
    return {
        "from_memory_id": str(link.from_memory.memory_id),
        "to_memory_id": str(link.to_memory.memory_id),
        "link_type": link.link_type,
        "created_at": iso(link.created_at),
        "created_by": link.created_by,
    }


def conflict_fields(conflict: Conflict) -> Fields:
    """`conflict.older`, `newer` and `winner` are read."""
    return {
        "older_memory_id": str(conflict.older.memory_id),
        "newer_memory_id": str(conflict.newer.memory_id),
        "state": conflict.state,
        "winner_memory_id": _memory_id(conflict.winner),
        "found_at": iso(conflict.found_at),
        "settled_at": iso(conflict.settled_at),
    }


def erasure_fields(erasure: Erasure) -> Fields:
    """The receipt; `purged_at` is null while the index still holds the words."""
    return {
        "receipt_id": str(erasure.receipt_id),
        "memory_id": erasure.target,
        "workspace_id": erasure.workspace_slug,
        "erased_at": iso(erasure.erased_at),
        "erased_by": erasure.erased_by,
        "counts": erasure.counts,
        "purged_at": iso(erasure.purged_at),
    }


def asked_fields(asked: Asked) -> Fields:
    """A kept search; `asked.workspace` is read."""
    return {
        "query_id": str(asked.query_id),
        "query": masking.mask(asked.query["text"]),
        "params": {name: asked.query[name] for name in asked.query if name != "text"},
        "workspace_id": asked.workspace.slug if asked.workspace else None,
        "results": asked.found,
        "asked_at": iso(asked.asked_at),
    }


def replayed_fields(replayed: Replayed) -> Fields:
    """What a kept search found then and finds now, both as ids and scores."""
    return {
        "query_id": str(replayed.asked.query_id),
        "previous": replayed.previous,
        "current": [found_then(hit) for hit in replayed.current.hits],
    }


def eval_set_fields(eval_set: EvalSet) -> Fields:
    """`eval_set.workspace` is read; `item_count` where it was counted."""
    fields: Fields = {
        "id": str(eval_set.set_id),
        "name": eval_set.name,
        "workspace_id": eval_set.workspace.slug,
        "created_at": iso(eval_set.created_at),
        "created_by": eval_set.created_by,
    }
    if (count := getattr(eval_set, "item_count", None)) is not None:
        fields["item_count"] = count
    return fields


def eval_item_fields(item: EvalItem) -> Fields:
    """`item.eval_set` is read."""
    return {
        "id": str(item.item_id),
        "eval_set_id": str(item.eval_set.set_id),
        "query": item.query,
        "expected_memory_ids": item.expected_memory_ids,
        "created_at": iso(item.created_at),
    }


def run_fields(run: Run) -> Fields:
    return {
        "eval_set_id": str(run.eval_set.set_id),
        "top_k": run.top_k,
        "item_count": len(run.items),
        "average_precision_at_k": round(run.average_precision_at_k, 4),
        "average_recall": round(run.average_recall, 4),
        "items": [_measured_fields(each) for each in run.items],
    }


def iso(at: datetime | None) -> str | None:
    """The moment in UTC, as the wire has it."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _of_kind(found: Found) -> Fields:
    if found.memory is not None:
        memory = found.memory
        return {
            "title": "",
            "role": "memory",
            "memory_type": memory.memory_type or None,
            "metadata": _shown_metadata(memory.metadata),
            "owner_id": memory.owner_id,
            "owner_type": memory.owner_type,
            "pinned": memory.is_pinned,
            "importance": memory.importance,
            "conflict_state": memory.conflict_state,
            "revision": memory.revision_number,
        }
    if found.document is not None:
        return {
            "title": found.document.title,
            "role": found.passage.role,
            "path": found.document.path,
            "version": found.document.indexed_version,
        }
    if found.transcript is not None:
        return {
            "title": found.transcript.title,
            "role": found.passage.role,
            "session_id": found.transcript.session_id,
            "agent_id": found.transcript.agent_id,
            "revision": found.transcript.revision,
        }
    return {}


def _scores(found: Found) -> Fields:
    """What the final score was made of; features where they were asked for."""
    features = found.passage.features or {}
    return {
        "relevance": round(found.passage.score, 4),
        "home_bonus": HOME_BONUS if found.is_home else 0.0,
        "importance": found.memory.importance if found.memory else None,
        "at": iso(found.at),
        "final": round(found.score, 4),
        "features": {
            name: {"value": round(each.value, 4), "weight": round(each.weight, 4)}
            for name, each in features.items()
        },
    }


def _block_fields(block: Block) -> Fields:
    found = block.found
    return {
        "i": block.number,
        "kind": found.kind,
        "memory_id": found.id,
        "text": block.text,
        "score": round(block.score, 4),
        "at": iso(found.at),
        "workspace_id": found.workspace.slug,
        "is_cut": block.is_cut,
        "citation": {
            "uri": found.citation_uri,
            "sha256": found.passage.lines_sha256,
        },
    }


def _citation_fields(citation: Citation) -> Fields:
    return {
        "i": citation.number,
        "memory_id": citation.memory_id,
        "chunk_id": str(citation.passage_id),
        "chunk_index": citation.chunk_index,
        "uri": citation.uri,
        "sha256": citation.sha256,
    }


def _linked_fields(linked: Linked) -> Fields:
    return {
        "memory_id": str(linked.link.to_memory.memory_id),
        "text": linked.text,
        "link_type": linked.link.link_type,
        "from_memory_id": str(linked.link.from_memory.memory_id),
    }


def _shown_metadata(metadata: Mapping[str, Any]) -> Fields:
    return {
        masking.mask(name): masking.mask(value) if isinstance(value, str) else value
        for name, value in metadata.items()
    }


def _measured_fields(measured: Measured) -> Fields:
    return {
        "item_id": str(measured.item.item_id),
        "query": measured.item.query,
        "expected_memory_ids": measured.item.expected_memory_ids,
        "found_memory_ids": measured.found_ids,
        "hits": measured.hits,
        "precision_at_k": round(measured.precision_at_k, 4),
        "recall": round(measured.recall, 4),
    }


def _place(workspace: Workspace) -> Fields:
    return {
        "workspace_id": workspace.slug,
        "container_tag": _namespace(workspace),
    }


def _namespace(workspace: Workspace) -> str:
    return workspace.container_tag or workspace.slug


def _memory_id(memory: Memory | None) -> str | None:
    return str(memory.memory_id) if memory else None
