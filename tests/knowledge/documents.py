"""Writing and reading documents in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from people import NOW, OPERATOR

from knowledge import publishing
from knowledge.models import Version
from workspaces.models import Workspace


def publish(workspace: Workspace, text: str, path: str = "notes.md", **given: Any):
    return publishing.publish(
        workspace=workspace,
        path=path,
        text=text,
        **{"channel": "sync", "actor": OPERATOR, "at": NOW, **given},
    )


def delete(workspace: Workspace, path: str = "notes.md", **given: Any) -> Version:
    return publishing.delete(
        workspace=workspace,
        path=path,
        **{"channel": "assistant", "actor": OPERATOR, "at": NOW, **given},
    )


def noon(day: int) -> datetime:
    return datetime(2026, 11, day, 12, tzinfo=UTC)


# Shaped as real ones, and worthless.
SECRET = "ghp_" + "Zx9Qw3Er7Ty1Ui5Op2As8Df4Gh6Jk0Lm3Nb7"
PRIVATE_KEY = "\n".join(
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        *(
            f"MIIEpAIBAAKCAQEA{n:02d}u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ff"
            for n in range(70)
        ),
        "-----END RSA PRIVATE KEY-----",
    ]
)
