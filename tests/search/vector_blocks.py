"""Blocks with texts, as indexing writes them, for tests of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search import blocks
from search.blocks import Facts
from search.models import Block, IndexSegment
from workspaces.models import Workspace

PROSE = {"user", "assistant", "summary", "document"}


def keep_block(
    workspace: Workspace, texts: Sequence[str], *, roles: Sequence[str] = ("user",)
) -> Block:
    """One block with a passage for each text; roles are given out in turn."""
    facts = [
        Facts(
            position=number,
            part=0,
            first_line=number + 1,
            last_line=number + 1,
            lines_sha256="0" * 64,
            role=roles[number % len(roles)],
            speaker="Ada",
            channel="user",
            at=None,
            path="",
        )
        for number in range(len(texts))
    ]
    segment = IndexSegment.objects.first() or IndexSegment.objects.create(
        passage_count=0, columns=b"", terms=b"", postings=b"", vocabulary=b""
    )
    return Block.objects.create(
        workspace=workspace,
        kind="transcript",
        source_id=1,
        segment=segment,
        first_position=0,
        last_position=len(texts) - 1,
        passage_count=len(texts),
        prose_count=sum(each.role in PROSE for each in facts),
        body=blocks.pack(list(zip(facts, texts, strict=True))),
    )


def passage_id(block: Block, number: int) -> int:
    return block.pk * blocks.MOST_PASSAGES + number


def random_units(count: int, dimensions: int, *, seed: int = 0) -> np.ndarray:
    """Directions without any order: the hardest to compare by their signs."""
    given = np.random.default_rng(seed).normal(size=(count, dimensions))
    units = given / np.linalg.norm(given, axis=1, keepdims=True)
    return units.astype(np.float32)


def everything(passage_ids: np.ndarray) -> np.ndarray:
    return np.ones(len(passage_ids), dtype=bool)
