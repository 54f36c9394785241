"""What the log tells, and that nothing people wrote is ever in it."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
import uuid
from pathlib import Path

import people
import pytest
from asgi_requests import send
from django.db import connection, connections
from django.utils import timezone
from mcp_client import Client
from rest_client import caller

from jobs import handlers, outbox, running
from jobs.models import Job
from mcp_api.endpoint import mcp_application
from memory_server.request_log import RequestFailed, logging_requests
from telemetry import context, logs

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "AKIAIOSFODNN7EXAMPLF wJalrXUtnFEMI"
SAID = "the walrus keeps its keys in the blue teapot"
PLANTED = f"{SAID} {SECRET}"


@pytest.fixture(autouse=True)
def quiet(settings, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    settings.REDIS_PREFIX = f"logs-{uuid.uuid4().hex}"


@pytest.fixture(params=[logs.Text, logs.Json], ids=["text", "json"])
def lines(request):
    """Everything logged during a test, at every level, as it is written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(request.param())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: written.getvalue()
    root.removeHandler(handler)
    root.setLevel(before)


def planted_everywhere(token: str) -> None:
    """Refusals, faults and tracebacks of every kind, each with the planted text."""
    ai = Client(mcp_application, token)
    for tool, arguments in [
        ("memory_save", {"content": PLANTED}),
        ("memory_save", {"content": f"{PLANTED}\0"}),
        ("memory_save", {"text": PLANTED}),
        ("memory_get", {"memory_id": PLANTED}),
        ("recall", {"query": PLANTED, "containerTag": PLANTED}),
        ("search_sessions", {"query": f"({PLANTED}", "mode": "regex"}),
        ("read_knowledge", {"workspace_id": PLANTED, "path": PLANTED}),
        ("upload_session", {"workspace_id": PLANTED, "write_token": PLANTED}),
        (PLANTED, {PLANTED: PLANTED}),
    ]:
        ai.request("tools/call", {"name": tool, "arguments": arguments})
    ai.send("POST", f'{{"jsonrpc": "2.0", "{PLANTED}'.encode())
    secret = {"authorization": f"Bearer {token}"}
    for method, path, body, more in [
        ("POST", "/v1/memories", json.dumps({"text": [PLANTED]}).encode(), secret),
        ("POST", "/v1/memories", PLANTED.encode(), secret),
        ("POST", "/v1/search", json.dumps({"query": PLANTED}).encode(), secret),
        ("GET", "/v1/memories", b"", {"authorization": f"Bearer {PLANTED}"}),
        ("GET", "/v1/memories", b"", {"authorization": f"Bearer fms_ai_{'x' * 49}"}),
        ("GET", "/v1/memories", b"", {"host": "evil.example", "x-request-id": PLANTED}),
        ("GET", "/admin/", b"", {"cookie": f"sessionid={SECRET.split()[0]}"}),
    ]:
        headers = {"content-type": "application/json", **more}
        send(
            method,
            path,
            chunks=[body],
            query=b"q=" + SAID.replace(" ", "+").encode(),
            headers=headers,
        )


def test_no_word_of_anybody_is_logged(lines, monkeypatch):
    def broken(*args: object, **kwargs: object) -> None:
        with connection.cursor() as cursor:
            # The database quotes the value in its own error.
            cursor.execute("SELECT %s::int", [PLANTED])

    token = str(caller("ai").token)
    planted_everywhere(token)
    monkeypatch.setattr("memories.saving.save", broken)
    monkeypatch.setattr("recall.recalling.recall", broken)
    monkeypatch.setattr("django.contrib.auth.get_user", broken)
    planted_everywhere(token)
    monkeypatch.setitem(
        handlers._handlers, "test.quote", lambda subject, *, lease: broken()
    )
    outbox.ask(verb="test.quote", subject="1", at=timezone.now())
    running.run_due()

    async def forgotten() -> None:
        async def quote() -> None:
            raise ValueError(PLANTED)

        task = asyncio.ensure_future(quote())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(forgotten())
    logging.getLogger("celery.app.trace").error(
        "Task %s raised: %r", "x", ValueError(PLANTED), exc_info=ValueError(PLANTED)
    )
    logging.getLogger("daphne.server").error("Exception: %s\n%s", PLANTED, PLANTED)

    said = lines()
    assert "test.quote" in said
    assert "request_completed" in said
    assert said.count("DataError") + said.count("InvalidTextRepresentation") >= 3
    for word in ("walrus", "teapot", *SECRET.split(), "fms_ai_x", token):
        assert word not in said, next(
            line for line in said.splitlines() if word in line
        )


def test_each_line_of_a_request_carries_its_id(lines):
    def failing(scope, receive, send):
        logging.getLogger("anyone").info("half_way")
        raise ValueError(PLANTED)

    scope = {
        "method": "GET",
        "path": "/v1/x",
        "headers": [(b"x-request-id", b"mine-9")],
    }
    with pytest.raises(RequestFailed) as raised:
        asyncio.run(logging_requests(failing)(scope, None, None))

    said = [line for line in lines().splitlines() if "mine-9" in line]
    assert len(said) == 3
    assert PLANTED not in lines()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_job_tells_its_number_and_who_asked_for_it(lines, monkeypatch):
    seen: list[str] = []

    def work(subject, *, lease):
        seen.append(context.request_id.get())
        logging.getLogger("search").warning("at_work")

    monkeypatch.setitem(handlers._handlers, "test.work", work)
    context.request_id.set("asked-by-7")
    try:
        outbox.ask(verb="test.work", subject="1", at=timezone.now())
    finally:
        context.request_id.set("")
    running.run_due()

    number = Job.objects.get(verb="test.work").pk
    [line] = [each for each in lines().splitlines() if "at_work" in each]
    assert seen == ["asked-by-7"]
    assert "asked-by-7" in line
    assert str(number) in line


def test_json_lines_are_objects_with_the_fields_of_a_request():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    logger = logging.getLogger("memory_server.request_log")
    logger.addHandler(handler)
    level, logger.level = logger.level, logging.INFO
    try:
        for path in ("/healthz", "/readyz", "/metrics", "/v1/nothing"):
            send("GET", path, chunks=[b""], headers={"x-request-id": "r-1"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)

    [line] = map(json.loads, written.getvalue().splitlines())
    assert (
        line.items()
        >= {
            "event": "request_completed",
            "level": "INFO",
            "method": "GET",
            "path": "/v1/nothing",
            "status": 404,
            "request_id": "r-1",
        }.items()
    )


def test_log_format_chooses_the_form():
    program = (
        "import django, logging; django.setup()\nlogging.getLogger('x').error('hello')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": "/usr/bin",
            "DJANGO_SETTINGS_MODULE": "memory_server.settings",
            "LOG_FORMAT": "json",
            "MEMORY_ROOT": "/nowhere",
        },
        cwd=Path(people.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stderr)["event"] == "hello"
