from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from rest_api.views import pages
from rest_api.views.citations import CitationView
from rest_api.views.documents import DocumentsView, DocumentView, OverviewView
from rest_api.views.searches import SearchView
from rest_api.views.syncing import SyncCheckView
from rest_api.views.tokens import MeView
from rest_api.views.transcripts import TranscriptsView, TranscriptView
from rest_api.views.workspaces import WorkspacesView, WorkspaceView


class AnythingConverter(StringConverter):
    """Every character, so that the path rules refuse a bad path and not the router."""

    regex = r"[\s\S]+"


register_converter(AnythingConverter, "anything")

WORKSPACE = "api/v1/workspaces/<str:slug>"

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("healthz", pages.HealthView.as_view(), name="healthz"),
    path("api/v1/schema", pages.SchemaView.as_view(), name="schema"),
    path("api/v1/me", MeView.as_view(), name="me"),
    path("api/v1/workspaces", WorkspacesView.as_view(), name="workspaces"),
    path(WORKSPACE, WorkspaceView.as_view(), name="workspace"),
    path(f"{WORKSPACE}/overview", OverviewView.as_view(), name="overview"),
    path(f"{WORKSPACE}/knowledge", DocumentsView.as_view(), name="documents"),
    path(
        f"{WORKSPACE}/knowledge/<anything:path>",
        DocumentView.as_view(),
        name="document",
    ),
    path(f"{WORKSPACE}/sessions", TranscriptsView.as_view(), name="transcripts"),
    path(
        f"{WORKSPACE}/sessions/<str:session_id>",
        TranscriptView.as_view(),
        name="transcript",
    ),
    path("api/v1/sync/check", SyncCheckView.as_view(), name="sync-check"),
    path("api/v1/search", SearchView.as_view(), name="search"),
    path("api/v1/citations/verify", CitationView.as_view(), name="citation"),
]
