"""Spans as a collector gets them; off, nothing of it is even imported."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from asgi_requests import send
from django.db import connections
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from rest_client import caller

from jobs import outbox, running
from telemetry import tracing

pytestmark = pytest.mark.django_db(transaction=True)

SAID = "the walrus keeps its keys in the blue teapot"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector(HTTPServer):
    """Takes what is sent to /v1/traces, as a collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans: list[Span] = []
        self.bytes = b""


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/v1/traces"
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.server.bytes += body
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch, settings):
    settings.REDIS_PREFIX = f"tracing-{uuid.uuid4().hex}"
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        tracing._provider.cache_clear()
        yield server
        tracing._provider.cache_clear()
        server.shutdown()


def told(span: Span) -> dict[str, str]:
    return {
        each.key: each.value.string_value or str(each.value.int_value)
        for each in span.attributes
    }


def test_a_search_is_one_trace_from_the_request_to_the_legs(collector):
    token = caller("ai").token
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json",
        "x-request-id": "traced-1",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    body = (
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": '
        b'"recall", "arguments": {"query": "' + SAID.encode() + b'"}}}'
    )
    caller("ai").post("/v1/memories", {"text": SAID})
    assert send("POST", "/mcp", chunks=[body], headers=headers).status == 200
    tracing.flush()

    spans = {
        span.name: span for span in collector.spans if span.trace_id.hex() == TRACE
    }
    parents = {
        name: next(
            (n for n, each in spans.items() if each.span_id == span.parent_span_id),
            None,
        )
        for name, span in spans.items()
    }
    assert parents == {
        "request": None,
        "tool recall": "request",
        "search": "tool recall",
        "search.meaning": "search",
        "search.lexical": "search",
        "search.dense": "search",
    }
    assert told(spans["request"])["http.status"] == "200"
    assert told(spans["tool recall"]) == {
        "mcp.result": "ok",
        "memory.request_id": "traced-1",
    }
    assert b"walrus" not in collector.bytes
    assert str(token).encode() not in collector.bytes


def test_a_job_that_fails_says_so_by_type_alone(collector):
    outbox.ask(verb="nobody.knows", subject=SAID, at=timezone.now())
    running.run_due()
    tracing.flush()

    [span] = [span for span in collector.spans if span.name == "job nobody.knows"]
    assert told(span)["memory.job_result"] == "failed"
    assert b"walrus" not in collector.bytes


def test_a_refused_request_keeps_its_error_to_itself(collector):
    with pytest.raises(ValueError, match="walrus"), tracing.span("work"):
        raise ValueError(SAID)
    tracing.flush()

    [span] = collector.spans
    assert told(span)["error.type"] == "ValueError"
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert b"walrus" not in collector.bytes


def test_off_it_imports_nothing():
    program = (
        "import sys; from telemetry import tracing\n"
        "with tracing.span('work') as span: span.set_attribute('a', 1)\n"
        "print(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/usr/bin"},
        cwd=Path(tracing.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"
