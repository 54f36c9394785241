"""Bodies arrive whole whatever their size, through the real web process."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from memory_server.scratch import Server, serving

PIECE_BYTES = 256 * 1024


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(EMBEDDINGS_ENABLED="0") as running:
        yield running


def send(server: Server, method: str, path: str, body: bytes, **headers: str) -> Any:
    request = urllib.request.Request(
        f"{server.base}/api/v1/{path}",
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {server.sync_token}", **headers},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


@pytest.fixture(scope="module")
def workspace(server: Server) -> dict[str, str]:
    named = {"machine": "desk", "tool": "codex", "project": "sizes"}
    return dict(
        send(
            server,
            "POST",
            "workspaces",
            json.dumps(named).encode(),
            **{"Content-Type": "application/json"},
        )
    )


@pytest.mark.parametrize(
    "size_bytes",
    [40, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 4 * PIECE_BYTES, 9_000_000],
)
def test_a_transcript_of_any_size_arrives_whole(
    server: Server, workspace: dict[str, str], size_bytes: int
) -> None:
    head, tail = b'{"role":"user","content":"', b'"}\n'
    content = head + b"x" * (size_bytes - len(head) - len(tail)) + tail

    receipt = send(
        server,
        "PUT",
        f"workspaces/{workspace['workspace_id']}/sessions/size-{size_bytes}",
        content,
        **{"X-Write-Token": workspace["write_token"]},
    )

    assert receipt["size_bytes"] == size_bytes
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_form_that_is_none_is_refused_in_words(server: Server) -> None:
    form = {"Content-Type": "multipart/form-data"}

    with pytest.raises(urllib.error.HTTPError) as refused:
        send(server, "POST", "workspaces", b"no boundary", **form)

    assert refused.value.code == 415
    assert json.loads(refused.value.read())["error"]["code"] == "MEDIA_TYPE_UNSUPPORTED"
