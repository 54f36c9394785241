"""The prompts that the suite gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp_types.jsonrpc import INVALID_PARAMS

from mcp_api import asking, calls
from mcp_api.calls import Call
from mcp_api.conformance import questions, samples
from mcp_api.wire import Json, ProtocolError

Given = Mapping[str, str]


def listing(params: Json, call: Call) -> Json:
    return {
        "prompts": [
            {
                "name": name,
                "description": f"A prompt for testing: {name}.",
                "arguments": [
                    {"name": argument, "description": argument, "required": True}
                    for argument in arguments
                ],
            }
            for name, (arguments, _content) in _PROMPTS.items()
        ]
    }


def get(params: Json, call: Call) -> Json:
    arguments, content = _PROMPTS.get(params["name"], ((), None))
    given = params.get("arguments") or {}
    if content is None or not given.keys() >= set(arguments):
        raise ProtocolError(INVALID_PARAMS, "No such prompt, or arguments are missing.")
    return {"messages": [{"role": "user", "content": each} for each in content(given)]}


def _simple(given: Given) -> list[Json]:
    return [samples.text("This is a simple prompt for testing.")]


def _with_arguments(given: Given) -> list[Json]:
    words = f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"
    return [samples.text(words)]


def _with_resource(given: Given) -> list[Json]:
    words = "Embedded resource content for testing."
    return [
        samples.embedded(given["resourceUri"], words),
        samples.text("Please process the embedded resource above."),
    ]


def _with_image(given: Given) -> list[Json]:
    return [samples.IMAGE, samples.text("Please analyze the image above.")]


def _with_question(given: Given) -> list[Json]:
    asked = questions.field("What context should the prompt use?", "context")
    answer = asking.ask(calls.current(), {"user_context": asked})["user_context"]
    return [samples.text(f"The context: {answer.get('content', {}).get('context')}")]


_PROMPTS: Mapping[str, tuple[tuple[str, ...], Callable[[Given], list[Json]]]] = {
    "test_simple_prompt": ((), _simple),
    "test_prompt_with_arguments": (("arg1", "arg2"), _with_arguments),
    "test_prompt_with_embedded_resource": (("resourceUri",), _with_resource),
    "test_prompt_with_image": ((), _with_image),
    "test_input_required_result_prompt": ((), _with_question),
}
