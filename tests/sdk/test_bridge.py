"""`memory-mcp` between a client on pipes and a real server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import bridging
import pytest
import redis
from bridging import STATELESS, bridge
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from federated_memory import Client, __version__
from federated_memory.bridge.messages import Message

FOUR = ["context", "memory", "recall", "whoAmI"]


@pytest.fixture
def rest(server):
    with Client(server.base, server.ai_token) as client:
        yield client


@pytest.fixture
def bridged(server, home):
    """A bridge of a client that has a namespace of its own."""
    with bridge(server.url, server.ai_token, MEMORYNODE_NAMESPACE=home) as running:
        yield running


# --- both eras ------------------------------------------------------------------------


async def test_the_official_client_saves_and_recalls(server, home):
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "federated_memory.bridge"],
        env=bridging.environment(
            MEMORYNODE_BASE_URL=server.base,
            MEMORYNODE_API_KEY=server.ai_token,
            MEMORYNODE_NAMESPACE=home,
        ),
    )
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write) as session,
    ):
        initialized = await session.initialize()
        listed = await session.list_tools()
        # The client holds each result against the schema that was listed.
        saved = await session.call_tool(
            "memory", {"content": "Medlars grow here.", "metadata": {"by": "anna"}}
        )
        recalled = await session.call_tool("recall", {"query": "medlars"})
        packed = await session.call_tool("context", {"query": "medlars"})
        known = await session.call_tool("whoAmI", {})
        refused = await session.call_tool("recall", {"query": ""})
        resource = await session.read_resource("memorynode://profile")
        prompts = await session.list_prompts()

    assert initialized.protocolVersion == "2025-11-25"
    assert initialized.serverInfo.name == "memorynode-mcp"
    assert initialized.serverInfo.version == __version__
    assert sorted(tool.name for tool in listed.tools) == FOUR
    assert not saved.isError
    assert recalled.structuredContent["results"][0]["text"] == "Medlars grow here."
    assert "Medlars grow here." in packed.structuredContent["context_text"]
    assert known.structuredContent["identity"]["client"] == "memorynode-mcp-stdio"
    assert refused.isError
    assert "Medlars grow here." in resource.contents[0].text
    assert prompts.prompts


def test_the_stateless_era_needs_no_handshake(bridged, home, rest):
    discovered = bridged.stateless("server/discover")["result"]
    listed = bridged.stateless("tools/list")["result"]
    saved = bridged.stateless(
        "tools/call", name="memory", arguments={"content": "Sloes are bitter."}
    )["result"]
    read = bridged.stateless("resources/read", uri="memorynode://profile")["result"]

    assert STATELESS in discovered["supportedVersions"]
    assert discovered["serverInfo"]["name"] == "memorynode-mcp"
    assert sorted(tool["name"] for tool in listed["tools"]) == FOUR
    assert listed["resultType"] == saved["resultType"] == "complete"
    assert "Sloes are bitter." in read["contents"][0]["text"]
    assert rest.page(container=home).memories[0].text == "Sloes are bitter."
    assert bridged.end() == 0


def test_both_eras_share_one_process(bridged):
    bridged.initialize()

    old = bridged.call("memory", content="Elder is old.")
    new = bridged.stateless("tools/call", name="recall", arguments={"query": "elder"})[
        "result"
    ]

    assert "resultType" not in old
    assert new["structuredContent"]["results"][0]["text"] == "Elder is old."


def test_a_name_that_is_no_ascii_travels_in_both_eras(bridged):
    bridged.initialize()

    old = bridged.ask("prompts/get", name="gärtnern")["error"]
    new = bridged.stateless("prompts/get", name="gärtnern")["error"]

    # Not a header that does not match the body.
    assert old["code"] == new["code"] == -32602


# --- only the protocol ----------------------------------------------------------------


def test_output_has_the_protocol_and_nothing_else(bridged):
    bridged.initialize()
    bridged.call("recall", query="anything")
    bridged.tell(b"this is no JSON")
    bridged.tell(b"")
    bridged.tell([])
    bridged.tell(b"[" * 100_000)
    bridged.tell({"jsonrpc": "2.0", "id": [1], "method": "ping"})
    bridged.tell({"jsonrpc": "2.0", "id": "7", "method": 5, "params": []})
    assert bridged.ask("ping")["result"] == {}
    code = bridged.end()

    assert code == 0
    assert all(message["jsonrpc"] == "2.0" for message in bridged.said)
    errors = [each["error"]["code"] for each in bridged.said if "error" in each]
    assert errors.count(-32700) == 4
    assert {each["id"] for each in bridged.said} == {1, 2, 3, None, "7"}


def test_the_log_is_json_and_tells_no_text(bridged):
    bridged.initialize()
    bridged.call("memory", content="The heron password is quokka.")
    bridged.tell(b"heron quokka")
    bridged.end()

    assert {"ts", "level", "event_name"} <= set(bridged.log[0])
    assert bridged.log[0]["event_name"] == "started"
    assert "quokka" not in json.dumps(bridged.log)


def test_a_line_that_is_too_long_costs_that_line_alone(bridged):
    content = "x" * (17 * 2**20)
    bridged.tell({"jsonrpc": "2.0", "id": "long", "method": "ping", "params": content})

    assert bridged.answer(None)["error"]["code"] == -32700
    assert bridged.ask("ping")["result"] == {}


def test_what_stands_on_several_lines_comes_on_one(bridged):
    text = "First.\u2028Second.\u0085Third.\nFourth 🍐."
    bridged.call("memory", content=text)

    recalled = bridged.call("recall", query="first second third")

    assert recalled["structuredContent"]["results"][0]["text"].endswith("Fourth 🍐.")


def test_input_that_ends_in_the_middle_of_a_line_ends_it(bridged):
    bridged.process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "pi')

    assert bridged.end() == 0


def test_a_client_that_stops_reading_ends_it(server):
    with subprocess.Popen(
        bridging.PROGRAM,
        env=bridging.environment(
            MCP_MEMORY_URL=server.url, MCP_MEMORY_TOKEN=server.ai_token
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()

        assert process.wait(30) == 0
        log = process.stderr.read().splitlines()

    assert [json.loads(line)["event_name"] for line in log] == ["started"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_its_input_is_open(bridged, number):
    assert bridged.ask("ping")["result"] == {}

    bridged.process.send_signal(number)

    assert bridged.process.wait(30) in (0, -signal.SIGTERM)
    assert all("exception" not in line for line in bridged.log)


# --- from the environment -------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "MCP_MEMORY_TOKEN or MEMORYNODE_API_KEY"),
        ({"MEMORYNODE_BASE_URL": "http://x"}, "MCP_MEMORY_TOKEN or MEMORYNODE_API_KEY"),
        ({"MEMORYNODE_API_KEY": "k"}, "MCP_MEMORY_URL or MEMORYNODE_BASE_URL"),
        ({"MEMORYNODE_API_KEY": "k", "MCP_MEMORY_URL": "memory"}, "https://host:port"),
        (
            {
                "MEMORYNODE_API_KEY": "k",
                "MCP_MEMORY_URL": "http://x",
                "MEMORYNODE_TIMEOUT_MS": "soon",
            },
            "MEMORYNODE_TIMEOUT_MS",
        ),
    ],
)
def test_what_is_missing_is_one_line_and_exit_code_1(given, missing):
    done = bridging.run(**given)

    assert (done.returncode, done.stdout) == (1, "")
    assert missing in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_tells_its_version():
    assert bridging.run("--version").stdout == f"memorynode-mcp {__version__}\n"


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/mcp", "/v1/mcp"])
def test_the_url_may_be_that_of_any_of_our_clients(server, tail):
    with bridge(f"{server.base}{tail}", server.ai_token) as running:
        assert running.ask("ping")["result"] == {}


def test_user_and_namespace_come_from_the_environment(server, home, rest):
    names = {"MEMORYNODE_USER_ID": "anna", "MEMORYNODE_NAMESPACE": home}
    with bridge(server.url, server.ai_token, **names) as running:
        running.call("memory", content="Anna grows chicory.")
        identity = running.call("whoAmI")["structuredContent"]["identity"]

    kept = rest.page(container=home).memories[0]
    assert kept.text == "Anna grows chicory."
    assert kept.fields["owner_id"] == "anna"
    assert (identity["user_id"], identity["namespace"]) == ("anna", home)
    assert identity["client"] == "memorynode-mcp-stdio"


def test_a_container_tag_is_preferred_to_a_namespace(server, home, rest):
    names = {"MEMORYNODE_CONTAINER_TAG": home, "MEMORYNODE_NAMESPACE": "elsewhere"}
    with bridge(server.url, server.ai_token, **names) as running:
        running.call("memory", content="Here grows cress.")

    assert rest.page(container=home).total == 1


def test_the_tag_of_a_call_overrides_the_namespace(bridged, home, rest):
    bridged.call("memory", content="There grows rue.", containerTag=f"{home}-2")

    assert rest.page(container=f"{home}-2").total == 1
    assert rest.page(container=home).total == 0


@pytest.mark.parametrize("spelling", ["containerTag", "container_tag"])
def test_the_pin_wins(server, home, rest, spelling):
    pinned = {
        "MEMORYNODE_SCOPED_CONTAINER_TAG": home,
        "MEMORYNODE_CONTAINER_TAG": "elsewhere",
    }
    rest.remember("Elsewhere grows woad.", container=f"{home}-2")
    with bridge(server.url, server.ai_token, **pinned) as running:
        running.call("memory", content="Here grows woad.", **{spelling: f"{home}-2"})
        found = running.call("recall", query="woad", **{spelling: f"{home}-2"})
        new_era = running.stateless(
            "tools/call", name="recall", arguments={"query": "woad"}
        )["result"]
        identity = running.call("whoAmI")["structuredContent"]["identity"]

    texts = [hit["text"] for hit in found["structuredContent"]["results"]]
    assert texts == ["Here grows woad."]
    assert (
        new_era["structuredContent"]["results"] == found["structuredContent"]["results"]
    )
    assert [each.text for each in rest.page(container=home).memories] == texts
    assert identity["scoped_container_tag"] == home


def test_a_pin_is_for_the_four_tools(server):
    done = bridging.run(
        "--tools",
        "full",
        MCP_MEMORY_URL=server.url,
        MCP_MEMORY_TOKEN="k",
        MEMORYNODE_SCOPED_CONTAINER_TAG="kitchen",
    )

    assert done.returncode == 1
    assert "--tools" in done.stderr


# --- tools ----------------------------------------------------------------------------


def test_another_tool_does_not_leave_the_process(bridged):
    refused = bridged.call("memory_delete", memory_id="x")

    assert refused["isError"]
    assert refused["structuredContent"]["code"] == "INVALID_ARGUMENT"
    assert refused["structuredContent"]["detail"]["reason"] == "invalid_request"


def test_other_tools_are_there_when_they_are_wanted(server):
    with bridge(server.url, server.ai_token, "--tools", "full") as running:
        listed = running.ask("tools/list")["result"]["tools"]
        found = running.call("memory_list")

    assert len(listed) == 35
    assert found["structuredContent"]["status"] == "ok"


def test_metadata_is_kept_with_a_memory(bridged, home, rest):
    saved = bridged.call(
        "memory", content="Woodruff is sweet.", metadata={"by": "anna", "n": 2}
    )
    listed = bridged.ask("tools/list")["result"]["tools"]

    kept = rest.page(container=home).memories[0]
    schema = next(tool for tool in listed if tool["name"] == "memory")["inputSchema"]
    assert saved["structuredContent"]["status"] == "saved"
    assert kept.metadata == {"by": "anna", "n": 2}
    assert schema["properties"]["metadata"]["type"] == "object"


def test_metadata_over_5_kb_is_refused(bridged, home, rest):
    refused = bridged.stateless(
        "tools/call",
        name="memory",
        arguments={"content": "Yarrow.", "metadata": {"long": "x" * 5120}},
    )["result"]

    assert refused["isError"]
    assert refused["resultType"] == "complete"
    assert refused["structuredContent"]["detail"]["reason"] == "invalid_request"
    assert rest.page(container=home).total == 0


def test_many_calls_run_at_once(bridged):
    asked = [
        bridged.begin("tools/call", name="recall", arguments={"query": f"plant {n}"})
        for n in range(40)
    ]

    answers = [bridged.answer(each) for each in reversed(asked)]

    assert [each["id"] for each in answers] == asked[::-1]
    assert not any(each["result"]["isError"] for each in answers)


# --- what the server says -------------------------------------------------------------


def test_an_unknown_token_is_told(server):
    with bridge(server.url, "unknown") as running:
        opening = running.initialize()["error"]
        called = running.call("recall", query="quince")

    assert opening["data"]["code"] == "UNAUTHENTICATED"
    assert opening["data"]["detail"]["reason"] == "unauthorized"
    assert called["structuredContent"]["detail"] == {
        "reason": "unauthorized",
        "status": 401,
    }


def test_a_session_that_the_server_forgot_is_opened_anew(bridged, server):
    bridged.initialize()
    store = redis.from_url(server.environment["REDIS_URL"])
    prefix = server.environment["REDIS_PREFIX"]
    before = set(store.scan_iter(f"{prefix}:mcp:session:*"))
    for key in before:
        store.delete(key)

    asked = [bridged.begin("ping") for _ in range(5)]
    answers = [bridged.answer(each) for each in asked]

    assert all(each["result"] == {} for each in answers)
    assert len(set(store.scan_iter(f"{prefix}:mcp:session:*"))) == 1
    assert bridged.end() == 0
    assert [each["event_name"] for each in bridged.log].count("session_reopened") == 1
    # And ended, when its client went.
    assert set(store.scan_iter(f"{prefix}:mcp:session:*")) == set()


# --- resources ------------------------------------------------------------------------


def test_a_search_is_a_resource_in_both_eras(bridged):
    bridged.initialize()
    bridged.call("memory", content="Quinces ripen in October.")
    uri = "memory://search?q=quinces+ripen"

    old = bridged.ask("resources/read", uri=uri)["result"]
    new = bridged.stateless("resources/read", uri=uri)["result"]
    templates = bridged.ask("resources/templates/list")["result"]["resourceTemplates"]

    assert old["contents"][0]["uri"] == uri
    assert "Quinces ripen in October." in old["contents"][0]["text"]
    assert (new["resultType"], new["ttlMs"]) == ("complete", 0)
    assert "Quinces ripen in October." in new["contents"][0]["text"]
    assert "memory://search{?q}" in [each["uriTemplate"] for each in templates]


def test_a_search_is_never_answered_with_a_task():
    name = "io.modelcontextprotocol/clientCapabilities"
    knows = {"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}
    params = {"uri": "memory://search?q=x", "_meta": {name: knows}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params}
    message = Message.read(json.dumps(asked).encode())

    sent = json.loads(message.waiting().calling("recall", {"query": "x"}).body)
    assert sent["params"]["_meta"] == {name: {"elicitation": {}}}


def test_a_search_for_nothing_is_refused(bridged):
    error = bridged.ask("resources/read", uri="memory://search?q=")["error"]

    assert (error["code"], error["data"]["code"]) == (-32602, "INVALID_ARGUMENT")


def test_a_search_is_pinned_too(server, home, rest):
    rest.remember("Medlars ripen after frost.", container=f"{home}-2")
    pin = {"MEMORYNODE_SCOPED_CONTAINER_TAG": home}
    with bridge(server.url, server.ai_token, **pin) as running:
        read = running.ask(
            "resources/read", uri="memory://search?q=medlars+ripen+frost"
        )

    assert "after frost" not in read["result"]["contents"][0]["text"]
