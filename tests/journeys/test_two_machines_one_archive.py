"""Two web processes and a worker over one archive, in a directory and in a bucket.

In the bucket's case they share nothing else than the database and Redis: each has a
MEMORY_ROOT of its own, as on machines of their own.
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memory_server.scratch import Server, serving

PLANTED = "the heron refuses to land on quokka_reservoir_v7"


@dataclass
class Archive:
    """Both web processes, and how to look at what is kept."""

    first: Server
    second: Server
    place: str
    store: Any
    headers: dict[str, str]

    def names(self) -> list[str]:
        """The digests whose files lie there."""
        if self.place == "directory":
            found = [str(path) for path in self.first.blobs.glob("??/*.gz")]
        else:
            client = self.store.client()
            listed = client.list_objects_v2(Bucket=self.store.bucket, Prefix="journey/")
            found = [each["Key"] for each in listed.get("Contents", [])]
        return sorted(Path(name).name.removesuffix(".gz") for name in found)


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(params=["directory", "bucket"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    store, more = None, {"EMBEDDINGS_ENABLED": "0"}
    if request.param == "bucket":
        store = request.getfixturevalue("object_store")
        more |= store.environment("journey")
    with serving(**more) as first:
        second = first.beside(tmp_path if store else None)
        second.start()
        try:
            identity = {"machine": "laptop", "tool": "claude-code", "project": "atlas"}
            told = ask(first, "POST", "workspaces", identity)
            headers = {"X-Write-Token": told["write_token"]}
            yield Archive(first, second, request.param, store, headers)
        finally:
            second.stop()


def ask(
    server: Server,
    method: str,
    address: str,
    body: Any = None,
    *,
    token: str = "",
    **headers: str,
) -> dict[str, Any]:
    """A call of the REST API; the JSON of its answer."""
    sent = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(
        f"{server.base}/api/v1/{address}",
        data=None if method == "GET" else sent,
        method=method,
        headers={
            "Authorization": f"Bearer {token or server.sync_token}",
            "Content-Type": kind,
            **headers,
        },
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return dict(json.loads(response.read()))


def lines(first: int, last: int) -> bytes:
    rows = (
        {"role": "user", "content": PLANTED if n == 450 else f"turn {n} of many"}
        for n in range(first, last + 1)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_what_one_took_the_other_goes_on_with(archive: Archive) -> None:
    one, other = archive.first, archive.second
    head, tail = lines(1, 400), lines(401, 700)
    slug = ask(one, "GET", "workspaces")["workspaces"][0]["workspace_id"]
    session = f"workspaces/{slug}/sessions/s-1"

    stored = ask(one, "PUT", session, head, **archive.headers)
    appended = ask(
        other,
        "PUT",
        session,
        tail,
        **archive.headers,
        **{
            "Content-Range": f"bytes {len(head)}-{len(head + tail) - 1}/*",
            "X-Base-SHA256": hashlib.sha256(head).hexdigest(),
        },
    )
    with ThreadPoolExecutor(8) as pool:
        names = [f"workspaces/{slug}/sessions/s-{n % 4 + 2}" for n in range(16)]
        sent = [(one, other)[n % 2] for n in range(16)]
        outcomes = pool.map(
            lambda server, name: ask(server, "PUT", name, head, **archive.headers),
            sent,
            names,
        )
        told = sorted(each["outcome"] for each in outcomes)
    one.run_jobs()

    assert (stored["outcome"], appended["outcome"]) == ("stored", "appended")
    assert told == ["deduplicated"] * 12 + ["stored"] * 4
    assert appended["sha256"] == hashlib.sha256(head + tail).hexdigest()
    digests = sorted(hashlib.sha256(each).hexdigest() for each in (head, tail))
    assert archive.names() == digests
    check_read_and_proved(archive, session)
    check_swept(archive, digests)


def check_read_and_proved(archive: Archive, session: str) -> None:
    one, other = archive.first, archive.second
    query = urllib.parse.urlencode({"q": PLANTED, "mode": "exact"})
    hit = ask(other, "GET", f"search?{query}", token=one.ai_token)["hits"][0]
    cited = urllib.parse.urlencode(hit["citation"])
    proof = ask(one, "GET", f"citations/verify?{cited}", token=one.ai_token)
    address = f"{session}?view=lines&around_line=450&line_count=5"
    page = ask(other, "GET", address, token=one.ai_token)

    assert (hit["session_id"], hit["first_line"]) == ("s-1", 450)
    assert proof["valid"] is True
    assert any(PLANTED in shown["text"] for shown in page["lines"])


def check_swept(archive: Archive, digests: list[str]) -> None:
    """Nothing that is mentioned goes; what is mentioned no more goes for good."""
    other = archive.second
    assert "0 damaged, 0 orphans, 0 strays." in other.manage("verify", "--deep")
    at_once = "--grace-seconds", "0"
    assert "Removed 0 unreferenced" in other.manage("sweep", *at_once)
    assert archive.names() == digests

    forget = "from sessions.models import Transcript; Transcript.objects.all().delete()"
    other.manage("shell", "-v0", "-c", forget)
    assert "Removed 2 unreferenced" in archive.first.manage("sweep", *at_once)
    assert archive.names() == []
