"""Databases of other programs, looked into without disturbing them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database for reading alone; raises sqlite3.Error."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    database = sqlite3.connect(address, uri=True, timeout=5)
    try:
        # A damaged byte in one text must not cost the others.
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        yield database
    finally:
        database.close()


def columns_of(database: sqlite3.Connection, table: str) -> set[str]:
    """The names of a table's columns; none where there is no such table."""
    rows = database.execute("SELECT name FROM pragma_table_info(?)", [table])
    return {str(name) for (name,) in rows}
