"""What became of every file on this machine, and what would leave it next."""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from memory_sync.archive import Archive
from memory_sync.commands import say
from memory_sync.config import load_config, rest_base
from memory_sync.files import home, read_cache
from memory_sync.identity import NOTHING_SAID, identity_of, waits
from memory_sync.manifests import load_manifest, manifest_paths, tracked_notes
from memory_sync.privacy import Privacy
from memory_sync.problems import FileProblem, Refused, SetupProblem
from memory_sync.rendering import content_of
from memory_sync.shapes import Json
from memory_sync.state import State
from memory_sync.stores import sweep
from memory_sync.transcripts import Skip, Transcript

# How an upload's outcome is counted.
_FATE = {
    "stored": "stored",
    "appended": "stored",
    "deduplicated": "duplicate",
    "stale": "duplicate",
    "forked": "fork",
}
CHECK_BATCH = 1000


def entries(state: State) -> Iterator[Json]:
    """One entry a transcript found: `file`, `fate` and `reason`."""
    for item in sweep():
        if isinstance(item, Skip):
            yield {"file": str(item.path), "fate": "skipped", "reason": item.reason}
            continue
        known = state.known(item)
        entry: Json = {"file": item.key.removeprefix("transcript "), "tool": item.tool}
        for name in ("workspace", "session", "agent", "stored"):
            if known.get(name):
                entry[name] = known[name]
        yield {**entry, **_fate(state, item, known)}


def _fate(state: State, item: Transcript, known: Json) -> Json:
    if known.get("failed") and state.matches(item):
        return {"fate": "failed", "reason": known["failed"]}
    if not state.settles(item):
        # What was sent before the file grew is on the server all the same.
        return {"fate": "waiting", "reason": "grew" if known else "new"}
    for name in ("refused", "excluded"):
        if known.get(name):
            return {"fate": "skipped", "reason": f"{name}: {known[name]}"}
    # An older cache did not note the outcome.
    return {"fate": _FATE.get(str(known.get("outcome")), "stored"), "reason": ""}


def status(options: argparse.Namespace) -> int:
    """Say what is set up, what waits and what became of every file."""
    config = load_config()
    state = State(rest_base(config.url))
    lost = _lost(Archive(config)) if options.check else None
    if lost is not None:
        state = State(rest_base(config.url))
    found = list(entries(state))
    fates = Counter(str(entry["fate"]) for entry in found)
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in found:
        if entry["fate"] in ("skipped", "failed"):
            reasons[entry["fate"]][entry["reason"]] += 1
    last = read_cache(home() / "last_run.json")
    away = read_cache(home() / "away.json")
    result: Json = {
        "home": str(home()),
        "url": config.url,
        "machine": config.machine,
        "sync_token": bool(config.sync_token),
        "ai_token": bool(config.ai_token),
        "manifests": [path.stem for path in manifest_paths()],
        "spooled": len(list((home() / "spool").glob("*.json"))),
        "transcripts": len(found) - fates["skipped"],
        "not_archived": fates["waiting"] + fates["failed"],
        "found": len(found),
        **{name: fates[name] for name in ("stored", "duplicate", "fork")},
        "skipped": dict(reasons["skipped"]),
        "failed": dict(reasons["failed"]),
        "waiting": fates["waiting"],
        "server_lost": lost,
        "server_away": away or None,
        "last_run": last or None,
    }
    if options.files:
        result["files"] = found
    if options.json:
        print(json.dumps(result))
    else:
        for line in _readable(result):
            print(line)
    return 0


def _readable(result: Json) -> Iterator[str]:
    for name, value in result.items():
        if name not in ("last_run", "files", "server_away", "server_lost"):
            yield f"{name}: {value}"
    if result["server_lost"] is not None:
        lost = len(result["server_lost"])
        yield f"checked with the server: {lost} it does not have; the next sync sends"
    if result["server_away"]:
        yield f"the server is away: {result['server_away'].get('reason')}"
    last = result["last_run"]
    if last:
        outcome = last.get("problem") or f"{len(last.get('failed', []))} failed"
        yield f"last run: {last.get('at')}: {outcome}"
    for entry in result.get("files", []):
        reason = f" ({entry['reason']})" if entry["reason"] else ""
        yield f"{entry['fate']:9} {entry['file']}{reason}"


