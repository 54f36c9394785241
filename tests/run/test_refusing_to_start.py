"""Each thing in the way gets one line that says what to do, and nothing is started."""

from __future__ import annotations

import os
import socket

import pytest


def one_line(said: str) -> str:
    assert "\n" not in said, said
    return said


def test_port_in_use(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()

        assert "choose another with PORT=" in one_line(server.refusal())


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1", "٨٠"])
def test_port_that_is_none(server, port):
    server.environment["PORT"] = port

    assert "whole number from 1 to 65535" in one_line(server.refusal())


def test_root_that_cannot_be_made(server, open_directory):
    (open_directory / "file").touch()
    server.environment["MEMORY_ROOT"] = str(open_directory / "file" / "root")

    assert "choose another with MEMORY_ROOT=" in one_line(server.refusal())


def test_root_of_another_user(server, nobody, open_directory):
    server.root.mkdir(mode=0o700)
    server.account = nobody
    server.python = "/usr/bin/python3"

    assert "change its owner" in one_line(server.refusal())


def test_directory_of_something_else(server):
    server.root.mkdir()
    (server.root / "thesis.tex").write_text("dear to somebody")

    assert "did not make" in one_line(server.refusal())
    assert [path.name for path in server.root.iterdir()] == ["thesis.tex"]


def test_services_directory_of_something_else(server):
    (server.root / "services" / "postgres").mkdir(parents=True)

    assert "did not make" in one_line(server.refusal())


def test_copy_of_another_root(server, open_directory):
    services = server.root / "services"
    services.mkdir(parents=True)
    (services / "memory-root").write_text(f"{open_directory}\n")

    assert f"the services of {open_directory}" in one_line(server.refusal())


@pytest.fixture
def cluster(server):
    """A memory root with the shell of a database in it."""
    services = server.root / "services"
    data = services / "postgres"
    data.mkdir(parents=True)
    server.root.chmod(0o711)
    (services / "memory-root").write_text(f"{server.root}\n")
    return data


def own(path, account) -> None:
    os.chown(path, account.uid, account.gid)


def test_database_of_another_release(server, cluster):
    from memory_server.embedded.accounts import service_account

    own(cluster, service_account())
    (cluster / "PG_VERSION").write_text("15\n")

    said = one_line(server.refusal())
    assert "made by PostgreSQL 15" in said
    assert "docs/operations.md" in said


def test_directory_that_is_no_database(server, cluster):
    from memory_server.embedded.accounts import service_account

    own(cluster, service_account())

    assert "is not a PostgreSQL cluster" in one_line(server.refusal())


@pytest.mark.skipif(os.geteuid() != 0, reason="Needs to give a directory away.")
def test_database_of_another_user(server, cluster):
    os.chown(cluster, 12345, 12345)

    assert "belongs to user id 12345" in one_line(server.refusal())


def test_database_address_that_nobody_answers(server, open_directory):
    nowhere = f"postgres://memory@/memory?host={open_directory}"
    server.environment["DATABASE_URL"] = nowhere
    server.run()

    assert server.process.wait(60) == 1
    assert "DATABASE_URL does not answer" in server.output
    assert "Traceback" not in server.output
