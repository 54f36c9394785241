"""What sync clients and other connectors may capture, for each workspace."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from audit import trail
from refusals import InvalidArgument
from workspaces.models import SyncSource, Workspace

# Every type there is, and whether it is captured unless somebody says otherwise.
CAPTURE_TYPES = {
    "pdf": True,
    "docx": True,
    "txt": True,
    "md": True,
    "html": True,
    "csv": False,
    "tsv": False,
    "xlsx": False,
    "pptx": False,
    "eml": False,
    "msg": False,
}
# The id under which a workspace says what the sync client may capture.
SYNC_CLIENT = "memory-sync"
MAX_ID_CHARS = 120
MAX_CONNECTORS = 200


def settings_of(workspace: Workspace) -> list[SyncSource]:
    """Every connector that has settings in this workspace, by its id."""
    return list(SyncSource.objects.filter(workspace=workspace).order_by("connector_id"))


def effective(workspace: Workspace, connector_id: str) -> SyncSource:
    """What holds for a connector now: its settings, else the defaults, unsaved."""
    found = SyncSource.objects.filter(workspace=workspace, connector_id=connector_id)
    return found.first() or SyncSource(
        workspace=workspace,
        connector_id=connector_id,
        capture_types=dict(CAPTURE_TYPES),
        updated_at=workspace.created_at,
    )


def choice(workspace: Workspace, connector_id: str) -> Callable[[str], bool]:
    """Whether a file with some path may be captured; "" for a session.

    What nobody chose is captured: without settings everything, with them also the types
    that they do not list.
    """
    found = SyncSource.objects.filter(workspace=workspace, connector_id=connector_id)
    source = found.first() or SyncSource(capture_types={})

    def is_captured(path: str) -> bool:
        kind = path.rpartition(".")[2].lower()
        return source.sync_enabled and bool(source.capture_types.get(kind, True))

    return is_captured


def update(
    *,
    workspace: Workspace,
    connector_id: str,
    sync_enabled: bool | None = None,
    capture_types: Mapping[str, bool] | None = None,
    actor: trail.Actor,
    at: datetime,
) -> SyncSource:
    """Set what a connector may capture; it is made when it is new.

    What is None stays as it is. Given `capture_types` are the whole choice: a type
    that they leave out takes its default. Raises InvalidArgument.
    """
    connector_id = _checked_id(connector_id)
    types = None if capture_types is None else _checked_types(capture_types)
    with transaction.atomic():
        source = _locked_or_new(workspace, connector_id, at=at)
        if sync_enabled is not None:
            source.sync_enabled = sync_enabled
        if types is not None:
            source.capture_types = types
        source.updated_at = at
        source.save()
        trail.record(
            actor=actor,
            action="connector.update",
            at=at,
            workspace_slug=workspace.slug,
            target=connector_id,
            detail={
                "sync_enabled": source.sync_enabled,
                "captured": [name for name, on in source.capture_types.items() if on],
            },
        )
    return source


def _locked_or_new(
    workspace: Workspace, connector_id: str, *, at: datetime
) -> SyncSource:
    # Without the workspace's lock, newcomers at once would all pass the count.
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    mine = SyncSource.objects.filter(workspace=workspace)
    found = mine.filter(connector_id=connector_id).first()
    if found is not None:
        return found
    if mine.count() >= MAX_CONNECTORS:
        raise InvalidArgument(
            f"This workspace has {MAX_CONNECTORS} connectors already.",
            hint="Use the id of one of them; connector_settings_get lists them.",
        )
    return SyncSource(
        workspace=workspace,
        connector_id=connector_id,
        capture_types=dict(CAPTURE_TYPES),
        updated_at=at,
    )


def _checked_id(connector_id: object) -> str:
    text = connector_id.strip() if isinstance(connector_id, str) else ""
    is_plain = not any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)
    if not (0 < len(text) <= MAX_ID_CHARS and is_plain):
        raise InvalidArgument(
            f"connector_id must be 1 to {MAX_ID_CHARS} characters of plain text.",
            hint="Use the connector's name, such as claude-code-laptop.",
        )
    return text


def _checked_types(given: Mapping[str, bool]) -> dict[str, bool]:
    is_mapping = isinstance(given, Mapping) and set(given) <= set(CAPTURE_TYPES)
    if not is_mapping or not all(isinstance(on, bool) for on in given.values()):
        raise InvalidArgument(
            "capture_types must map file types to true or false.",
            hint=f"The types are {', '.join(CAPTURE_TYPES)}.",
        )
    return {**CAPTURE_TYPES, **given}
