from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from rest_api.views import (
    accounts,
    artefacts,
    evaluations,
    forgetting,
    keys,
    memories,
    pages,
    recalls,
    webhooks,
)
from rest_api.views.citations import CitationView
from rest_api.views.documents import DocumentsView, DocumentView, OverviewView
from rest_api.views.hooks import HookView
from rest_api.views.machines import MachineView
from rest_api.views.searches import SearchView
from rest_api.views.syncing import SyncCheckView
from rest_api.views.tokens import MeView
from rest_api.views.transcripts import TranscriptsView, TranscriptView
from rest_api.views.workspaces import WorkspacesView, WorkspaceView


class AnythingConverter(StringConverter):
    """Every character, so that the path rules refuse a bad path and not the router."""

    regex = r"[\s\S]+"


register_converter(AnythingConverter, "anything")

MEMORY = "v1/memories/<str:memory_id>"
WORKSPACE = "api/v1/workspaces/<str:slug>"

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("healthz", pages.HealthView.as_view(), name="healthz"),
    path("readyz", pages.InstallationReadyView.as_view(), name="readyz"),
    path("metrics", pages.MetricsView.as_view(), name="metrics"),
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
    path("api/v1/machines/<str:name>", MachineView.as_view(), name="machine"),
    path("api/v1/hooks/claude-code", HookView.as_view(), name="hook"),
    path("client/<str:name>", pages.client_file, name="client-file"),
    path("api/v1/search", SearchView.as_view(), name="search"),
    path("api/v1/citations/verify", CitationView.as_view(), name="citation"),
    path("v1/memories", memories.MemoriesView.as_view(), name="memories"),
    path(
        "v1/memories/conversation",
        memories.ConversationsView.as_view(),
        name="conversations",
    ),
    path(MEMORY, memories.MemoryView.as_view(), name="memory"),
    path(f"{MEMORY}/revisions", memories.RevisionsView.as_view(), name="revisions"),
    path(f"{MEMORY}/archive", memories.ArchiveView.as_view(), name="archive"),
    path(f"{MEMORY}/links", memories.LinksView.as_view(), name="links"),
    path("v1/ingest", memories.IngestView.as_view(), name="ingest"),
    path("v1/profile/pins", memories.PinsView.as_view(), name="pins"),
    path("v1/forget", forgetting.ForgetView.as_view(), name="forget"),
    path(
        "v1/forget/confirm",
        forgetting.ForgetConfirmView.as_view(),
        name="forget-confirm",
    ),
    path("v1/search", recalls.MemorySearchView.as_view(), name="memory-search"),
    path("v1/search/history", recalls.SearchHistoryView.as_view(), name="history"),
    path("v1/search/replay", recalls.SearchReplayView.as_view(), name="replay"),
    path("v1/context", recalls.ContextView.as_view(), name="context"),
    path("v1/context/explain", recalls.ContextExplainView.as_view(), name="explain"),
    path(
        "v1/context/feedback",
        recalls.ContextFeedbackView.as_view(),
        name="context-feedback",
    ),
    path("v1/feedback", recalls.FeedbackView.as_view(), name="feedback"),
    path("v1/explain/answer", recalls.AnswerView.as_view(), name="answer"),
    path("v1/import", artefacts.ImportView.as_view(), name="import"),
    path("v1/export", artefacts.ExportView.as_view(), name="export"),
    path("v1/evals/sets", evaluations.EvalSetsView.as_view(), name="eval-sets"),
    path(
        "v1/evals/sets/<str:set_id>",
        evaluations.EvalSetView.as_view(),
        name="eval-set",
    ),
    path("v1/evals/items", evaluations.EvalItemsView.as_view(), name="eval-items"),
    path(
        "v1/evals/items/<str:item_id>",
        evaluations.EvalItemView.as_view(),
        name="eval-item",
    ),
    path("v1/evals/run", evaluations.EvalRunView.as_view(), name="eval-run"),
    path(
        "v1/connectors/settings", accounts.ConnectorsView.as_view(), name="connectors"
    ),
    path("v1/usage/today", accounts.UsageView.as_view(), name="usage"),
    path("v1/audit/log", accounts.AuditView.as_view(), name="audit"),
    path("v1/pruning/metrics", accounts.PruningView.as_view(), name="pruning"),
    path("v1/billing", accounts.BillingView.as_view(), name="billing"),
    path("v1/billing/checkout", accounts.CheckoutView.as_view(), name="checkout"),
    path(
        "v1/billing/webhook",
        webhooks.PaymentWebhookView.as_view(),
        name="payment-webhook",
    ),
    path(
        "v1/webhooks/memory",
        webhooks.MemoryWebhookView.as_view(),
        name="memory-webhook",
    ),
    path("v1/webhooks/secret", keys.WebhookSecretView.as_view(), name="webhook-secret"),
    path("v1/workspaces", keys.ContainersView.as_view(), name="containers"),
    path("v1/api-keys", keys.KeysView.as_view(), name="keys"),
    path("v1/api-keys/revoke", keys.KeyRevokingView.as_view(), name="key-revoking"),
    path("v1/health", pages.MemoryHealthView.as_view(), name="health"),
    path("ready", pages.ReadyView.as_view(), name="ready"),
    path("v1/ready", pages.MemoryReadyView.as_view(), name="memory-ready"),
]
