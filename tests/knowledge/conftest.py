from __future__ import annotations

import pytest

from blobs import places, store


@pytest.fixture(scope="session")
def _lasting_root(tmp_path_factory):
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(autouse=True)
def memory_root(settings, _lasting_root):
    """One store for all these tests; its 256 directories and fsyncs take a while.

    Files of earlier tests are what a crash would leave: bytes that no row mentions.
    """
    settings.MEMORY_ROOT = _lasting_root
    if not places.root().exists():
        store.prepare()
    return _lasting_root
