"""Removing the bytes of what was erased: at once, unless something else has them."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from blobs import crash, files, locks, places, store
from blobs.models import Blob
from blobs.objects import objects


def erase(sha256: str) -> bool:
    """Remove a blob that nothing mentions, row and file; False where it stays.

    The row goes first and then the file, each under the lock that keeping takes: who is
    killed in between leaves a file without a row, which doing it again removes, and an
    upload of the same bytes keeps either what is there or its own. Not for inside a
    transaction.
    """
    try:
        with transaction.atomic():
            locks.hold(store.lock_name(sha256))
            found = Blob.objects.filter(sha256=sha256)
            if found.exists() and not found.unreferenced().delete()[0]:
                return False
    except (ProtectedError, IntegrityError):
        # Somebody came to mention it without uploading it; then it stays.
        return False
    crash.point("before-unlink")
    with transaction.atomic():
        locks.hold(store.lock_name(sha256))
        if Blob.objects.filter(sha256=sha256).exists():
            return False
        objects().delete(sha256)
    return True


def clear_leftovers() -> int:
    """Remove the temporary files of uploads that died; returns how many.

    They may hold the bytes of what is being erased. Uploads that live keep theirs.
    """
    removed = 0
    for path in files.temporary():
        with places.abandoned(path) as is_abandoned:
            if is_abandoned:
                path.unlink(missing_ok=True)
                removed += 1
    return removed
