"""Comparing the files with their rows. Nothing here writes, not even a repair."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from blobs import files, members, store
from blobs.models import Blob
from blobs.objects import objects

Progress = Callable[[str, int, int], None]

_ROWS_AT_ONCE = 200
# A sample must not take minutes.
_SAMPLED_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was acknowledged."""

    subject: str
    problem: str


def damages(*, deep: bool, progress: Progress) -> Iterator[Damage]:
    """Every blob whose file is missing, cut, or not the bytes that were stored.

    `deep` inflates each file as well and compares the raw bytes and the member table,
    which finds what was wrong before it was stored. `progress` gets what is counted,
    how many are done and of how many.
    """
    total, done, last = Blob.objects.count(), 0, 0
    while batch := list(
        Blob.objects.filter(pk__gt=last).order_by("pk")[:_ROWS_AT_ONCE]
    ):
        for blob in batch:
            problem = _problem(blob, deep=deep)
            # A sweep may have removed an unreferenced blob since the row was read.
            if problem and Blob.objects.filter(pk=blob.pk).exists():
                yield Damage(f"blob {blob.sha256}", problem)
            done += 1
        progress("blobs", done, max(total, done))
        last = batch[-1].pk


def sampled(*, count: int) -> list[Damage]:
    """The damages among some blobs chosen at random, a few and the newest of them."""
    newest = Blob.objects.order_by("-pk")
    found = newest.first()
    if found is None:
        return []
    keys = {random.randint(1, found.pk) for _ in range(count)}  # noqa: S311 - a sample
    chosen = {*newest[: max(count // 5, 1)]}
    for key in keys:
        if blob := Blob.objects.filter(pk__gte=key).order_by("pk").first():
            chosen.add(blob)
    small = [blob for blob in chosen if blob.stored_bytes <= _SAMPLED_BYTES]
    problems = ((blob, _problem(blob, deep=False)) for blob in small)
    return [Damage(f"blob {blob.sha256}", said) for blob, said in problems if said]


def orphans() -> Iterator[str]:
    """Files without a row: what interrupted uploads leave and a sweep removes."""
    yield from (entry.name for entry in files.without_rows())
    yield from (str(path) for path in files.temporary())


def strays() -> Iterator[str]:
    """What lies among the blobs and is none of theirs."""
    return (entry.name for entry in files.strays())


def _problem(blob: Blob, *, deep: bool) -> str:
    entry = objects().about(blob.sha256)
    if entry is None:
        return "the file is missing"
    if entry.size_bytes != blob.stored_bytes:
        return f"the file has {entry.size_bytes} bytes, not {blob.stored_bytes}"
    try:
        with store.stored(blob.sha256) as file:
            stored = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    if stored != blob.stored_sha256:
        return "the file's bytes changed"
    return _raw_problem(blob) if deep else ""


def _raw_problem(blob: Blob) -> str:
    digest, size, newlines = hashlib.sha256(), 0, 0
    table = members.Table(blob.members)
    try:
        for index, piece in enumerate(store.read(blob)):
            member = table[index]
            if (member.raw_offset, member.newlines_before) != (size, newlines):
                return f"member {index} is not where the table says"
            digest.update(piece)
            size += len(piece)
            newlines += piece.count(b"\n")
    except store.BlobDamaged:
        return "the file does not inflate by its member table"
    if digest.hexdigest() != blob.sha256:
        return "the raw bytes are not those of its name"
    if (size, newlines) != (blob.size_bytes, blob.newline_count):
        return "the raw bytes are not as many as the row says"
    return ""
