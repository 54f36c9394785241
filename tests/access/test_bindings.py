from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import signing
from hypothesis import assume, given
from hypothesis import strategies as st
from people import NOW, a_principal, a_workspace

from access import bindings
from access.bindings import BindingExpired, BindingInvalid
from access.principals import Principal
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def test_a_binding_leads_its_own_token_to_its_workspace(settings):
    settings.BINDING_TTL_SECONDS = 60
    principal, workspace = a_principal(), a_workspace()
    binding = bindings.issue(principal=principal, workspace=workspace, at=NOW)

    assert binding.expires_at == NOW + timedelta(seconds=60)
    last = NOW + timedelta(seconds=59)
    assert bindings.resolve(binding.handle, principal=principal, at=last) == workspace
    with pytest.raises(BindingExpired):
        bindings.resolve(binding.handle, principal=principal, at=binding.expires_at)


def test_a_stolen_binding_opens_nothing():
    workspace = a_workspace()
    binding = bindings.issue(principal=a_principal(), workspace=workspace, at=NOW)

    for thief in (a_principal("ai"), a_principal("admin")):
        with pytest.raises(BindingInvalid):
            bindings.resolve(binding.handle, principal=thief, at=NOW)


def test_a_binding_of_a_workspace_that_is_gone_opens_nothing():
    principal, workspace = a_principal(), a_workspace()
    binding = bindings.issue(principal=principal, workspace=workspace, at=NOW)
    workspace.delete()

    with pytest.raises(BindingInvalid):
        bindings.resolve(binding.handle, principal=principal, at=NOW)


def test_what_was_signed_for_another_purpose_is_no_binding():
    principal, workspace = a_principal(), a_workspace()
    claims = [principal.token_id, workspace.pk, 2**40]

    for salt in ("memory.cursor", "django.core.signing"):
        with pytest.raises(BindingInvalid):
            bindings.resolve(
                signing.Signer(salt=salt).sign_object(claims),
                principal=principal,
                at=NOW,
            )


@pytest.mark.parametrize("handle", ["", "x", ":", "a:b", "é", "\ud800", "a" * 10_000])
def test_junk_is_no_binding(handle):
    with pytest.raises(BindingInvalid):
        bindings.resolve(handle, principal=a_principal(), at=NOW)


ALICE = Principal(token_id=1, name="alice", kind="ai", scopes=frozenset({"write"}))
HANDLE = bindings.issue(principal=ALICE, workspace=Workspace(pk=1), at=NOW).handle


@given(st.integers(0, len(HANDLE) - 1), st.characters())
def test_one_changed_character_is_enough(place, other):
    # The last character of a base64 part carries spare bits; the signature compares
    # texts, so even those count.
    assume(other != HANDLE[place])

    with pytest.raises(BindingInvalid):
        bindings.resolve(
            HANDLE[:place] + other + HANDLE[place + 1 :], principal=ALICE, at=NOW
        )
