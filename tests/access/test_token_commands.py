from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from people import a_workspace, signed_in

from access import write_tokens
from access.authentication import TokenRevoked
from access.models import Token
from audit.models import Event

pytestmark = pytest.mark.django_db


def run(*args) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_create_token_prints_the_text_and_nothing_else_on_stdout():
    workspace = a_workspace()
    out, err = run(
        "create_token",
        "claude",
        "--kind=ai",
        "--scope=read",
        f"--workspace={workspace.slug}",
        "--expires-in-days=7",
    )

    principal = signed_in(out.strip(), at=timezone.now())
    assert (principal.name, principal.scopes) == ("claude", {"read"})
    assert principal.workspace_slug == workspace.slug
    assert out.strip() not in err


@pytest.mark.parametrize(
    "args",
    [
        ["x", "--workspace=none"],
        ["x", "--kind=ai", "--scope=admin"],
        ["", "--kind=ai"],
        ["x", "--expires-in-days=-1"],
        ["x", "--expires-in-days=99999999"],
    ],
)
def test_create_token_says_in_one_line_what_is_wrong(args):
    with pytest.raises(CommandError):
        run("create_token", *args)

    assert not Token.objects.exists()


def test_revoke_token_works_at_once_and_is_audited():
    out, _ = run("create_token", "claude")
    text = out.strip()

    assert run("revoke_token", str(Token.objects.get().pk))[0] == "1 revoked.\n"

    with pytest.raises(TokenRevoked):
        signed_in(text, at=timezone.now())
    assert Event.objects.filter(action="token.revoke", transport="command").exists()


def test_revoke_token_revokes_nothing_when_one_is_unknown():
    run("create_token", "claude")
    pk = Token.objects.get().pk

    with pytest.raises(CommandError, match="nothing was revoked"):
        run("revoke_token", str(pk), "999999")
    assert Token.objects.get().revoked_at is None


def test_list_tokens_shows_no_token():
    text = run("create_token", "claude", "--expires-in-days=3")[0].strip()
    run("create_token", "cron", "--kind=sync")
    run("revoke_token", str(Token.objects.get(name="cron").pk))

    usable, everything = run("list_tokens")[0], run("list_tokens", "--all")[0]

    assert "claude" in usable
    assert "expires" in usable
    assert "cron" not in usable
    assert "revoked" in everything
    assert text not in everything
    assert text[-4:] in everything


def test_rotate_write_token_refuses_the_old_one():
    workspace = a_workspace()
    old = write_tokens.derive(workspace)

    run("rotate_write_token", workspace.slug)

    workspace.refresh_from_db()
    assert write_tokens.derive(workspace) != old
    with pytest.raises(CommandError, match="nothing was rotated"):
        run("rotate_write_token", workspace.slug, "none")
