"""NUL, which no database stores, wherever a memory tool takes text.

Lone surrogates are refused with the body that holds them.
"""

import json

import pytest

ODD = "12345678\0b"
PLACES = [
    ("recall", {"query": "{}"}),
    ("recall", {"query": "x", "containerTag": "{}"}),
    ("context", {"query": "{}"}),
    ("memory", {"content": "{}"}),
    ("memory", {"content": "{}", "action": "forget"}),
    ("memory", {"action": "confirm_forget", "confirm": {"token": "{}"}}),
    ("memory_save", {"content": "x", "metadata": {"{}": 1}}),
    ("memory_save", {"content": "x", "metadata": {"a": "{}"}}),
    ("memory_save", {"content": "x", "nonce": "{}"}),
    ("memory_save", {"content": "x", "binding": "{}"}),
    ("memory_list", {"metadata_filter": {"{}": 1}}),
    ("memory_list", {"metadata_filter": {"a": "{}"}}),
    ("memory_conversation_save", {"body": {"transcript": "{}"}}),
    (
        "memory_conversation_save",
        {"body": {"messages": [{"role": "user", "content": "{}", "at": "{}"}]}},
    ),
    ("memory_conversation_save", {"body": {"transcript": "x", "user_id": "{}"}}),
    ("memory_conversation_save", {"body": {"transcript": "x", "namespace": "{}"}}),
    ("ingest_dispatch", {"payload": {"kind": "text", "body": {"text": "{}"}}}),
    (
        "ingest_dispatch",
        {"payload": {"kind": "text", "body": {"text": "x", "subject": "{}"}}},
    ),
    (
        "ingest_dispatch",
        {"payload": {"kind": "document", "body": {"path": "{}.md", "text": "x"}}},
    ),
    (
        "ingest_dispatch",
        {"payload": {"kind": "document", "body": {"path": "a.md", "text": "{}"}}},
    ),
    (
        "ingest_dispatch",
        {"payload": {"kind": "import", "body": {"artefact_base64": "{}"}}},
    ),
    ("connector_settings_update", {"connector_id": "{}"}),
    ("billing_checkout_create", {"plan": "{}", "firstname": "{}"}),
]


@pytest.mark.parametrize(("tool", "arguments"), PLACES, ids=str)
def test_nul_is_refused_or_answered_never_a_fault(ai, tool, arguments):
    filled = json.loads(json.dumps(arguments).replace("{}", json.dumps(ODD)[1:-1]))
    answer = ai.call(tool, **filled)

    assert answer.get("refused") not in ("INTERNAL_ERROR", "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize("nonce", [None, "12345678"])
def test_deep_nesting_is_refused(ai, nonce):
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    payload = {"kind": "text", "body": {"text": "x", "metadata": {"a": deep}}}
    arguments = {"payload": payload, **({"nonce": nonce} if nonce else {})}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "ingest_dispatch",
            "arguments": arguments,
        },
    }
    reply = ai.post(body).json

    code = reply.get("error", {}).get("data") or reply["result"]["structuredContent"]
    assert code["code"] in ("INVALID_ARGUMENT", "MALFORMED_BODY")
