"""Our answers to what the authorization server asks (django-oauth-toolkit, oauthlib).

The package keeps codes and refresh tokens; whether they still stand for anything, which
addresses they may name and what they become here is decided below.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from access import audiences
from oauth import grants, redirects
from oauth.grants import CodeUsedTwice

RefreshToken = get_refresh_token_model()


class Validator(OAuth2Validator):
    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *args: Any, **more: Any
    ) -> bool:
        registered = request.client.redirect_uris.split()
        return redirects.is_allowed(redirect_uri, registered)

    def _create_authorization_code(
        self, request: Any, code: dict[str, str], expires: Any = None
    ) -> Any:
        made = super()._create_authorization_code(request, code, expires)
        request.remember(
            code=code["code"],
            client_id=request.client.client_id,
            client_name=request.client.name,
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            audience=request.resource[0],
        )
        return made

    def validate_code(
        self,
        client_id: str,
        code: str,
        client: Any,
        request: Any,
        *args: Any,
        **more: Any,
    ) -> bool:
        """A code that became a token before takes that token with it when it fails."""
        if super().validate_code(client_id, code, client, request, *args, **more):
            return True
        grants.end_stolen(grants.of_code(code), what="code", at=timezone.now())
        return False

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **more: Any
    ) -> bool:
        """Good while its grant is: not revoked, and allowed by one who still may."""
        found = _refresh_token(refresh_token)
        is_good = super().validate_refresh_token(
            refresh_token, client, request, *args, **more
        )
        if found is None:
            return False
        of_grant = grants.of_family(found.token_family)
        if found.revoked is not None:
            # Used twice, or used after its end: the package forgot the whole family.
            grants.end_stolen(of_grant, what="refresh_token", at=timezone.now())
            return False
        grant = of_grant.select_related("token").first()
        return bool(
            is_good and grant and not grant.is_ended and grants.may_allow(found.user)
        )

    def save_bearer_token(
        self, token: dict[str, Any], request: Any, *args: Any, **more: Any
    ) -> None:
        try:
            super().save_bearer_token(token, request, *args, **more)
        except CodeUsedTwice:
            # Out here, since what is done in there was rolled back.
            found = grants.of_code(request.code)
            grants.end_stolen(found, what="code", at=timezone.now())
            raise errors.InvalidGrantError(request=request) from None

    def _save_bearer_token(
        self, token: dict[str, Any], request: Any, *args: Any, **more: Any
    ) -> None:
        """In one transaction: the package's rows, then the token of ours."""
        if request.grant_type == "refresh_token":
            _lock_unused(request)
        super()._save_bearer_token(token, request, *args, **more)
        refresh = _refresh_token(token["refresh_token"])
        given = {
            "text": token["access_token"],
            "family": refresh.token_family,
            "expires_at": refresh.access_token.expires,
        }
        if request.grant_type == "authorization_code":
            grants.redeem(code=request.code, at=timezone.now(), **given)
        else:
            grants.renew(scopes=token["scope"].split(), **given)

    def _validate_resource_uris(self, request: Any, resources: list[Any]) -> None:
        """One address of ours; the package takes any, and none for all."""
        ours = [audiences.canonical(str(each)) for each in resources]
        if len(ours) > 1 or None in ours:
            raise errors.CustomOAuth2Error(
                error="invalid_target",
                description="This server issues tokens for its own addresses only.",
                request=request,
            )
        # As it stands on the grant, with which the package compares.
        resources[:] = ours

    def revoke_token(
        self, token: str, token_type_hint: str, request: Any, *args: Any, **more: Any
    ) -> None:
        refresh = _refresh_token(token)
        if refresh is None:
            client_id = request.client.client_id if request.client else ""
            found = grants.of_access_token(token, client_id=client_id)
        else:
            is_own = refresh.application == request.client
            found = grants.of_family(refresh.token_family if is_own else None)
        grants.end_by_client(found, at=timezone.now())
        super().revoke_token(token, token_type_hint, request, *args, **more)


def _lock_unused(request: Any) -> None:
    """Let one of two refreshes that come at once through.

    The package would answer the other with the stored texts, which are only digests.
    """
    held = RefreshToken.objects.select_for_update()
    if held.get(pk=request.refresh_token_instance.pk).revoked is not None:
        raise errors.InvalidGrantError(request=request)


def _refresh_token(text: str) -> Any:
    """The row of a refresh token, the one still good if there are several; or None."""
    checksum = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    found = RefreshToken.objects.filter(token_checksum=checksum)
    return found.select_related("access_token", "user").order_by("-revoked").first()
