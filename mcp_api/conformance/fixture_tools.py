"""The tools that the suite calls, under the names and with the answers it expects."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from mcp.server.fastmcp.utilities.func_metadata import func_metadata
from mcp_types.jsonrpc import INTERNAL_ERROR
from pydantic import Field
from typing_extensions import TypedDict

import changes
from access.requirements import Requirement
from mcp_api import asking, calls, eras, tasks
from mcp_api.conformance import questions, samples
from mcp_api.conformance.questions import CHOICES, CONFIRM, DEFAULTS, NAME, ROOTS
from mcp_api.registry import Result, Tool, memory_tool, tool_of
from mcp_api.wire import Json, ProtocolError
from refusals import InvalidArgument

# The suite wants to see messages that come one after the other.
_PAUSE_SECONDS = 0.05
# Longer than a call may take here without becoming a task.
_LONG_SECONDS = 1.0

TOOLS: dict[str, Tool] = {}


class Nothing(TypedDict):
    """The structured content of tools whose answer is something else."""


def _fixture(tool: Callable[..., Result]) -> Callable[..., Result]:
    """Offer a function under its own name."""
    declare: Callable[[Callable[..., Result]], Callable[..., Result]] = memory_tool(
        title=tool.__name__.replace("_", " "),
        requirement=Requirement(),
        result=Nothing,
        reads_only=True,
    )
    arguments = func_metadata(tool).arg_model
    TOOLS[tool.__name__] = tool_of(tool.__name__, declare(tool), arguments)
    return tool


def _said(words: str, *blocks: Json) -> Result:
    return Result({}, words, blocks=blocks)


# -- content ---------------------------------------------------------------------------


@_fixture
def test_simple_text() -> Result:
    """Answer with text."""
    return _said("This is a simple text response for testing.")


@_fixture
def test_image_content() -> Result:
    """Answer with a picture."""
    return _said("A picture.", samples.IMAGE)


@_fixture
def test_audio_content() -> Result:
    """Answer with sound."""
    return _said("A sound.", samples.AUDIO)


@_fixture
def test_embedded_resource() -> Result:
    """Answer with a resource."""
    words = "This is an embedded resource content."
    return _said("A resource.", samples.embedded("test://embedded-resource", words))


@_fixture
def test_multiple_content_types() -> Result:
    """Answer with text, a picture and a resource."""
    return _said(
        "Multiple content types test:",
        samples.IMAGE,
        samples.embedded(
            "test://mixed-content-resource",
            json.dumps({"test": "data", "value": 123}),
            mime="application/json",
        ),
    )


@_fixture
def test_error_handling() -> Result:
    """Refuse."""
    raise InvalidArgument("This tool intentionally returns an error for testing")


# -- messages on the way ---------------------------------------------------------------


@_fixture
def test_tool_with_logging() -> Result:
    """Send three log messages."""
    call = calls.current()
    for message in ("started", "processing data", "completed"):
        call.log("info", f"Tool execution: {message}")
        time.sleep(_PAUSE_SECONDS)
    return _said("Three messages were logged.")


@_fixture
def test_logging_tool() -> Result:
    """Send one log message."""
    calls.current().log("info", "A message for those who asked for it.")
    return _said("A message was logged.")


@_fixture
def test_tool_with_progress() -> Result:
    """Report progress three times."""
    for done in (0, 50, 100):
        calls.current().progress(done, 100)
        time.sleep(_PAUSE_SECONDS)
    return _said("Progress was reported.")


@_fixture
def test_trigger_tool_change() -> Result:
    """Say that the list of tools has changed."""
    changes.tell_list("tools")
    return _said("The list of tools has changed.")


@_fixture
def test_trigger_prompt_change() -> Result:
    """Say that the list of prompts has changed."""
    changes.tell_list("prompts")
    return _said("The list of prompts has changed.")


# -- questions to the client -----------------------------------------------------------


@_fixture
def test_sampling(prompt: str) -> Result:
    """Ask the client's model."""
    answer = _asked(questions.sampling(prompt))
    return _said(f"LLM response: {_words(answer)}")


