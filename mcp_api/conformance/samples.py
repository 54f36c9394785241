"""Smallest possible content of each kind."""

from __future__ import annotations

from mcp_api.wire import Json

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAA"
    "AABJRU5ErkJggg=="
)
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="

IMAGE: Json = {"type": "image", "data": PNG, "mimeType": "image/png"}
AUDIO: Json = {"type": "audio", "data": WAV, "mimeType": "audio/wav"}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def embedded(uri: str, words: str, *, mime: str = "text/plain") -> Json:
    return {
        "type": "resource",
        "resource": {"uri": uri, "mimeType": mime, "text": words},
    }
