"""Memories as one file: for moving house, for backup, and for whoever asks for theirs.

Beside the readable tree, which holds documents and transcripts, this is every memory
with its revisions, links and conflicts. The bytes say nothing of when they were made:
the same memories give the same artefact.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, transaction

from audit import signing, trail
from memories.models import Conflict, Link, Memory, Revision
from recall import artefact_lines, packages
from recall.artefact_lines import View
from recall.packages import ArtefactChanged, ArtefactTooLarge, Bounds, Package
from refusals import InvalidArgument
from search import pacing
from workspaces.models import WorkspaceQuerySet

_BATCH = 500
Keys = Sequence[Ed25519PublicKey]


@dataclass(frozen=True)
class Artefact:
    """An export's bytes; `counts` says how many memories, revisions and so on."""

    data: bytes
    sha256: str
    counts: dict[str, int]

    @property
    def size_bytes(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class Verified:
    """An artefact whose digests hold.

    `signed_by` names the key that the artefact says signed it; `is_trusted` that it is
    this server's or one of those the caller trusts, and that the signature is good.
    """

    package: Package
    signed_by: str
    is_trusted: bool

    @property
    def manifest(self) -> dict[str, Any]:
        return self.package.manifest

    @property
    def is_masked(self) -> bool:
        """Whether secrets were taken out, so that it must overwrite nothing."""
        return self.manifest.get("is_masked") is not False


def export(
    *,
    workspaces: WorkspaceQuerySet,
    actor: trail.Actor,
    at: datetime,
    is_masked: bool = False,
    is_signed: bool = True,
    bounds: Bounds = packages.WIRE,
) -> Artefact:
    """Every memory of these workspaces as they stand now, archived ones too.

    Texts are as they were written, secrets and all, unless `is_masked`. Says how far it
    is (search.pacing). Raises ArtefactTooLarge.
    """
    view: View = artefact_lines.masked if is_masked else str
    with _at_one_moment():
        slugs = sorted(workspaces.values_list("slug", flat=True))
        data, counts = packages.pack(
            _paced(_files(workspaces, view), total=_count(workspaces)),
            {
                "workspace_id": slugs[0] if len(slugs) == 1 else None,
                "workspaces": slugs,
                "is_masked": is_masked,
            },
            is_signed=is_signed,
            bounds=bounds,
        )
    artefact = Artefact(data, hashlib.sha256(data).hexdigest(), counts)
    trail.record(
        actor=actor,
        action="memory.export",
        at=at,
        workspace_slug=slugs[0] if len(slugs) == 1 else "",
        target=artefact.sha256,
        detail={**counts, "workspaces": len(slugs), "is_masked": is_masked},
    )
    return artefact


def verify(data: bytes, *, keys: Keys = (), bounds: Bounds = packages.WIRE) -> Verified:
    """Hold an artefact to its digests and its signature, and write nothing.

    `keys` are trusted beside this server's own. Raises ArtefactTooLarge,
    ArtefactBroken, and ArtefactChanged, also for a bad signature of a key we know.
    """
    package = packages.unpack(data, bounds=bounds)
    signer: str = package.manifest["signed_by"]
    known = {signing.key_id(key): key for key in (*signing.own_keys(), *keys)}
    key = known.get(signer)
    if key is not None and not signing.is_signed_by(
        key, message=package.manifest_bytes, signature=package.signature
    ):
        raise ArtefactChanged(f"The signature is not of the key {signer}.")
    return Verified(package, signed_by=signer, is_trusted=key is not None)


def decoded(text: str) -> bytes:
    """An artefact out of base64; raises ArtefactTooLarge and InvalidArgument."""
    if len(text) > packages.WIRE.packed * 4 // 3 + 4:
        raise ArtefactTooLarge(
            f"The artefact has more than {packages.WIRE.packed:,} bytes.",
            max_bytes=packages.WIRE.packed,
        )
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(
            "The artefact is no base64.", hint="Send artefact_base64 as it was given."
        ) from error


def _count(workspaces: WorkspaceQuerySet) -> int:
    """How many lines an export of these workspaces has."""
    return (
        Memory.objects.of(workspaces).count()
        + Revision.objects.filter(memory__workspace__in=workspaces).count()
        + Link.objects.filter(from_memory__workspace__in=workspaces).count()
        + Conflict.objects.filter(workspace__in=workspaces).count()
    )


def _paced(
    files: Mapping[str, Iterator[dict[str, Any]]], *, total: int
) -> dict[str, Iterator[dict[str, Any]]]:
    """The same lines; whoever waits for them hears how many were written."""
    written = itertools.count()

    def paced(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for line in lines:
            if (done := next(written)) % _BATCH == 0:
                pacing.tell(done, total, "lines written")
            yield line

    return {name: paced(lines) for name, lines in files.items()}


def _files(
    workspaces: WorkspaceQuerySet, view: View
) -> dict[str, Iterator[dict[str, Any]]]:
    memories = Memory.objects.of(workspaces).select_related(
        "workspace", "superseded_by", "source_memory"
    )
    revisions = Revision.objects.filter(memory__workspace__in=workspaces)
    links = Link.objects.filter(from_memory__workspace__in=workspaces)
    conflicts = Conflict.objects.filter(workspace__in=workspaces)
    return {
        "memories.ndjson": _lines(
            memories.order_by("workspace__slug", "memory_id"),
            lambda row: artefact_lines.memory_line(row, view),
        ),
        "revisions.ndjson": _lines(
            revisions.select_related("memory").order_by("memory__memory_id", "number"),
            lambda row: artefact_lines.revision_line(row, view),
        ),
        "links.ndjson": _lines(
            links.select_related("from_memory", "to_memory").order_by(
                "from_memory__memory_id", "to_memory__memory_id", "link_type"
            ),
            artefact_lines.link_line,
        ),
        "conflicts.ndjson": _lines(
            conflicts.select_related("older", "newer", "winner").order_by(
                "older__memory_id", "newer__memory_id"
            ),
            artefact_lines.conflict_line,
        ),
    }


def _lines(
    rows: Any, line: Callable[[Any], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    found: Iterable[Any] = rows.iterator(chunk_size=_BATCH)
    return map(line, found)


@contextmanager
def _at_one_moment() -> Iterator[None]:
    """Let all statements see the same rows, whatever is written meanwhile."""
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        if not is_nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
