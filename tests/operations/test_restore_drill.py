"""F21, F22: a backup under load, restored where nothing is, has lost nothing (I16)."""

from __future__ import annotations

import pytest

from benchmarks import drill
from memory_server.scratch import serving


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


def test_nothing_acknowledged_before_the_backup_is_missing_after_a_restore():
    with serving(EMBEDDINGS_ENABLED="0", MEMORY_WRITES_PER_5_MINUTES="0") as server:
        drilled = drill.drill(server, writers=3, rounds=2)

    assert drilled.before >= 18
    assert drilled.during > 0, "nothing was written while the backup ran"
    assert drilled.missing == []
    assert drilled.verified.startswith("0 damaged")
    assert drilled.found > 0
