"""What anyone may see: that the server is up, what it is, and the API's schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from access.requirements import Requirement
from operations import client_files, health, metrics
from rest_api.authentication import MetricsAuthentication
from rest_api.resource import Resource
from search.embedders import chosen as embedders
from search.embedders.embedder import EmbedderAway

PUBLIC = Requirement(public=True, scope=None)
_NOT_STORED = {"Cache-Control": "no-store"}


class PublicResource(Resource):
    """A view that asks nobody who they are."""

    requirement = PUBLIC
    authentication_classes = []
    throttle_classes = []


class HealthView(PublicResource):
    """Whether this process answers, and reaches its database and Redis."""

    def get(self, request: Request) -> Response:
        """Answer 200 while the process lives, with or without its database."""
        answer = {
            "status": "ok",
            "version": settings.VERSION,
            "build_version": settings.VERSION,
            "embedding_model": _embedder_name(),
            **_states("database", "redis"),
        }
        return Response(answer, headers=_NOT_STORED)


class MemoryHealthView(HealthView):
    """The same under /v1/."""


class InstallationReadyView(PublicResource):
    """Whether the whole installation works: what watches it asks here."""

    answers = {"GET": {200: OpenApiTypes.OBJECT, 503: OpenApiTypes.OBJECT}}

    def get(self, request: Request) -> Response:
        """Answer 200, or 503 if a check is broken, with each check and its hint."""
        found = health.checks()
        is_ready = health.is_ready(found)
        answer = {
            "status": "ok" if is_ready else "not_ready",
            "checks": {check.name: _told(check) for check in found},
        }
        status = 200 if is_ready else 503
        return Response(answer, status=status, headers=_NOT_STORED)


class MetricsView(Resource):
    """Figures for Prometheus."""

    requirement = Requirement(kinds=frozenset({"admin"}), scope="admin")
    authentication_classes = [MetricsAuthentication]
    throttle_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(
            metrics.exposition(), content_type=metrics.CONTENT_TYPE, headers=_NOT_STORED
        )


class ReadyView(PublicResource):
    """Whether this process can serve: what sends it requests asks here."""

    answers = {"GET": {200: OpenApiTypes.OBJECT, 503: OpenApiTypes.OBJECT}}

    def get(self, request: Request) -> Response:
        """Answer 200 with a database, else 503."""
        if _states("database")["database"] == "ok":
            answer, status = {"status": "ok", "db": "connected"}, 200
        else:
            answer, status = {"status": "degraded", "db": "unavailable"}, 503
        return Response(answer, status=status, headers=_NOT_STORED)


class MemoryReadyView(ReadyView):
    """The same under /v1/."""


class SchemaView(PublicResource, SpectacularJSONAPIView):
    """The OpenAPI description of this API."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(_schema())


@cache
def _schema() -> dict[str, Any]:
    # Anyone may ask for it and it costs 50 ms to make, so it is made once.
    generator: Any = SchemaGenerator
    schema: dict[str, Any] = generator().get_schema(request=None, public=True)
    return schema


def landing(request: HttpRequest) -> HttpResponse:
    """What a person sees who opens the server's address."""
    return render(
        request,
        "landing.html",
        {"version": settings.VERSION, "mcp_url": f"{settings.PUBLIC_URL}/mcp"},
    )


landing.requirement = PUBLIC  # type: ignore[attr-defined]


def client_file(request: HttpRequest, name: str) -> HttpResponse:
    """The sync client or one of its installers; they hold no secret."""
    data = client_files.content(name)
    if data is None:
        raise Http404
    return HttpResponse(
        data,
        content_type="application/octet-stream",
        headers={
            "Cache-Control": "no-cache",
            "Content-Disposition": f'attachment; filename="{name}"',
            "ETag": f'"{client_files.sha256(name)}"',
        },
    )


client_file.requirement = PUBLIC  # type: ignore[attr-defined]


def _embedder_name() -> str | None:
    try:
        embedder = embedders.current()
    except EmbedderAway:
        return None
    return embedder.name if embedder else None


def _states(*names: str) -> dict[str, str]:
    """`ok` or `away`; without Redis limits are per process, and kept answers rest."""
    found = health.run(names)
    return {check.name: "ok" if check.state == "ok" else "away" for check in found}


def _told(check: health.Check) -> dict[str, Any]:
    told = {"state": check.state, "detail": check.detail, "ms": check.ms}
    return told | ({"hint": check.hint} if check.hint else {})
