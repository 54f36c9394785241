"""The protocol of 2026-07-28: no handshake, no session, everything in each request."""

import pytest
from mcp_client import META, NEW

from mcp_api import instructions

CACHEABLE = {
    "server/discover": {},
    "tools/list": {},
    "prompts/list": {},
    "resources/list": {},
    "resources/templates/list": {},
    "resources/read": {"uri": "memory://readme"},
}


def test_discover_tells_everything(ai):
    result = ai.stateless("server/discover").json["result"]

    assert result["supportedVersions"][0] == NEW
    assert "2025-06-18" in result["supportedVersions"]
    assert result["capabilities"].keys() == {
        "tools",
        "resources",
        "prompts",
        "completions",
        "extensions",
    }
    assert result["instructions"] == instructions.TEXT
    assert result["serverInfo"]["name"] == "federated-memory"


@pytest.mark.parametrize("method", CACHEABLE)
def test_lists_and_reads_say_how_long_they_keep(ai, method):
    result = ai.stateless(method, **CACHEABLE[method]).json["result"]

    assert result["resultType"] == "complete"
    assert isinstance(result["ttlMs"], int)
    assert result["cacheScope"] == "private"
    assert result["_meta"][META + "serverInfo"]["name"] == "federated-memory"


def test_a_call_is_complete_and_not_cacheable(ai):
    response = ai.stateless("tools/call", name="list_workspaces", arguments={})

    result = response.json["result"]
    assert result["resultType"] == "complete"
    assert result["isError"] is False
    assert "ttlMs" not in result
    assert "mcp-session-id" not in response.headers


@pytest.mark.parametrize(
    "method", ["nonsense", "ping", "initialize", "logging/setLevel"]
)
def test_unknown_methods_are_404(ai, method):
    response = ai.stateless(method)

    assert response.status == 404
    assert response.json["error"]["code"] == -32601


@pytest.mark.parametrize(
    "wrong",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": None},
        {"mcp-name": "get_overview"},
        {"mcp-name": None},
        {"mcp-protocol-version": "2027-01-01"},
    ],
)
def test_headers_that_disagree_are_refused(ai, wrong):
    response = ai.stateless(
        "tools/call", name="list_workspaces", arguments={}, headers=wrong
    )

    assert response.status == 400
    assert response.json["error"]["code"] == -32020


def test_an_unknown_version_is_400_with_the_known_ones(ai):
    response = ai.stateless(
        "tools/list",
        _meta={META + "protocolVersion": "2030-01-01"},
        headers={"mcp-protocol-version": "2030-01-01"},
    )

    assert response.status == 400
    error = response.json["error"]
    assert error["code"] == -32022
    assert error["data"]["requested"] == "2030-01-01"
    assert NEW in error["data"]["supported"]


def test_there_are_no_batches(ai):
    response = ai.post(
        [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}],
        headers={"mcp-protocol-version": NEW},
    )

    assert response.status == 400


def test_get_and_delete_are_405(ai):
    for method in ("GET", "DELETE"):
        response = ai.send(
            method,
            headers={
                "mcp-protocol-version": NEW,
                "mcp-session-id": "x",
                "accept": "*/*",
            },
        )
        assert response.status == 405


def test_a_notification_is_accepted(ai):
    response = ai.post(
        {"jsonrpc": "2.0", "method": "notifications/cancelled"},
        headers={"mcp-protocol-version": NEW},
    )

    assert response.status == 202


def test_a_response_has_no_place(ai):
    response = ai.post(
        {"jsonrpc": "2.0", "id": 1, "result": {}}, headers={"mcp-protocol-version": NEW}
    )

    assert response.status == 400


def test_params_of_the_wrong_shape_are_400(ai):
    wrong_name = ai.stateless("tools/call", name=5, headers={"mcp-name": "5"})
    assert wrong_name.status == 400
    assert ai.stateless("tools/call", name="x", arguments=[]).status == 400


def test_both_eras_offer_the_same_tools(ai):
    new = ai.stateless("tools/list").json["result"]["tools"]

    assert ai.request("tools/list")["result"]["tools"] == new


def test_the_list_is_the_same_for_every_kind_of_token(ai, sync, admin):
    lists = [client.request("tools/list") for client in (ai, sync, admin)]

    assert lists[0] == lists[1] == lists[2]
