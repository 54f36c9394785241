"""What was recalled, and context packs, as tool results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from access.containers import DEFAULT_TAG, ReadScope
from mcp_api import memory_shapes, scope
from mcp_api.presenting.entries import flat
from mcp_api.presenting.receipts import POLICY_VERSION
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from memories import reading
from memories.models import Memory
from memories.owners import SHARED_APP
from recall import describing
from recall.packing import ContextPack
from recall.profiles import Profile
from recall.recalling import Found, Recalled

# What a hit takes of a budget beside its text.
_CHARS_BESIDE_TEXT = 400
_MOST_FACT_CHARS = 200
_CUT = " […]"

_Shown = tuple[Found, str]


def recalled(
    found: Recalled, *, scope: ReadScope, profile: Profile | None, max_chars: int
) -> Result:
    """Hits, best first, as many as the budget takes and at least one, cut if need be.

    Without a profile none is shown.
    """
    shown, truncated = _within(found.hits, max_chars)
    meta: memory_shapes.RecallMeta = {
        "reasoning": found.reasoning,
        "confidence": round(found.confidence, 4),
        "scope": scope_line(scope),
        "policy_version": POLICY_VERSION,
    }
    status = "low_confidence" if found.is_uncertain else "ok"
    # Where something was found, a note says what the search had to do without.
    if found.hits and found.searched.notes:
        meta["degradation_applied"] = found.searched.notes
        status = "degraded" if status == "ok" else status
    recent = _numbered(profile) if profile else ""
    structured = memory_shapes.Recalled(
        notice=NOTICE,
        status=status,
        results=[_entry(hit, text) for hit, text in shown],
        profile={"recent": recent},
        meta=meta,
        truncated=truncated,
    )
    if profile is not None:
        structured["profile_engine"] = _engine(profile)
    text = _recalled_text(found, shown, status, profile, truncated=truncated)
    return Result(structured, text)


def context(pack: ContextPack, *, scope: ReadScope) -> Result:
    fields = describing.context_fields(pack)
    fields["profile_engine"] = _engine(pack.profile)
    fields["meta"] |= {
        "scope": scope_line(scope),
        "policy_version": POLICY_VERSION,
    }
    structured = {"notice": NOTICE, **fields}
    writing = Writing()
    cut = f", left out: {', '.join(pack.steps)}" if pack.steps else ""
    writing.say(
        f"Context: {pack.recall_strength} evidence from {pack.source_count} sources, "
        f"{pack.used_chars} of {pack.budget_chars} characters{cut}."
    )
    writing.quote(pack.text)
    return Result(structured, str(writing))


def memory_list(found: Sequence[Memory]) -> str:
    """Memories as a Markdown list, dated; to be quoted."""
    return "\n".join(
        f"- {memory.created_at:%Y-%m-%d} {_short(reading.shown_text(memory))}"
        for memory in found
    )


def scope_line(read: ReadScope) -> str:
    """`workspace:user/namespace` of what comes first; `*` where nothing does."""
    home = read.home
    namespace = read.tag or (home and home.container_tag) or DEFAULT_TAG
    user = scope.user_id() or SHARED_APP.owner_id
    return f"{home.slug if home else '*'}:{user}/{namespace}"


def _entry(hit: Found, text: str) -> memory_shapes.Found:
    """A hit without the part of its text that matched: the text is there."""
    fields = {**describing.found_fields(hit), "text": text}
    del fields["snippet"]
    return cast("memory_shapes.Found", fields)


def _engine(profile: Profile) -> describing.Fields:
    """The profile with its facts short: any of them may be a memory of many pages."""
    fields = describing.profile_fields(profile)
    for name in ("preferences", "projects", "goals", "constraints"):
        fields[name] = [_short(text) for text in fields[name]]
    for name in ("pinned", "recent"):
        fields[name] = [{**fact, "text": _short(fact["text"])} for fact in fields[name]]
    return fields


def _within(hits: Sequence[Found], max_chars: int) -> tuple[list[_Shown], bool]:
    """Hits with the text to show of them; and whether anything was left out."""
    shown: list[_Shown] = []
    left = max_chars
    for hit in hits:
        left -= _CHARS_BESIDE_TEXT
        if len(hit.text) > left:
            if not shown:
                shown = [(hit, hit.text[: max(left, 0)] + _CUT)]
            return shown, True
        shown.append((hit, hit.text))
        left -= len(hit.text)
    return shown, False


def _recalled_text(
    found: Recalled,
    hits: Sequence[_Shown],
    status: str,
    profile: Profile | None,
    *,
    truncated: bool,
) -> str:
    writing = Writing()
    if not hits:
        writing.say("No memories found.")
    else:
        writing.say(
            f"{len(hits)} hits, best first, confidence {found.confidence:.2f}, {status}"
        )
    for number, (hit, text) in enumerate(hits, start=1):
        writing.say(_hit_line(number, hit))
        writing.quote(text)
    for reason in found.reasoning:
        writing.say(reason)
    if truncated:
        writing.say("Not all fits in max_chars; ask for more, or more exactly.")
    facts = profile.facts if profile else []
    if facts:
        writing.say("Profile:")
        writing.quote(
            "\n".join(f"- {fact.at:%Y-%m-%d} {_short(fact.text)}" for fact in facts)
        )
    return str(writing)


def _hit_line(number: int, hit: Found) -> str:
    what = hit.id or hit.citation_uri
    when = f", {hit.at:%Y-%m-%d}" if hit.at else ""
    by = flat(hit.passage.speaker)
    return (
        f"{number}. {hit.kind} {what} score {hit.score:.2f} in {hit.workspace.slug}"
        f"{when}, through {hit.passage.channel}{f' by {by}' if by else ''}"
    )


def _numbered(profile: Profile) -> str:
    return "\n".join(
        f"{number}. {_short(fact.text)}"
        for number, fact in enumerate(profile.recent, start=1)
    )


def _short(text: str) -> str:
    text = flat(text)
    return text if len(text) <= _MOST_FACT_CHARS else text[:_MOST_FACT_CHARS] + _CUT
