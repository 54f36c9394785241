"""A token carries which tools its client is shown; operators choose it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import reverse
from people import NOW, OPERATOR, a_principal, a_token, signed_in

from access import tokens
from access.models import Token
from audit.models import Event
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db


def test_a_token_shows_the_standard_tools_unless_told():
    assert a_principal().tool_profile == "standard"
    assert a_principal(tool_profile="lean").tool_profile == "lean"


def test_unknown_profiles_are_refused():
    with pytest.raises(InvalidArgument):
        a_token(tool_profile="tiny")
    a_token()
    with pytest.raises(InvalidArgument):
        tokens.show_tools(Token.objects.get(), profile="", actor=OPERATOR, at=NOW)


def test_the_command_takes_a_profile(capsys):
    call_command("create_token", "claude", "--tools=full")

    text = capsys.readouterr().out.strip()
    assert signed_in(text).tool_profile == "full"


def test_an_operator_changes_it_and_nothing_else(admin_client):
    text = a_token(name="before")
    token = Token.objects.get()
    page = reverse("admin:access_token_change", args=[token.pk])
    assert admin_client.get(page).status_code == 200

    changed = {"tool_profile": "lean", "name": "after", "kind": "admin"}
    assert admin_client.post(page, changed).status_code == 302

    kept = Token.objects.get()
    assert (kept.name, kept.kind, kept.digest) == ("before", "ai", token.digest)
    assert signed_in(text).tool_profile == "lean"
    event = Event.objects.get(action="token.tool_profile")
    assert event.detail == {"token_id": token.pk, "tool_profile": "lean"}


def test_an_operator_chooses_it_when_making_a_token(admin_client):
    form = {"name": "new", "kind": "ai", "tool_profile": "all"}
    page = reverse("admin:access_token_add")

    assert admin_client.post(page, form).status_code == 302
    assert Token.objects.get().tool_profile == "all"
