"""SQL that every request asks: planned once a connection, answered in binary.

Django binds parameters itself and sends text, so that PostgreSQL plans each statement
anew and bytes travel as hexadecimal digits. Here they are bound by the server, which
keeps the plan (settings: `prepare_threshold`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import Cursor
from psycopg.pq import Format

Row = tuple[Any, ...]


def rows(sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
    """The rows of a statement on this thread's connection; errors are Django's."""
    # Looked up once: the proxy would ask the thread's locals for every attribute.
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    bound: Any = Cursor(connection.connection)
    bound.format = Format.BINARY
    # What `connection.cursor()` does with a cursor of its own.
    is_logged = connection.queries_logged
    wrap = connection.make_debug_cursor if is_logged else connection.make_cursor
    with wrap(bound) as cursor:
        cursor.execute(sql, parameters)
        found: list[Row] = cursor.fetchall()
    return found


def array(numbers: Iterable[int]) -> str:
    """Numbers as PostgreSQL writes an array, for a parameter that is cast to one.

    For a list psycopg works out the type of its elements, which takes longer than the
    lookup of a few rows.
    """
    return "{" + ",".join(map(str, numbers)) + "}"
