"""The console's side bar."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

_SECTIONS = {
    "Look": [
        ("Overview", "monitoring", "admin:index"),
        ("Search", "search", "console:search"),
        ("Live", "stream", "console:live"),
        ("Machines", "computer", "console:machines"),
    ],
    "Memory": [
        ("Workspaces", "hub", "admin:workspaces_workspace_changelist"),
        ("Memories", "lightbulb", "admin:memories_memory_changelist"),
        ("Conflicts", "call_split", "admin:memories_conflict_changelist"),
        ("Documents", "description", "admin:knowledge_document_changelist"),
        ("Transcripts", "forum", "admin:transcripts_transcript_changelist"),
        ("Sync sources", "sync", "admin:workspaces_syncsource_changelist"),
        ("Server README", "menu_book", "admin:workspaces_serverreadme_changelist"),
    ],
    "Safety": [
        ("Tokens", "key", "admin:access_token_changelist"),
        ("Audit", "verified_user", "console:audit"),
        ("Audit events", "policy", "admin:audit_event_changelist"),
        ("Erasures", "delete_forever", "admin:erasures_erasure_changelist"),
        ("Secrets found", "shield_lock", "admin:search_finding_changelist"),
    ],
    "Plans": [
        ("Plans", "sell", "admin:usage_plan_changelist"),
        ("Accounts", "account_balance_wallet", "admin:usage_account_changelist"),
        ("Usage", "speed", "admin:usage_meter_changelist"),
        ("Payments", "payments", "admin:usage_transaction_changelist"),
    ],
    "Running": [
        ("Doctor", "stethoscope", "console:doctor"),
        ("Jobs", "pending_actions", "admin:jobs_job_changelist"),
        ("Blobs", "database", "admin:blobs_blob_changelist"),
        ("Operators", "group", "admin:auth_user_changelist"),
    ],
}


# Where the optional app of that name is installed.
_OAUTH = [
    ("OAuth grants", "handshake", "admin:oauth_grant_changelist"),
    ("OAuth clients", "apps", "admin:oauth2_provider_application_changelist"),
    ("Connections", "cable", "oauth:connections"),
]


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    """The navigation in the shape that the admin theme wants."""
    more = {"Signing in": _OAUTH} if settings.OAUTH_ENABLED else {}
    return [
        {
            "title": title,
            "separator": True,
            "items": [
                {"title": name, "icon": icon, "link": reverse(view)}
                for name, icon, view in links
            ],
        }
        for title, links in (_SECTIONS | more).items()
    ]
