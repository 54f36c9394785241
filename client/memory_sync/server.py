"""The REST side of a memory server over one kept-alive connection."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memory_sync import VERSION
from memory_sync.config import rest_base
from memory_sync.problems import Refused, ServerAway, SetupProblem, TokenRefused
from memory_sync.shapes import Json

# http.client, ssl and urllib are imported where they are used: the hook runs after
# every turn of a conversation and must not pay for what it does not need.

ATTEMPTS = 4
LONGEST_WAIT = 60.0
CONNECT_SECONDS = 10
ANSWER_SECONDS = 180


class Server:
    """The REST side of a memory server over one kept-alive connection.

    Every request made here may be repeated: a write names the bytes it stands on, and
    the same bytes again change nothing. So failures of the network, 429 and 503 are
    retried; other refusals are not.
    """

    def __init__(
        self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        from urllib.parse import urlsplit

        if not url:
            raise SetupProblem(
                "No server is set. Run `configure --url http://HOST:7444/mcp` or set "
                "MCP_MEMORY_URL."
            )
        parts = urlsplit(rest_base(url))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupProblem(f"{url!r} is not an http:// or https:// address.")
        self.base = rest_base(url)
        self.scheme, self.host, self.prefix = parts.scheme, parts.hostname, parts.path
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.token = token
        self.sleep = sleep
        self.connection: Any = None
        self.target_prefix = self.prefix
        # The Date header of the last answer.
        self.last_date = ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        json_body: Json | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Make a request and return the JSON object of its answer."""
        import http.client

        for attempt in range(ATTEMPTS):
            was_open = self.connection is not None
            wait = 0.5 * 2**attempt
            try:
                status, head, content = self._once(
                    method, path, json_body, body, headers
                )
            except (OSError, http.client.HTTPException) as error:
                self.close()
                reason = why(error, self.base)
                if _is_certificate(error):
                    raise ServerAway(reason) from error
                if was_open and attempt == 0:
                    wait = 0.0  # The server closed an idle connection; no harm done.
            else:
                if status not in (429, 502, 503, 504):
                    return self._result(status, head, content)
                asked = head.get("retry-after", "")
                wait = max(float(asked), 0.1) if asked.isdigit() else wait
                reason = (
                    f"{self.base} answers {status}: {_error_in(content)['message']}"
                )
                if wait > LONGEST_WAIT:
                    raise ServerAway(f"{reason} It asks to wait {wait:.0f} seconds.")
            if attempt + 1 < ATTEMPTS:
                self.sleep(wait)
        raise ServerAway(reason)

    def close(self) -> None:
        """Let the connection go."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _once(
        self,
        method: str,
        path: str,
        json_body: Json | None,
        body: Callable[[], Iterable[bytes]] | None,
        extra: Mapping[str, str] | None,
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {
            "Accept": "application/json",
            "User-Agent": f"memory_sync/{VERSION}",
            **(extra or {}),
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        payload: Any = None
        if json_body is not None:
            payload = json.dumps(json_body).encode()
            headers["Content-Type"] = "application/json"
        elif body is not None:
            payload = body()
            headers["Transfer-Encoding"] = "chunked"
        self._connect()
        # A server that refuses early closes its end, often after saying why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.request(
                method,
                self.target_prefix + path,
                body=payload,
                headers=headers,
                encode_chunked=body is not None,
            )
        response = self.connection.getresponse()
        content = response.read()
        head = {name.lower(): value for name, value in response.getheaders()}
        self.last_date = head.get("date", "")
        if response.will_close:
            self.close()
        return response.status, head, content

    def _connect(self) -> None:
        if self.connection is not None:
            return
        import http.client
        from urllib.request import getproxies, proxy_bypass

        proxy = getproxies().get(self.scheme, "")
        if proxy and not proxy_bypass(self.host):
            self.connection = self._through(proxy)
        elif self.scheme == "https":
            self.connection = http.client.HTTPSConnection(
                self.host, self.port, timeout=CONNECT_SECONDS
            )
        else:
            self.connection = http.client.HTTPConnection(
                self.host, self.port, timeout=CONNECT_SECONDS
            )
        self.connection.connect()
        self.connection.sock.settimeout(ANSWER_SECONDS)

    def _through(self, proxy: str) -> Any:
        import http.client
        from urllib.parse import urlsplit

        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        place = (parts.hostname or "", parts.port or 8080)
        if self.scheme == "https":
            tunnel = http.client.HTTPSConnection(*place, timeout=CONNECT_SECONDS)
            tunnel.set_tunnel(self.host, self.port)
            return tunnel
        self.target_prefix = f"http://{self.host}:{self.port}{self.prefix}"
        return http.client.HTTPConnection(*place, timeout=CONNECT_SECONDS)

    def _result(self, status: int, head: Mapping[str, str], content: bytes) -> Json:
        if 300 <= status < 400:
            raise SetupProblem(
                f"{self.base} sends us on to {head.get('location', 'nowhere')}; "
                "set the URL to where the server really is."
            )
        if status < 300:
            try:
                answer = json.loads(content) if content else {}
            except ValueError:
                answer = None
            if not isinstance(answer, dict):
                raise SetupProblem(f"{self.base} does not answer like a memory server.")
            return answer
        refused = Refused(status, _error_in(content))
        if status == 401 or refused.code in ("TOKEN_KIND_REFUSED", "SCOPE_MISSING"):
            raise TokenRefused(str(refused))
        if status == 507:
            raise ServerAway(str(refused))
        raise refused


def _error_in(content: bytes) -> Json:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        error = json.loads(content)["error"]
        if isinstance(error, dict):
            return {"message": "", **error}
    return {"message": ""}


def _is_certificate(error: BaseException) -> bool:
    import ssl

    return isinstance(error, ssl.SSLCertVerificationError)


def why(error: BaseException, base: str) -> str:
    """A network failure in plain words."""
    import socket
    import ssl

    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {base} is not trusted: {error.verify_message}. "
                "Name your authority's file in SSL_CERT_FILE."
            )
        case ssl.SSLError():
            return f"No TLS with {base}: {error.reason}. Is it http:// instead?"
        case socket.gaierror():
            return f"The name in {base} is not known to this machine."
        case ConnectionRefusedError():
            return f"Nothing listens at {base}."
        case TimeoutError():
            return f"{base} does not answer in time."
        case ConnectionError():
            return f"{base} closed the connection."
    return f"{base} cannot be reached: {error or type(error).__name__}"


def quoted(part: str, *, safe: str = "") -> str:
    """Part of an address."""
    from urllib.parse import quote

    return quote(part, safe=safe)
