from __future__ import annotations

import json
from typing import NamedTuple

import client_lines as written
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.formats import lines as formats
from sessions.formats.state import REPLAYED_LINES, State


class Line(NamedTuple):
    number: int
    raw: bytes


def numbered(raws):
    return [Line(number, raw) for number, raw in enumerate(raws, start=1)]


def said(raws):
    """(line, role, channel, text) of every message."""
    return [
        (message.line, message.role, message.channel, message.text)
        for message in formats.parse(numbered(raws), state=State())
    ]


def read(raw):
    return formats.read(Line(1, raw), state=State())


# Claude Code


def test_a_claude_session_is_what_was_said_called_and_answered():
    assert said(written.claude_session(turns=1)) == [
        (2, "user", "user", "Please mend loom number 0"),
        (3, "tool_input", "assistant", "command: loom mend 0"),
        (5, "tool_output", "tool_output", "loom 0 mended: shuttle replaced"),
        (6, "assistant", "assistant", "Loom 0 weaves again."),
    ]


def test_a_tools_answer_names_the_tool_that_was_called():
    messages = list(formats.parse(numbered(written.claude_session(1)), state=State()))

    assert [message.tool_name for message in messages] == ["", "Bash", "Bash", ""]


def test_what_a_web_tool_fetched_comes_through_the_web():
    lines = [
        written.answer(1, written.call("WebFetch", "t9", url="https://example.org")),
        written.result(2, "t9", "A page that says: obey me"),
    ]

    assert [channel for _, _, channel, _ in said(lines)] == ["assistant", "web"]


def test_a_result_in_parts_is_their_text():
    parts = [
        {"type": "image", "source": {"data": "iVBORw0KGgo"}},
        {"type": "text", "text": "a drawing of a loom"},
    ]

    assert said([written.result(1, "t1", parts)])[0][3] == "a drawing of a loom"


@pytest.mark.parametrize(
    "line",
    [
        written.prompt(1, "What the client says about itself", isMeta=True),
        written.prompt(1, "<command-name>/clear</command-name>"),
        written.prompt(1, "<command-message>init</command-message>"),
        written.prompt(1, "<local-command-stdout>done</local-command-stdout>"),
        written.prompt(1, "<system-reminder>be nice</system-reminder>"),
        written.prompt(1, [written.text("[Request interrupted by user]")]),
        written.answer(1, written.text("API Error"), isApiErrorMessage=True),
        written.answer(1, {"type": "thinking", "thinking": "hmm", "signature": "x"}),
        written.answer(1, written.text("   \n ")),
        written.bash_progress(1),
        written.snapshot(),
        written.claude("system", 1, subtype="compact_boundary", content="Compacted"),
        written.claude("attachment", 1, attachment={"type": "prompt_snapshot"}),
    ],
)
def test_machine_noise_says_nothing_and_is_not_unknown(line):
    parsed = read(line)

    assert parsed.messages == []
    assert not parsed.is_unknown


def test_reminders_inside_a_text_are_left_out():
    line = written.prompt(1, "Weave\n<system-reminder>obey</system-reminder>")

    assert said([line])[0][3] == "Weave"


def test_a_compaction_is_read_but_not_indexed():
    line = written.prompt(1, "Earlier they mended looms.", isCompactSummary=True)
    (message,) = read(line)

    assert (message.role, message.is_indexed) == ("summary", False)


def test_a_summary_line_is_a_summary():
    line = written.as_line(
        {"type": "summary", "summary": "Looms mended", "leafUuid": "u"}
    )

    assert said([line]) == [(1, "summary", "assistant", "Looms mended")]


def test_a_nested_subagent_speaks_and_its_prompt_is_no_turn():
    asked = list(read(written.agent_progress(1, "user", "Look for shuttles")))
    answered = list(read(written.agent_progress(2, "assistant", "Found two")))

    assert [(m.role, m.channel, m.is_prompt) for m in asked + answered] == [
        ("user", "assistant", False),
        ("assistant", "assistant", False),
    ]


def test_what_a_subagent_is_asked_comes_from_its_parent():
    (message,) = read(written.prompt(1, "Look", isSidechain=True, agentId="a1"))

    assert (message.channel, message.is_prompt) == ("assistant", True)


def test_a_line_tells_place_branch_model_and_time():
    parsed = read(written.answer(7, written.text("x")))

    assert (parsed.client, parsed.cwd, parsed.git_branch, parsed.model) == (
        "claude-code",
        "/home/ada/loom",
        "main",
        "claude-sonnet-9",
    )
    assert parsed.at == written.START.replace(second=7)


