"""The list of tools as models see it: pinned, strict, affordable."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from access.requirements import Requirement
from mcp_api import registry
from mcp_api.registry import tools

GOLDEN = Path(__file__).with_name("tools.json")


def listed():
    return [tool.listing for tool in tools().values()]


def test_the_list_is_what_was_published():
    """A changed tool is a changed contract; after a deliberate one, write the file anew
    with what `json.dumps(listed(), indent=1, ensure_ascii=False)` gives.
    """
    assert listed() == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("tool", tools().values(), ids=lambda tool: tool.name)
def test_a_tool_is_whole(tool):
    listing = tool.listing
    for schema in (listing["inputSchema"], listing["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert listing["inputSchema"]["additionalProperties"] is False
    assert listing["title"]
    assert len(listing["description"]) > 120
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
    """Of the thirteen; those of the MemoryNode surface are in test_catalogue."""
    thirteen = list(tools().values())[:13]
    destroyers = [tool.name for tool in thirteen if tool.declaration.destroys]
    writers = [tool.name for tool in thirteen if not tool.reads_only]

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

    assert len(found) == 39
    for name, method, model in found:
        assert method.__name__ == name
        assert method.__self__.__class__.__name__.endswith("Tools")
        assert set(model.model_fields) <= set(method.__annotations__)


def test_an_undeclared_method_is_refused_at_once():
    def helper(self) -> None: ...

    with pytest.raises(TypeError, match="helper"):
        registry.tool_of("helper", helper, registry.BaseModel)
