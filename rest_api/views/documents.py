from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from access import scoping
from access.requirements import Requirement
from knowledge import browsing, paths, publishing, reading
from knowledge.models import Document
from knowledge.publishing import Published
from rest_api import conditions
from rest_api.bodies import PlainTextParser, StrictJSONParser, TextParser
from rest_api.renderers import MarkdownRenderer
from rest_api.resource import Resource, Written
from rest_api.schema import NEW_OR_KNOWN
from rest_api.serializers import (
    DiffReading,
    DocumentListing,
    DocumentReading,
    DocumentWriting,
    HistoryReading,
    Restoring,
)
from rest_api.wire import document_fields, page_fields, version_fields
from workspaces.models import Workspace

UPLOADERS = Requirement(kinds=frozenset({"sync", "admin"}), scope="upload")
WRITERS = Requirement(kinds=frozenset({"ai", "admin"}), scope="write")


class DocumentsView(Resource):
    """The documents of a workspace."""

    requirement = Requirement()

    @extend_schema(parameters=[DocumentListing])
    def get(self, request: Request, slug: str) -> Response:
        """List a workspace's documents, by path."""
        asked = self.asked(DocumentListing)
        cursor, limit = asked.pop("cursor", None), asked.pop("limit")
        workspace = self.readable(slug)
        query = self.query_name(slug=slug, **asked)
        position = self.position(query, cursor)
        found = browsing.documents(
            workspace=workspace,
            after=(position[0], position[1]) if position else None,
            limit=limit + 1,
            **asked,
        )
        last = found[limit - 1] if len(found) > limit else None
        return Response(
            {
                "documents": [document_fields(each) for each in found[:limit]],
                "next_cursor": self.cursor(query, last and [last.path, last.pk]),
            }
        )


class Readable(Resource):
    """Reading and writing one document of either kind."""

    kind: str
    renderer_classes = [JSONRenderer, MarkdownRenderer]
    parser_classes = [StrictJSONParser, TextParser, PlainTextParser]

    def read(self, workspace: Workspace, path: str) -> Response:
        forms = {"history": HistoryReading, "diff": DiffReading}
        chosen = forms.get(self.request.query_params.get("view", ""), DocumentReading)
        asked = self.asked(chosen)
        view = asked.pop("view")
        if view == "text":
            return self._page(workspace, path, asked)
        document = reading.find(workspace=workspace, path=path, kind=self.kind)
        if view == "history":
            return self._history(document, asked)
        old, new = asked["from"], asked["to"]
        difference = reading.diff(document, old, new)
        return Response({"from": old, "to": new, "diff": difference})

    def _history(self, document: Document, asked: dict[str, Any]) -> Response:
        query, limit = self.query_name(document=document.pk), asked["limit"]
        position = self.position(query, asked.get("cursor"))
        versions = [
            version
            for version in reading.history(document)
            if position is None or version.number < position[0]
        ]
        page, more = versions[:limit], versions[limit:]
        return Response(
            {
                "versions": [version_fields(each) for each in page],
                "next_cursor": self.cursor(query, [page[-1].number] if more else None),
            }
        )

    def _page(self, workspace: Workspace, path: str, asked: dict[str, Any]) -> Response:
        page = reading.read(workspace=workspace, path=path, kind=self.kind, **asked)
        headers = {"ETag": conditions.tag(page.version_number), "Vary": "Accept"}
        if conditions.is_known(self.request, page.version_number):
            return Response(status=304, headers=headers)
        if self.request.accepted_renderer.format == MarkdownRenderer.format:
            if page.next_line:
                headers["X-Next-Line"] = str(page.next_line)
            return Response(page.text, headers=headers)
        return Response(page_fields(page, workspace=workspace), headers=headers)

    def write(self, workspace: Workspace, path: str, *, channel: str) -> Response:
        sent = self.valid(DocumentWriting, self._sent_document())
        expected = conditions.expected_version(
            self.request, workspace=workspace, kind=self.kind, path=path
        )
        if expected is None:
            expected = sent.get("expected_version")

        def publish() -> Written:
            published = publishing.publish(
                workspace=workspace,
                kind=self.kind,
                path=path,
                text=sent["content"],
                expected_version=expected,
                sha256=sent.get("sha256"),
                channel=channel,
                actor=self.principal.actor,
                at=self.at,
            )
            return _written(published, workspace)

        return self.once(publish)

    def _sent_document(self) -> Any:
        # DRF takes a body of no bytes for no body; an empty file is a document too.
        is_text = (self.request.content_type or "").startswith("text/")
        return self.request.data or ({"content": ""} if is_text else {})


