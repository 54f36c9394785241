from __future__ import annotations

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from access import cursors
from access.cursors import CursorInvalid
from access.principals import Principal

ALICE = Principal(token_id=1, name="alice", kind="ai", scopes=frozenset({"read"}))
BOB = Principal(token_id=2, name="bob", kind="ai", scopes=frozenset({"read"}))

plain = st.none() | st.booleans() | st.integers() | st.text(max_size=50)


@given(position=st.lists(plain, max_size=5), query=st.text(max_size=200))
def test_a_cursor_gives_back_its_position(position, query):
    cursor = cursors.encode(position, principal=ALICE, query=query)

    assert cursors.decode(cursor, principal=ALICE, query=query) == position
    for principal, asked in ((BOB, query), (ALICE, query + "x")):
        with pytest.raises(CursorInvalid):
            cursors.decode(cursor, principal=principal, query=asked)


@given(st.text(max_size=200))
def test_no_made_up_text_is_a_cursor(text):
    with pytest.raises(CursorInvalid):
        cursors.decode(text, principal=ALICE, query="q")


@pytest.mark.parametrize("text", ["", "\ud800", "é", "a" * 10_000, "W10:x"])
def test_junk_is_no_cursor(text):
    with pytest.raises(CursorInvalid):
        cursors.decode(text, principal=ALICE, query="q")


def test_what_was_signed_for_another_purpose_is_no_cursor():
    other = signing.Signer(salt="memory.binding").sign_object([1, 2, 3])

    with pytest.raises(CursorInvalid):
        cursors.decode(other, principal=ALICE, query="q")
