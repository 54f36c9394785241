"""Registering a workspace: the first act of every client."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import datetime

from django.db import IntegrityError, transaction

import changes
from audit import trail
from erasures import receipts
from refusals import InvalidArgument
from workspaces.identity import slug_candidates
from workspaces.models import Workspace

CONTAINER = "container"
MAX_PART_CHARS = 200
MAX_CWD_CHARS = 1024
MAX_DESCRIPTION_CHARS = 2000


def register(
    *,
    machine: str,
    tool: str,
    project: str,
    cwd: str = "",
    description: str = "",
    actor: trail.Actor,
    at: datetime,
) -> tuple[Workspace, bool]:
    """Find or create the workspace of a triple; say whether it is new.

    A given `cwd` or `description` replaces the stored one. Raises InvalidArgument for a
    part that is empty, longer than 200 characters or holds control characters, and
    receipts.Erased for a triple whose workspace was erased.
    """
    triple = parts(machine=machine, tool=tool, project=project)
    cwd = _bounded("cwd", cwd, maximum=MAX_CWD_CHARS)
    description = _bounded("description", description, maximum=MAX_DESCRIPTION_CHARS)
    with transaction.atomic():
        workspace, is_new = _find_or_create(triple, at=at)
        if is_new:
            receipts.refuse_identity(identity_digest(**triple))
        changed = workspace.describe(cwd=cwd, description=description)
        if is_new:
            changes.tell_list("workspaces")
        if is_new or changed:
            trail.record(
                actor=actor,
                action="workspace.register",
                at=at,
                workspace_slug=workspace.slug,
                target=workspace.slug,
                detail={**triple, "created": is_new},
            )
    return workspace, is_new


def container(tag: str, *, actor: trail.Actor, at: datetime) -> Workspace:
    """Find or create the workspace that a containerTag stands for.

    It is no project on a machine: its machine is `container` and its project the tag.
    Expects a tag as access.containers makes it.
    """
    found = Workspace.objects.filter(container_tag=tag).first()
    if found is not None:
        return found
    workspace, _ = register(
        machine=CONTAINER, tool=CONTAINER, project=tag, actor=actor, at=at
    )
    Workspace.objects.filter(pk=workspace.pk).update(container_tag=tag)
    workspace.container_tag = tag
    return workspace


def parts(*, machine: str, tool: str, project: str) -> dict[str, str]:
    """Check the three parts and give them in the form they are stored and compared."""
    return {
        "machine": _part("machine", machine),
        "tool": _part("tool", tool),
        "project": _part("project", project),
    }


def machine_name(name: str) -> str:
    """Check a machine's name and give it in the form it is stored and compared."""
    return _part("machine", name)


def find(*, machine: str, tool: str, project: str) -> Workspace | None:
    """Find the workspace of a triple without making one."""
    triple = parts(machine=machine, tool=tool, project=project)
    return Workspace.objects.filter(**triple).first()


def identity_digest(*, machine: str, tool: str, project: str) -> str:
    """What tells an erased workspace's triple apart without naming it."""
    whole = json.dumps([machine, tool, project]).encode()
    return hashlib.sha256(whole).hexdigest()


def _find_or_create(triple: dict[str, str], *, at: datetime) -> tuple[Workspace, bool]:
    # The unique constraints decide the race: a second writer waits in its INSERT for
    # the first to commit, fails, and then either finds the row of its own triple or
    # knows that the slug belongs to another triple and tries the next one.
    for slug in slug_candidates(**triple):
        if found := Workspace.objects.filter(**triple).first():
            return found, False
        try:
            with transaction.atomic():
                return Workspace.objects.create(
                    slug=slug, created_at=at, last_active_at=at, **triple
                ), True
        except IntegrityError:
            continue
    raise AssertionError("slug candidates never end")


def _part(name: str, value: str) -> str:
    text = unicodedata.normalize("NFC", _bounded(name, value, maximum=MAX_PART_CHARS))
    if not text:
        raise InvalidArgument(
            f"{name} is empty.", hint=f"Say which {name} this workspace is for."
        )
    return text


def _bounded(name: str, value: str, *, maximum: int) -> str:
    text = value.strip()
    if len(unicodedata.normalize("NFC", text)) > maximum:
        raise InvalidArgument(
            f"{name} is longer than {maximum} characters.", hint=f"Shorten {name}."
        )
    # Cc holds NUL and line breaks, Cs the lone surrogates that no database stores.
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise InvalidArgument(
            f"{name} holds control characters.",
            hint=f"Send {name} as one line of plain text.",
        )
    return text
