from __future__ import annotations

import pytest
from stand import standing


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="session")
def _the_stand():
    with standing() as stand:
        yield stand


@pytest.fixture
def stand(_the_stand):
    """The server, with everything in order before and after."""
    _the_stand.mend()
    yield _the_stand
    _the_stand.mend()
