"""Merkle trees as in RFC 6962, section 2.1: SHA-256, leaves 0x00, nodes 0x01.

The tree over n leaves splits at the largest power of two below n, so that a tree is
never padded and no leaf can be taken for a node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\0", b"\1"


def leaf(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(_LEAF + entry).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of the tree over these leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    row = list(leaves)
    while len(row) > 1:
        # Pairing row by row and carrying an odd one up makes the same tree as
        # splitting from the top, without recursion.
        paired = [_node(row[n], row[n + 1]) for n in range(0, len(row) - 1, 2)]
        row = paired + row[len(row) & ~1 :]
    return row[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves that leaf `index` is in the tree, from its neighbour to the root.

    Raises IndexError for a leaf that is not there.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    found: list[bytes] = []
    row = list(leaves)
    while len(row) > 1:
        neighbour = index ^ 1
        if neighbour < len(row):
            found.append(row[neighbour])
        paired = [_node(row[n], row[n + 1]) for n in range(0, len(row) - 1, 2)]
        row = paired + row[len(row) & ~1 :]
        index //= 2
    return found


def root_of_path(
    leaf_hash: bytes, *, index: int, size: int, path: Sequence[bytes]
) -> bytes | None:
    """The root that a path leads to; None if it does not fit a tree of `size` leaves.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf_hash
    for each in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = _node(each, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, each)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
