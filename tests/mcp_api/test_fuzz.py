"""Whatever a client sends, the answer is a proper one: no 500 and no traceback."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import META, NEW

from mcp_api.registry import tools

CALM = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
METHODS = st.sampled_from(
    [
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "subscriptions/listen",
        "notifications/cancelled",
        "notifications/initialized",
    ]
)
NAMES = st.sampled_from(
    [*tools(), "continue_work", "memory://readme", "memory://a-b-c/sessions/x#L1-L2"]
)
VALUES = JSON | NAMES | st.sampled_from(["a-b-c", "a\0b", 10**30, -1, [], {}])
ARGUMENTS = st.dictionaries(
    st.sampled_from(
        sorted({name for t in tools().values() for name in t.arguments.model_fields})
    ),
    VALUES,
    max_size=5,
)
META_FIELD = st.fixed_dictionaries(
    {},
    optional={
        META + "protocolVersion": st.sampled_from([NEW, "2025-06-18"]) | JSON,
        META + "clientCapabilities": st.just({}) | JSON,
        "progressToken": JSON,
    },
)
PARAMS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | JSON,
        "uri": NAMES | JSON,
        "arguments": ARGUMENTS | JSON,
        "cursor": JSON,
        "_meta": META_FIELD | JSON,
        "protocolVersion": JSON,
        "capabilities": JSON,
        "clientInfo": JSON,
        "ref": JSON,
        "argument": JSON,
        "requestId": JSON,
    },
)
MESSAGE = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON, "method": METHODS | JSON},
    optional={"id": st.integers(0, 9) | JSON, "params": PARAMS, "result": JSON},
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "mcp-protocol-version": st.sampled_from([NEW, "2025-03-26", "1"]),
        "mcp-method": METHODS,
        "mcp-name": NAMES,
        "mcp-session-id": st.text("abc", max_size=9),
        "x-memory-workspace": st.sampled_from(["a-b-c", "\0"]),
        "accept": st.sampled_from(["*/*", "text/event-stream", "application/json"]),
    },
)


def is_proper(response):
    assert response.status in (200, 202, 400, 404, 406), response.body
    assert response.headers["x-request-id"]
    assert b"Traceback" not in response.body
    assert b"INTERNAL_ERROR" not in response.body, response.body


@pytest.fixture
def busy(ai, settings):
    settings.RATE_READS_PER_MINUTE = settings.RATE_WRITES_PER_MINUTE = 0
    ai.call("register_workspace", machine="a", tool="b", project="c")
    return ai


@CALM
@given(message=MESSAGE | st.lists(MESSAGE, max_size=3) | JSON, headers=HEADERS)
def test_any_message_gets_a_proper_answer(busy, message, headers):
    body = json.dumps(message).encode("utf-8", "surrogatepass")

    is_proper(busy.send("POST", body, headers=headers))


@CALM
@given(body=st.binary(max_size=200), headers=HEADERS)
def test_any_bytes_get_a_proper_answer(busy, body, headers):
    is_proper(busy.send("POST", body, headers=headers))


@CALM
@given(name=st.sampled_from(list(tools())), arguments=ARGUMENTS)
def test_any_arguments_get_a_result(busy, name, arguments):
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments},
        }
    ).encode()

    is_proper(busy.send("POST", body))
