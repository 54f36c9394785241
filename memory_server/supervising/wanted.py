"""What the environment asks for, before Django reads the rest of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from memory_server.embedded.refusing import CannotStart

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_OFF = {"0", "no", "off", "false"}


@dataclass(frozen=True)
class Wanted:
    """What to start, and where."""

    root: Path
    host: str
    port: int
    public_url: str
    has_demo: bool
    has_database: bool
    has_redis: bool
    worker_concurrency: int
    database_pool_size: int
    restore_from: str
    restore_identity: str
    has_own_embedder: bool


def from_environment(environment: Mapping[str, str]) -> Wanted:
    """Read the variables of docs/operations.md that decide what is started.

    An empty variable counts as not given, which is what `make run PORT=` means.
    """

    def given(name: str) -> str:
        return environment.get(name, "") or environment.get(f"{name}_FILE", "")

    root = Path(environment.get("MEMORY_ROOT") or BASE_DIR / "var").expanduser()
    host = environment.get("HOST") or "127.0.0.1"
    port = _whole_number(environment, "PORT", default=8000, lowest=1, highest=65535)
    return Wanted(
        root=root.absolute(),
        host=host,
        port=port,
        public_url=environment.get("PUBLIC_URL") or f"http://{_name_of(host)}:{port}",
        has_demo=environment.get("DEMO", "").lower() not in _OFF,
        has_database=bool(given("DATABASE_URL")),
        has_redis=bool(given("REDIS_URL")),
        worker_concurrency=_whole_number(
            environment, "WORKER_CONCURRENCY", default=_workers(), lowest=1, highest=64
        ),
        database_pool_size=_whole_number(
            environment, "DATABASE_POOL_SIZE", default=10, lowest=2, highest=500
        ),
        restore_from=environment.get("RESTORE", ""),
        restore_identity=environment.get("RESTORE_IDENTITY", ""),
        has_own_embedder=_has_own_embedder(environment),
    )


def _has_own_embedder(environment: Mapping[str, str]) -> bool:
    """Whether a model of this machine makes vectors, and nobody else holds it."""
    is_off = environment.get("EMBEDDINGS_ENABLED", "").lower() in _OFF
    is_local = environment.get("EMBEDDER") in {None, "", "packaged", "directory"}
    return is_local and not is_off and not environment.get("EMBEDDER_SOCKET")


def _whole_number(
    environment: Mapping[str, str],
    name: str,
    *,
    default: int,
    lowest: int,
    highest: int,
) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise CannotStart(
            f"{name} is {text!r}; give a whole number from {lowest} to {highest}."
        )
    return int(text)


def _name_of(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - named, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _workers() -> int:
    """One for a small machine: each may hold a secret scanner of 100 MB."""
    return min(max((os.cpu_count() or 1) - 1, 1), 4)
