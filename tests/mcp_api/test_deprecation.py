"""Old names of tools in the three phases of their retirement."""

import logging

import pytest

OLD_NAMES = {
    # Name: arguments, what to use, what it is like.
    "memory_search": ({"query": "zebra"}, "search", "recall"),
    "memory_context": ({"query": "zebra"}, "context_pack", "context"),
    "memory_insert": ({"content": "Zebras sleep."}, "memory_save", "memory_save"),
    "whoami": ({}, "identity_get", "identity_get"),
}
by_name = pytest.mark.parametrize("name", OLD_NAMES)


@by_name
@pytest.mark.parametrize("phase", ["allow", "nonsense", ""])
def test_allowed_they_answer_and_say_what_they_are(ai, settings, name, phase):
    settings.MCP_DEPRECATION_PHASE = phase
    arguments, _use, alias_for = OLD_NAMES[name]
    answer = ai.call(name, **arguments)

    assert (answer["deprecated"], answer["alias_for"]) == (True, alias_for)
    assert "warning" not in answer


@by_name
def test_warned_they_answer_and_say_what_to_use(ai, settings, name):
    settings.MCP_DEPRECATION_PHASE = "Warn"
    arguments, use, _alias_for = OLD_NAMES[name]
    answer = ai.call(name, **arguments)

    assert (answer["warning"], answer["use"]) == ("deprecated_tool", use)
    assert use in ai.text


@by_name
def test_blocked_they_are_refused_with_what_to_use(ai, settings, name):
    settings.MCP_DEPRECATION_PHASE = "BLOCK"
    arguments, use, _alias_for = OLD_NAMES[name]
    refused = ai.call(name, **arguments)

    assert refused["refused"] == "GONE"
    assert refused["detail"] == {"warning": "deprecated_tool", "use": use}
    assert ai.call("memory_list")["data"]["total"] == 0


def test_first_class_names_are_never_retired(ai, settings):
    settings.MCP_DEPRECATION_PHASE = "block"

    for name in ("recall", "context"):
        assert "refused" not in ai.call(name, query="zebra")
    assert ai.call("memory", content="Zebras sleep.")["status"] == "saved"
    assert ai.call("whoAmI")["status"] == "ok"


def test_each_use_is_logged_without_what_was_asked(ai, caplog):
    with caplog.at_level(logging.INFO, logger="mcp_api.deprecation"):
        ai.call("memory_search", query="a secret plan")

    (record,) = caplog.records
    line = record.getMessage()
    assert "mcp_alias_usage alias=memory_search canonical=search phase=allow" in line
    assert "request_id=" in line
    assert "secret plan" not in line
