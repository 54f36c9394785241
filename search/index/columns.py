"""What a segment knows about each of its passages, as arrays of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.index.packing import IndexDamaged, Reader, Writer

MOST_SPEAKERS = 2**16
MOST_ROLES = 2**8

TYPES: dict[str, type[np.integer[Any]]] = {
    "passage_ids": np.int64,
    "sources": np.int32,
    "positions": np.int32,
    "parts": np.uint16,
    "word_counts": np.uint16,
    "roles": np.uint8,
    "speakers": np.uint16,
    "times": np.uint32,
    "flags": np.uint8,
    "folds": np.uint64,
}
# Where a passage's value is close to its neighbour's.
_NEAR = frozenset({"passage_ids", "sources", "positions", "parts", "times"})

_Codes = NDArray[np.integer[Any]]
_Name = TypeVar("_Name", str, "SourceKey")


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """The row of an upper app that passages come from, and its path if it has one."""

    workspace_id: int
    kind: str
    source_id: int
    path: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One entry a passage in every array; the entry's place is its document number.

    A segment's passages lie in the order of (workspace_id, kind, source_id, position,
    part), so the neighbours of a passage are its neighbours here. `times` are seconds
    since 1970, 0 for none. `sources`, `roles` and `speakers` are places in the three
    tables, which are sorted; "" is a role and a speaker of every segment, and what they
    become that no longer fit in their table.
    """

    passage_ids: NDArray[np.int64]
    sources: NDArray[np.int32]
    positions: NDArray[np.int32]
    parts: NDArray[np.uint16]
    word_counts: NDArray[np.uint16]
    roles: NDArray[np.uint8]
    speakers: NDArray[np.uint16]
    times: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    folds: NDArray[np.uint64]
    source_keys: tuple[SourceKey, ...]
    role_names: tuple[str, ...]
    speaker_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.passage_ids)

    def order(self) -> NDArray[np.intp]:
        """The document numbers in the order that a segment keeps its passages in."""
        rows = [(key.workspace_id, key.kind, key.source_id) for key in self.source_keys]
        place = {row: at for at, row in enumerate(sorted(set(rows)))}
        rank = np.array([place[row] for row in rows], np.int32)
        return np.lexsort(
            (self.passage_ids, self.parts, self.positions, rank[self.sources])
        )

    def take(self, chosen: NDArray[np.integer[Any]]) -> Columns:
        """The chosen documents in this order; names that none of them uses are gone."""
        arrays = {name: getattr(self, name)[chosen] for name in TYPES}
        return _with_tables(
            arrays,
            sources=[(arrays["sources"], self.source_keys)],
            roles=[(arrays["roles"], self.role_names)],
            speakers=[(arrays["speakers"], self.speaker_names)],
        )

    def pack(self) -> bytes:
        """The columns as bytes; equal columns give equal bytes."""
        writer = Writer()
        for name in TYPES:
            writer.array(getattr(self, name), delta=name in _NEAR)
        keys = self.source_keys
        writer.array(np.array([key.workspace_id for key in keys], np.int64), delta=True)
        writer.array(np.array([key.source_id for key in keys], np.int64), delta=True)
        writer.texts([key.kind for key in keys])
        writer.texts([key.path for key in keys])
        writer.texts(self.role_names)
        writer.texts(self.speaker_names)
        return writer.packed()

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> Self:
        """Undo `pack`; raises IndexDamaged."""
        reader = Reader(data)
        arrays = {name: reader.array(dtype) for name, dtype in TYPES.items()}
        workspaces, rows = reader.array(np.int64), reader.array(np.int64)
        kinds, paths = reader.texts(), reader.texts()
        roles, speakers = reader.texts(), reader.texts()
        reader.end()
        if not len(workspaces) == len(rows) == len(kinds) == len(paths):
            raise IndexDamaged("The sources of a segment do not fit together.")
        keys = tuple(map(SourceKey, workspaces.tolist(), kinds, rows.tolist(), paths))
        found = cls(
            **arrays, source_keys=keys, role_names=roles, speaker_names=speakers
        )
        found._check()
        return found

    def _check(self) -> None:
        if len({len(getattr(self, name)) for name in TYPES}) != 1:
            raise IndexDamaged("The columns of a segment differ in length.")
        tables: list[tuple[_Codes, Sequence[object]]] = [
            (self.sources, self.source_keys),
            (self.roles, self.role_names),
            (self.speakers, self.speaker_names),
        ]
        for codes, names in tables:
            if len(codes) and not 0 <= codes.min() <= codes.max() < len(names):
                raise IndexDamaged("A passage has a source or name that is not there.")


def concatenate(parts: Sequence[Columns]) -> Columns:
    """The documents of all parts one after the other, with common tables of names."""
    arrays = {
        name: np.concatenate(
            [np.empty(0, dtype), *(getattr(part, name) for part in parts)]
        )
        for name, dtype in TYPES.items()
    }
    return _with_tables(
        arrays,
        sources=[(part.sources, part.source_keys) for part in parts],
        roles=[(part.roles, part.role_names) for part in parts],
        speakers=[(part.speakers, part.speaker_names) for part in parts],
    )


def _with_tables(
    arrays: dict[str, NDArray[Any]],
    *,
    sources: Sequence[tuple[_Codes, tuple[SourceKey, ...]]],
    roles: Sequence[tuple[_Codes, tuple[str, ...]]],
    speakers: Sequence[tuple[_Codes, tuple[str, ...]]],
) -> Columns:
    coded, keys = _table(sources, spare=None, most=2**31)
    arrays["sources"] = coded.astype(np.int32)
    coded, role_names = _table(roles, spare="", most=MOST_ROLES)
    arrays["roles"] = coded.astype(np.uint8)
    coded, speaker_names = _table(speakers, spare="", most=MOST_SPEAKERS)
    arrays["speakers"] = coded.astype(np.uint16)
    return Columns(
        **arrays, source_keys=keys, role_names=role_names, speaker_names=speaker_names
    )


def _table(
    parts: Sequence[tuple[_Codes, tuple[_Name, ...]]],
    *,
    spare: _Name | None,
    most: int,
) -> tuple[NDArray[np.int64], tuple[_Name, ...]]:
    """One sorted table of the names in use, and all parts' codes in it.

    The `spare` name is always in the table and stands for those past `most`.
    """
    used = [np.bincount(codes, minlength=len(names)) > 0 for codes, names in parts]
    wanted = {
        name
        for is_used, (_, names) in zip(used, parts, strict=True)
        for name, wants in zip(names, is_used.tolist(), strict=True)
        if wants
    }
    if spare is not None:
        wanted.add(spare)
    table = tuple(sorted(wanted)[:most])
    place = {name: at for at, name in enumerate(table)}
    coded = [np.empty(0, np.int64)]
    for codes, names in parts:
        coded.append(np.array([place.get(name, 0) for name in names], np.int64)[codes])
    return np.concatenate(coded), table
