"""The audit trail's rate of events, sealed as in production, against two other ways.

Each event is a transaction of its own, as on the wire, written by 1 and by 8
connections for a few seconds. The floor is the same insert into a table without a
list: nothing but the row and its indexes. The other way is a chain, in which a trigger
hashes each event onto the one before under a lock. The three take turns, in rounds, so
that a slow moment of the disk hits them all.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks import options, printing, timing
from memory_server.scratch import PROJECT, Server, serving

CONNECTIONS = (1, 8)
SEALING_EVERY_SECONDS = 5.0
GOAL_EVENTS_A_SECOND = 1000

# The real table with its indexes and its refusal to change, without the list.
PREPARE = """
CREATE TABLE plain_event (LIKE audit_event INCLUDING ALL);
CREATE TABLE chained_event (LIKE audit_event INCLUDING ALL);
ALTER TABLE chained_event ADD COLUMN digest bytea;
CREATE TABLE chain_head (digest bytea);
INSERT INTO chain_head VALUES ('');
CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7);
    SELECT sha256(digest || convert_to(NEW::text, 'UTF8')) INTO NEW.digest
        FROM chain_head;
    UPDATE chain_head SET digest = NEW.digest;
    RETURN NEW;
END
$$;
CREATE TRIGGER chain BEFORE INSERT ON chained_event
    FOR EACH ROW EXECUTE FUNCTION chain();
"""
INSERT = """
INSERT INTO {} (at, actor, token_id, transport, through, action, workspace_slug, target,
    outcome, code, request_id, address_digest, detail)
VALUES (now(), 'laptop of kim', 7, 'mcp', 'memory_save', 'memory.save',
    'laptop-claude-code-atlas', '3f0e7c1e-6a5b-4c0f-9a52-0f7d1f1c2b3a', 'done', '',
    'b7d1c9c2-58f4-4d13-8a2e-d1a4f6f0c001', '9c1f0a77e2b04d55',
    '{{"type": "note", "chars": 180}}')
"""
# As the worker does.
SEAL = f"""
import time
from django.utils import timezone
from audit import sealing
while True:
    sealing.seal(at=timezone.now())
    print("sealed", flush=True)
    time.sleep({SEALING_EVERY_SECONDS})
"""


@dataclass(frozen=True)
class Way:
    name: str
    table: str


SEALED = Way("sealed every 5 s", "audit_event")
PLAIN = Way("plain insert", "plain_event")
CHAINED = Way("chained in a trigger", "chained_event")


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, seconds=5.0, rounds=5)
    given = wanted.parse_args(arguments)
    with serving() as server:
        with psycopg.connect(server.environment["DATABASE_URL"]) as connection:
            connection.execute(PREPARE)
        with sealing(server):
            rates = measured(server, seconds=given.seconds, rounds=given.rounds)
        waited = server.query("SELECT count(*) FROM audit_waiting")[0][0]
        server.manage("audit_seal")
        took = timing.seconds(lambda: server.manage("audit_verify"))
        events = server.query("SELECT sum(count) FROM audit_checkpoint")[0][0]
    printing.heading(
        "Audit",
        f"{given.rounds} rounds of {given.seconds:g} s each way, an event a "
        "transaction, fsync on; medians. A process beside sealed what waited every "
        f"{SEALING_EVERY_SECONDS:g} s.",
    )
    printing.table(
        ["way", *(f"events/s, {n} connections" for n in CONNECTIONS), "÷ plain, 8"],
        [
            (
                way.name,
                *(rates[way.name, n] for n in CONNECTIONS),
                rates[way.name, 8] / rates[PLAIN.name, 8],
            )
            for way in (PLAIN, SEALED, CHAINED)
        ],
    )
    met = "met" if rates[SEALED.name, 8] >= GOAL_EVENTS_A_SECOND else "missed"
    print(f"\nGoal of {GOAL_EVENTS_A_SECOND} events/s at 8 connections: {met}.")
    print(f"{waited} of {events} waited at the end; all were verified in {took:.1f} s.")


@contextmanager
def sealing(server: Server) -> Iterator[None]:
    """A process beside that seals what waits."""
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", SEAL]
    with subprocess.Popen(
        command, cwd=PROJECT, env=server.environment, stdout=subprocess.PIPE
    ) as sealer:
        try:
            assert sealer.stdout is not None
            sealer.stdout.readline()  # It has started; its pipe holds the rest.
            yield
        finally:
            sealer.terminate()


def measured(
    server: Server, *, seconds: float, rounds: int
) -> dict[tuple[str, int], float]:
    """The median rate of each way with each number of connections."""
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for way in (PLAIN, SEALED, CHAINED):
            for connections in CONNECTIONS:
                rate = rate_of(server, way, connections, seconds=seconds)
                found.setdefault((way.name, connections), []).append(rate)
    return {key: statistics.median(rates) for key, rates in found.items()}


def rate_of(server: Server, way: Way, connections: int, *, seconds: float) -> float:
    counts = [0] * connections
    barrier = threading.Barrier(connections + 1)
    ends_at = 0.0

    def write(number: int) -> None:
        url = server.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            statement = INSERT.format(way.table).encode()
            connection.execute(statement, prepare=True)
            barrier.wait()
            while time.perf_counter() < ends_at:
                connection.execute(statement, prepare=True)
                counts[number] += 1

    threads = [threading.Thread(target=write, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    ends_at = time.perf_counter() + seconds
    began = time.perf_counter()
    barrier.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
