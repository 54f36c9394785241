"""Where memories are read and written: containerTag, binding, headers and pin in one.

A containerTag names a workspace: by its id, or a container that the tag itself makes.
Reading without one is federated with the bound workspace first; with one it is that
workspace alone. Writing goes to the bound workspace, else to the tag's, else to the
container `default`. Every interface asks here, so that what one saves another recalls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from access import scoping
from access.principals import Principal
from refusals import Code, InvalidArgument, Refusal
from workspaces import registering
from workspaces.models import Workspace, WorkspaceQuerySet

DEFAULT_TAG = "default"
MAX_TAG_CHARS = 128
_OTHER = re.compile(r"[^-a-zA-Z0-9_.:]")


class UnauthorizedScope(Refusal):
    """A write that names another workspace than the one it is bound to."""

    code = Code.UNAUTHORIZED_SCOPE
    hint = "Leave containerTag out, or register the workspace that you mean."


@dataclass(frozen=True)
class Naming:
    """Everything in a request that may name a workspace; all optional.

    `container_tag` is the argument, `tag_header` the default that a client sends with
    every request.
    """

    container_tag: str | None = None
    tag_header: str | None = None
    binding: str | None = None
    slug_header: str | None = None
    session_slug: str | None = None


@dataclass(frozen=True)
class ReadScope:
    """What a memory call reads: `home` is ranked first, and its profile shown.

    `tag` is the containerTag that narrowed it; a tag that nothing was ever written
    under reads no workspace at all, which is no error.
    """

    workspaces: WorkspaceQuerySet
    home: Workspace | None
    tag: str | None


def normal_tag(tag: str) -> str:
    """The tag with other characters than letters, digits and -_.: made `_`.

    Raises InvalidArgument past 128 characters.
    """
    tag = tag.strip()
    if len(tag) > MAX_TAG_CHARS:
        raise InvalidArgument(
            f"containerTag has more than {MAX_TAG_CHARS} characters.",
            hint="Use a workspace_id or a short name.",
        )
    return _OTHER.sub("_", tag)


def reading(principal: Principal, naming: Naming, *, at: datetime) -> ReadScope:
    """What this request reads. Raises InvalidArgument and the errors of bindings."""
    everything = scoping.readable(principal)
    tag = normal_tag(naming.container_tag or "")
    if tag:
        found = _tagged(everything, tag)
        only = everything.filter(pk=found.pk) if found else everything.none()
        return ReadScope(only, found, tag)
    home = _bound(principal, naming, at=at)
    if home is None:
        # A header may name what was never written to; then nothing comes first.
        home = _tagged(everything, normal_tag((naming.tag_header or "")[:128]))
    return ReadScope(everything, home, None)


def writing(principal: Principal, naming: Naming, *, at: datetime) -> Workspace:
    """The workspace that this request writes to; a container is made when it is new.

    Raises UnauthorizedScope, InvalidArgument, and what scoping.writable_workspace does;
    WorkspaceNotFound also for the tag of a private workspace of others.
    """
    tag = normal_tag(naming.container_tag or "")
    bound = _bound(principal, naming, at=at)
    if bound is not None:
        if tag and not means(bound, tag):
            raise UnauthorizedScope(
                f"This call is bound to {bound.slug}, not to {tag!r}.",
                workspace_id=bound.slug,
            )
        return bound
    tag = tag or normal_tag((naming.tag_header or "")[:128]) or DEFAULT_TAG
    found = _tagged(scoping.readable(principal), tag)
    if found is None and _tagged(Workspace.objects.all(), tag) is not None:
        # Made by somebody else since the first look, or a private one of others.
        # Nothing may be written into that, nor beside it under the same name.
        found = _tagged(scoping.readable(principal), tag)
        if found is None:
            raise scoping.WorkspaceNotFound(f"There is no workspace {tag!r}.")
    return found or registering.container(tag, actor=principal.actor, at=at)


def _bound(principal: Principal, naming: Naming, *, at: datetime) -> Workspace | None:
    try:
        return scoping.writable_workspace(
            principal,
            binding=naming.binding,
            slug_header=naming.slug_header,
            session_slug=naming.session_slug,
            at=at,
        )
    except scoping.BindingRequired:
        return None


def means(workspace: Workspace, tag: str) -> bool:
    """Whether a tag or id names this workspace."""
    return tag in (workspace.slug, workspace.container_tag)


def _tagged(workspaces: WorkspaceQuerySet, tag: str) -> Workspace | None:
    if not tag:
        return None
    by_slug = workspaces.filter(slug=tag).first()
    return by_slug or workspaces.filter(container_tag=tag).first()
