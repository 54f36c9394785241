from __future__ import annotations

import re

import pytest
from people import NOW, OPERATOR

from refusals import InvalidArgument
from workspaces import readme

pytestmark = pytest.mark.django_db

TOOLS = {
    "get_overview",
    "list_workspaces",
    "register_workspace",
    "list_knowledge",
    "read_knowledge",
    "search_knowledge",
    "list_sessions",
    "read_session",
    "search_sessions",
    "write_overview",
    "delete_knowledge",
    "upload_knowledge",
    "upload_session",
}


def test_the_default_tells_of_every_tool_and_of_no_other():
    told = set(re.findall(r"`([a-z]+_[a-z_]+)`", readme.text()))

    assert told >= TOOLS
    assert told - TOOLS <= {"workspace_id", "around_line", "expected_version"}


def test_an_operator_replaces_it_again_and_again():
    readme.replace(text="First.", actor=OPERATOR, at=NOW)
    readme.replace(text="Second.", actor=OPERATOR, at=NOW)

    assert readme.text() == "Second."


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "x" * 20_001])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(InvalidArgument):
        readme.replace(text=text, actor=OPERATOR, at=NOW)

    assert readme.text() == readme.DEFAULT
