"""Memories that were read, saved or forgotten, as tool results.

Answers of writes hold no stored text: under a nonce they are kept for a day, which must
not outlive an erasure. What memory_forget found is shown, and never kept.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, cast

from erasures.models import Erasure
from mcp_api import memory_shapes
from mcp_api.presenting.entries import flat, iso
from mcp_api.presenting.receipts import POLICY_VERSION, done
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from memories import reading
from memories.models import Memory
from memories.reading import Page
from memories.saving import Saved
from recall import describing
from recall.artefacts import Artefact
from recall.forgetting import Staged
from recall.ingesting import Ingested

NEEDS_CONFIRMATION = "needs_confirmation"
_MOST_CANDIDATE_CHARS = 300


def memory(found: Memory) -> Result:
    structured = memory_shapes.MemoryFound(
        notice=NOTICE,
        status="ok",
        data=_entry(found),
        policy_version=POLICY_VERSION,
    )
    writing = Writing()
    writing.say(_memory_line(found))
    writing.quote(reading.shown_text(found))
    return Result(structured, str(writing))


def memories(page: Page) -> Result:
    structured = memory_shapes.Memories(
        notice=NOTICE,
        status="ok",
        data={
            "results": [_entry(each) for each in page.memories],
            "page": page.page,
            "page_size": page.page_size,
            "total": page.total,
            "has_more": page.has_more,
            "up_to": page.up_to,
        },
        policy_version=POLICY_VERSION,
    )
    writing = Writing()
    writing.say(
        f"{len(page.memories)} of {page.total} memories, newest first, page {page.page}"
    )
    for each in page.memories:
        writing.say(_memory_line(each))
        writing.quote(reading.shown_text(each))
    if page.has_more:
        writing.say(f"More with page={page.page + 1} and up_to={page.up_to}")
    return Result(structured, str(writing))


def saved(outcome: Saved) -> Result:
    structured = memory_shapes.Saved(
        status="saved",
        decision={"code": "OK", "message": "saved"},
        data=_saved(outcome),
    )
    return Result(structured, _saved_text(outcome))


def exported(artefact: Artefact, *, is_masked: bool) -> Result:
    """An artefact's facts as data, and its bytes as a resource beside them."""
    data = {
        "bytes": artefact.size_bytes,
        "sha256": artefact.sha256,
        "counts": artefact.counts,
        "masked": is_masked,
    }
    memories, size = artefact.counts["memories"], artefact.size_bytes
    text = f"{memories:,} memories in {size:,} bytes, sha256 {artefact.sha256}."
    resource = {
        "uri": f"urn:sha256:{artefact.sha256}",
        "mimeType": "application/zip",
        "blob": base64.b64encode(artefact.data).decode(),
    }
    block = {"type": "resource", "resource": resource}
    return replace(done("ok", data, text), blocks=[block])


def ingested(outcome: Ingested, *, status: str) -> Result:
    """What a body became, by its kind."""
    data: dict[str, Any] = {"kind": outcome.kind}
    if outcome.saved is not None:
        data |= _saved(outcome.saved)
        return done(status, data, _saved_text(outcome.saved))
    if outcome.conversation is not None:
        talked = outcome.conversation
        data |= {
            **_saved(talked.saved[0]),
            "memory_ids": [str(each.memory.memory_id) for each in talked.saved],
            "messages": talked.summary.message_count,
            "counts": talked.summary.counts,
        }
        return done(status, data, _saved_text(talked.saved[0]))
    if outcome.document is not None:
        published = outcome.document
        data |= {
            "workspace_id": published.document.workspace.slug,
            "path": published.document.path,
            "version": published.version_number,
            "changed": published.changed,
        }
        text = f"Kept as document {data['path']}, version {data['version']}."
        return done(status, data, text)
    assert outcome.imported is not None  # noqa: S101 - one of the four is set
    counts = outcome.imported.counts
    data |= {"counts": counts, "renamed": outcome.imported.renamed}
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return done(status, data, f"Imported: {said or 'nothing new'}.")


