from __future__ import annotations

import pytest

from federated_memory import Misconfigured

FOUND = {
    "results": [],
    "confidence": 0.0,
    "has_more": False,
    "trace_id": "r-1",
}


@pytest.fixture
def listening(network):
    from loopback import answer

    network.plays(answer(FOUND))
    return network


def test_without_a_key_nothing_is_sent(connect, listening):
    with pytest.raises(Misconfigured) as refused:
        connect(listening.url).recall("quince")

    assert refused.value.code == "MISSING_API_KEY"
    assert "MCP_MEMORY_TOKEN" in refused.value.message
    assert listening.asked == []


def test_without_a_url_nothing_is_sent(connect):
    with pytest.raises(Misconfigured) as refused:
        connect(token="secret")

    assert refused.value.code == "MISSING_URL"


@pytest.mark.parametrize(
    "names",
    [
        ("MCP_MEMORY_URL", "MCP_MEMORY_TOKEN"),
        ("MEMORYNODE_BASE_URL", "MEMORYNODE_API_KEY"),
    ],
)
def test_url_and_key_come_from_the_environment(connect, listening, monkeypatch, names):
    monkeypatch.setenv(names[0], listening.url)
    monkeypatch.setenv(names[1], "secret")

    connect().recall("quince")

    assert listening.asked[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    "tail", ["", "/", "/v1", "/v1/", "/mcp", "/v1/mcp", "/v1/mcp/"]
)
@pytest.mark.parametrize("prefix", ["", "/team/memory"])
def test_a_base_that_ends_in_v1_is_not_doubled(connect, listening, prefix, tail):
    connect(f"{listening.url}{prefix}{tail}", "secret").recall("quince")

    assert listening.asked[0].path == f"{prefix}/v1/search"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://memory.example",
        "http://",
        "http://[::1",
        "https://name:password@memory.example",
        "https://memory.example/?token=1",
        "memory",
    ],
)
def test_what_is_no_plain_url_is_refused(connect, url):
    with pytest.raises(Misconfigured) as refused:
        connect(url, "secret")

    assert refused.value.code == "INVALID_URL"
    assert "password" not in str(refused.value)


@pytest.mark.parametrize("option", ["token", "workspace", "container", "user"])
def test_what_cannot_stand_in_a_header_is_refused(connect, option):
    given = {"token": "secret", option: "a\r\nX-Api-Key: b"}

    with pytest.raises(Misconfigured) as refused:
        connect("http://127.0.0.1:1", **given)

    assert refused.value.code == "INVALID_HEADER"


def test_who_and_where_travel_as_headers(connect, listening):
    client = connect(
        listening.url, "secret", workspace="w-1", container="kitchen", user="anna"
    )
    client.recall("quince")

    sent = listening.asked[0].headers
    assert sent["x-memory-workspace"] == "w-1"
    assert sent["x-mn-container-tag"] == "kitchen"
    assert sent["x-mn-user-id"] == "anna"
