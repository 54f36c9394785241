"""Telling the server what became of this machine's files, for the console."""

from __future__ import annotations

import contextlib
from datetime import datetime, timezone

from memory_sync import VERSION
from memory_sync.archive import Archive
from memory_sync.problems import Refused
from memory_sync.server import quoted
from memory_sync.shapes import Json


def tell(archive: Archive) -> None:
    """Send the counts of a full run: no path, name or text of a session."""
    report = archive.report
    account: Json = {
        "client_version": VERSION,
        "found": report.found,
        "skipped": sum(report.skipped.values()),
        "failed": len(report.failed),
        "waiting": report.waiting,
    }
    if report.oldest_waiting_ns:
        written = datetime.fromtimestamp(report.oldest_waiting_ns / 1e9, timezone.utc)
        account["oldest_waiting_at"] = written.isoformat()
    address = f"/api/v1/machines/{quoted(archive.config.machine)}"
    # A server before this one does not keep such things.
    with contextlib.suppress(Refused):
        archive.server.ask("PUT", address, json_body=account)