def staged(outcome: Staged) -> Result:
    """What a wish to forget came to."""
    if outcome.erasure is not None:
        return forgotten(outcome.erasure)
    if not outcome.candidates:
        nothing: dict[str, Any] = {
            "status": "rejected",
            "decision": {
                "code": "NO_MATCH",
                "message": "nothing like it is known",
            },
            "data": {"policy_version": POLICY_VERSION},
        }
        return Result(nothing, "Nothing like it is remembered; nothing was forgotten.")
    candidates = [
        memory_shapes.Candidate(
            memory_id=each.memory_id,
            score=each.score,
            text=each.text[:_MOST_CANDIDATE_CHARS],
        )
        for each in outcome.candidates
    ]
    structured = {
        "notice": NOTICE,
        "status": NEEDS_CONFIRMATION,
        "decision": {
            "code": "NEEDS_CONFIRMATION",
            "message": "nothing is forgotten until it is confirmed",
        },
        "data": {
            "confirmation_token": outcome.token,
            "expires_at": describing.iso(outcome.expires_at),
            "candidates": candidates,
            "policy_version": POLICY_VERSION,
        },
    }
    writing = Writing()
    writing.say(
        "Nothing is forgotten yet. Confirm with this token for the first, or with the "
        f"token and a memory_id, until {describing.iso(outcome.expires_at)}:"
    )
    writing.say(f"token: {outcome.token}")
    for number, each in enumerate(candidates, start=1):
        writing.say(f"{number}. memory {each['memory_id']} score {each['score']:.2f}")
        writing.quote(each["text"])
    return Result(structured, str(writing))


def forgotten(erasure: Erasure, *, message: str = "deleted") -> Result:
    structured: dict[str, Any] = {
        "status": "forgot",
        "decision": {"code": "OK", "message": message},
        "data": _erased(erasure),
    }
    return Result(structured, _erased_text(erasure))


def erased(erasure: Erasure) -> Result:
    structured = {"status": "deleted", "data": _erased(erasure)}
    return Result(structured, _erased_text(erasure))


def _entry(found: Memory) -> memory_shapes.MemoryEntry:
    return cast("memory_shapes.MemoryEntry", describing.memory_fields(found))


def _saved(outcome: Saved) -> memory_shapes.SavedData:
    kept = outcome.memory
    data: memory_shapes.SavedData = {
        "memory_id": str(kept.memory_id),
        "workspace_id": kept.workspace.slug,
        "created_at": iso(kept.created_at),
        "deduped": not outcome.is_new,
        "superseded": [str(each.memory_id) for each in outcome.superseded],
        "conflicts": len(outcome.conflicts),
        "policy_version": POLICY_VERSION,
    }
    if outcome.dedupe:
        data["dedupe_kind"] = outcome.dedupe
    return data


def _saved_text(outcome: Saved) -> str:
    kept = outcome.memory
    how = "Saved" if outcome.is_new else "Known already"
    text = f"{how}: memory {kept.memory_id} in {kept.workspace.slug}."
    if outcome.superseded:
        gone = ", ".join(str(each.memory_id) for each in outcome.superseded)
        text += f"\nIt takes the place of {gone}."
    if outcome.conflicts:
        text += f"\n{len(outcome.conflicts)} older memories said otherwise."
    return text


def _memory_line(found: Memory) -> str:
    kind = found.memory_type or "memory"
    gone = (", superseded" if found.superseded_by_id else "") + (
        ", archived" if found.archived_at else ""
    )
    return (
        f"- {kind} {found.memory_id} in {found.workspace.slug}, "
        f"{iso(found.created_at)} by {flat(found.created_by)}, "
        f"revision {found.revision_number}{gone}"
    )


def _erased(erasure: Erasure) -> memory_shapes.ForgetData:
    return {
        "memory_id": erasure.target,
        "receipt": describing.erasure_fields(erasure),
        "policy_version": POLICY_VERSION,
    }


def _erased_text(erasure: Erasure) -> str:
    return (
        f"Forgot memory {erasure.target} in {erasure.workspace_slug}; "
        f"receipt {erasure.receipt_id}."
    )
