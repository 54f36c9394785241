"""Edits of files that people wrote: only what is ours changes."""

from __future__ import annotations

import json
import random
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_sync.install import jsonc, toml
from memory_sync.problems import SetupProblem

SERVER = {"type": "http", "url": "https://host/mcp"}
KEYS = ["mcpServers", "memory"]

WRITTEN_BY_PEOPLE = [
    "",
    "{}",
    "{}\n",
    "{\n}\n",
    '{"a": 1}',
    '{ "a": [1, 2, {"b": null}] }\n',
    '{\n  // why\n  "a": 1, // because\n  /* and */ "b": "x,}\\"]//no"\n}\n',
    '{\n\t"a": 1,\n}\n',
    '{\r\n    "a": {\r\n    }\r\n}\r\n',
    '{\n  "mcpServers": {}\n}\n',
    '{"mcpServers": {\n    // mine\n    "other": {} // last\n  },\n  "z": 1\n}',
    '{\n  "mcpServers": {\n    "other": {},\n  },\n}\n',
    '{"mcpServers": {"other": {"command": "x"}}, "z": true}',
    "{ // only a comment\n}",
]


@pytest.mark.parametrize("text", WRITTEN_BY_PEOPLE)
def test_a_member_is_added_and_taken_away_again(text: str) -> None:
    after = jsonc.set_member(text, KEYS, SERVER)
    before, now = jsonc.loads(text), jsonc.loads(after)
    assert now["mcpServers"].pop("memory") == SERVER
    assert {k: v for k, v in now.items() if v != {}} == {
        k: v for k, v in before.items() if v != {}
    }
    for line in text.splitlines():
        if "//" in line:
            assert line.partition("//")[2] in after
    undone = jsonc.prune(jsonc.remove_member(after, KEYS), KEYS[:1])
    bare = jsonc.prune(text, KEYS[:1]) or "{}"
    assert "".join(undone.split()) == "".join(bare.split())


def test_an_own_member_is_replaced_where_it_stands() -> None:
    text = '{\n  "mcpServers": {\n    "memory": {"url": "old"}, // ours\n'
    text += '    "z": {}\n  }\n}\n'
    after = jsonc.set_member(text, KEYS, {"url": "new"})
    assert after == text.replace('{"url": "old"}', '{\n      "url": "new"\n    }')


def test_comments_indentation_and_line_ends_are_kept() -> None:
    text = '{\r\n\t"a": 1 // one\r\n}\r\n'
    assert (
        jsonc.set_member(text, ["b"], 2) == '{\r\n\t"a": 1, // one\r\n\t"b": 2\r\n}\r\n'
    )


@pytest.mark.parametrize(
    "text",
    ['{"a": }', "[1]", '{"a" 1}', '{"a": 1 "b": 2}', '{"a": 1', '{"a": nope}', "{} x"],
)
def test_what_is_not_json_is_refused_and_not_touched(text: str) -> None:
    with pytest.raises(SetupProblem):
        jsonc.loads(jsonc.set_member(text, ["b"], 1))


def test_a_member_in_the_way_is_refused() -> None:
    with pytest.raises(SetupProblem, match="not an object"):
        jsonc.set_member('{"mcpServers": []}', KEYS, SERVER)


def test_elements_of_ours_are_replaced_and_those_of_others_stay() -> None:
    text = '{"hooks": {"Stop": [{"hooks": [{"command": "mine"}]}]}}'
    place = ["hooks", "Stop"]
    once = jsonc.add_element(text, place, {"command": "our-mark 1"}, mark="our-mark")
    twice = jsonc.add_element(once, place, {"command": "our-mark 2"}, mark="our-mark")
    assert [str(each) for each in jsonc.loads(twice)["hooks"]["Stop"]] == [
        "{'hooks': [{'command': 'mine'}]}",
        "{'command': 'our-mark 2'}",
    ]
    assert jsonc.remove_elements(twice, place, mark="our-mark") == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    content=st.dictionaries(st.text(max_size=5), values, max_size=4),
    indent=st.sampled_from([None, 2, 4, "\t"]),
    seed=st.integers(),
)
def test_every_object_takes_a_member_and_gives_it_back(
    content: dict[str, Any], indent: Any, seed: int
) -> None:
    content.pop("ours", None)
    text = _commented(json.dumps(content, indent=indent), random.Random(seed))
    after = jsonc.set_member(text, ["ours", "deep"], SERVER)
    assert jsonc.loads(after) == {**content, "ours": {"deep": SERVER}}
    undone = jsonc.remove_member(after, ["ours"])
    assert jsonc.loads(undone) == content
    assert "".join(undone.split()) == "".join(text.split())


def _commented(text: str, chance: random.Random) -> str:
    """The text with comments at the ends of some lines."""
    return "\n".join(
        f"{line} // , ] }} {number}" if chance.random() < 0.3 else line
        for number, line in enumerate(text.split("\n"))
    ) + ("\n" if chance.random() < 0.5 else "")


CODEX = {"url": "https://host/mcp", "http_headers": {"Authorization": "Bearer t"}}
NAME = "mcp_servers.memory"
TOML_BY_PEOPLE = [
    "",
    'model = "x"  # keep\n',
    'model = "x"',
    "# only a comment\n",
    '[tui]\na = 1\n\n# about others\n[mcp_servers.other]\ncommand = "x"\n',
    '[mcp_servers."memory bank"]\nurl = "u"\n',
    'text = """\n[mcp_servers.memory]\nnot = "a table"\n"""\n\n[[list]]\na = 1\n',
    "a = 1\r\n[b]\r\nc = 2\r\n",
]


@pytest.mark.parametrize("text", TOML_BY_PEOPLE)
def test_a_table_is_added_and_taken_away_byte_for_byte(text: str) -> None:
    after = toml.set_table(text, NAME, CODEX)
    toml.check_same(text, after, NAME)
    assert tomllib.loads(after)["mcp_servers"]["memory"] == CODEX
    undone = toml.remove_table(after, NAME)
    assert undone == text or undone == text + "\n"


def test_an_own_table_is_replaced_with_what_lies_below_it() -> None:
    text = (
        "# head\n[mcp_servers.memory]\nurl = 'old'\n"
        "[mcp_servers.memory.env]\nA = '1'\n\n"
        "# about z\n[z]\nb = 2\n"
    )
    after = toml.set_table(text, NAME, {"url": "new"})
    assert after.startswith('# head\n[mcp_servers.memory]\nurl = "new"\n')
    assert after.endswith("# about z\n[z]\nb = 2\n")
    assert tomllib.loads(after) == {
        "mcp_servers": {"memory": {"url": "new"}},
        "z": {"b": 2},
    }


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { memory = { url = "u" } }\n',
        'mcp_servers.memory.url = "u"\n',
        '[mcp_servers]\nmemory = { url = "u" }\n',
    ],
)
def test_a_table_written_in_a_line_is_refused(text: str) -> None:
    with pytest.raises(SetupProblem, match="within a line"):
        toml.set_table(text, NAME, CODEX)


def test_an_edit_that_would_change_more_is_refused() -> None:
    with pytest.raises(SetupProblem, match="safely"):
        toml.check_same("a = 1\n", "a = 2\n", NAME)
    with pytest.raises(SetupProblem, match="correct it"):
        toml.check_same("a = \n", "a = 1\n", NAME)