@_fixture
def test_elicitation(message: str) -> Result:
    """Ask the client's user."""
    asked = questions.form(
        message,
        {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "username",
        "email",
    )
    return _said(f"User response: {_filled_in(_asked(asked))}")


@_fixture
def test_elicitation_sep1034_defaults() -> Result:
    """Ask with defaults."""
    return _said(f"Elicitation completed: {_filled_in(_asked(DEFAULTS))}")


@_fixture
def test_elicitation_sep1330_enums() -> Result:
    """Ask with choices."""
    return _said(f"Elicitation completed: {_filled_in(_asked(CHOICES))}")


@_fixture
def test_missing_capability() -> Result:
    """Need a client with a model."""
    asking.require(calls.current(), "sampling/createMessage")
    return _said("The client has a model.")


@_fixture
def test_streaming_elicitation() -> Result:
    """Report progress, then ask."""
    calls.current().progress(0, 1)
    return _said(f"Hello, {_asked(NAME, as_='user_name')['content']['name']}!")


@_fixture
def test_input_required_result_elicitation() -> Result:
    """Ask the user in the stateless era."""
    return _said(f"Hello, {_asked(NAME, as_='user_name')['content']['name']}!")


@_fixture
def test_input_required_result_sampling() -> Result:
    """Ask the model in the stateless era."""
    asked = questions.sampling("What is the capital of France?")
    return _said(f"The model said: {_words(_asked(asked, as_='capital_question'))}")


@_fixture
def test_input_required_result_list_roots() -> Result:
    """Ask for directories in the stateless era."""
    found = _asked(ROOTS, as_="client_roots")["roots"]
    return _said(f"The client has {', '.join(root['uri'] for root in found)}.")


@_fixture
def test_input_required_result_request_state() -> Result:
    """Ask, and get a state back."""
    call = calls.current()
    asking.ask(call, {"confirm": CONFIRM}, state={"asked": "confirm"})
    return _said("state-ok" if call.state == {"asked": "confirm"} else "no state")


@_fixture
def test_input_required_result_multiple_inputs() -> Result:
    """Ask three things at once."""
    wanted = {
        "user_name": NAME,
        "greeting": questions.sampling("Generate a greeting"),
        "client_roots": ROOTS,
    }
    answers = asking.ask(calls.current(), wanted, state={"asked": sorted(wanted)})
    return _said(f"The client answered {', '.join(sorted(answers))}.")


@_fixture
def test_input_required_result_multi_round() -> Result:
    """Ask twice, with what was said first in the state."""
    call = calls.current()
    name = call.state.get("name")
    if name is None:
        first = questions.field("Step 1: What is your name?", "name")
        answer = asking.ask(call, {"step1": first}, state={"round": 1})["step1"]
        name = answer.get("content", {}).get("name", "")
    second = questions.field("Step 2: What is your favorite color?", "color")
    state = {"round": 2, "name": name}
    color = asking.ask(call, {"step2": second}, state=state)["step2"]
    return _said(f"{name} likes {color.get('content', {}).get('color')}.")


@_fixture
def test_input_required_result_tampered_state() -> Result:
    """Ask with a state that nobody may change."""
    asking.ask(calls.current(), {"confirm": CONFIRM}, state={"round": 1})
    return _said("The state was as it was given.")


@_fixture
def test_input_required_result_capabilities() -> Result:
    """Ask only what the client can be asked."""
    call = calls.current()
    possible = {"sample": questions.sampling("Say hello"), "ask": NAME}
    wanted = {
        name: question
        for name, question in possible.items()
        if asking.can(call, question.method)
    }
    answers = asking.ask(call, wanted, state={"asked": sorted(wanted)})
    return _said(f"The client answered {', '.join(sorted(answers))}.")


# -- tasks -----------------------------------------------------------------------------


@_fixture
def greet(name: str) -> Result:
    """Answer at once."""
    return _said(f"Hello, {name}!")


@_fixture
def slow_compute(seconds: float, label: str = "") -> Result:
    """Take as long as is asked for."""
    _work(seconds)
    return _said(f"Computed {label} in {seconds} seconds.")


@_fixture
def failing_job() -> Result:
    """Refuse after a while; needs a client that knows tasks."""
    call = calls.current()
    meta = call.params.get("_meta") or {}
    tasks.require_known(meta.get(eras.META + "clientCapabilities"))
    _work(_LONG_SECONDS)
    raise InvalidArgument("This job fails.")


@_fixture
def protocol_error_job() -> Result:
    """End with an error of the protocol after a while."""
    _work(_LONG_SECONDS)
    raise ProtocolError(INTERNAL_ERROR, "This job ends with a protocol error.")


@_fixture
def confirm_delete(filename: str) -> Result:
    """Ask as a task."""
    _work(_LONG_SECONDS)
    asked = questions.field(f"Delete {filename}?", "confirm", kind="boolean")
    return _said(_filled_in(_asked(asked)))


@_fixture
def multi_input() -> Result:
    """Ask two things at once as a task."""
    _work(_LONG_SECONDS)
    answers = asking.ask(calls.current(), {"first": NAME, "second": NAME})
    return _said(f"The client answered {', '.join(sorted(answers))}.")


@_fixture
def test_tool_with_task() -> Result:
    """Ask, and go on as a task."""
    name = _asked(NAME, as_="user_name")["content"]["name"]
    _work(_LONG_SECONDS)
    return _said(f"Hello, {name}!")


def _work(seconds: float) -> None:
    """Pass the time as work does that looks whether it is still wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        calls.current().progress(0)
        time.sleep(_PAUSE_SECONDS)


def _asked(question: asking.Question, *, as_: str = "asked") -> Json:
    return asking.ask(calls.current(), {as_: question})[as_]


def _words(answer: Json) -> str:
    content = answer.get("content")
    return str(content.get("text", "")) if isinstance(content, dict) else str(content)


def _filled_in(answer: Json) -> str:
    content = json.dumps(answer.get("content"))
    return f"action={answer.get('action')}, content={content}"


# -- arguments -------------------------------------------------------------------------


@_fixture
def test_x_mcp_header(
    region: Annotated[
        str | None, Field(json_schema_extra={"x-mcp-header": "Region"})
    ] = None,  # noqa: PT028 - the name is the suite's; this is no test
) -> Result:
    """Take an argument that routers read from a header."""
    return _said(f"The region is {region}.")


@_fixture
def json_schema_2020_12_tool(
    name: str = "",
    address: dict[str, Any] | None = None,
    contactMethod: str = "",  # noqa: N803 - the suite's name
    phone: str = "",
    email: str = "",
) -> Result:
    """Publish a schema with the words of JSON Schema 2020-12."""
    return _said("Thank you.")


SCHEMA_2020_12: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {
                "street": {"type": "string"},
                "city": {"type": "string"},
            },
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {
        "properties": {"contactMethod": {"const": "phone"}},
        "required": ["contactMethod"],
    },
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

_plain = TOOLS[json_schema_2020_12_tool.__name__]
TOOLS[_plain.name] = replace(
    _plain, listing={**_plain.listing, "inputSchema": SCHEMA_2020_12}
)
