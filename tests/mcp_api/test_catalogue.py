"""The twenty-five tools of the MemoryNode surface, held against its catalogue.

The tables are written from the contract, not from the code: names, input fields with
their bounds, what must be given, and hints. Fields that are ours are named apart.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mcp_api import negotiation, tool_profiles
from mcp_api.registry import tools

TAG = {"type": "string", "maxLength": 128}
NONCE = {"type": "string", "minLength": 8}
STAMP = {"type": "integer"}
QUERY = {"type": "string", "minLength": 1, "maxLength": 2000}
CONTENT = {"type": "string", "minLength": 1, "maxLength": 10_000}
# The catalogue says 10, which its own budgets refused; up to 20 is ours.
TOP_K = {"type": "integer", "minimum": 1, "maximum": 20, "default": 5}
YES = {"type": "boolean", "default": True}
EMPHASIS = {
    "type": "string",
    "enum": ["balanced", "precision", "recall"],
    "default": "balanced",
}
UUID = {
    "type": "string",
    "pattern": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
}
CONFIRM = {"type": "object", "fields": {"token", "memory_id"}}
WRITING = {"containerTag": TAG, "nonce": NONCE, "timestampMs": STAMP}
RECALL = {"query": QUERY, "includeProfile": YES, "containerTag": TAG, "top_k": TOP_K}
CONTEXT = {"query": QUERY, "containerTag": TAG, "profile": EMPHASIS, "top_k": TOP_K}
FILE_TYPES = [
    *("pdf", "docx", "txt", "md", "html", "csv"),
    *("tsv", "xlsx", "pptx", "eml", "msg"),
]

# Tool: the catalogue's fields, those of them that must be given, and fields of ours.
FIELDS = {
    "recall": (RECALL, "query", "kinds mode min_score explain max_chars"),
    "search": (RECALL, "query", "kinds mode min_score explain max_chars"),
    "memory_search": (
        {"query": QUERY, "limit": TOP_K},
        "query",
        "containerTag top_k max_chars",
    ),
    "context": (CONTEXT, "query", "kinds budget_chars budget_tokens explain"),
    "context_pack": (CONTEXT, "query", "kinds budget_chars budget_tokens explain"),
    "memory_context": (
        {**CONTEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 20}},
        "query",
        "kinds budget_chars budget_tokens explain",
    ),
    "identity_get": ({}, "", ""),
    "whoAmI": ({}, "", ""),
    "whoami": ({}, "", ""),
    "memory": (
        {
            **WRITING,
            "content": CONTENT,
            "action": {
                "type": "string",
                "enum": ["save", "forget", "confirm_forget"],
                "default": "save",
            },
            "confirm": CONFIRM,
        },
        "",
        "binding memory_type replaces_memory_id",
    ),
    "memory_save": (
        {**WRITING, "content": CONTENT},
        "content",
        "binding memory_type metadata replaces_memory_id",
    ),
    "memory_insert": ({**WRITING, "content": CONTENT}, "content", "binding"),
    "memory_forget": ({**WRITING, "content": CONTENT}, "content", "binding"),
    "memory_forget_confirm": ({**WRITING, "confirm": CONFIRM}, "confirm", "binding"),
    "memory_get": ({"memory_id": UUID, "containerTag": TAG}, "memory_id", ""),
    "memory_list": (
        {
            "containerTag": TAG,
            "page": {"type": "integer", "minimum": 1, "default": 1},
            "page_size": {
                "type": "integer",
                "minimum": 1,
                "maximum": 50,
                "default": 20,
            },
            "metadata_filter": {"type": "object"},
        },
        "",
        "include_archived include_superseded up_to",
    ),
    "memory_delete": ({**WRITING, "memory_id": UUID}, "memory_id", "binding"),
    "memory_conversation_save": (
        {**WRITING, "body": {"type": "object"}},
        "body",
        "binding",
    ),
    "ingest_dispatch": (
        {
            "payload": {"type": "object", "fields": {"kind", "body"}},
            "nonce": NONCE,
            "timestampMs": STAMP,
        },
        "payload",
        "containerTag binding",
    ),
    "connector_settings_get": ({}, "", "containerTag"),
    "connector_settings_update": (
        {
            "connector_id": {"type": "string", "minLength": 1, "maxLength": 120},
            "sync_enabled": {"type": "boolean"},
            "capture_types": {"type": "object"},
            "nonce": NONCE,
            "timestampMs": STAMP,
        },
        "connector_id",
        "containerTag binding",
    ),
    "usage_today": ({}, "", ""),
    "audit_log_list": (
        {
            "page": {"type": "integer", "minimum": 1, "default": 1},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": 200,
                "default": 50,
            },
        },
        "",
        "since until api_key_id workspace_id action outcome",
    ),
    "billing_get": ({}, "", ""),
    "billing_checkout_create": (
        {
            "plan": {"type": "string", "default": "build"},
            "firstname": {"type": "string", "maxLength": 200},
            "email": {"type": "string", "maxLength": 200},
            "phone": {"type": "string", "maxLength": 40},
            "nonce": NONCE,
            "timestampMs": STAMP,
        },
        "",
        "binding",
    ),
}

# What each answers, as paths into its structured content; [] are the rows of a list.
HITS = "results[].memory_id results[].chunk_id results[].chunk_index results[].text "
RECALLED = f"""status {HITS} results[].score profile.recent profile_engine
    meta.reasoning meta.confidence meta.scope meta.policy_version
    meta.degradation_applied"""
PACKED = """status context.profileFacts context.guidance profile_engine
    context.relevantHistory[].memory_id context.relevantHistory[].text
    context.relevantHistory[].score
    meta.budget_chars meta.used_chars meta.truncated meta.truncation_steps
    meta.confidence meta.source_count meta.recall_strength meta.diversity_score
    meta.redundancy_penalty meta.integrity_score meta.policy_version"""
IDENTITY = """status identity.workspace_id identity.user_id identity.namespace
    identity.container_tag identity.session_id identity.client identity.policy_version
    identity.tool_manifest_version identity.scoped_container_tag identity.product_plan
    identity.api_plan identity.trial identity.trial_expires_at"""
SAVED = """status decision.code decision.message data.memory_id data.created_at
    data.deduped data.policy_version"""
FORGOT = """status decision.code decision.message data.confirmation_token
    data.expires_at data.candidates[].memory_id data.candidates[].score data.memory_id
    data.policy_version"""
DONE = "status data policy_version"
OLD = "deprecated alias_for warning use"
RECORD = """memory_id text metadata memory_type importance confidence priority_tier
    owner_id owner_type effective_at created_at duplicate_of conflict_state"""
RESULTS = {
    **dict.fromkeys(("recall", "search"), RECALLED),
    "memory_search": f"{RECALLED} {OLD}",
    **dict.fromkeys(("context", "context_pack"), PACKED),
    "memory_context": f"{PACKED} {OLD}",
    **dict.fromkeys(("identity_get", "whoAmI"), IDENTITY),
    "whoami": f"{IDENTITY} {OLD}",
    # It answers what the tool does that it stands for.
    "memory": "status decision.code decision.message data",
    "memory_save": SAVED,
    "memory_insert": f"{SAVED} {OLD}",
    **dict.fromkeys(("memory_forget", "memory_forget_confirm"), FORGOT),
    "memory_get": " ".join(
        [DONE, *(f"data.{name}" for name in RECORD.split())],
    ),
    "memory_list": " ".join(
        [
            f"{DONE} data.page data.page_size data.total data.has_more",
            *(f"data.results[].{name}" for name in RECORD.split()),
        ]
    ),
    "memory_delete": "status data.memory_id data.policy_version",
    **dict.fromkeys(("memory_conversation_save", "ingest_dispatch"), DONE),
    "connector_settings_get": f"""{DONE} data.settings[].connector_id
        data.settings[].sync_enabled data.settings[].capture_types
        data.settings[].updated_at""",
    "connector_settings_update": f"""{DONE} data.connector_id data.sync_enabled
        data.capture_types data.updated_at""",
    **dict.fromkeys(("usage_today", "billing_get"), DONE),
    "audit_log_list": """entries[].id entries[].created_at entries[].api_key_id
        entries[].ip_hash page limit has_more""",
    "billing_checkout_create": "provider method url fields",
}

# Reads, destroys, can be repeated, reaches beyond this server.
READS = (True, False, True, False)
KEEPS = (False, False, True, False)
DESTROYS = (False, True, True, False)
HINTS = {
    **dict.fromkeys(FIELDS, READS),
    **dict.fromkeys(
        (
            "memory_save",
            "memory_insert",
            "memory_conversation_save",
            "memory_forget",
            "connector_settings_update",
        ),
        KEEPS,
    ),
    # Import can replace, so the one tool for all kinds says that it destroys.
    **dict.fromkeys(
        ("memory_forget_confirm", "memory_delete", "memory", "ingest_dispatch"),
        DESTROYS,
    ),
    "billing_checkout_create": (False, False, True, True),
}

THIRTEEN = [
    "get_overview",
    "list_workspaces",
    "register_workspace",
    "list_knowledge",
    "read_knowledge",
    "search_knowledge",
    "write_overview",
    "delete_knowledge",
    "list_sessions",
    "read_session",
    "search_sessions",
    "upload_knowledge",
    "upload_session",
]
# Of neither: what programs ask for.
OURS = {"memory_export"}
OLD_NAMES = {"memory_search", "memory_context", "memory_insert", "whoami"}
FIRST_CLASS = {"recall", "context", "memory", "whoAmI"}
SHOWN = {
    "standard": {*THIRTEEN, *FIRST_CLASS},
    "full": {*THIRTEEN, *FIELDS, *OURS} - OLD_NAMES,
    "all": {*THIRTEEN, *FIELDS, *OURS},
    "lean": {
        "get_overview",
        "recall",
        "context",
        "search_sessions",
        "read_session",
        "register_workspace",
    },
}
# Bytes of JSON by four is what models' tokenizers come to for English and JSON.
MOST_TOKENS = {"standard": 10_500}


def names(text: str) -> set[str]:
    return set(text.split())


def argument(schema: dict, name: str) -> dict:
    """The schema of one argument, with the names of its fields if it is an object."""
    found = schema["properties"][name]
    return {**found, "fields": set(found.get("properties", ()))}


def test_every_name_can_be_called():
    assert list(tools())[:13] == THIRTEEN
    assert set(tools()) == {*THIRTEEN, *FIELDS, *OURS}
    assert len(FIELDS) == 25


@pytest.mark.parametrize("name", FIELDS)
def test_fields_bounds_and_what_must_be_given(name):
    fields, required, ours = FIELDS[name]
    schema = tools()[name].listing["inputSchema"]

    assert set(schema["properties"]) == {*fields, *names(ours)}
    assert set(schema.get("required", [])) == names(required)
    for field, bounds in fields.items():
        found = argument(schema, field)
        assert {key: found.get(key) for key in bounds} == bounds, field


def part_of(schema: dict, path: str) -> dict | None:
    """The schema at a path, through references, or None where nothing is said."""
    part: dict | None = schema
    for step in path.split("."):
        name = step.removesuffix("[]")
        part = resolved(schema, part).get("properties", {}).get(name)
        if part is not None and step.endswith("[]"):
            part = resolved(schema, part).get("items")
        if part is None:
            return None
    return part


def resolved(schema: dict, part: dict) -> dict:
    name = str(part.get("$ref", "")).rpartition("/")[2]
    return schema["$defs"][name] if name else part


def test_every_tool_has_a_result_here():
    assert set(RESULTS) == set(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_answered(name):
    schema = tools()[name].listing["outputSchema"]

    missing = [path for path in RESULTS[name].split() if not part_of(schema, path)]
    assert missing == []


def test_kinds_that_are_taken_in_are_those_of_both_generations():
    schema = tools()["ingest_dispatch"].listing["inputSchema"]
    payload = schema["properties"]["payload"]

    assert set(payload["properties"]["kind"]["enum"]) == {
        *("text", "conversation", "import"),
        *("memory", "document", "bundle"),
    }
    assert set(payload["required"]) == {"kind", "body"}


@pytest.mark.parametrize("name", ["memory_forget_confirm", "memory"])
def test_a_confirmation_may_have_either_half(name):
    confirm = argument(tools()[name].listing["inputSchema"], "confirm")

    assert "required" not in confirm
    assert confirm["properties"]["memory_id"] == UUID


BOUNDED = [
    (name, field)
    for name in FIELDS
    if tools()[name].reads_only
    for field, found in tools()[name].listing["inputSchema"]["properties"].items()
    if {"minimum", "maximum"} <= found.keys()
]


@pytest.mark.parametrize(("name", "field"), BOUNDED)
def test_published_bounds_are_the_ones_that_are_kept(ai, name, field):
    schema = tools()[name].listing["inputSchema"]
    found = schema["properties"][field]
    given = {"query": "zebra"} if "query" in schema.get("required", []) else {}

    for value in (found["minimum"], found["maximum"]):
        assert "refused" not in ai.call(name, **given, **{field: value}), value
    for value in (found["minimum"] - 1, found["maximum"] + 1):
        assert ai.call(name, **given, **{field: value})["refused"] == (
            "INVALID_ARGUMENT"
        )


def test_capture_types_are_the_eleven():
    schema = tools()["connector_settings_update"].listing["inputSchema"]
    found = argument(schema, "capture_types")

    assert found["propertyNames"]["enum"] == FILE_TYPES
    assert found["additionalProperties"] == {"type": "boolean"}


@pytest.mark.parametrize("name", FIELDS)
def test_hints(name):
    hints = tools()[name].listing["annotations"]

    assert HINTS[name] == (
        hints["readOnlyHint"],
        hints["destructiveHint"],
        hints["idempotentHint"],
        hints["openWorldHint"],
    )


@pytest.mark.parametrize("name", FIELDS)
def test_descriptions_have_four_labelled_lines(name):
    lines = tools()[name].listing["description"].split("\n")

    assert [line.partition(": ")[0] for line in lines] == [
        "WHAT",
        "WHEN",
        "INSTEAD",
        "RETURNS",
    ]
    assert all(len(line) > 25 for line in lines)


def test_descriptions_send_nobody_to_a_tool_that_is_not_there():
    words = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
    arguments = {
        field
        for tool in tools().values()
        for field in tool.listing["inputSchema"]["properties"]
    }
    answers = {
        "memory_id",
        "created_at",
        "has_more",
        "low_confidence",
        "confirm_forget",
    }
    for name in FIELDS:
        said = set(words.findall(tools()[name].listing["description"]))
        assert said <= {*tools(), *arguments, *answers}, name


def test_canonical_names_are_a_noun_and_a_verb():
    canonical = set(FIELDS) - OLD_NAMES - FIRST_CLASS

    for name in canonical - {"search"}:
        assert re.fullmatch(r"[a-z]+(_[a-z]+){1,3}", name), name
    assert len(canonical) == 17


def test_what_recalls_is_always_loaded():
    marked = {
        name
        for name, tool in tools().items()
        if tool.listing.get("_meta") == {"anthropic/alwaysLoad": True}
    }

    assert marked == {"recall", "context"}


def test_the_manifest_version_is_the_published_one():
    assert negotiation.TOOL_MANIFEST_VERSION == "1.0.2"


@pytest.mark.parametrize("profile", tool_profiles.PROFILES)
def test_a_profile_shows_its_tools_in_the_order_of_declaration(profile):
    shown = [tool["name"] for tool in tool_profiles.listed(tools(), profile=profile)]

    assert set(shown) == SHOWN[profile]
    assert shown == [name for name in tools() if name in SHOWN[profile]]


@pytest.mark.parametrize("profile", tool_profiles.PROFILES)
def test_a_profile_costs_what_is_published(profile, capsys):
    listed = tool_profiles.listed(tools(), profile=profile)
    text = json.dumps(listed, separators=(",", ":"), ensure_ascii=False)
    cost = len(text.encode()) // 4
    with capsys.disabled():
        print(f"\ntools/list of {profile} costs about {cost} tokens")

    assert cost <= MOST_TOKENS.get(profile, cost)
    docs = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()
    assert f"| `{profile}` | {len(listed)} | {round(cost, -2):,} |" in docs
