from __future__ import annotations

import pytest
from messages import AT, message

from search import finding, passages
from search.finding import Query, Results
from search.passages import Source
from workspaces.models import Workspace


@pytest.fixture
def make_workspace(db):
    def make(project: str = "bakery") -> Workspace:
        return Workspace.objects.create(
            slug=f"laptop-tool-{project}",
            machine="laptop",
            tool="tool",
            project=project,
            created_at=AT,
            last_active_at=AT,
        )

    return make


@pytest.fixture
def workspace(make_workspace):
    return make_workspace()


@pytest.fixture
def remember(workspace):
    """Make texts findable, one message each, as one source."""

    def add(
        *texts, source_id: int = 1, kind: str = "transcript", where=None, **changed
    ):
        source = Source((where or workspace).pk, kind, source_id)
        messages = [message(i, text, **changed) for i, text in enumerate(texts)]
        passages.add(source, messages, at=AT)
        return source

    return add


@pytest.fixture
def ask(workspace):
    """Search the workspace."""

    def find(text: str, mode: str = "keyword", **changed) -> Results:
        values = {
            "workspace_ids": [workspace.pk],
            "kinds": ["transcript", "knowledge"],
            "limit": 10,
        } | changed
        return finding.find(Query(text=text, mode=mode, **values))

    return find
