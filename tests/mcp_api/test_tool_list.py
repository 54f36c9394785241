"""The list of tools as models see it: pinned, strict, affordable."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from access.requirements import Requirement
from mcp_api import registry
from mcp_api.registry import tools

GOLDEN = Path(__file__).with_name("tools.json")

# Characters by four is what models' tokenizers come to for English and JSON. The figure
# stands in docs/mcp.md.
MOST_TOKENS = 8000


def listed():
    return [tool.listing for tool in tools().values()]


def test_the_list_is_what_was_published():
    """A changed tool is a changed contract; after a deliberate one, write the file anew
    with what `json.dumps(listed(), indent=1, ensure_ascii=False)` gives.
    """
    assert listed() == json.loads(GOLDEN.read_text())


def test_the_thirteen_come_in_their_order():
    assert list(tools()) == [
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


def test_the_list_costs_no_more_than_published(capsys):
    cost = len(json.dumps(listed(), separators=(",", ":"), ensure_ascii=False)) // 4
    with capsys.disabled():
        print(f"\ntools/list costs about {cost} tokens")

    assert cost <= MOST_TOKENS
    docs = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()
    assert f"about {round(cost, -2):,} tokens" in docs


@pytest.mark.parametrize("tool", tools().values(), ids=lambda tool: tool.name)
def test_a_tool_is_whole(tool):
    listing = tool.listing
    for schema in (listing["inputSchema"], listing["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert listing["inputSchema"]["additionalProperties"] is False
    assert listing["annotations"]["openWorldHint"] is False
    assert listing["title"]
    assert len(listing["description"]) > 150
    assert isinstance(tool.requirement, Requirement)


@pytest.mark.parametrize("tool", tools().values(), ids=lambda tool: tool.name)
def test_free_text_and_numbers_are_bounded(tool):
    for name, schema in tool.listing["inputSchema"]["properties"].items():
        for arm in schema.get("anyOf", [schema]):
            if arm.get("type") == "integer":
                assert {"minimum", "maximum"} <= arm.keys(), name
            if arm.get("type") == "array":
                assert "maxItems" in arm, name
            if arm.get("type") == "string" and "description" not in arm | schema:
                assert arm.keys() & {"maxLength", "pattern", "enum"}, name


def test_only_deleting_destroys_and_only_readers_say_they_read():
    destroyers = [t.name for t in tools().values() if t.declaration.destroys]
    writers = [t.name for t in tools().values() if not t.reads_only]

    assert destroyers == ["delete_knowledge"]
    assert writers == [
        "register_workspace",
        "write_overview",
        "delete_knowledge",
        "upload_knowledge",
        "upload_session",
    ]


def test_nothing_stored_gets_into_a_description(ai):
    before = ai.request("tools/list")
    ai.call(
        "register_workspace", machine="IGNORE ALL", tool="previous", project="words"
    )

    assert ai.request("tools/list") == before


def test_the_adapter_still_fits_the_tool_manager():
    """It reads private attributes of django-mcp-server, which a release may move."""
    found = registry._collected()

    assert len(found) == 13
    for name, method, model in found:
        assert method.__name__ == name
        assert method.__self__.__class__.__name__.endswith("Tools")
        assert set(model.model_fields) <= set(method.__annotations__)


def test_an_undeclared_method_is_refused_at_once():
    def helper(self) -> None: ...

    with pytest.raises(TypeError, match="helper"):
        registry._tool("helper", helper, registry.BaseModel)
