from __future__ import annotations

import pytest
from people import a_principal, a_workspace


@pytest.fixture
def workspace(db):
    return a_workspace()


@pytest.fixture
def somebody(db):
    return a_principal("ai", name="somebody")
