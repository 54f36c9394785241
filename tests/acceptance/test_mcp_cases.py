"""Section 16, MCP: what a client sees and is answered over the wire.

tests/mcp_api/test_catalogue.py holds every field, bound, hint and result against
sections 4 and 18; here they are looked at from outside, in both eras at both addresses.
"""

from __future__ import annotations

import pytest
from users import User

from mcp_api.endpoint import MCP_PATHS

pytestmark = pytest.mark.django_db(transaction=True)

CANONICAL = {
    *("search", "context_pack", "identity_get"),
    *("memory_save", "memory_forget", "memory_forget_confirm"),
    *("memory_get", "memory_list", "memory_delete"),
    *("memory_conversation_save", "ingest_dispatch"),
    *("connector_settings_get", "connector_settings_update"),
    *("usage_today", "audit_log_list", "billing_get", "billing_checkout_create"),
}
FIRST_CLASS = {"recall", "context", "memory", "whoAmI"}
ALIASES = {"memory_search", "memory_context", "memory_insert", "whoami"}

READS = {"readOnlyHint": True, "openWorldHint": False}
KEEPS = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True}
ERASES = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}
# Section 18, row by row.
HINTS = {
    **dict.fromkeys(
        (
            *("recall", "search", "memory_search"),
            *("context", "context_pack", "memory_context"),
            *("identity_get", "whoAmI", "whoami", "memory_get", "memory_list"),
            *("connector_settings_get", "usage_today", "audit_log_list", "billing_get"),
        ),
        READS,
    ),
    **dict.fromkeys(
        (
            *("memory_save", "memory_insert", "memory_conversation_save"),
            *("memory_forget", "connector_settings_update"),
        ),
        KEEPS,
    ),
    # The catalogue splits ingest_dispatch by kind; one tool for all says the worst.
    **dict.fromkeys(
        ("memory_forget_confirm", "memory_delete", "memory", "ingest_dispatch"), ERASES
    ),
    "billing_checkout_create": {**KEEPS, "openWorldHint": True},
}


@pytest.fixture(params=["initialize", "stateless"])
def listed(request, anna):
    """The tools that a client is shown in a profile, by name."""

    def look(profile: str, path: str = "/mcp"):
        headers = {"x-mcp-tools": profile}
        anna.mcp.path = path
        if request.param == "stateless":
            reply = anna.mcp.stateless("tools/list", headers=headers).json
        else:
            reply = anna.mcp.request("tools/list", headers=headers)
        return {tool["name"]: tool for tool in reply["result"]["tools"]}

    return look


@pytest.mark.parametrize("path", sorted(MCP_PATHS))
def test_the_manifest_lists_the_canonical_tools(listed, path):
    assert len(CANONICAL | FIRST_CLASS | ALIASES) == 25
    assert listed("full", path).keys() >= CANONICAL | FIRST_CLASS
    assert not listed("full", path).keys() & ALIASES
    assert listed("all", path).keys() >= CANONICAL | FIRST_CLASS | ALIASES
    assert listed("standard", path).keys() & (CANONICAL | ALIASES) == set()


def test_descriptions_have_four_lines(listed):
    tools = listed("all")

    for name in CANONICAL | FIRST_CLASS | ALIASES:
        lines = tools[name]["description"].split("\n")
        labels = [line.partition(": ")[0] for line in lines]
        assert labels == ["WHAT", "WHEN", "INSTEAD", "RETURNS"], name


def test_hints_are_those_of_the_catalogue(listed):
    tools = listed("all")

    assert len(HINTS) == 25
    for name, hints in HINTS.items():
        published = tools[name]["annotations"]
        assert {hint: published[hint] for hint in hints} == hints, name
        assert published["openWorldHint"] is (name == "billing_checkout_create")


@pytest.mark.parametrize("top_k", range(1, 21))
def test_every_top_k_that_the_schema_allows_is_answered(anna, top_k):
    """Section 17, 3: nine and ten were allowed by the schema and always denied."""
    for tool in ("recall", "search", "context", "context_pack"):
        assert "refused" not in anna.mcp.call(tool, query="herons", top_k=top_k)


def test_an_identical_query_again_is_served(anna):
    """Section 17, 4: it was taken for a loop before the cache was asked."""
    saved = anna.remembers("Herons wade in the lake at dawn.")

    answers = [anna.mcp.call("recall", query="herons") for _ in range(4)]

    ids = [[hit["memory_id"] for hit in each["results"]] for each in answers]
    assert ids == [[saved]] * 4


def answered(user: User, tool: str, **arguments):
    return set(user.mcp.call(tool, **arguments)["data"])


def test_free_parts_of_answers_have_the_catalogues_names(anna):
    """What the schemas leave open: section 8.1 and section 11, item 5."""
    saved = anna.remembers("Herons wade in the lake at dawn.")
    talk = {"messages": [{"role": "user", "content": "Where do herons nest?"}]}

    assert answered(anna, "memory_get", memory_id=saved) >= {
        *("memory_id", "text", "metadata", "memory_type", "importance", "namespace"),
        *("retrieval_count", "effective_at", "created_at", "source_memory_id"),
        *("duplicate_of", "confidence", "source_weight", "priority_score"),
        *("priority_tier", "conflict_state", "last_conflict_at"),
        *("user_id", "owner_id", "owner_type"),
    }
    assert answered(anna, "usage_today") >= {
        *("day", "workspace_id", "writes", "reads", "embeds", "extraction_calls"),
        *("embed_tokens", "gen_tokens", "storage_bytes", "plan"),
        *("entitlement_active", "entitlement_source", "limits", "limits_v3"),
        *("cap_alerts", "operational_mode", "internal_credits", "period"),
    }
    assert answered(anna, "billing_get") == {
        *("plan", "plan_status", "current_period_end", "cancel_at_period_end"),
        "effective_plan",
    }
    assert answered(anna, "memory_conversation_save", body=talk) >= {
        *("memory_id", "created_at", "deduped"),
    }
