"""From a client's request to tokens, and what is refused on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from flow import VERIFIER, Flow, an_application, challenge_of, parameters_of
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_refresh_token_model,
)
from people import a_workspace

from access import audiences, tokens
from access.authentication import (
    AudienceRefused,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
)
from access.models import Token
from audit.models import Event
from oauth.models import Grant


def me(text: str) -> int:
    """The status of a REST call with this token."""
    headers = {"Authorization": f"Bearer {text}"}
    return Client().get("/api/v1/me", headers=headers).status_code


def over_mcp(text: str):
    from access import authentication

    return authentication.authenticate(
        text,
        at=timezone.now(),
        transport="mcp",
        request_id="r-1",
        address="192.0.2.7",
    )


def error_of(response) -> str:
    assert response.status_code >= 400, response.content
    return response.json()["error"]


# -- the way in ------------------------------------------------------------------------


def test_a_client_gets_a_token_that_is_a_principal_like_any_other(flow):
    given = flow.tokens(scopes=("read", "write"))

    principal = over_mcp(given["access_token"])

    assert (principal.kind, principal.scopes) == ("ai", {"read", "write"})
    assert principal.name == "Some assistant (OAuth)"
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    assert given["scope"] == "read write"


def test_what_is_answered_says_who_answers(flow, settings):
    said = parameters_of(flow.answer())
    metadata = Client().get("/.well-known/oauth-authorization-server").json()

    assert said["iss"] == metadata["issuer"] == settings.PUBLIC_URL
    assert said["state"] == "xyz"


def test_refusals_to_clients_say_who_refuses(flow, settings):
    for response in (
        flow.answer("deny"),
        flow.page(scope="admin"),
        flow.page(resource="https://elsewhere.example/mcp"),
        flow.page(code_challenge_method="plain"),
    ):
        said = parameters_of(response)
        assert (said["iss"], said["state"]) == (settings.PUBLIC_URL, "xyz")
        assert "code" not in said


def test_an_operator_may_give_less_than_was_asked(flow):
    given = flow.tokens(scopes=("read",))

    assert given["scope"] == "read"
    assert over_mcp(given["access_token"]).scopes == {"read"}


def test_nobody_gets_more_than_was_asked(flow):
    response = flow.answer(scopes=("read", "raw"), scope="read")

    # The form offers what was asked for; anything else is no answer to it.
    assert response.status_code == 200
    assert not Grant.objects.exists()


def test_a_client_that_asks_for_nothing_is_offered_reading_and_writing(flow):
    given = flow.tokens(scope=None)

    assert given["scope"] == "read write"


def test_raw_is_given_only_by_a_tick_of_its_own(flow):
    page = flow.page(scope="read raw").content.decode()

    assert 'value="read"' in page
    assert 'value="raw"' in page
    assert page.count("checked") == 1


def test_a_chosen_workspace_pins_the_token(flow):
    workspace = a_workspace()

    given = flow.tokens(workspace=str(workspace.pk))

    assert over_mcp(given["access_token"]).workspace_slug == workspace.slug


def test_tokens_are_kept_as_digests_only(flow):
    given = flow.tokens()

    kept = (
        get_access_token_model().objects.get(),
        get_refresh_token_model().objects.get(),
    )

    assert [row.token for row in kept] == ["", ""]
    assert Token.objects.get().digest == tokens.digest(given["access_token"])


def test_the_page_shows_who_asks_and_where_the_answer_goes(browser):
    application = an_application("https://app.example.org/back", name="<b>Bold</b>")

    page = Flow(browser, application.client_id, "https://app.example.org/back").page()

    text = page.content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in text
    assert "<strong>app.example.org</strong>" in text
    assert "an operator of this server" in text
    assert audiences.usual() in text
    # Or the browser would not follow the answer to the client.
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example.org;" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_trail_tells_what_an_operator_allowed_and_denied(flow):
    flow.tokens()
    flow.answer("deny")

    told = Event.objects.filter(action__startswith="oauth.").order_by("id")

    assert [(each.action, each.actor, each.outcome) for each in told] == [
        ("oauth.allow", "olga", "done"),
        ("oauth.deny", "olga", "refused"),
    ]
    assert told[0].detail["scopes"] == ["read", "write"]


# -- who may say yes -------------------------------------------------------------------


def test_an_operator_who_may_not_make_tokens_cannot_allow_clients(
    flow, django_user_model
):
    helper = django_user_model.objects.create_user("helper", is_staff=True)
    flow.browser.force_login(helper)

    assert flow.page().status_code == 400
    assert flow.answer().status_code == 400
    assert not Grant.objects.exists()


def test_a_yes_from_another_page_is_refused(operator):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)

    response = Flow(browser, an_application().client_id).answer()

    assert response.status_code == 403


def test_a_grant_ends_with_its_operators_right_to_give_it(flow, operator):
    given = flow.tokens()
    operator.is_active = False
    operator.save()

    assert error_of(flow.refresh(given["refresh_token"])) == "invalid_grant"


# -- PKCE ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_without_a_s256_challenge_there_is_no_code(flow, changed):
    for response in (flow.page(**changed), flow.answer(**changed)):
        assert parameters_of(response)["error"] == "invalid_request"


@pytest.mark.parametrize("verifier", [None, "w" * 64, challenge_of(VERIFIER)])
def test_a_code_without_its_verifier_is_worth_nothing(flow, verifier):
    response = flow.redeem(flow.code(), code_verifier=verifier)

    assert error_of(response) in ("invalid_grant", "invalid_request")
    assert not Token.objects.exists()


# -- codes -----------------------------------------------------------------------------


def test_a_code_used_twice_takes_its_token_with_it(flow):
    code = flow.code()
    given = flow.redeem(code).json()

    assert error_of(flow.redeem(code)) == "invalid_grant"

    with pytest.raises(TokenRevoked):
        over_mcp(given["access_token"])
    assert error_of(flow.refresh(given["refresh_token"])) == "invalid_grant"
    assert Event.objects.filter(action="oauth.code_used_twice").count() == 1


def test_a_code_is_good_for_a_minute(flow):
    from oauth2_provider.models import get_grant_model

    code = flow.code()
    get_grant_model().objects.update(expires=timezone.now() - timedelta(seconds=1))

    assert error_of(flow.redeem(code)) == "invalid_grant"


def test_a_code_is_good_for_its_own_client_only(flow, browser):
    thief = Flow(browser, an_application().client_id)

    assert error_of(thief.redeem(flow.code())) == "invalid_grant"


def test_a_code_is_good_for_its_own_address_only(flow):
    response = flow.redeem(flow.code(), redirect_uri="http://127.0.0.1:1/callback")

    assert error_of(response) in ("invalid_grant", "invalid_request")


@pytest.mark.parametrize(
    "grant_type", ["password", "client_credentials", "implicit", None, "device_code"]
)
def test_other_ways_to_a_token_are_not_there(flow, grant_type):
    response = flow.redeem(flow.code(), grant_type=grant_type)

    assert error_of(response) in ("unsupported_grant_type", "invalid_request")


@pytest.mark.parametrize("response_type", ["token", "id_token", "code token", "none"])
def test_nothing_but_codes_is_answered(flow, response_type):
    said = parameters_of(flow.page(response_type=response_type))

    assert said["error"] in ("unsupported_response_type", "unauthorized_client")


# -- where answers go ------------------------------------------------------------------


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:4242/callback/",
        "http://127.0.0.1:4242/callback?x=1",
        "http://localhost:4242/callback",
        "https://127.0.0.1:4242/callback",
        "http://evil.example/callback",
        "http://127.0.0.1:4242@evil.example/callback",
        "http://127.0.0.1:4242/callback#x",
        "javascript:alert(1)",
        None,
    ],
)
def test_an_address_that_was_not_registered_is_never_gone_to(flow, elsewhere):
    for response in (
        flow.page(redirect_uri=elsewhere),
        flow.answer(redirect_uri=elsewhere),
    ):
        assert response.status_code == 400
        assert "Location" not in response.headers


def test_a_client_on_the_operators_machine_listens_on_any_port(flow):
    flow.redirect_uri = "http://127.0.0.1:50999/callback"

    assert flow.tokens()["access_token"]


def test_an_unknown_client_leads_nowhere(flow):
    response = flow.page(client_id="nobody")

    assert response.status_code == 400
    assert "Location" not in response.headers


# -- audience --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    ["https://elsewhere.example/mcp", "mcp", "http://127.0.0.1:8000/api/v1"],
)
def test_a_token_for_another_resource_is_not_issued(flow, resource):
    assert parameters_of(flow.page(resource=resource))["error"] == "invalid_target"
    assert error_of(flow.redeem(flow.code(), resource=resource)) == "invalid_target"
    given = flow.tokens()
    refreshed = flow.refresh(given["refresh_token"], resource=resource)
    assert error_of(refreshed) == "invalid_target"


def test_a_token_is_good_for_its_resource_only(flow, settings):
    for_mcp = flow.tokens()["access_token"]
    for_all = flow.redeem(
        flow.code(resource=settings.PUBLIC_URL), resource=settings.PUBLIC_URL
    ).json()["access_token"]

    assert over_mcp(for_mcp)
    assert me(for_mcp) == 401
    assert me(for_all) == 200


def test_a_token_for_another_server_is_refused(flow):
    """One that was made here, before the server moved."""
    text = flow.tokens()["access_token"]
    Token.objects.update(audience="https://elsewhere.example/mcp")

    with pytest.raises(AudienceRefused) as refused:
        over_mcp(text)

    assert refused.value.code == "TOKEN_AUDIENCE_REFUSED"


def test_a_client_that_names_no_resource_gets_a_token_for_mcp_only(flow):
    code = flow.code(resource=None)

    text = flow.redeem(code, resource=None).json()["access_token"]

    assert Token.objects.get().audience == audiences.usual()
    assert me(text) == 401


def test_a_slash_at_the_end_of_the_resource_means_the_same(flow):
    slashed = f"{audiences.usual()}/"

    assert flow.redeem(flow.code(resource=slashed), resource=slashed).status_code == 200


@pytest.mark.parametrize(
    "foreign",
    [
        "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwOi8vMTI3LjAuMC4xOjgwMDAvbWNwIn0.",
        "fms_ai_" + "a" * 49,
        "x" * 40,
    ],
)
def test_what_was_not_issued_here_is_nothing(db, foreign):
    with pytest.raises(Unauthenticated):
        over_mcp(foreign)


def test_a_token_in_the_address_line_is_not_looked_at(flow, settings):
    code = flow.code(resource=settings.PUBLIC_URL)
    text = flow.redeem(code, resource=None).json()["access_token"]

    assert me(text) == 200
    assert Client().get(f"/api/v1/me?access_token={text}").status_code == 401


# -- refreshing ------------------------------------------------------------------------


def test_refreshing_keeps_the_token_and_changes_its_text(flow):
    first = flow.tokens()
    was = over_mcp(first["access_token"]).token_id

    second = flow.refresh(first["refresh_token"]).json()

    assert over_mcp(second["access_token"]).token_id == was
    assert Token.objects.count() == 1
    with pytest.raises(Unauthenticated):
        over_mcp(first["access_token"])


def test_a_refresh_token_used_twice_ends_the_grant(flow):
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json()

    assert error_of(flow.refresh(first["refresh_token"])) == "invalid_grant"

    assert error_of(flow.refresh(second["refresh_token"])) == "invalid_grant"
    with pytest.raises(TokenRevoked):
        over_mcp(second["access_token"])
    assert Event.objects.filter(action="oauth.refresh_token_used_twice").count() == 1


def test_a_refresh_token_is_good_for_its_own_client_only(flow, browser):
    given = flow.tokens()
    thief = Flow(browser, an_application().client_id)

    assert error_of(thief.refresh(given["refresh_token"])) == "invalid_grant"


def test_refreshing_gives_no_more_than_before(flow):
    given = flow.tokens(scopes=("read",))

    response = flow.refresh(given["refresh_token"], scope="read write")

    assert error_of(response) == "invalid_scope"


def test_a_refresh_token_is_no_access_token(flow):
    with pytest.raises(Unauthenticated):
        over_mcp(flow.tokens()["refresh_token"])


def test_an_access_token_runs_out_and_is_refreshed(flow):
    given = flow.tokens()
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(TokenExpired):
        over_mcp(given["access_token"])
    assert flow.refresh(given["refresh_token"]).status_code == 200


def test_a_refresh_token_runs_out(flow, settings):
    given = flow.tokens()
    long_ago = timezone.now() - timedelta(
        seconds=settings.OAUTH_REFRESH_TOKEN_SECONDS + 1
    )
    get_access_token_model().objects.update(expires=long_ago)

    assert error_of(flow.refresh(given["refresh_token"])) == "invalid_grant"


# -- ending ----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_client_gives_its_token_back(flow, which):
    given = flow.tokens()

    assert flow.revoke(given[which]).status_code == 200

    with pytest.raises(TokenRevoked):
        over_mcp(given["access_token"])
    assert error_of(flow.refresh(given["refresh_token"])) == "invalid_grant"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_client_cannot_give_back_what_is_anothers(flow, browser, which):
    given = flow.tokens()
    thief = Flow(browser, an_application().client_id)

    # As for one that never was (RFC 7009, section 2.2).
    assert thief.revoke(given[which]).status_code == 200
    assert over_mcp(given["access_token"])


@pytest.mark.parametrize("page", ["oauth/grant", "access/token"])
def test_an_operator_revokes_from_either_list(flow, page):
    given = flow.tokens()
    row = Grant.objects.get() if page == "oauth/grant" else Token.objects.get()

    flow.browser.post(
        f"/admin/{page}/", {"action": "revoke", "_selected_action": [row.pk]}
    )

    with pytest.raises(TokenRevoked):
        over_mcp(given["access_token"])
    assert error_of(flow.refresh(given["refresh_token"])) == "invalid_grant"
    assert Event.objects.filter(action="token.revoke", actor="olga").count() == 1


def test_deleting_a_client_ends_its_grants(flow):
    given = flow.tokens()
    client = get_application_model().objects.get()

    flow.browser.post(
        f"/admin/oauth2_provider/application/{client.pk}/delete/", {"post": "yes"}
    )

    with pytest.raises(TokenRevoked):
        over_mcp(given["access_token"])


# -- confidential clients --------------------------------------------------------------


def test_a_client_with_a_secret_must_show_it(browser):
    confidential = get_application_model().CLIENT_CONFIDENTIAL
    application = an_application(client_type=confidential, client_secret="s3cret")
    flow = Flow(browser, application.client_id)

    assert error_of(flow.redeem(flow.code())) == "invalid_client"
    assert error_of(flow.redeem(flow.code(), client_secret="guess")) == "invalid_client"
    assert flow.redeem(flow.code(), client_secret="s3cret").status_code == 200


# -- bounds ----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["token", "revoke"])
@pytest.mark.parametrize(
    "given",
    [
        {"client_id": "a\0b"},
        {"client_id": "x" * 5000},
        {"client_id": ["one", "two"]},
        {f"p{i}": "x" for i in range(40)},
    ],
)
def test_parameters_that_nobody_sends_are_refused(db, where, given):
    response = Client().post(f"/oauth/{where}", given)

    assert error_of(response) == "invalid_request"


def test_parameters_of_the_address_line_are_not_taken(flow):
    code = flow.code()
    response = Client().post(f"/oauth/token?code={code}", {"grant_type": "x"})

    assert error_of(response) == "invalid_request"


def test_guessing_is_counted(db, settings):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 2
    given = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "y"}

    statuses = [Client().post("/oauth/token", given).status_code for _ in range(3)]

    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


@pytest.mark.parametrize("where", ["token", "revoke", "register"])
def test_endpoints_of_programs_take_nothing_but_post(db, where):
    response = Client().get(f"/oauth/{where}")

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_pages_of_any_origin_may_redeem_codes(db):
    response = Client().options("/oauth/token", headers={"Origin": "https://a.example"})

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_what_ran_out_is_cleared(flow):
    from oauth import tasks

    flow.code()
    Grant.objects.update(allowed_at=timezone.now() - timedelta(days=2))

    tasks.clear()

    assert not Grant.objects.exists()
