"""Prompts a person picks in their client; they lead the model to the right tools.

What is picked becomes the person's own words, and archived text must never speak with
that voice. So nothing stored is put into a prompt, except that `context` shows the
newest memories, fenced off as quoted data, as its person asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_types.jsonrpc import INVALID_PARAMS

from mcp_api import calls, negotiation, presenting, scope, wire
from mcp_api.calls import Call
from mcp_api.quoting import Writing
from memories import reading

_MAX_VALUE = 200
_RECENT = 8
_NO = frozenset({"false", "no", "0"})


@dataclass(frozen=True)
class Prompt:
    name: str
    title: str
    description: str
    # Name, description, required.
    arguments: tuple[tuple[str, str, bool], ...]
    words: Callable[[Mapping[str, str]], str]

    @property
    def listing(self) -> wire.Json:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments": [
                {"name": name, "description": description, "required": required}
                for name, description, required in self.arguments
            ],
        }


def _continue_work(given: Mapping[str, str]) -> str:
    where = _where(given)
    about = f" The subject: {given['topic']}." if "topic" in given else ""
    return (
        f"Continue the work of {where} where it stopped.{about} Use the memory tools: "
        "get_overview with that workspace_id, list_sessions for the newest session, "
        "read_session with from_end to see how it ended, and search_sessions for what "
        "is unclear. Then tell me in a few lines: what was done last, what is open, "
        "what you would do next. Wait for my word before changing anything."
    )


def _machine_activity(given: Mapping[str, str]) -> str:
    day = f"on {given['day']}" if "day" in given else "in the last 24 hours"
    return (
        f"What happened on the machine {given['machine']} {day}? Use list_sessions "
        "with that machine and time, read_session for the ones that matter, and "
        "list_knowledge for documents that changed. Answer by project, each with what "
        "was done, what failed and what is still open, naming session ids and lines."
    )


def _hand_over(given: Mapping[str, str]) -> str:
    where = _where(given)
    to = f" for {given['to']}" if "to" in given else ""
    return (
        f"Prepare a hand-over of {where}{to}. Read its overview with get_overview, the "
        "newest sessions with list_sessions and read_session, and the documents that "
        "matter. Write Markdown: the goal, the state now, decisions and their reasons, "
        "open problems, next steps, and where to read more (paths, session ids with "
        "lines). After I agree, keep it with write_overview, passing expected_version."
    )


def _context(given: Mapping[str, str]) -> str:
    """Advice, where this client reads and writes, and the newest memories."""
    call, read = calls.current(), scope.reading(given.get("containerTag"))
    writing = Writing()
    writing.say(
        "Use the memory of this server while you work. Begin with context and the task "
        "in a sentence; ask recall before you solve something again or ask me; keep "
        "decisions, preferences, facts and corrections with memory, one at a time and "
        "without secrets."
    )
    writing.say(f"Scope: {presenting.scope_line(read)}.")
    writing.say(f"Policy version: {negotiation.SUPPORTED[0]}.")
    if given.get("includeRecent", "true").lower() not in _NO:
        found = reading.newest(workspaces=read.workspaces, limit=_RECENT, at=call.at)
        writing.say(f"The {len(found)} newest memories:")
        if found:
            writing.quote(presenting.memory_list(found))
    return str(writing)


def _where(given: Mapping[str, str]) -> str:
    if "workspace_id" in given:
        return f"workspace {given['workspace_id']}"
    return "this project (register_workspace with this machine, tool and project)"


_WORKSPACE = ("workspace_id", "Workspace id; this project if left out.", False)
PROMPTS: Mapping[str, Prompt] = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "continue_work",
            "Continue where work stopped",
            "Find out how the last session ended and what is open.",
            (_WORKSPACE, ("topic", "What to continue, in a few words.", False)),
            _continue_work,
        ),
        Prompt(
            "machine_activity",
            "What happened on a machine",
            "Sum up the sessions of one machine on one day.",
            (
                ("machine", "Machine name, as list_workspaces shows it.", True),
                (
                    "day",
                    "A date such as 2026-11-21; the last 24 hours if left out.",
                    False,
                ),
            ),
            _machine_activity,
        ),
        Prompt(
            "hand_over",
            "Hand over",
            "Write down a project's state for somebody who goes on with it.",
            (_WORKSPACE, ("to", "Who takes over: a person, a tool, a machine.", False)),
            _hand_over,
        ),
        Prompt(
            "context",
            "Use the memory",
            "How to use this memory here, with what was remembered last.",
            (
                ("containerTag", "A workspace id or tag; all if left out.", False),
                ("includeRecent", "false leaves the newest memories out.", False),
            ),
            _context,
        ),
    )
}


def listing(params: wire.Json, call: Call) -> wire.Json:
    if params.get("cursor") is not None:
        raise wire.ProtocolError(INVALID_PARAMS, "Unknown cursor.")
    return {"prompts": [prompt.listing for prompt in PROMPTS.values()]}


def get(params: wire.Json, call: Call) -> wire.Json:
    prompt = PROMPTS.get(params["name"])
    if prompt is None:
        raise wire.ProtocolError(
            INVALID_PARAMS, f"Unknown prompt: {params['name'][:100]}"
        )
    given = _checked(prompt, params.get("arguments") or {})
    content = {"type": "text", "text": prompt.words(given)}
    return {
        "description": prompt.description,
        "messages": [{"role": "user", "content": content}],
    }


def _checked(prompt: Prompt, arguments: Mapping[str, str]) -> dict[str, str]:
    known = {name for name, _description, _required in prompt.arguments}
    given = {name: " ".join(value.split()) for name, value in arguments.items()}
    if extra := given.keys() - known:
        raise wire.ProtocolError(
            INVALID_PARAMS, f"{prompt.name} has no argument {min(extra)[:100]}."
        )
    given = {name: value for name, value in given.items() if value}
    for name, _description, required in prompt.arguments:
        if required and name not in given:
            raise wire.ProtocolError(INVALID_PARAMS, f"{name} is required.")
        if len(given.get(name, "")) > _MAX_VALUE:
            raise wire.ProtocolError(
                INVALID_PARAMS, f"{name} is longer than {_MAX_VALUE} characters."
            )
    return given
