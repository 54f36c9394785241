"""The published tools: what a toolset method declares, and how it is found and run.

A tool is a public method of an `MCPToolset` in mcp_api.mcp, decorated with
`memory_tool`. django-mcp-server collects the methods; this module reads them from its
tool manager and publishes our own strict schemas.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar

from mcp_server import mcp_server
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from access.requirements import Requirement
from refusals import InvalidArgument

Json = dict[str, Any]
Method = TypeVar("Method", bound=Callable[..., Any])
_order = itertools.count()
# Line breaks inside a paragraph are the source file's, not the reader's, but those
# before the labels of a four-line description are meant.
_LINE_BREAK = re.compile(r"(?<!\n)\n(?!\n|(?:WHEN|INSTEAD|RETURNS): )")


@dataclass(frozen=True)
class Result:
    """What a tool answers: data for programs and the same as text for readers.

    `meta` is about the answer and goes beside it, as `_meta`.
    """

    structured: Mapping[str, Any]
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    # What is neither text nor data, as the protocol writes it: pictures, sound.
    blocks: Sequence[Json] = ()


@dataclass(frozen=True)
class Declaration:
    """What `memory_tool` says about a method."""

    name: str
    title: str
    requirement: Requirement
    result: Any
    reads_only: bool
    destroys: bool
    idempotent: bool
    opens_world: bool
    listed_from: str
    meta: Mapping[str, Any]
    position: int


@dataclass(frozen=True)
class Tool:
    """A tool as the protocol serves it."""

    name: str
    declaration: Declaration
    arguments: type[BaseModel]
    run: Callable[..., Result]
    listing: Json = field(repr=False)

    @property
    def requirement(self) -> Requirement:
        return self.declaration.requirement

    @property
    def reads_only(self) -> bool:
        return self.declaration.reads_only

    def call(self, arguments: Mapping[str, Any]) -> Result:
        """Run with arguments off the wire; raises InvalidArgument naming the first
        bad one.
        """
        return self.run(**self.checked(arguments))

    def checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            # No `strict`: models often write numbers as strings, which say the same.
            given = self.arguments.model_validate(arguments, by_name=True)
        except ValidationError as error:
            raise _invalid(error, self.arguments) from None
        return {name: getattr(given, name) for name in self.arguments.model_fields}


def memory_tool(
    *,
    title: str,
    requirement: Requirement,
    result: Any,
    name: str = "",
    reads_only: bool = False,
    destroys: bool = False,
    idempotent: bool = False,
    opens_world: bool = False,
    listed_from: Literal["standard", "full", "all"] = "standard",
    meta: Mapping[str, Any] | None = None,
) -> Callable[[Method], Method]:
    """Declare what a toolset method needs and answers.

    `result` is the TypedDict of its structured content, published as the output schema.
    The docstring is the description that models read. `opens_world` says that the tool
    reaches beyond this server, `listed_from` in which profile it begins to be listed
    (mcp_api.tool_profiles); it can be called whatever is listed. `name` is the tool's
    where no method may have it.
    """
    declaration = Declaration(
        name=name,
        title=title,
        requirement=requirement,
        result=result,
        reads_only=reads_only,
        destroys=destroys,
        idempotent=reads_only or idempotent,
        opens_world=opens_world,
        listed_from=listed_from,
        meta=meta or {},
        position=next(_order),
    )

    def declare(method: Method) -> Method:
        method.declaration = declaration  # type: ignore[attr-defined]
        return method

    return declare


@cache
def tools() -> Mapping[str, Tool]:
    """Every published tool by name, in the order of declaration."""
    found = [tool_of(name, method, model) for name, method, model in _collected()]
    found.sort(key=lambda tool: tool.declaration.position)
    return {tool.name: tool for tool in found}


def _collected() -> list[tuple[str, Callable[..., Result], type[BaseModel]]]:
    """What django-mcp-server found, read from its private tool manager.

    The only place that knows its insides: it has no public way to get at the methods
    without going through its asynchronous, session-bound call path.
    """
    return [
        (
            tool.name,
            getattr(tool.fn.class_(), tool.fn.method_name),
            tool.fn_metadata.arg_model,
        )
        for tool in mcp_server._tool_manager.list_tools()
    ]


def tool_of(name: str, method: Callable[..., Result], model: type[BaseModel]) -> Tool:
    """The tool that a declared method is; `model` has its arguments."""
    declaration = getattr(method, "declaration", None)
    if declaration is None:
        raise TypeError(f"{name} is public in a toolset but not a memory_tool.")
    name = declaration.name or name

    class Arguments(model):  # type: ignore[valid-type,misc]
        model_config = ConfigDict(extra="forbid")

    listing: Json = {
        "name": name,
        "title": declaration.title,
        "description": _LINE_BREAK.sub(" ", inspect.getdoc(method) or ""),
        "inputSchema": _inlined(_lean(Arguments.model_json_schema())),
        "outputSchema": _or_refusal(
            _lean(TypeAdapter(declaration.result).json_schema())
        ),
        "annotations": {
            "title": declaration.title,
            "readOnlyHint": declaration.reads_only,
            "destructiveHint": declaration.destroys,
            "idempotentHint": declaration.idempotent,
            "openWorldHint": declaration.opens_world,
        },
    }
    if declaration.meta:
        listing["_meta"] = dict(declaration.meta)
    return Tool(
        name=name,
        declaration=declaration,
        arguments=Arguments,
        run=method,
        listing=listing,
    )


def _or_refusal(schema: Json) -> Json:
    """The schema of a result that may also be a refusal.

    Clients built on the TypeScript SDK hold the structured content of an error against
    the published schema too, and drop a result that does not match.
    """
    text = {"type": "string"}
    refusal = {"code": text, "message": text, "hint": text}
    return {
        **{key: value for key, value in schema.items() if key != "required"},
        "properties": {**schema["properties"], **refusal, "detail": {"type": "object"}},
        "anyOf": [
            {"required": schema.get("required", [])},
            {"required": [*refusal]},
        ],
    }


def _inlined(schema: Json) -> Json:
    """The schema without references, which not every client follows in arguments."""
    definitions = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(each) for each in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).rpartition("/")[2]
        merged = {**definitions.get(name, {}), **part}
        return {key: inline(value) for key, value in merged.items() if key != "$ref"}

    return {key: inline(value) for key, value in schema.items() if key != "$defs"}


def _lean(schema: Any, *, names: bool = False) -> Any:
    """A schema without what costs tokens and says nothing.

    Dropped: generated titles, `default: null`, and the null arm of optional arguments
    (leaving an argument out says the same). `names` marks a mapping of property names,
    where "title" is a property.
    """
    if isinstance(schema, list):
        return [_lean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: _lean(value) for name, value in schema.items()}
    lean = {
        key: _lean(value, names=key in ("properties", "$defs"))
        for key, value in schema.items()
        if not (key == "title" or (key == "description" and "properties" in schema))
        and not (key == "default" and value is None)
    }
    if "default" in schema and schema["default"] is None and "anyOf" in lean:
        arms = [arm for arm in lean["anyOf"] if arm != {"type": "null"}]
        if len(arms) == 1:
            lean = {**arms[0], **{k: v for k, v in lean.items() if k != "anyOf"}}
    if all(arm.keys() == {"type"} for arm in lean.get("anyOf", [{}])):
        lean["type"] = [arm["type"] for arm in lean.pop("anyOf")]
    return lean


def _invalid(error: ValidationError, model: type[BaseModel]) -> InvalidArgument:
    fault = error.errors(include_url=False, include_input=False, include_context=False)[
        0
    ]
    where = ".".join(str(part) for part in fault["loc"])
    known = ", ".join(facts.alias or name for name, facts in model.model_fields.items())
    if fault["type"] == "extra_forbidden":
        return InvalidArgument(
            f"There is no argument '{where[:100]}'.", hint=f"Arguments: {known}."
        )
    if fault["type"] == "missing":
        return InvalidArgument(
            f"The argument '{where}' is required.", hint=f"Arguments: {known}."
        )
    return InvalidArgument(
        f"The argument '{where}' is not valid: {fault['msg']}.",
        hint="See the tool's input schema for types and bounds.",
        argument=where,
    )