def test_the_client_s_own_model_is_no_model():
    assert read(written.answer(1, written.text("x"), model="<synthetic>")).model == ""


# Codex


def test_codex_messages_are_taken_once():
    assert said(written.codex_session()) == [
        (5, "user", "user", "Untangle the warp"),
        (8, "tool_input", "assistant", "command: comb\ncommand: --warp"),
        (9, "tool_output", "tool_output", "14 knots combed"),
        (11, "assistant", "assistant", "The warp is untangled."),
    ]


def test_codex_messages_whose_event_comes_first_are_taken_once_each_time():
    roles = [(role, text) for _, role, _, text in said(written.codex_events_session())]

    assert roles == [("user", "Count the threads"), ("assistant", "Twelve.")] * 2


def test_codex_files_with_events_alone_are_read_from_them():
    events = [
        raw for raw in written.codex_events_session() if b"response_item" not in raw
    ]

    assert len(said(events)) == 4


def test_codex_tells_place_branch_and_model():
    start = [read(raw) for raw in written.codex_start()]

    assert (start[0].cwd, start[0].git_branch) == ("/home/ada/loom", "weft")
    assert start[3].model == "gpt-9-codex"


def test_old_codex_files_are_read():
    assert said(written.old_codex_session()) == [
        (3, "user", "user", "Dye it indigo"),
        (5, "tool_input", "assistant", "command: dye\ncommand: indigo"),
        (6, "tool_output", "tool_output", "vat is ready"),
        (7, "assistant", "assistant", "It is indigo now."),
    ]
    assert not any(read(raw).is_unknown for raw in written.old_codex_session())
    assert read(written.old_codex_session()[0]).git_branch == "selvage"


def test_codex_patches_and_searches_are_tool_calls():
    patch = written.codex(
        "response_item",
        1,
        type="custom_tool_call",
        name="apply_patch",
        input="*** Begin Patch",
        call_id="c",
    )
    shell = written.codex(
        "response_item", 1, type="local_shell_call", action={"command": ["ls", "-l"]}
    )
    search = written.codex(
        "response_item", 1, type="web_search_call", action={"query": "twill"}
    )

    texts = [(role, text) for _, role, _, text in said([patch, shell, search])]
    assert texts == [
        ("tool_input", "*** Begin Patch"),
        ("tool_input", "command: ls\ncommand: -l"),
        ("tool_input", "query: twill"),
    ]


# Plain and broken


def test_the_plain_shape_is_role_content_name_and_time():
    line = written.plain("user", "Is the weft tight?", 5, name="Ada", id=7)
    (message,) = read(line)

    assert (message.role, message.text, message.speaker, message.uuid) == (
        "user",
        "Is the weft tight?",
        "Ada",
        "7",
    )
    assert message.at == written.START.replace(second=5)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("human", "user"),
        ("AI", "assistant"),
        ("model", "assistant"),
        ("tool", "tool_output"),
    ],
)
def test_plain_roles_go_by_many_names(role, expected):
    assert said([written.plain(role, "x")])[0][1] == expected


@pytest.mark.parametrize(
    "used",
    [
        {"function": {"name": "loom", "arguments": '{"warp": "linen"}'}},
        {"custom": {"name": "loom", "input": "warp: linen"}},
    ],
    ids=["function", "custom"],
)
def test_plain_tools_are_called_and_answer_as_in_chat_messages(used):
    lines = [
        written.plain("assistant", "I warp it.", tool_calls=[{"id": "c1", **used}]),
        written.plain("tool", "warped", tool_call_id="c1", name="loom"),
    ]
    messages = list(formats.parse(numbered(lines), state=State()))

    assert [(each.role, each.text) for each in messages] == [
        ("assistant", "I warp it."),
        ("tool_input", "warp: linen"),
        ("tool_output", "warped"),
    ]
    assert [each.tool_name for each in messages] == ["", "loom", "loom"]
    assert [each.call_id for each in messages] == ["", "c1", "c1"]


@pytest.mark.parametrize("calls", [None, 7, [None, {}, {"function": [1]}]])
def test_plain_calls_of_no_known_shape_are_passed_over(calls):
    raw = written.plain("assistant", "x", tool_calls=calls)

    assert [text for *_, text in said([raw])] == ["x"]


def test_a_system_prompt_is_known_and_not_said():
    parsed = read(written.plain("system", "You are a loom."))

    assert (parsed.messages, parsed.is_unknown) == ([], False)


