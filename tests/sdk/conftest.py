"""Both clients, a real server for them, and a network that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import loopback
import pytest
from awaited import Awaited
from loopback import Loopback

from federated_memory import Client
from memory_server.scratch import Server, serving

Connect = Callable[..., Any]


@pytest.fixture(autouse=True)
def memory_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests touch no settings and no database of this process."""
    for name in ("MCP_MEMORY_URL", "MCP_MEMORY_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Our server under daphne, with a database of its own, for all of these tests."""
    with serving(EMBEDDINGS_ENABLED="0") as running:
        yield running


@pytest.fixture
def network() -> Iterator[Loopback]:
    """What answers instead of a server."""
    with loopback.listening() as played:
        yield played


@pytest.fixture(params=[Client, Awaited], ids=["blocking", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of either kind, and closes them."""
    made: list[Any] = []

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(request.param(*arguments, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def home(request: pytest.FixtureRequest) -> str:
    """A container that no other test writes to."""
    return request.node.name.translate({ord("["): "-", ord("]"): ""})[-100:]


@pytest.fixture
def memory(connect: Connect, server: Server, home: str) -> Any:
    """A client of the real server that writes to a container of its test's own."""
    return connect(server.base, server.ai_token, container=home)
