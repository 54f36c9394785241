from __future__ import annotations

import pytest

from access.principals import Principal
from access.requirements import Requirement, ScopeMissing, TokenKindRefused


def someone(kind: str, *scopes: str) -> Principal:
    return Principal(token_id=1, name="x", kind=kind, scopes=frozenset(scopes))


def test_any_kind_that_reads_meets_the_default():
    for kind in ("ai", "sync", "admin"):
        Requirement().check(someone(kind, "read"))


def test_a_missing_scope_is_named():
    with pytest.raises(ScopeMissing) as refused:
        Requirement(scope="raw").check(someone("admin", "read"))

    assert refused.value.detail == {"scope": "raw"}
    assert refused.value.status == 403


def test_a_scope_does_not_make_up_for_the_wrong_kind():
    wanted = Requirement(kinds=frozenset({"sync"}), scope="upload")

    with pytest.raises(TokenKindRefused):
        wanted.check(someone("ai", "read", "upload"))
    wanted.check(someone("sync", "upload"))


def test_an_administrator_has_only_the_scopes_its_token_lists():
    with pytest.raises(ScopeMissing):
        Requirement(scope="write").check(someone("admin", "read", "admin"))


def test_no_token_stands_for_a_signed_in_operator():
    with pytest.raises(TokenKindRefused):
        Requirement(staff=True).check(someone("admin", "read", "admin"))


def test_public_asks_for_nothing():
    Requirement(public=True, scope="admin").check(someone("ai"))
