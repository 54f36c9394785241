"""Answers that are not JSON; errors are JSON whatever was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer


class MarkdownRenderer(BaseRenderer):
    """A document's text alone."""

    media_type = "text/markdown"
    format = "md"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {})["response"]
        if isinstance(data, str):
            return data.encode()
        # Histories, differences and errors have no Markdown form.
        response.headers["Content-Type"] = "application/json"
        return json.dumps(data, default=str).encode()


class ArtefactRenderer(BaseRenderer):
    """An exported artefact's bytes."""

    media_type = "application/zip"
    format = "zip"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if isinstance(data, bytes):
            return data
        response = (renderer_context or {})["response"]
        response.headers["Content-Type"] = "application/json"
        return json.dumps(data, default=str).encode()
