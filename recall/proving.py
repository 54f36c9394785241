"""Looking for a word everywhere it could be kept: the proof that it is not.

Every column of every table, packed texts and the index's words opened, every file below
MEMORY_ROOT and in the bucket, gzip files inflated, and every key of ours in Redis.
Nothing is written.
What it cannot see: the database's own files, where dead rows and its log last until
PostgreSQL writes over them, and backups.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from django.conf import settings
from django.db import connection

import keystore
from blobs import store
from blobs.directory import Directory
from blobs.objects import objects
from search import analysis, blocks
from search.index import vocabulary
from search.index.columns import Columns
from search.index.terms import Terms
from search.models import Block, IndexSegment

SHORTEST_CHARS = 4
_PIECE_BYTES = 2**20
# The services' own files; see the module's first words.
_SERVICES = "services"

_COLUMNS = """
SELECT c.relname, a.attname, t.typname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'm')
    AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
# Kind by kind what Redis holds under a key, as text.
_VALUES = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then return {redis.call('GET', KEYS[1])} end
if kind == 'hash' then return redis.call('HGETALL', KEYS[1]) end
if kind == 'list' then return redis.call('LRANGE', KEYS[1], 0, -1) end
if kind == 'set' then return redis.call('SMEMBERS', KEYS[1]) end
if kind == 'zset' then return redis.call('ZRANGE', KEYS[1], 0, -1) end
return {}
"""
_KEYS = """
return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
"""


def places_of(
    word: str, *, progress: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """Where a word still is, each place once; none is what an erasure promises.

    Upper and lower case are the same. Raises keystore.Away while Redis is, and
    StorageUnavailable while the bucket is.
    """
    for look in (_tables, _blocks, _index, _files, _bucket, _keys):
        progress(look.__name__.strip("_"))
        yield from look(word)


def _tables(word: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        quote = connection.ops.quote_name
        for table, column, kind in columns:
            name = quote(column)
            if kind == "bytea":
                found = f"position(%s::bytea in {name}) > 0"
                given: str | bytes = word.encode()
            else:
                found, given = f"{name}::text ILIKE %s", f"%{_escaped(word)}%"
            # Names of tables and columns are the catalogue's own.
            statement = f"SELECT count(*) FROM {quote(table)} WHERE {found}"  # noqa: S608
            cursor.execute(statement, [given])
            (count,) = cursor.fetchone()
            if count:
                yield f"table {table}, column {column}: {count} rows"


def _blocks(word: str) -> Iterator[str]:
    wanted = word.lower()
    for block in Block.objects.order_by("pk").iterator(chunk_size=200):
        opened = blocks.Opened(bytes(block.body))
        if any(wanted in opened.text(n).lower() for n in range(len(opened))):
            yield f"passages of {block.kind} {block.source_id}"


def _index(word: str) -> Iterator[str]:
    wanted = word.lower()
    term = np.array([analysis.term_hash(analysis.term_of(wanted))], np.uint64)
    for row in IndexSegment.objects.order_by("pk").iterator(chunk_size=4):
        columns = Columns.unpack(bytes(row.columns))
        names = [*columns.speaker_names, *(key.path for key in columns.source_keys)]
        if (
            vocabulary.containing(bytes(row.vocabulary), wanted, 1)
            or Terms.unpack(bytes(row.terms)).holds(term).any()
            or any(wanted in name.lower() for name in names)
        ):
            yield f"index segment {row.pk}"


def _files(word: str) -> Iterator[str]:
    root = Path(settings.MEMORY_ROOT)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_ours = path.is_file() and name.parts[0] != _SERVICES
        if is_ours and _is_in_file(path, word.lower().encode()):
            yield f"file {name}"


def _bucket(word: str) -> Iterator[str]:
    """Blobs that do not lie below MEMORY_ROOT."""
    if isinstance(objects(), Directory):
        return
    for entry in objects().list():
        if entry.sha256 and _is_in_blob(entry.sha256, word.lower().encode()):
            yield f"blob {entry.name}"


def _is_in_blob(sha256: str, word: bytes) -> bool:
    try:
        with store.stored(sha256) as packed, gzip.GzipFile(fileobj=packed) as inflated:
            return _is_among(_pieces(inflated), word)
    except (OSError, EOFError, zlib.error):
        # Gone since it was listed.
        return False


def _is_in_file(path: Path, word: bytes) -> bool:
    try:
        with path.open("rb") as file:
            if _is_among(_pieces(file), word):
                return True
            file.seek(0)
            is_packed = file.read(2) == b"\x1f\x8b"
        if not is_packed:
            return False
        with gzip.open(path) as inflated:
            return _is_among(_pieces(inflated), word)
    except (OSError, EOFError, zlib.error):
        # Gone since it was listed, or the beginning of an upload that died.
        return False


def _pieces(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _is_among(pieces: Iterable[bytes], word: bytes) -> bool:
    tail = b""
    for piece in pieces:
        data = tail + piece.lower()
        if word in data:
            return True
        tail = data[-len(word) :]
    return False


def _keys(word: str) -> Iterator[str]:
    wanted = word.lower().encode()
    position: Any = b"0"
    while True:
        position, keys = keystore.run(
            _KEYS, [], [position, f"*{settings.REDIS_PREFIX}*"]
        )
        for key in keys:
            values = keystore.run(_VALUES, [key])
            if any(wanted in bytes(each).lower() for each in (key, *values)):
                yield f"Redis key {key.decode('utf-8', 'replace')}"
        if position == b"0":
            return


def _escaped(word: str) -> str:
    """For LIKE."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
