"""A real S3-compatible server on the loopback: SeaweedFS, which a package ships."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# Its servers talk among themselves on a second port each, so much higher.
_GRPC = 10_000


@dataclass
class ObjectStore:
    """A running server with one bucket."""

    port: int
    access_key: str = "archive"
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16))
    bucket: str = "archive"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, prefix: str) -> str:
        """The BLOB_STORE_URL of a place of its own."""
        options = {"endpoint": self.endpoint, "region": "us-east-1"}
        return f"s3://{self.bucket}/{prefix}?{urlencode(options)}"

    def storage(self, prefix: str) -> dict[str, object]:
        """The same for STORAGES["blobs"]."""
        return {
            "BACKEND": "blobs.bucket.Bucket",
            "OPTIONS": {
                "url": self.url(prefix),
                "access_key": self.access_key,
                "secret_key": self.secret_key,
            },
        }

    def client(self) -> Any:
        """boto3's own client, to look at what lies there."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def environment(self, prefix: str) -> dict[str, str]:
        """The same for a server's own processes."""
        return {
            "BLOB_STORE_URL": self.url(prefix),
            "BLOB_STORE_ACCESS_KEY": self.access_key,
            "BLOB_STORE_SECRET_KEY": self.secret_key,
        }


@contextmanager
def running(root: Path) -> Iterator[ObjectStore]:
    """Start the server with its data below `root`."""
    s3, master, volume, filer = _ports(4)
    store = ObjectStore(s3)
    (root / "s3.json").write_text(json.dumps(_identities(store)))
    command = [
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        *("server", f"-dir={root}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-master.port={master}", f"-volume.port={volume}"),
        *("-volume.max=8", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
        *("-filer", f"-filer.port={filer}", "-s3", f"-s3.port={s3}"),
        # Ports of their own that a second server would not get.
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-s3.config={root / 's3.json'}",
    ]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root)
    try:
        _make_bucket(store, process)
        yield store
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(root, ignore_errors=True)


def _identities(store: ObjectStore) -> dict[str, object]:
    keys = {"accessKey": store.access_key, "secretKey": store.secret_key}
    who = {"name": "tests", "credentials": [keys], "actions": ["Admin"]}
    return {"identities": [who]}


def _make_bucket(store: ObjectStore, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            store.client().create_bucket(Bucket=store.bucket)
            return
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _ports(count: int) -> list[int]:
    """Free ports whose second port is free as well."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(20_000)
        if port not in found and _is_free(port) and _is_free(port + _GRPC):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
