"""PostgreSQL for a process whose requests take their connections from a pool.

Django's pool asks the server before every request whether a connection still stands,
which is a trip that most requests have no other use for. Here the socket is looked at
instead: a server that ended a connection has written to it or closed it.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, with its own health check and a bound on every statement."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that stands; raises OperationalError where none can be had."""
        while True:
            connection = super().get_new_connection(conn_params)
            if self.pool is None or _stands(connection):
                return connection
            # It is closed, so that the pool makes a new one.
            self.pool.putconn(connection)

    def _configure_connection(self, connection: Any) -> bool:
        super()._configure_connection(connection)  # type: ignore[misc] # the stubs lack it
        with connection.cursor() as cursor:
            # Left to itself, PostgreSQL plans a prepared statement anew for as long as
            # the arrays bound to it are shorter than it would guess: two thirds of what
            # looking up a few rows takes. Only `statements` prepares any.
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            if seconds := settings.STATEMENT_SECONDS:
                cursor.execute(f"SET statement_timeout = '{int(seconds)}s'")
        return True


def _stands(connection: Any) -> bool:
    """Whether the server still holds this idle connection, as far as it has told."""
    told = select.poll()
    told.register(connection.fileno(), select.POLLIN)
    if not told.poll(0):
        return True
    # A notice, or its end: only an answer tells them apart.
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
