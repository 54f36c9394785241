"""Archiving what hooks have left in the spool."""

from __future__ import annotations

from pathlib import Path

from memory_sync.archive import Archive
from memory_sync.files import home, read_cache
from memory_sync.identity import identity_of
from memory_sync.stores import transcript_at
from memory_sync.stores.claude import subagents_of
from memory_sync.transcripts import Transcript


def drain(archive: Archive) -> None:
    """Archive what hooks have left in the spool, then their workspaces' notes."""
    waiting = sorted((home() / "spool").glob("*.json"))
    entries = [read_cache(path) for path in waiting]
    paths = {
        str(entry[name])
        for entry in entries
        for name in ("transcript_path", "agent_transcript_path")
        if isinstance(entry.get(name), str) and str(entry[name]).endswith(".jsonl")
    }
    files = [Path(path).expanduser() for path in sorted(paths)]
    files += [agent for file in files for agent in subagents_of(file)]
    found = [transcript_at(file) for file in files]
    archive.send_transcripts(found)
    transcripts = [each for each in found if isinstance(each, Transcript)]
    identities = {identity_of(each, archive.config).key for each in transcripts}
    archive.send_manifests(identities)
    failed = {file for file, _ in archive.report.failed}
    for path, entry in zip(waiting, entries, strict=True):
        if not failed & {str(value) for value in entry.values()}:
            path.unlink(missing_ok=True)
