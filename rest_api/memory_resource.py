"""What every view below /v1/ shares: which workspaces it reads, and where it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from access import containers
from access.containers import Naming, ReadScope
from access.requirements import Requirement
from memories import owners, reading
from memories.models import Memory
from refusals import InvalidArgument
from rest_api.resource import Resource
from workspaces.models import Workspace

READ = Requirement()
WRITE = Requirement(kinds=frozenset({"ai", "admin"}), scope="write")
ADMIN = Requirement(kinds=frozenset({"admin"}), scope="admin")
CHANNEL = "assistant"

# Every name that clients use for the workspace of a request, the strongest first.
_TAG_NAMES = ("containerTag", "container_tag", "namespace", "scope")

Values = Mapping[str, Any]


class MemoryResource(Resource):
    """A view of the memory API.

    Answers name in `x-mn-resolved-container-tag` the workspace that was read first or
    written to. `is_sensitive` keeps answers out of every cache.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    header_names: ClassVar[tuple[str, ...]] = (
        "X-Memory-Binding",
        "X-Memory-Workspace",
        "x-mn-container-tag",
    )
    is_atomic = False
    is_sensitive: ClassVar[bool] = False
    _resolved: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if (request.method or "") not in self.allowed_methods:
            # A wrong method is told before anybody is asked for a token.
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if self.is_sensitive:
            response.headers["Cache-Control"] = "no-store"
        if self._resolved:
            response.headers["x-mn-resolved-container-tag"] = self._resolved
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def body(self) -> dict[str, Any]:
        data = self.request.data
        return data if isinstance(data, dict) else {}

    def reads(self, values: Values) -> ReadScope:
        """What this request reads; raises what access.containers.reading does."""
        scope = containers.reading(
            self.principal, self._naming(tag_of(values)), at=self.at
        )
        self._resolved = scope.tag or (_tag(scope.home) if scope.home else None)
        return scope

    def writes(self, values: Values) -> Workspace:
        """Where this request writes, made if need be."""
        found = containers.writing(
            self.principal, self._naming(tag_of(values)), at=self.at
        )
        self._resolved = _tag(found)
        return found

    def writes_to(self, values: Values) -> Workspace | None:
        """Where it would write; None if that is not made yet."""
        naming = self._naming(tag_of(values), default=containers.DEFAULT_TAG)
        return containers.reading(self.principal, naming, at=self.at).home

    def own(self, workspace: Workspace, values: Values) -> Workspace:
        """This workspace, if the request may write to it.

        Without a containerTag the thing that is named says where to write. Raises
        UnauthorizedScope where the request is bound elsewhere.
        """
        tag = tag_of(values) or workspace.slug
        bound = containers.writing(self.principal, self._naming(tag), at=self.at)
        if bound.pk != workspace.pk:
            raise containers.UnauthorizedScope(
                f"This call writes to {bound.slug}, and that is in another workspace.",
                hint=f"Pass containerTag={workspace.slug}.",
                workspace_id=bound.slug,
            )
        self._resolved = _tag(bound)
        return bound

    def memory(self, memory_id: str, values: Values) -> Memory:
        """A memory that this request reads; raises MemoryNotFound."""
        return reading.find(memory_id, workspaces=self.reads(values).workspaces)

    def own_memory(self, memory_id: str, values: Values) -> Memory:
        """A memory that this request may change."""
        # Looked for everywhere: one of another workspace than the tag's is there, and
        # to say so tells more than that nothing was found.
        found = self.memory(memory_id, {})
        self.own(found.workspace, values)
        return found

    def owned(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body, with the owner that the client's header names if it names none."""
        user_id = self.request.headers.get("X-Mn-User-Id", "").strip()
        if user_id and owners.owner_of(body) == owners.SHARED_APP:
            return {**body, "user_id": user_id}
        return body

    def _naming(self, tag: str | None, *, default: str | None = None) -> Naming:
        headers = self.request.headers
        return Naming(
            container_tag=tag,
            tag_header=headers.get("X-Mn-Container-Tag")
            or headers.get("X-Mn-Scope")
            or default,
            binding=headers.get("X-Memory-Binding"),
            slug_header=headers.get("X-Memory-Workspace"),
        )


def untagged(values: Values) -> dict[str, Any]:
    """The values without those that name a workspace."""
    return {name: values[name] for name in values if name not in _TAG_NAMES}


def tag_of(values: Values) -> str | None:
    """The containerTag of a body or a query, under any of the names for it."""
    for name in _TAG_NAMES:
        if tag := values.get(name):
            if not isinstance(tag, str):
                raise InvalidArgument(f"{name} is not text.", hint="Send one name.")
            return tag
    return None


def _tag(workspace: Workspace) -> str:
    return workspace.container_tag or workspace.slug
