from __future__ import annotations

import shutil

import pytest

from memory_server.embedded import accounts, places
from memory_server.embedded.refusing import CannotStart


@pytest.mark.parametrize("name", ["x" * 90, "with a space", "ümlaut"])
def test_socket_goes_elsewhere_when_its_path_would_not_do(open_directory, name):
    root = open_directory / name
    root.mkdir()
    here = places.arrange(root, accounts.service_account())

    path = places.socket_directory(here, "postgres") / ".s.PGSQL.5432.lock"
    assert len(str(path).encode()) <= 107
    assert " " not in str(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert here == places.arrange(root, accounts.service_account())
    shutil.rmtree(here.runtime)


def test_runtime_directory_that_is_a_link_is_refused(open_directory):
    root = open_directory / ("y" * 90)
    root.mkdir()
    here = places.arrange(root, accounts.service_account())
    here.runtime.symlink_to(open_directory)

    with pytest.raises(CannotStart, match="belongs to somebody else"):
        places.socket_directory(here, "postgres")
    here.runtime.unlink()
