from __future__ import annotations

import pytest
from people import a_workspace


@pytest.fixture(autouse=True)
def _words_only(settings):
    settings.EMBEDDINGS_ENABLED = False


@pytest.fixture
def workspace(db):
    return a_workspace()
