"""How drf-spectacular describes our views, which have no model serializers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from rest_api.authentication import requirement_of

_AN_OBJECT = {200: OpenApiTypes.OBJECT}
# Of a write that makes something new, or finds it there.
NEW_OR_KNOWN = {201: OpenApiTypes.OBJECT, 200: OpenApiTypes.OBJECT}


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="One of docs/errors.md.")
    message = serializers.CharField()
    hint = serializers.CharField()
    detail = serializers.DictField()


class Failure(serializers.Serializer[Any]):
    """The one shape of every failure."""

    error = ErrorBody()
    request_id = serializers.CharField()


class Described(AutoSchema):
    """Answers are what their views say, or objects of docs/rest.md; failures are alike.

    A view says in `answers` what each method answers with which status, and in
    `header_names` which it reads.
    """

    def get_request_serializer(self) -> Any:
        return None

    def get_response_serializers(self) -> Any:
        """What the view says of its answers in `answers`, else an object with 200."""
        declared = getattr(self.view, "answers", {})
        return {**declared.get(self.method, _AN_OBJECT), "default": Failure}

    def get_override_parameters(self) -> Any:
        """The headers that a view reads, and the key of every write."""
        names = list(getattr(self.view, "header_names", ()))
        if self.method not in SAFE_METHODS and not self._requirement.public:
            names.append("Idempotency-Key")
        return [
            OpenApiParameter(name, str, OpenApiParameter.HEADER)
            for name in dict.fromkeys(names)
        ]

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [] if self._requirement.public else [{"bearer": []}]

    def get_operation_id(self) -> str:
        """For example `transcript_put`: view and method, which stay when paths move."""
        view = type(self.view).__name__.removesuffix("View").lower()
        return f"{view}_{self.method.lower()}"

    def get_description(self) -> str:  # type: ignore[override]
        """The docstring, and who may call."""
        requirement = self._requirement
        if requirement.public:
            return f"{super().get_description()}\n\nPublic."
        kinds = ", ".join(sorted(requirement.kinds))
        scope = f" with the scope `{requirement.scope}`" if requirement.scope else ""
        return f"{super().get_description()}\n\nFor tokens of kind {kinds}{scope}."

    @property
    def _requirement(self) -> Any:
        return requirement_of(self.view, self.method)
