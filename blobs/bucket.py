"""Blobs in a bucket of an S3-compatible store, which any number of machines share.

The store makes a whole object durable or none, so one conditional PUT stands for link
and fsync. Names are those of the directory: either can be copied into the other. Only
uploads on their way in touch a disk of ours.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from blobs import crash, places
from blobs.objects import Entry, Fetch, digest_of, key_of
from blobs.staging import Packed

logger = logging.getLogger(__name__)

_OPTIONS = frozenset({"endpoint", "region", "addressing"})
_STORED_SHA256 = "stored-sha256"
# What one request reads of a file at most.
_MOST_BYTES = 4 * 2**20
_GROWTH = 4
_NO_ROOM = {"QuotaExceeded", "XMinioStorageFull"}
_LOST = {"404", "NoSuchKey"}


class Bucket:
    """The blobs.objects.Objects of `s3://bucket/prefix?endpoint=…&region=…`.

    Without keys, boto3 looks where it always does: its environment variables, its
    files, the machine's role.
    """

    def __init__(self, *, url: str, access_key: str = "", secret_key: str = "") -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme != "s3" or not parts.netloc or not set(options) <= _OPTIONS:
            raise ImproperlyConfigured(
                "BLOB_STORE_URL is not s3://bucket/prefix?endpoint=…&region=…"
            )
        prefix = parts.path.strip("/")
        self._bucket = parts.netloc
        self._prefix = f"{prefix}/" if prefix else ""
        self._account = (
            options.get("endpoint", ""),
            options.get("region", ""),
            options.get("addressing", "auto"),
            access_key,
            secret_key,
        )

    def prepare(self) -> None:
        places.make_directories([places.STAGING])
        try:
            with _asking("the bucket"):
                self._client.head_bucket(Bucket=self._bucket)
        except FileNotFoundError as error:
            raise places.StorageUnavailable(
                f"BLOB_STORE_URL names {self._bucket}, and there is no such bucket."
            ) from error

    def put(self, packed: Packed) -> None:
        crash.point("before-put")
        if not self._put(packed, IfNoneMatch="*") and not self.holds(
            packed.sha256,
            stored_bytes=packed.stored_bytes,
            stored_sha256=packed.stored_sha256,
        ):
            self._put(packed)
        crash.point("after-put")

    def holds(self, sha256: str, *, stored_bytes: int, stored_sha256: str) -> bool:
        # The store compared the bytes with the digest when it took them.
        found = self._head(sha256)
        return (
            found is not None
            and found["ContentLength"] == stored_bytes
            and found["Metadata"].get(_STORED_SHA256) == stored_sha256
        )

    @contextmanager
    def open(self, sha256: str) -> Iterator[Fetch]:
        yield _Ahead(partial(self._read, sha256)).fetch

    def about(self, sha256: str) -> Entry | None:
        found = self._head(sha256)
        return found and self._entry(
            key_of(sha256), found["ContentLength"], found["LastModified"].timestamp()
        )

    def delete(self, sha256: str) -> None:
        with _asking(sha256):
            self._client.delete_object(**self._at(sha256))

    def list(self) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        with _asking("the list"):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield self._entry(
                        found["Key"].removeprefix(self._prefix),
                        found["Size"],
                        found["LastModified"].timestamp(),
                    )

    @property
    def _client(self) -> Any:
        return _client(*self._account)

    def _at(self, sha256: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key_of(sha256)}

    def _entry(self, key: str, size_bytes: int, modified_at: float) -> Entry:
        name = f"s3://{self._bucket}/{self._prefix}{key}"
        return Entry(name, digest_of(key), size_bytes, modified_at)

    def _put(self, packed: Packed, **condition: str) -> bool:
        """Whether the file was taken; False if the condition did not hold."""
        digest = bytes.fromhex(packed.stored_sha256)
        with packed.path.open("rb") as body, _asking(packed.sha256):
            try:
                self._client.put_object(
                    **self._at(packed.sha256),
                    **condition,
                    Body=body,
                    ContentLength=packed.stored_bytes,
                    ContentType="application/gzip",
                    ChecksumSHA256=base64.b64encode(digest).decode(),
                    Metadata={_STORED_SHA256: packed.stored_sha256},
                )
            except ClientError as error:
                # 409: somebody else is putting the same just now.
                if condition and _status(error) in (409, 412):
                    return False
                raise
        return True

    def _head(self, sha256: str) -> Any:
        try:
            with _asking(sha256):
                return self._client.head_object(**self._at(sha256))
        except FileNotFoundError:
            return None

    def _read(self, sha256: str, size: int, offset: int) -> bytes:
        with _asking(sha256):
            try:
                found = self._client.get_object(
                    **self._at(sha256), Range=f"bytes={offset}-{offset + size - 1}"
                )
            except ClientError as error:
                # 416: nothing begins there, because the file ends before.
                if _status(error) == 416:
                    return b""
                raise
            content: bytes = found["Body"].read()
        return content


class _Ahead:
    """Reads a file in growing pieces: a page asks for one member, an export for MiB."""

    def __init__(self, read: Fetch) -> None:
        self._read = read
        self._held, self._start, self._next_bytes = b"", 0, 0

    def fetch(self, size: int, offset: int) -> bytes:
        skipped = offset - self._start
        goes_on = 0 <= skipped <= len(self._held)
        if not goes_on or skipped + size > len(self._held):
            wanted = max(size, self._next_bytes if goes_on else 0)
            self._held, self._start, skipped = self._read(wanted, offset), offset, 0
            self._next_bytes = min(wanted * _GROWTH, _MOST_BYTES)
        return self._held[skipped : skipped + size]


# A client may be shared by threads and takes a tenth of a second to make.
@cache
def _client(
    endpoint: str, region: str, addressing: str, access_key: str, secret_key: str
) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        aws_access_key_id=access_key or None,
        aws_secret_access_key=secret_key or None,
        config=Config(
            # Somebody waits, with a transaction open: better a refusal soon.
            connect_timeout=3,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=32,
            tcp_keepalive=True,
            s3={"addressing_style": addressing},
            # SHA-256 is given with each PUT; many stores know no other checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


# Connections of a parent process are not the child's to talk on.
os.register_at_fork(after_in_child=_client.cache_clear)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn what the store says into FileNotFoundError or a refusal of ours."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        code = _code(error)
        if code in _LOST:
            raise FileNotFoundError(what) from error
        logger.error("bucket refused what=%s error=%s", what, code)
        if code in _NO_ROOM or _status(error) == 507:
            raise places.StorageFull("The archive's bucket is full.") from error
        raise places.StorageUnavailable(
            "The archive's bucket cannot be used now."
        ) from error


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def _status(error: Exception) -> int:
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))
    return 0
