"""The page where an operator allows a client, or does not."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from oauth2_provider.http import OAuth2ResponseRedirect

from audit.admin import operator_of
from console.middleware import POLICY
from console.pages import operator_page, show
from oauth import consent, grants, redirects
from oauth.attempts import Step
from oauth.consent import Asked
from oauth.views.noting import note
from workspaces.models import Workspace

# Whoever has it reads secrets that are masked otherwise: nobody gives it by haste.
_NOT_BY_HASTE = "raw"


class ConsentForm(forms.Form):
    """What an operator may take away from a request before saying yes."""

    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    workspace = forms.ModelChoiceField(
        Workspace.objects.order_by("slug", "id"),
        required=False,
        empty_label="Every workspace that is not private",
    )

    def __init__(self, asked: Asked, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        usual = [scope for scope in asked.scopes if scope != _NOT_BY_HASTE]
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (name, f"{name}: {description}")
            for name, description in consent.describe(asked.scopes)
        ]
        self.fields["scopes"].initial = usual


@operator_page
def authorise(request: HttpRequest) -> HttpResponse:
    """Ask whether a client may have a token, and send it the answer."""
    at = timezone.now()
    client_id = request.GET.get("client_id", "")
    try:
        if not grants.may_allow(request.user):
            raise consent.RequestRefused("Your account may not make tokens.")
        asked = consent.read(request.GET)
        if request.method == "POST" and (answer := _answer(request, asked, at=at)):
            return answer
    except consent.RequestRefused as error:
        _note(request, client_id, is_good=False, said=str(error), at=at)
        return _refuse(request, str(error))
    except consent.Returned as error:
        _note(request, client_id, is_good=False, said=str(error), at=at)
        return _back(error.url)
    _note(request, client_id, is_good=True, said="", at=at)
    return _ask(request, asked)


def _answer(request: HttpRequest, asked: Asked, *, at: datetime) -> HttpResponse | None:
    """Where the operator's answer leads; None for one that is not to be understood."""
    actor = operator_of(request)
    form = ConsentForm(asked, request.POST)
    if request.POST.get("answer") == "deny":
        url, said = consent.deny(asked, actor=actor, at=at), "denied"
    elif request.POST.get("answer") == "allow" and form.is_valid():
        url = consent.allow(
            asked,
            user=request.user,  # type: ignore[arg-type]
            scopes=form.cleaned_data["scopes"],
            workspace=form.cleaned_data["workspace"],
            actor=actor,
            at=at,
        )
        said = "allowed"
    else:
        return None
    is_good = said == "allowed"
    note(
        Step.CONSENT,
        request,
        is_good=is_good,
        said=said,
        client_id=asked.client_id,
        at=at,
    )
    return _back(url)


def _ask(request: HttpRequest, asked: Asked) -> HttpResponse:
    form = ConsentForm(asked, request.POST if request.method == "POST" else None)
    response = show(
        request,
        "oauth/authorise.html",
        title="Allow a client",
        asked=asked,
        form=form,
    )
    # Browsers hold the redirect that follows a form against the page's policy as well.
    leads_to = redirects.origin(asked.redirect_uri)
    response.headers["Content-Security-Policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' {leads_to}"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(request: HttpRequest, reason: str) -> HttpResponse:
    response = show(request, "oauth/refused.html", title="Not possible", reason=reason)
    response.status_code = 400
    return response


def _back(url: str) -> HttpResponse:
    """To the client, by whatever scheme its address has; Django knows three only."""
    response: HttpResponse = OAuth2ResponseRedirect(url, [url.partition(":")[0]])
    response.headers["Cache-Control"] = "no-store"
    # The code is in the address line, and no business of the page after next.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _note(
    request: HttpRequest, client_id: str, *, is_good: bool, said: str, at: datetime
) -> None:
    note(
        Step.AUTHORISE,
        request,
        is_good=is_good,
        said=said,
        client_id=client_id,
        at=at,
    )
