"""How fast one workspace may be written to: a loop must not bury what is remembered."""

from __future__ import annotations

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute

from refusals import Code, Refusal
from usage import throttling
from workspaces.models import Workspace

_MINUTES = 5
# So often the same text may come again; a client that lost the answer needs a few.
_SAME_TEXT = RateLimitItemPerMinute(5, _MINUTES)


class IngestThrottled(Refusal):
    """Too many memories, or one text too often, within five minutes."""

    code = Code.INGEST_THROTTLED
    hint = "Wait some minutes; save what lasts, and each thing once."

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after_seconds=_MINUTES * 60)
        self.retry_after_seconds = _MINUTES * 60


def admit(workspace: Workspace, canonical_sha256: str) -> None:
    """Count one save of a text; raises IngestThrottled past the bounds.

    MEMORY_WRITES_PER_5_MINUTES of 0 turns both bounds off.
    """
    most: int = settings.MEMORY_WRITES_PER_5_MINUTES
    if most <= 0:
        return
    if not _hit(_SAME_TEXT, str(workspace.pk), canonical_sha256):
        raise IngestThrottled("This text was saved five times in five minutes.")
    if not _hit(RateLimitItemPerMinute(most, _MINUTES), str(workspace.pk)):
        raise IngestThrottled(
            f"{workspace.slug} was written to {most} times in five minutes."
        )


def _hit(item: RateLimitItem, *names: str) -> bool:
    return throttling.is_within(item, "memory.save", *names)