class DocumentView(Readable):
    """One document of a workspace, by its path."""

    kind = Document.Kind.KNOWLEDGE
    requirement = {
        "GET": Requirement(),
        "PUT": UPLOADERS,
        "POST": UPLOADERS,
        "DELETE": UPLOADERS,
    }
    answers = {"PUT": NEW_OR_KNOWN}

    @extend_schema(parameters=[DocumentReading])
    def get(self, request: Request, slug: str, path: str) -> Response:
        """Read a document, its history or what changed between two versions."""
        return self.read(self.readable(slug), paths.normalise(path))

    @extend_schema(request=DocumentWriting)
    def put(self, request: Request, slug: str, path: str) -> Response:
        """Publish a document's next version."""
        workspace = self.uploadable(slug)
        return self.write(workspace, paths.normalise(path), channel="sync")

    def delete(self, request: Request, slug: str, path: str) -> Response:
        """Delete a document; its versions stay restorable."""
        workspace = self.uploadable(slug)
        path = paths.normalise(path)
        expected = conditions.expected_version(
            request, workspace=workspace, kind=self.kind, path=path
        )

        def delete() -> Written:
            version = publishing.delete(
                workspace=workspace,
                path=path,
                expected_version=expected,
                channel="sync",
                actor=self.principal.actor,
                at=self.at,
            )
            return Written(
                {
                    "workspace_id": slug,
                    "path": path,
                    "version": version.number,
                    "deleted": True,
                }
            )

        return self.once(delete)

    @extend_schema(request=Restoring)
    def post(self, request: Request, slug: str, path: str) -> Response:
        """Restore: make an old version's text the newest version."""
        workspace = self.uploadable(slug)
        number = self.sent(Restoring)["restore_version"]
        document = reading.find(
            workspace=workspace, path=paths.normalise(path), kind=self.kind
        )

        def restore() -> Written:
            published = publishing.restore(
                document=document, number=number, actor=self.principal.actor, at=self.at
            )
            return _written(published, workspace)

        return self.once(restore)


class OverviewView(Readable):
    """A workspace's overview.md."""

    kind = Document.Kind.OVERVIEW
    requirement = {"GET": Requirement(), "PUT": WRITERS}
    answers = {"PUT": NEW_OR_KNOWN}

    @extend_schema(parameters=[DocumentReading])
    def get(self, request: Request, slug: str) -> Response:
        """Read the overview, its history or a difference."""
        return self.read(self.readable(slug), reading.OVERVIEW_PATH)

    @extend_schema(request=DocumentWriting)
    def put(self, request: Request, slug: str) -> Response:
        """Write the overview's next version."""
        workspace = scoping.writable_workspace(
            self.principal,
            binding=request.headers.get("X-Memory-Binding"),
            slug_header=slug,
            session_slug=None,
            at=self.at,
        )
        if workspace.slug != slug:
            raise scoping.WorkspaceRefused(
                "The binding is of another workspace.",
                hint="Leave X-Memory-Binding out or name its own workspace.",
            )
        return self.write(workspace, reading.OVERVIEW_PATH, channel="assistant")


def _written(published: Published, workspace: Workspace) -> Written:
    document, number = published.document, published.version_number
    is_new = published.changed and number == 1
    return Written(
        {
            "workspace_id": workspace.slug,
            "path": document.path,
            "version": number,
            "changed": published.changed,
            "sha256": document.sha256,
            "size_bytes": document.size_bytes,
        },
        status=201 if is_new else 200,
        headers={"ETag": conditions.tag(number)},
    )
