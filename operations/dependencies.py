"""Whether PostgreSQL and Redis are set up as this server needs them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

import keystore
from operations.findings import Finding, broken, fine, warning

_OLDEST_MAJOR = 15
_FULL_SHARE = 0.8
_SKEW_SECONDS, _MOST_SKEW_SECONDS = 2.0, 60.0
_ABOUT = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
    current_setting('fsync'), current_setting('full_page_writes'),
    current_setting('synchronous_commit'), current_setting('max_connections')::int,
    (SELECT count(*) FROM pg_stat_activity)
"""


def database() -> Iterator[Finding]:
    """Version, durability and connections."""
    with connection.cursor() as cursor:
        cursor.execute(_ABOUT)
        number, version, *durable, most, used = cursor.fetchone()
    if number // 10_000 < _OLDEST_MAJOR:
        yield broken(
            "database",
            f"PostgreSQL {version} is older than {_OLDEST_MAJOR}.",
            why="Statements of ours fail there.",
            mend="Upgrade it (Debian: `pg_upgradecluster`), then `manage.py prepare`.",
        )
    names = ("fsync", "full_page_writes", "synchronous_commit")
    for name, value in zip(names, durable, strict=True):
        if value == "off":
            yield broken(
                "database",
                f"{name} is off.",
                why="A power cut loses what was acknowledged, or the whole database.",
                mend=f"`ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();`",
            )
    if used > _FULL_SHARE * most:
        yield warning(
            "database",
            f"{used} of {most} connections are in use.",
            why="At the last one requests are answered 503.",
            mend="Lower DATABASE_POOL_SIZE, or `ALTER SYSTEM SET max_connections = "
            f"{2 * most};` and restart PostgreSQL.",
        )
    else:
        yield fine("database", f"PostgreSQL {version}, {used} of {most} connections.")


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = f"{plan[0][0].app_label}.{plan[0][0].name}"
        yield broken(
            "database",
            f"{len(plan)} migrations are not applied, {first} first.",
            why="This release's code asks for columns that are not there.",
            mend="`manage.py prepare` (or `manage.py migrate`).",
        )
    else:
        yield fine("database", "Every migration is applied.")


def clock() -> Iterator[Finding]:
    """Whether this machine and the database's agree about the time."""
    with connection.cursor() as cursor:
        before = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    skew = abs((there - before).total_seconds())
    if skew <= _SKEW_SECONDS:
        yield fine("clock", f"{skew:.1f} s from the database's.")
        return
    make = broken if skew > _MOST_SKEW_SECONDS else warning
    yield make(
        "clock",
        f"{skew:.0f} s from the database's.",
        why="Leases, expiries and the order of events follow clocks.",
        mend="`timedatectl set-ntp true` on both machines.",
    )


def redis_settings() -> Iterator[Finding]:
    """Whether Redis may throw away what it was given."""
    known = keystore.configured("maxmemory*") | keystore.configured("appendonly")
    known |= keystore.configured("save")
    policy = known.get("maxmemory-policy", "noeviction")
    if known.get("maxmemory", "0") != "0" and policy != "noeviction":
        yield warning(
            "redis",
            f"maxmemory-policy is {policy}.",
            why="When full it drops announced jobs, limits and sessions.",
            mend="`redis-cli CONFIG SET maxmemory-policy noeviction`, and in its file.",
        )
    elif known and known.get("appendonly") == "no" and not known.get("save"):
        yield warning(
            "redis",
            "It keeps nothing over a restart.",
            why="Limits and MCP sessions start anew then; jobs are announced again.",
            mend="`redis-cli CONFIG SET appendonly yes`, and in its file.",
        )
    else:
        yield fine("redis", "It keeps what it is given.")
