"""What every view shares: who asks, when, what the answer carries, writing once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import orjson
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from access import cursors, idempotency, scoping
from access.principals import Principal
from access.requirements import Requirement
from refusals import InvalidArgument
from rest_api.authentication import principal_of
from usage import throttling
from workspaces.models import Workspace

# Headers that change what a write means, beside its method, address and body.
_MEANINGFUL = (
    *("If-Match", "If-None-Match", "Content-Range", "X-Base-SHA256"),
    *("X-Memory-Workspace", "X-Memory-Binding"),
    *("X-Mn-Container-Tag", "X-Mn-Scope", "X-Mn-User-Id"),
)


@dataclass(frozen=True)
class Written:
    """What a write answers; plain JSON values, so that it can be remembered.

    Without `is_final` it is not remembered: the same request then works again.
    """

    data: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_final: bool = True


class Resource(APIView):
    """A view that declares who may call it.

    `requirement` is one for all methods or a mapping from method to requirement;
    rest_api.authentication refuses a view without it.
    """

    requirement: ClassVar[Requirement | Mapping[str, Requirement]]
    # For the schema (rest_api.schema): by method what is answered with which status,
    # and the headers that change what a request means.
    answers: ClassVar[Mapping[str, Mapping[Any, Any]]] = {}
    header_names: ClassVar[tuple[str, ...]] = ()
    # Whether a POST changes nothing, and counts as a read.
    only_reads: ClassVar[bool] = False
    # Whether a write that is remembered commits together with its answer. Work that
    # pays must not run inside a transaction (usage.metering).
    is_atomic: ClassVar[bool] = True
    http_method_names = ["get", "head", "post", "put", "delete"]

    def initialize_request(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Request:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # DRF takes a body without a length for no body at all.
            request.META.setdefault("CONTENT_LENGTH", "-1")
        self.at: datetime = timezone.now()
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        for name, value in getattr(request, "rate_headers", {}).items():
            response.headers[name] = value
        if admission := getattr(request, "admission", None):
            throttling.release(admission)
        return response

    @property
    def principal(self) -> Principal:
        return principal_of(self.request)

    def asked(self, form: type[Serializer[Any]]) -> dict[str, Any]:
        """The query of this request; parameters unknown to `form` are refused."""
        query = self.request.query_params
        known = form().fields
        for name in query:
            if name not in known:
                raise InvalidArgument(
                    f"There is no parameter {name[:100]!r}.",
                    hint="It may be one of: " + ", ".join(known) + ".",
                )
        return self.valid(form, {name: query[name] for name in query})

    def sent(self, form: type[Serializer[Any]]) -> dict[str, Any]:
        """The JSON body of this request."""
        return self.valid(form, self.request.data)

    def valid(self, form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
        checked = form(data=data)
        checked.is_valid(raise_exception=True)
        values: dict[str, Any] = checked.validated_data
        return values

    def readable(self, slug: str) -> Workspace:
        return scoping.readable_workspace(self.principal, slug)

    def writable(self, slug: str) -> Workspace:
        return scoping.writable_workspace(
            self.principal,
            binding=None,
            slug_header=slug,
            session_slug=None,
            at=self.at,
        )

    def uploadable(self, slug: str) -> Workspace:
        token = self.request.headers.get("X-Write-Token")
        return scoping.uploadable_workspace(self.principal, slug, token)

    def position(self, query: str, cursor: str | None) -> list[Any] | None:
        """Where a list goes on; `query` is everything that decides what it lists."""
        if cursor is None:
            return None
        return cursors.decode(cursor, principal=self.principal, query=query)

    def cursor(self, query: str, position: list[Any] | None) -> str | None:
        if position is None:
            return None
        return cursors.encode(position, principal=self.principal, query=query)

    def query_name(self, **filters: Any) -> str:
        """A name for a list and its filters, which its cursors are tied to."""
        used = {name: value for name, value in filters.items() if value is not None}
        return (
            type(self).__name__
            + orjson.dumps(used, default=str, option=orjson.OPT_SORT_KEYS).decode()
        )

    def once(
        self, work: Callable[[], Written], *, body_sha256: str | None = None
    ) -> Response:
        """Answer a write; the same Idempotency-Key again gets the same answer."""
        written, is_replay = self.written_once(work, body_sha256=body_sha256)
        return self.answer(written, is_replay=is_replay)

    def written_once(
        self, work: Callable[[], Written], *, body_sha256: str | None = None
    ) -> tuple[Written, bool]:
        """Do a write, or find what it answered when this key first asked for it.

        `body_sha256` is of a streamed body; a parsed one is digested here.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return work(), False
        with idempotency.remembered(
            principal=self.principal,
            key=key,
            fingerprint=self._fingerprint(body_sha256),
            at=self.at,
        ) as attempt:
            if earlier := attempt.earlier:
                kept = earlier.body
                return Written(kept["data"], earlier.status, kept["headers"]), True
            with transaction.atomic() if self.is_atomic else nullcontext():
                written = work()
                if written.is_final:
                    kept = {"data": written.data, "headers": written.headers}
                    attempt.answer(status=written.status, body=kept)
            return written, False

    def answer(self, written: Written, *, is_replay: bool) -> Response:
        headers = {**written.headers}
        if is_replay:
            headers["Idempotent-Replay"] = "true"
        return Response(written.data, written.status, headers=headers)

    def _fingerprint(self, body_sha256: str | None) -> str:
        """SHA-256 of everything that makes this request what it is."""
        request = self.request
        parts = [
            request.method,
            request.get_full_path(),
            {name: request.headers.get(name) for name in _MEANINGFUL},
            body_sha256 or request.data,
        ]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()
