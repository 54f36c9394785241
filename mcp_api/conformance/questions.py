"""What the fixtures ask a client."""

from __future__ import annotations

from mcp_api.asking import Question
from mcp_api.conformance import samples
from mcp_api.wire import Json

ROOTS = Question("roots/list", {})


def form(message: str, properties: Json, *required: str) -> Question:
    """A form for the client's user."""
    schema = {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }
    return Question(
        "elicitation/create", {"message": message, "requestedSchema": schema}
    )


def field(message: str, name: str, *, kind: str = "string") -> Question:
    """A form with one field that must be filled in."""
    return form(message, {name: {"type": kind}}, name)


def sampling(words: str) -> Question:
    """Something for the client's model to answer."""
    message = {"role": "user", "content": samples.text(words)}
    return Question("sampling/createMessage", {"messages": [message], "maxTokens": 100})


NAME = field("What is your name?", "name")
CONFIRM = field("Please confirm", "ok", kind="boolean")

DEFAULTS = form(
    "Every type with its default.",
    {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
)

_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [
    {"const": "value1", "title": "First option"},
    {"const": "value2", "title": "Second option"},
    {"const": "value3", "title": "Third option"},
]
CHOICES = form(
    "Every way to write a choice.",
    {
        "untitledSingle": {"type": "string", "enum": _OPTIONS},
        "titledSingle": {"type": "string", "oneOf": _TITLED},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option one", "Option two", "Option three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": _OPTIONS},
        },
        "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
    },
)