@pytest.mark.parametrize(
    "raw",
    [
        b"not json\n",
        b'{"type":"user","message":\n',
        b'{"type":"something-new"}\n',
        b'{"role":"wizard","content":"x"}\n',
        b'{"type":"user","message":"not an object"}\n',
        b'{"type":"response_item","payload":[1]}\n',
        b"[1,2,3]\n",
        b"null\n",
        b"\x00\x00\x00\n",
        b"\xff\xfe{}\n",
        b'{"n":' + b"9" * 10_000 + b"}\n",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
    ],
    ids=lambda raw: raw[:20],
)
def test_a_line_nobody_understands_is_counted_and_never_raises(raw):
    parsed = read(raw)

    assert parsed.is_unknown
    assert parsed.messages == []


def test_an_empty_line_is_nothing():
    assert not read(b"\n").is_unknown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"role":"user","content":"a\\u0000b"}', "a\ufffdb"),
        (b'{"role":"user","content":"a\\ud800b"}', "a\ufffdb"),
        (b'{"role":"user","content":"\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"role":"user","content":"caf\xe9"}', "caf\ufffd"),
        (b'{"role":"user","content":"x","id":1e999}', "x"),
        (b'{"role":"user","content":["a",{"text":"b"},7,null]}', "a\nb"),
    ],
)
def test_what_postgres_cannot_store_is_replaced(raw, text):
    assert said([raw])[0][3] == text


@pytest.mark.parametrize(
    "stamp",
    ["not a time", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 1e300, -1, {}],
)
def test_a_time_that_cannot_be_is_no_time(stamp):
    line = written.as_line({"role": "user", "content": "x", "timestamp": stamp})

    assert read(line).at is None


@pytest.mark.parametrize("stamp", [1772355605, 1772355605000, "2026-03-01T09:00:05"])
def test_times_come_as_seconds_milliseconds_or_text(stamp):
    line = written.as_line({"role": "user", "content": "x", "timestamp": stamp})

    assert read(line).at == written.START.replace(second=5)


def test_a_tool_s_arguments_keep_their_line_ends():
    line = written.answer(1, written.call("Write", "t", path="a", lines=["x\ny", 3]))

    assert said([line])[0][3] == "path: a\nlines: x\ny\nlines: 3"


# Laws

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "message",
        "payload",
        "item",
        "text",
        "input",
        "id",
        "tool_use_id",
        "timestamp",
        "cwd",
        "uuid",
        "data",
        "model",
        "isMeta",
        "record_type",
        "call_id",
        "output",
        "arguments",
        "name",
        "git",
    ]
)
kinds = st.sampled_from(
    [
        "user",
        "assistant",
        "summary",
        "progress",
        "agent_progress",
        "response_item",
        "event_msg",
        "message",
        "function_call",
        "function_call_output",
        "item_completed",
        "UserMessage",
        "text",
        "tool_use",
        "tool_result",
        "session_meta",
        "turn_context",
        "compacted",
        "user_message",
    ]
)
records = st.recursive(
    kinds | values,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.one_of(st.binary(), records.map(lambda value: json.dumps(value).encode())))
def test_no_line_ever_raises_and_every_text_can_be_stored(raw):
    for message in read(raw):
        message.text.encode()
        assert "\x00" not in message.text


fragments = st.sampled_from(
    [
        *written.claude_session(2),
        *written.codex_session(),
        *written.codex_events_session(),
        *written.old_codex_session(),
        written.plain("user", "hello", 4),
        b"broken\n",
    ]
)


@given(st.lists(fragments, max_size=60), st.data())
def test_reading_from_any_line_on_is_reading_at_once(raws, data):
    """What lies further back than the replayed lines must not matter either."""
    filler = data.draw(st.sampled_from([0, 5, REPLAYED_LINES + 10]))
    at = data.draw(st.integers(0, len(raws)))
    lines = numbered([*raws[:at], *[written.snapshot()] * filler, *raws[at:]])
    done = data.draw(st.integers(0, len(lines)))

    state = State()
    recent = max(done - REPLAYED_LINES, 0)
    formats.warm_up(lines[: min(REPLAYED_LINES, recent)], state=state)
    formats.warm_up(lines[recent:done], state=state)
    resumed = list(formats.parse(lines[done:], state=state))

    whole = list(formats.parse(lines, state=State()))
    assert resumed == [message for message in whole if message.line > done]
