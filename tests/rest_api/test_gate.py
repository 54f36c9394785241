"""The API as the server runs it: ASGI, streamed bodies, bounds before reading."""

from __future__ import annotations

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgi_requests import Sent, send
from django.db import connections
from rest_client import Caller, caller

from access import write_tokens
from access.models import Token

pytestmark = pytest.mark.django_db(transaction=True)

LINE = b'{"role": "user", "content": "' + b"x" * 1000 + b'"}\n'


@pytest.fixture(autouse=True)
def close_connections_of_threads(monkeypatch):
    """Django's threads keep connections, which would block the database's drop."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def upload(sync, workspace):
    def put(chunks: list[bytes], **options: Any) -> Sent:
        headers = {
            "authorization": f"Bearer {sync.token}",
            "x-write-token": write_tokens.derive(workspace),
            "content-type": "application/x-ndjson",
            **options.pop("headers", {}),
        }
        path = f"/api/v1/workspaces/{workspace.slug}/sessions/one"
        return send("PUT", path, chunks=chunks, headers=headers, **options)

    return put


@pytest.mark.parametrize("with_length", [True, False])
def test_a_body_in_many_chunks_is_stored_whole(upload, with_length):
    answer = upload([LINE * 100] * 30, with_length=with_length)

    assert answer.status == 201
    assert answer.json["sha256"] == hashlib.sha256(LINE * 3000).hexdigest()
    assert answer.headers["x-request-id"]


def test_a_stated_length_over_the_bound_is_413_before_reading(upload, settings):
    settings.MAX_TRANSCRIPT_BYTES = 1000

    answer = upload([LINE])

    assert (answer.status, answer.taken_bytes) == (413, 0)
    assert answer.json["error"]["code"] == "CONTENT_TOO_LARGE"
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_an_unstated_length_is_cut_off_at_the_bound(upload, settings, stored):
    settings.MAX_TRANSCRIPT_BYTES = 5000
    before = stored()

    answer = upload([LINE] * 1000, with_length=False)

    assert answer.status == 413
    assert answer.taken_bytes < 10_000
    assert stored() == before


def test_json_bodies_have_a_smaller_bound(db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = send("POST", "/api/v1/workspaces", chunks=[b"x" * 101])

    assert (answer.status, answer.taken_bytes) == (413, 0)


@pytest.mark.parametrize("length", ["-1", "ten", "", "9" * 30, "9" * 5000])
def test_an_odd_length_is_refused(db, length):
    answer = send(
        "POST", "/api/v1/workspaces", chunks=[b""], headers={"content-length": length}
    )

    assert answer.status in {400, 413}
    assert answer.json["error"]["code"] in {"INVALID_ARGUMENT", "CONTENT_TOO_LARGE"}


def test_an_undecodable_query_is_a_json_400(db):
    answer = send("GET", "/api/v1/workspaces", chunks=[b""], query=b"machine=\xff")

    assert answer.status == 400
    assert answer.json["error"]["code"] == "INVALID_ARGUMENT"


def test_a_chunked_document_is_not_taken_for_an_empty_one(sync, workspace):
    answer = send(
        "PUT",
        f"/api/v1/workspaces/{workspace.slug}/knowledge/a.md",
        chunks=[b"# Hel", b"lo\n"],
        with_length=False,
        headers={
            "authorization": f"Bearer {sync.token}",
            "x-write-token": write_tokens.derive(workspace),
            "content-type": "text/markdown",
        },
    )

    assert (answer.status, answer.json["size_bytes"]) == (201, 8)


def test_a_body_never_needs_its_size_in_memory(upload):
    """64 MiB go through in less than 24 MiB of Python's memory."""
    upload([LINE])
    chunk = LINE * 1024
    chunks = [chunk] * 64
    tracemalloc.start()
    try:
        answer = upload(chunks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.status == 201
    assert peak < 24 * 2**20


def test_twins_with_one_key_do_the_work_once(sync, workspace):
    """Eight at once: one answer is remembered, nobody sees half of it."""
    triple = {"machine": "m", "tool": "t", "project": "p"}

    def register(_: int) -> Any:
        try:
            return Caller(sync.token).post("workspaces", triple, Idempotency_Key="same")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(register, range(8)))

    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[0] == 201
    assert {a.json()["created"] for a in answers if a.status_code == 201} == {True}


def test_a_revoked_token_is_refused_under_asgi_too(workspace):
    token = caller("ai").token
    headers = {"authorization": f"Bearer {token}"}

    assert send("GET", "/api/v1/me", chunks=[b""], headers=headers).status == 200

    Token.objects.update(revoked_at="2026-01-01T00:00:00Z")
    assert send("GET", "/api/v1/me", chunks=[b""], headers=headers).status == 401
