"""What the self-test says when something stands between the server and its clients."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import override_settings
from documents_server import free_port
from oauth2_provider.models import get_application_model

from access.models import Token
from oauth import self_test


@contextmanager
def answering(status: int, body: object, **headers: str) -> Iterator[str]:
    """Something else than this server at its public address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value.format(self.base))
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Handler.base
    finally:
        server.shutdown()
        server.server_close()


def problem_of(url: str, operator) -> str:
    with override_settings(PUBLIC_URL=url):
        report = self_test.run(operator)
    assert [step.is_good for step in report.steps[:-1]] == [True] * (
        len(report.steps) - 1
    )
    assert not get_application_model().objects.exists()
    assert not Token.objects.exists()
    return f"{len(report.steps)}: {report.steps[-1].problem}"


def test_a_public_address_where_nothing_answers(operator):
    problem = problem_of(f"http://127.0.0.1:{free_port()}", operator)

    assert problem.startswith("1: http://127.0.0.1")
    assert "cannot be reached" in problem


def test_a_proxy_that_drops_the_challenge(operator):
    with answering(401, {}) as url:
        assert problem_of(url, operator).startswith("1: The proxy drops")


def test_another_server_at_the_public_address(operator):
    with answering(200, {}) as url:
        problem = problem_of(url, operator)

    assert problem == "1: A request without token should get 401."


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "2: Something else than this server answers there."),
        ({"resource": "https://elsewhere.example/mcp"}, "2: The resource is not"),
    ],
)
def test_metadata_of_somebody_else(operator, body, problem):
    challenge = 'Bearer resource_metadata="{}/metadata"'
    with answering(401, body, WWW_Authenticate=challenge) as url:
        assert problem_of(url, operator).startswith(problem)


def test_only_who_may_make_tokens_runs_it(client, django_user_model):
    helper = django_user_model.objects.create_user("helper", is_staff=True)
    client.force_login(helper)

    page = client.post("/console/connections/").content.decode()

    assert "What clients tried" in page
    assert "as a client would" not in page
    assert "MCP initialize" not in page
