"""Saving and finding memories in tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from people import NOW, OPERATOR

from memories import saving
from memories.models import Memory
from memories.owners import Owner
from memories.saving import Draft, Saved
from search import finding
from search.finding import Hit, Query
from workspaces.models import Workspace

ADA = Owner("ada", "user")
GRACE = Owner("grace", "user")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Shaped as a real one, and worthless.
SECRET = "ghp_" + "Zx9Qw3Er7Ty1Ui5Op2As8Df4Gh6Jk0Lm3Nb7"


def save(workspace: Workspace, text: str, **given: Any) -> Saved:
    """Save a text; what is no field of a draft goes to `saving.save`."""
    how = {
        name: given.pop(name)
        for name in ("channel", "actor", "payer", "at")
        if name in given
    }
    return saving.save(
        workspace=workspace,
        draft=Draft(text, **given),
        **{"channel": "assistant", "actor": OPERATOR, "at": NOW, **how},
    )


def remember(workspace: Workspace, text: str, **given: Any) -> Memory:
    return save(workspace, text, **given).memory


def hits(text: str, mode: str = "keyword") -> list[Hit]:
    """The passages of memories of every workspace that match."""
    query = Query(
        text=text,
        mode=mode,
        workspace_ids=list(Workspace.objects.values_list("pk", flat=True)),
        kinds=["memory"],
        limit=50,
        at=NOW,
    )
    return finding.find(query).hits


def found(text: str, mode: str = "keyword") -> set[int]:
    """The memories that a search finds, by their row."""
    return {hit.source_id for hit in hits(text, mode)}
