"""Request bodies: small ones whole and checked, transcripts as a stream of chunks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import parse_qsl

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from blobs import store
from knowledge import texts
from refusals import InvalidArgument
from rest_api.bounds import max_body_bytes
from rest_api.errors import BodyTooLarge, MalformedBody, MediaTypeUnsupported

CHUNK_BYTES = 256 * 1024
_MAX_FORM_FIELDS = 150
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class StrictJSONParser(BaseParser):
    """JSON objects in UTF-8: no NaN, no lone surrogates, no number past 64 bits."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return parsed_object(read_whole(stream, max_bytes=_most(parser_context)))


class SignedJSONParser(StrictJSONParser):
    """JSON whose sender proves itself by its exact bytes: kept as `raw_body`."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = read_whole(stream, max_bytes=_most(parser_context))
        (parser_context or {})["request"].raw_body = body
        return parsed_object(body)


class FormParser(BaseParser):
    """A short form as a browser posts it; each name once."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        body = read_whole(stream, max_bytes=_most(parser_context))
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=_MAX_FORM_FIELDS,
                errors="strict",
            )
        except ValueError as error:
            raise MalformedBody("The body is no short form in UTF-8.") from error
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise MalformedBody("A name stands twice in the form.")
        return fields


class ArtefactParser(BaseParser):
    """The bytes of an exported artefact as `{"data": bytes}`."""

    media_type = "application/zip"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        return {"data": read_whole(stream, max_bytes=_most(parser_context))}


class TextParser(BaseParser):
    """A Markdown or plain-text body as `{"content": text}`."""

    media_type = "text/markdown"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = read_whole(stream, max_bytes=_most(parser_context))
        return {"content": texts.decoded(body)}


class PlainTextParser(TextParser):
    media_type = "text/plain"


def read_whole(stream: IO[bytes], *, max_bytes: int) -> bytes:
    """Read a small body; raises BodyTooLarge before holding more than the bound."""
    body = stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise BodyTooLarge(
            f"The body has more than {max_bytes} bytes.", max_bytes=max_bytes
        )
    return body


def sent_chunks(request: Request, *, media_types: frozenset[str]) -> Iterator[bytes]:
    """The raw bytes of a streamed body: bounded, checked against its digests, inflated.

    Raises what is wrong with the headers at once, and HashMismatch, BodyTooLarge and
    the store's ContentRefused while it is read, the digests at the very end.
    """
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type and media_type not in media_types:
        raise MediaTypeUnsupported(f"Transcripts are not sent as {media_type}.")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise MediaTypeUnsupported(
            "Only Content-Encoding: gzip is understood.", hint="Use gzip or none."
        )
    wire_digest = content_digest(request)
    raw_digest = hex_digest(request, "X-Content-SHA256")
    maximum = settings.MAX_TRANSCRIPT_BYTES
    chunks = checked(
        _bounded(_stream(request), max_bytes=maximum),
        sha256=wire_digest,
        header="Content-Digest",
    )
    if encoding == "gzip":
        chunks = store.gunzip(chunks, max_bytes=maximum)
    return checked(chunks, sha256=raw_digest, header="X-Content-SHA256")


def checked(
    chunks: Iterable[bytes], *, sha256: str | None, header: str
) -> Iterator[bytes]:
    """Pass chunks on and compare their digest once they have all gone by."""
    if sha256 is None:
        yield from chunks
        return
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if not hmac.compare_digest(digest.hexdigest(), sha256):
        raise store.HashMismatch(
            f"The body is not what {header} says.",
            hint="The body was damaged on the way or the digest is of other bytes.",
            header=header,
            actual_sha256=digest.hexdigest(),
        )


def content_digest(request: Request) -> str | None:
    """The SHA-256 that Content-Digest states for the body as it travels, in hex."""
    header = request.headers.get("Content-Digest")
    if header is None:
        return None
    found = _DIGEST.search(header)
    if found is None:
        raise InvalidArgument(
            "Content-Digest holds no sha-256.",
            hint="Send Content-Digest: sha-256=:BASE64: or leave it out.",
        )
    try:
        digest = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise InvalidArgument(
            "Content-Digest is not the base64 of a SHA-256.",
            hint="Encode the 32 digest bytes, not their hex form.",
        )
    return digest.hex()


def hex_digest(request: Request, header: str) -> str | None:
    """A SHA-256 in hex from a header."""
    value = request.headers.get(header)
    if value is not None and not _HEX.fullmatch(value):
        raise InvalidArgument(
            f"{header} is not a SHA-256 in hex.", hint="Send its 64 hex digits."
        )
    return value.lower() if value else None


@contextmanager
def digested(request: Request) -> Iterator[str]:
    """Give the SHA-256 of the body, keeping the body readable inside the block.

    Reads it once into a temporary file: an idempotency key must know the bytes before
    the work starts, and they may be gigabytes.
    """
    digest = hashlib.sha256()
    maximum = settings.MAX_TRANSCRIPT_BYTES
    with tempfile.SpooledTemporaryFile(max_size=CHUNK_BYTES) as spool:
        for chunk in _bounded(_stream(request), max_bytes=maximum):
            digest.update(chunk)
            spool.write(chunk)
        spool.seek(0)
        request.spool = spool  # type: ignore[attr-defined]
        yield digest.hexdigest()


def _stream(request: Request) -> Iterator[bytes]:
    # DRF's own request.stream is None for a chunked body, which has no length.
    source = getattr(request, "spool", None) or request._request
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def _bounded(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    received_bytes = 0
    for chunk in chunks:
        received_bytes += len(chunk)
        if received_bytes > max_bytes:
            raise BodyTooLarge(
                f"The body has more than {max_bytes} bytes.", max_bytes=max_bytes
            )
        yield chunk


def _most(parser_context: Mapping[str, Any] | None) -> int:
    request = (parser_context or {})["request"]
    return max_body_bytes(request.method, request.path)


def parsed_object(body: bytes) -> dict[str, Any]:
    """A JSON object; raises MalformedBody."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"The body is not JSON: {error.msg}.") from error
    if not isinstance(value, dict):
        raise MalformedBody("The body is JSON but no object.", hint="Send {…}.")
    return value