def _lost(archive: Archive) -> list[str]:
    """Files that the server no longer has as it once acknowledged; they are distrusted.

    Nothing is hashed anew: the server is asked about the digests that it gave.
    """
    by_workspace: defaultdict[str, list[tuple[str, Json]]] = defaultdict(list)
    for key, known in archive.state.files.items():
        if known.get("workspace") and known.get("sha256") and known.get("session"):
            by_workspace[str(known["workspace"])].append((key, known))
    lost: list[str] = []
    for workspace, members in by_workspace.items():
        for start in range(0, len(members), CHECK_BATCH):
            batch = members[start : start + CHECK_BATCH]
            for (key, _), verdict in zip(
                batch, _verdicts(archive, workspace, batch), strict=True
            ):
                if verdict.get("state") not in ("same", "ahead"):
                    archive.state.distrust(key)
                    lost.append(key.removeprefix("transcript "))
    archive.server.close()
    archive.state.save()
    return lost


def _verdicts(
    archive: Archive, workspace: str, batch: list[tuple[str, Json]]
) -> list[Json]:
    items = [
        {
            "session_id": known["session"],
            "agent_id": known.get("agent", ""),
            "sha256": known["sha256"],
            "size_bytes": known["stored"],
        }
        for _, known in batch
    ]
    body = {"workspace_id": workspace, "items": items}
    try:
        answer = archive.server.ask("POST", "/api/v1/sync/check", json_body=body)
    except Refused as refused:
        if refused.code != "WORKSPACE_NOT_FOUND":
            raise
        return [{"state": "new"}] * len(batch)
    return list(answer["items"])


def dry_run(options: argparse.Namespace) -> int:
    """Show what the next sync would send; asks no server and changes nothing."""
    config = load_config()
    state, privacy = State(rest_base(config.url)), Privacy.of(config)
    leaving = [
        *_leaving(sweep(), state, privacy, config),
        *_leaving_notes(state, privacy),
    ]
    for each in leaving:
        if "reason" in each:
            say(options, f"stays    {each['file']}: {each['reason']}")
        else:
            masked = each["masked"]
            hidden = f", {masked} secrets masked" if masked else ""
            say(
                options,
                f"leaves   {each['file']} → {each['project']}: "
                f"{each['bytes']} bytes{hidden}",
            )
    total = sum(each.get("bytes", 0) for each in leaving)
    say(options, f"{total} bytes at most", {"leaving": leaving, "bytes": total})
    return 0


def _leaving(
    found: Iterable[Transcript | Skip], state: State, privacy: Privacy, config: Any
) -> Iterator[Json]:
    for item in found:
        if isinstance(item, Skip):
            yield {"file": str(item.path), "reason": item.reason}
            continue
        if state.settles(item) and "excluded" not in state.known(item):
            continue
        file = item.key.removeprefix("transcript ")
        try:
            with content_of(item, privacy.mask) as content:
                identity = identity_of(item, config, content.path)
                if reason := privacy.refuses(item, identity):
                    yield {"file": file, "reason": reason}
                    continue
                if waits(item, identity):
                    yield {"file": file, "reason": NOTHING_SAID}
                    continue
                # At most: what the server holds already does not leave again.
                before = min(int(state.known(item).get("stored", 0)), content.size)
                yield {
                    "file": file,
                    "tool": item.tool,
                    "project": identity.project,
                    "session": item.session_id,
                    "bytes": content.size - before,
                    "masked": _markers(content.path) if privacy.mask else 0,
                }
        except FileProblem as problem:
            yield {"file": file, "reason": str(problem)}


def _leaving_notes(state: State, privacy: Privacy) -> Iterator[Json]:
    for path in manifest_paths():
        try:
            notes = list(tracked_notes(load_manifest(path)))
        except SetupProblem as problem:
            yield {"file": str(path), "reason": str(problem)}
            continue
        for note in notes:
            if isinstance(note, Skip):
                yield {"file": str(note.path), "reason": note.reason}
            elif reason := privacy.refuses_note(note):
                yield {"file": str(note.path), "reason": reason}
            elif not state.settles(note):
                yield {
                    "file": str(note.path),
                    "project": note.identity.project,
                    "note": note.upload,
                    "bytes": note.size,
                    "masked": 0,
                }


def _markers(path: Any) -> int:
    with path.open("rb") as file:
        return sum(line.count(b"[REDACTED:") for line in file)
