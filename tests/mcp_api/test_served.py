"""The endpoint under daphne, over a socket, with the SDK's own client."""

import urllib.error
import urllib.request

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from web_process import web_process


@pytest.fixture
def served(ai, memory_root):
    """The address of a web process and an AI token."""
    with web_process(memory_root) as address:
        yield address, ai.token


def http(address, *, data=None, **headers):
    request = urllib.request.Request(
        address,
        data,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_over_a_socket(served):
    address, token = served
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    json_type = {"content_type": "application/json"}
    bearer = {"authorization": f"Bearer {token}"}

    assert http(address, data=ping, **json_type, **bearer)[2] == (
        b'{"jsonrpc":"2.0","id":1,"result":{}}'
    )
    status, headers, _ = http(address, data=ping, **json_type)
    assert status == 401
    assert headers["www-authenticate"].startswith('Bearer realm="memory"')
    assert http(address, accept="text/html")[0] == 200
    assert http(address, accept="text/event-stream", **bearer)[0] == 405
    assert http(address, data=b"{", **json_type, **bearer)[0] == 400
    assert http(address, data=ping, **json_type, host="evil.example")[0] == 403
    huge = b'"' + b"x" * (16 * 2**20) + b'"'
    assert http(address, data=huge, **json_type, **bearer)[0] == 413


async def test_the_sdks_client_lists_calls_and_reads(served):
    address, token = served
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=20) as http_client,
        streamable_http_client(address, http_client=http_client) as (
            read,
            write,
            session_id,
        ),
        ClientSession(read, write) as session,
    ):
        initialized = await session.initialize()
        listed = await session.list_tools()
        registered = await session.call_tool(
            "register_workspace", {"machine": "m", "tool": "t", "project": "p"}
        )
        # No binding: the MCP session remembers it.
        written = await session.call_tool("write_overview", {"content": "# Here\n"})
        refused = await session.call_tool("read_knowledge", {"workspace_id": "m-t-p"})
        resource = await session.read_resource("memory://m-t-p/overview.md")
        prompts = await session.list_prompts()
        assert session_id()

    assert initialized.serverInfo.name == "federated-memory"
    assert len(listed.tools) == 17
    assert registered.structuredContent["workspace_id"] == "m-t-p"
    assert written.structuredContent["version"] == 1
    assert refused.isError
    assert refused.structuredContent["code"] == "INVALID_ARGUMENT"
    assert resource.contents[0].text == "# Here\n"
    assert len(prompts.prompts) == 4
