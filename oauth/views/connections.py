"""Whether clients can connect: a test of this server by itself, and what they tried."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse

from console.pages import operator_page, show
from oauth import attempts, grants, self_test

SHOWN = 30


@operator_page
def connections(request: HttpRequest) -> HttpResponse:
    """The last attempts; by button, an attempt of this server's own."""
    may_test = grants.may_allow(request.user)
    report = (
        self_test.run(cast(AbstractUser, request.user))
        if request.method == "POST" and may_test
        else None
    )
    return show(
        request,
        "oauth/connections.html",
        title="Connections",
        report=report,
        may_test=may_test,
        attempts=attempts.recent()[:SHOWN],
    )
