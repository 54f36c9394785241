"""Search hits as tool results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from knowledge.searching import DocumentHit
from mcp_api import shapes
from mcp_api.presenting.entries import (
    flat,
    iso,
    say_more,
)
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from search.question import Weighed
from sessions.searching import TranscriptHit

# What a hit takes of a budget beside its snippet and title.
_CHARS_BESIDE_SNIPPET = 500
_CHARS_A_FEATURE = 75


def document_hit(hit: DocumentHit) -> shapes.Hit:
    passage, document = hit.passage, hit.document
    workspace = document.workspace
    shape: shapes.Hit = {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "path": document.path,
        "version": hit.version_number,
        "title": document.title,
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "snippet": passage.snippet,
        "score": round(passage.score, 4),
        "role": passage.role,
        "timestamp": iso(passage.at) if passage.at else None,
        "provenance": {"author": passage.speaker, "channel": passage.channel},
        "citation": {"uri": hit.citation_uri, "sha256": passage.lines_sha256},
    }
    if passage.features is not None:
        shape["features"] = _features(passage.features)
    return shape


def transcript_hit(hit: TranscriptHit) -> shapes.Hit:
    transcript, workspace = hit.transcript, hit.transcript.workspace
    shape: shapes.Hit = {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "title": transcript.title,
        "first_line": hit.first_line,
        "last_line": hit.last_line,
        "snippet": hit.snippet,
        "score": round(hit.score, 4),
        "role": hit.role,
        "timestamp": iso(hit.at) if hit.at else None,
        "provenance": {"author": hit.speaker, "channel": hit.channel},
        "citation": {"uri": hit.citation.uri, "sha256": hit.citation.sha256},
    }
    if hit.features is not None:
        shape["features"] = _features(hit.features)
    if hit.also_in:
        shape["also_in"] = [
            f"{each.workspace.slug}/{each.session_id}" for each in hit.also_in
        ]
    return shape


def _features(weighed: Mapping[str, Weighed]) -> dict[str, shapes.Weighed]:
    return {
        name: {"value": round(each.value, 4), "weight": round(each.weight, 4)}
        for name, each in weighed.items()
    }


def hits(
    found: Sequence[shapes.Hit],
    *,
    pending: shapes.Pending,
    searched: shapes.Searched,
    max_chars: int,
    cursor_after: Callable[[int], str | None],
    has_more: bool,
) -> Result:
    """Hits, best first, as many as the budget takes and at least one.

    `cursor_after` makes the cursor that goes on after so many of these hits.
    """
    kept: list[shapes.Hit] = []
    left = max_chars
    for hit in found:
        left -= _CHARS_BESIDE_SNIPPET + len(hit["snippet"]) + len(hit["title"])
        left -= _CHARS_A_FEATURE * len(hit.get("features", ()))
        if kept and left < 0:
            break
        kept.append(hit)
    truncated = len(kept) < len(found)
    next_cursor = cursor_after(len(kept)) if truncated or has_more else None
    writing = Writing()
    writing.say(f"{len(kept)} hits, best first" if kept else "Nothing found.")
    for number, hit in enumerate(kept, start=1):
        writing.say(_hit_line(number, hit))
        writing.quote(hit["snippet"])
        if hit.get("features"):
            writing.say(_sum(hit["features"]))
    for note in searched["notes"]:
        writing.say(note)
    if pending["words"] or pending["vectors"]:
        writing.say(
            f"Still being indexed: {pending['words']} by words, "
            f"{pending['vectors']} by meaning."
        )
    say_more(writing, next_cursor)
    structured = shapes.Hits(
        notice=NOTICE,
        hits=kept,
        next_cursor=next_cursor,
        pending=pending,
        searched=searched,
        truncated=truncated,
    )
    return Result(structured, str(writing))


def _sum(features: Mapping[str, shapes.Weighed]) -> str:
    """What counted, the most telling first, as value times weight."""
    counted = sorted(
        ((name, each) for name, each in features.items() if each["value"]),
        key=lambda pair: -abs(pair[1]["value"] * pair[1]["weight"]),
    )
    return "   score of " + " + ".join(
        f"{name} {each['value']:.2f}·{each['weight']:g}" for name, each in counted
    )


def _hit_line(number: int, hit: shapes.Hit) -> str:
    if "path" in hit:
        place = f"{hit['workspace_id']}/{hit['path']} version {hit['version']}"
    else:
        agent = f"/{hit['agent_id']}" if hit["agent_id"] else ""
        place = f"{hit['workspace_id']} session {hit['session_id']}{agent}"
    by, when = hit["provenance"], hit["timestamp"]
    return (
        f"{number}. {place} lines {hit['first_line']}-{hit['last_line']}, "
        f"score {hit['score']:.2f}, {hit['role']} through {by['channel']}"
        + (f" by {flat(by['author'])}" if by["author"] else "")
        + (f", {when}" if when else "")
        + f"\n   {hit['citation']['uri']} sha256 {hit['citation']['sha256']}"
    )
