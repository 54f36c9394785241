"""Figures for Prometheus: who may read them, what they count, what they never hold."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from asgi_requests import send
from django.db import connections
from django.utils import timezone
from mcp_client import Client
from people import NOW
from prometheus_client.parser import text_string_to_metric_families
from rest_client import Caller, caller

from jobs import outbox, running
from mcp_api.endpoint import mcp_application
from memory_server import asgi
from operations import health, metrics
from operations.backups import kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def afresh(settings, monkeypatch):
    settings.REDIS_PREFIX = f"metrics-{uuid.uuid4().hex}"
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    for each in (metrics._Standing, health._Kept):
        monkeypatch.setattr(
            each, "_at" if each is metrics._Standing else "at", float("-inf")
        )


def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def value(name: str, **labels: str) -> float:
    return samples().get((f"memory_{name}", tuple(sorted(labels.items()))), 0.0)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("ai", 403),
        ("sync", 403),
        ("admin", 200),
        ("METRICS_TOKEN", 200),
    ],
)
def test_only_administrators_and_the_scraper_read_them(settings, who, status):
    settings.METRICS_TOKEN = "a scraper's own, long enough"
    tokens = {"nobody": None, "METRICS_TOKEN": settings.METRICS_TOKEN}
    asking = Caller(tokens[who]) if who in tokens else caller(who)

    answer = asking.get("/metrics")

    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert b"memory_check_state" in answer.content


def test_the_scrapers_token_opens_nothing_else(settings):
    settings.METRICS_TOKEN = "a scraper's own, long enough"

    assert Caller(settings.METRICS_TOKEN).get("me").status_code == 401


def test_without_one_the_empty_token_opens_nothing():
    assert Caller("").get("/metrics").status_code == 401


def test_requests_are_counted_by_the_template_of_their_route():
    route = {"method": "GET", "route": "/v1/memories/{memory_id}", "status": "401"}
    unknown = {"method": "other", "route": "unknown", "status": "404"}
    before = (
        value("http_requests_total", **route),
        value("http_requests_total", **unknown),
    )

    for _ in range(3):
        send("GET", f"/v1/memories/{uuid.uuid4()}", chunks=[b""])
    send("BREW", f"/{uuid.uuid4()}", chunks=[b""])

    assert value("http_requests_total", **route) == before[0] + 3
    assert value("http_requests_total", **unknown) == before[1] + 1
    assert value("http_request_seconds_count", route=route["route"]) >= 3


def test_calls_searches_jobs_and_uploads_are_counted():
    ai = Client(mcp_application, caller("ai").token)
    found = {"tool": "recall", "result": "ok"}
    refused = {"tool": "memory_get", "result": "NOT_FOUND"}
    failed = {"verb": "nobody.knows", "result": "failed"}
    names = [
        ("mcp_calls_total", found),
        ("mcp_calls_total", refused),
        ("search_seconds_count", {"mode": "exact"}),
        ("jobs_run_total", failed),
    ]
    before = [value(name, **labels) for name, labels in names]

    ai.call("recall", query="herons", mode="exact")
    ai.call("memory_get", memory_id=str(uuid.uuid4()))
    outbox.ask(verb="nobody.knows", subject="1", at=NOW)
    running.run_due()

    counted = [value(name, **labels) for name, labels in names]
    assert [now - then for now, then in zip(counted, before, strict=True)] == [
        1,
        1,
        1,
        1,
    ]
    metrics._Standing._at = float("-inf")
    assert value("jobs_unfinished", verb="nobody.knows") == 1


def test_nothing_that_people_wrote_is_a_label():
    secret = "zebra-crossing-4711"
    ai = Client(mcp_application, caller("ai").token)
    ai.call("recall", query=secret, containerTag=secret)
    ai.request("tools/call", {"name": secret, "arguments": {}})
    send("GET", f"/v1/{secret}", chunks=[b""], headers={"x-request-id": secret})
    send(secret, "/v1/memories", chunks=[b""])

    assert secret not in metrics.exposition().decode()


def test_without_a_database_what_was_counted_is_told_all_the_same(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")

    assert value("check_state", check="database") == 2
    assert not any(name == "memory_workspaces" for name, _ in samples())
    assert any(name == "memory_http_requests_total" for name, _ in samples())


def test_processes_that_share_a_directory_answer_for_each_other(tmp_path):
    program = (
        "import sys; from telemetry import metrics\n"
        "metrics.count_job('search.merge', 'done', seconds=0.1)\n"
        "print(metrics.exposition().decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}

    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=Path(asgi.__file__).parent.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(3)
    ]

    assert 'memory_jobs_run_total{result="done",verb="search.merge"} 3.0' in said[-1]
    # What ended processes counted is in one file a kind, beside those of the last one.
    left = {path.name for path in (tmp_path / "shared").glob("*_0.db")}
    assert left == {"counter_0.db", "histogram_0.db"}
    assert len(list((tmp_path / "shared").glob("*.db"))) == 4


def test_how_old_the_newest_backup_is(settings, tmp_path):
    settings.BACKUP_DIRECTORY = str(tmp_path)
    home = tmp_path / kept.name_at(timezone.now() - timedelta(hours=3))
    home.mkdir()
    (home / kept.MANIFEST).touch()

    assert value("backup_age_seconds") == pytest.approx(3 * 3600, abs=60)
