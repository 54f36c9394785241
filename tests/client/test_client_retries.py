"""What the client does when the server answers something other than yes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from machines import machine_at, turn

from memory_sync.problems import (
    Problem,
    Refused,
    ServerAway,
    SetupProblem,
    TokenRefused,
)
from memory_sync.server import Server


class Script(BaseHTTPRequestHandler):
    """Answers requests with prepared answers, as nginx or a busy server would."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, dict[str, str], bytes]]
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + len("\r\n"))
            self.rfile.readline()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = self.answers.pop(0)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def script() -> Iterator[tuple[type[Script], str]]:
    handler = type("ThisScript", (Script,), {"answers": [], "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}/mcp"
    server.shutdown()
    server.server_close()


def refusal(code: str) -> bytes:
    error = {"code": code, "message": "No.", "hint": "Do this.", "detail": {"n": 1}}
    return json.dumps({"error": error, "request_id": "r"}).encode()


def ask(url: str) -> tuple[list[float], Any]:
    """Ask once; returns the pauses that were made and the answer or the problem."""
    pauses: list[float] = []
    server = Server(url, "secret", sleep=pauses.append)
    try:
        return pauses, server.ask("GET", "/x")
    except Problem as problem:
        return pauses, problem
    finally:
        server.close()


def test_it_waits_as_long_as_the_server_asks_and_then_succeeds(script: Any) -> None:
    handler, url = script
    handler.answers += [
        (429, {"Retry-After": "7"}, refusal("RATE_LIMITED")),
        (503, {"Retry-After": "2"}, refusal("SERVICE_UNAVAILABLE")),
        (502, {}, b"<html>bad gateway</html>"),
        (200, {}, b'{"ok": true}'),
    ]
    assert ask(url) == ([7.0, 2.0, 2.0], {"ok": True})


def test_it_gives_up_rather_than_wait_for_minutes(script: Any) -> None:
    handler, url = script
    handler.answers.append((503, {"Retry-After": "900"}, b""))
    pauses, problem = ask(url)
    assert pauses == []
    assert isinstance(problem, ServerAway)
    assert "900" in str(problem)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_ARGUMENT", Refused),
        (401, "TOKEN_EXPIRED", TokenRefused),
        (403, "SCOPE_MISSING", TokenRefused),
        (403, "WORKSPACE_REFUSED", Refused),
        (409, "BASE_MISMATCH", Refused),
        (500, "INTERNAL_ERROR", Refused),
        (507, "STORAGE_FULL", ServerAway),
    ],
)
def test_a_refusal_is_not_asked_for_twice(
    script: Any, status: int, code: str, kind: type[Exception]
) -> None:
    handler, url = script
    handler.answers.append((status, {}, refusal(code)))
    pauses, problem = ask(url)
    assert (pauses, handler.seen) == ([], ["/x"])
    assert type(problem) is kind
    assert "No. Do this." in str(problem)


def test_a_token_is_never_carried_to_where_a_redirect_points(script: Any) -> None:
    handler, url = script
    handler.answers.append((301, {"Location": "https://elsewhere/"}, b""))
    _, problem = ask(url)
    assert isinstance(problem, SetupProblem)
    assert "https://elsewhere/" in str(problem)


def test_a_page_that_is_no_answer_of_ours_is_called_so(script: Any) -> None:
    handler, url = script
    handler.answers.append((200, {}, b"<html>Welcome to nginx</html>"))
    _, problem = ask(url)
    assert isinstance(problem, SetupProblem)


def test_a_closed_idle_connection_is_opened_again_at_once(script: Any) -> None:
    handler, url = script
    handler.answers += [(200, {}, b"{}"), (200, {}, b'{"second": 1}')]
    pauses: list[float] = []
    server = Server(url, "t", sleep=pauses.append)
    server.ask("GET", "/a")
    server.connection.sock.close()
    assert server.ask("GET", "/b") == {"second": 1}
    assert pauses == [0.0]
    server.close()


@pytest.mark.parametrize("is_known", [True, False])
def test_what_was_erased_there_is_left_out_and_asked_for_no_more(
    script: Any, tmp_path: Path, is_known: bool
) -> None:
    handler, url = script
    machine = machine_at(tmp_path, MCP_MEMORY_URL=url, SYNC_TOKEN="s" * 20)
    path = machine.claude_session("erased", turn("forget me"))
    registered = b'{"workspace_id": "w", "write_token": "t"}'
    verdict = {"send": not is_known, "state": "erased" if is_known else "new"}
    checked = json.dumps({"items": [verdict]}).encode()
    refused = [] if is_known else [(410, {}, refusal("ERASED"))]
    handler.answers += [(201, {}, registered), (200, {}, checked), *refused]
    handler.answers += [(200, {}, b"{}")] * 2

    once, again = machine.report("sync"), machine.report("sync")
    assert (once["exit_code"], once["waiting"]) == (0, 0)
    assert once["skipped"] == again["skipped"] == {"erased on the server": 1}
    assert handler.seen[-1].startswith("/api/v1/machines/")
    assert handler.answers == []
    (entry,) = machine.report("status", "--files")["files"]
    assert (entry["fate"], entry["reason"]) == (
        "skipped",
        "excluded: erased on the server",
    )
    # Of a session that grows it is asked again.
    path.write_bytes(turn("forget me") + turn("and me"))
    assert machine.report("status")["waiting"] == 1
