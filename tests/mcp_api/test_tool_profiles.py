"""Which tools a client is shown, and that all of them can be called."""

import pytest
from test_catalogue import FIELDS, OURS, SHOWN, THIRTEEN

from mcp_api import tool_profiles


def shown(client, **headers):
    if client.is_stateless:
        reply = client.stateless("tools/list", headers=headers).json
    else:
        reply = client.request("tools/list", headers=headers)
    if "error" in reply:
        return reply["error"]["data"]["code"]
    return {tool["name"] for tool in reply["result"]["tools"]}


@pytest.fixture(params=["initialize", "stateless"])
def era(request):
    return request.param


def in_era(client, era):
    client.is_stateless = era == "stateless"
    return client


def test_standard_is_shown_unless_told(ai, era):
    client = in_era(ai, era)

    assert shown(client) == SHOWN["standard"]
    client.path = "/v1/mcp"
    assert shown(client) == SHOWN["standard"]


@pytest.mark.parametrize("profile", tool_profiles.PROFILES)
def test_a_token_a_header_and_the_address_choose(new_client, era, profile):
    by_token = in_era(new_client(tool_profile=profile), era)
    assert shown(by_token) == SHOWN[profile]

    by_header = in_era(new_client(name="other"), era)
    assert shown(by_header, **{"x-mcp-tools": profile.upper()}) == SHOWN[profile]

    by_header.query = f"x=1&tools={profile}".encode()
    assert shown(by_header) == SHOWN[profile]


def test_the_address_wins_over_the_header_and_that_over_the_token(new_client):
    client = new_client(tool_profile="all")
    assert shown(client, **{"x-mcp-tools": "lean"}) == SHOWN["lean"]

    client.query = b"tools=full"
    assert shown(client, **{"x-mcp-tools": "lean"}) == SHOWN["full"]


def test_an_unknown_profile_is_refused_and_calls_go_on(ai):
    ai.query = b"tools=evrything"

    assert shown(ai) == "INVALID_ARGUMENT"
    assert ai.call("list_workspaces")["workspaces"] == []


@pytest.mark.parametrize("query", [b"tools=", b"tools", b"\xff&%zz", b"a&" * 5000])
def test_odd_addresses_choose_nothing(ai, query):
    ai.query = query

    assert shown(ai) == SHOWN["standard"]


@pytest.mark.parametrize("path", ["/mcp", "/v1/mcp"])
def test_every_tool_is_called_whatever_is_listed(new_client, era, path):
    client = in_era(new_client(tool_profile="lean"), era)
    client.path = path
    for name in [*THIRTEEN, *FIELDS, *OURS]:
        params = {"name": name, "arguments": {"no_such_argument": 1}}
        if client.is_stateless:
            reply = client.stateless("tools/call", **params).json
        else:
            reply = client.request("tools/call", params)
        content = reply["result"]["structuredContent"]
        # Found and asked: a token of this kind may not upload, all else is answered.
        assert content["code"] in ("INVALID_ARGUMENT", "TOKEN_KIND_REFUSED"), name
        assert "Unknown tool" not in content["message"]
