"""Sweeping the blob store, on the record."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from audit import trail
from audit.trail import Actor
from blobs import sweeping
from blobs.sweeping import Swept


def sweep(*, grace_seconds: int, dry_run: bool, actor: Actor, at: datetime) -> Swept:
    """Remove what nothing mentions and leave an audit event; a dry run only counts."""
    swept = sweeping.sweep(at=at, grace_seconds=grace_seconds, dry_run=dry_run)
    if not dry_run:
        trail.record(
            actor=actor, action="blob.sweep", at=at, detail=dataclasses.asdict(swept)
        )
    return swept
