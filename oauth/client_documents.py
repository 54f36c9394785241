"""Reading the document that a client's id leads to (client-id metadata documents).

The id is an address that a stranger chose, and this server goes there: so HTTPS only,
public addresses only, looked up once and connected to as looked up, no redirects, and
everything bounded. Which documents are fetched at all is decided by `Permission`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
from django.conf import settings
from django.http.request import validate_host
from oauth2_provider import cimd
from oauth2_provider.cimd import CIMDError

from access.origins import LOOPBACK
from oauth.provider import AUTHORISE_PATH

# Of the whole exchange; the name is looked up before, for as long as the resolver of
# this machine tries.
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 16 * 1024
MAX_REDIRECT_URIS = 20


class Permission:
    """Which documents may be fetched: of allowed hosts, for a signed-in operator.

    The page where operators allow clients asks for the login first; everywhere else a
    client must be known already, so that nobody from outside makes this server fetch.
    """

    def has_permission(self, request: Any, client_id: str) -> bool:
        if urlsplit(request.uri).path != AUTHORISE_PATH:
            return False
        host = urlsplit(client_id).hostname or ""
        return validate_host(host, settings.OAUTH_CLIENT_HOSTS)


class Fetcher:
    """What django-oauth-toolkit calls to get a document; its own one takes as long as a
    server likes that sends a byte now and then.
    """

    def fetch(self, client_id: str) -> tuple[dict[str, Any], int]:
        """The document and for how many seconds it is good; raises CIMDError."""
        try:
            url = _checked(client_id)
            addresses = _addresses(url.hostname or "", url.port or 443)
            response, body = asyncio.run(_get(url, addresses[0]))
            document = _document(response, body)
        except (httpx.HTTPError, TimeoutError, OSError, ValueError) as error:
            raise CIMDError(f"{type(error).__name__}: {error}") from error
        # Private names of the pinned package, as `_checked` below uses one.
        return document, cimd._effective_max_age(response.headers.get("cache-control"))


def _checked(client_id: str) -> SplitResult:
    cimd._validate_client_id_url(client_id)
    return urlsplit(client_id)


def _addresses(host: str, port: int) -> list[str]:
    """All addresses of a name; one that is not public refuses them all."""
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    addresses = [str(each[4][0]) for each in found]
    for address in addresses:
        if not _may_be_reached(address):
            raise CIMDError(f"{host} leads to {address}, which is not public")
    return addresses


def _may_be_reached(address: str) -> bool:
    if _is_under_test() and ip_address(address).is_loopback:
        return True
    return bool(cimd._ip_is_public(address))


async def _get(url: SplitResult, address: str) -> tuple[httpx.Response, bytes]:
    """Ask the address that was checked, in the name that its certificate must have."""
    target = httpx.URL(
        scheme="https",
        host=address,
        port=url.port or 443,
        raw_path=f"{url.path}{'?' if url.query else ''}{url.query}".encode(),
    )
    headers = {
        "host": url.netloc,
        "accept": "application/json, application/*+json",
        # What is counted is what is parsed.
        "accept-encoding": "identity",
    }
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        httpx.AsyncClient(verify=_trust(), trust_env=False) as client,
        client.stream(
            "GET", target, headers=headers, extensions={"sni_hostname": url.hostname}
        ) as response,
    ):
        body = b""
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > MAX_BYTES:
                raise CIMDError(f"the document is larger than {MAX_BYTES} bytes")
        return response, body


def _document(response: httpx.Response, body: bytes) -> dict[str, Any]:
    if response.status_code != 200:
        raise CIMDError(f"the document's address answered {response.status_code}")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    if not (is_json and kind.startswith("application/")):
        raise CIMDError(f"the document is {kind[:100]!r}, not JSON")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise CIMDError("the document is no JSON object")
    _check_texts(document)
    return document


def _check_texts(document: dict[str, Any]) -> None:
    """What the package keeps of it; the rest of the checks is the package's own."""
    uris = document.get("redirect_uris")
    uris = uris if isinstance(uris, list) else [uris]
    if len(uris) > MAX_REDIRECT_URIS:
        raise CIMDError(f"the document names more than {MAX_REDIRECT_URIS} addresses")
    kept = [document.get("client_name", ""), *uris]
    if not all(str(each).isprintable() for each in kept):
        raise CIMDError("the document holds control characters")


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(
        cafile=settings.OAUTH_TEST_CA_FILE if _is_under_test() else None
    )


def _is_under_test() -> bool:
    """Clients on this very machine, for tests: never where others have access."""
    host = urlsplit(settings.PUBLIC_URL).hostname
    return bool(settings.OAUTH_TEST_CA_FILE) and host in LOOPBACK
