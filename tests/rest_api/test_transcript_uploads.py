from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib

import pytest
from rest_client import caller, code_of

from access import write_tokens
from blobs.models import Blob
from sessions.models import Segment, Transcript


def named(value: object) -> str:
    """Short test names: bodies by their size."""
    return f"{len(value)}B" if isinstance(value, bytes) else str(value)[:60]


NDJSON = "application/x-ndjson"


def lines(*texts: str) -> bytes:
    return b"".join(
        json.dumps({"role": "user", "content": text}).encode() + b"\n" for text in texts
    )


def digest_header(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def hexdigest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def address(workspace):
    return f"workspaces/{workspace.slug}/sessions/one"


@pytest.fixture
def upload(sync, address):
    def put(body: bytes, query: str = "", **headers: str):
        headers.setdefault("content_type", NDJSON)
        return sync.put(address + query, body, **headers)

    return put


def test_a_transcript_is_stored_and_described(upload, workspace):
    body = lines("hello", "world")

    response = upload(body)

    assert response.status_code == 201
    assert response.json() == {
        "workspace_id": workspace.slug,
        "session_id": "one",
        "agent_id": "",
        "outcome": "stored",
        "revision": 1,
        "size_bytes": len(body),
        "sha256": hexdigest(body),
        "line_count": 2,
        "cut_bytes": 0,
        "indexed": "pending",
    }


def test_while_the_archive_is_away_nothing_is_stored_and_a_client_waits(
    upload, ai, address, bucket_away
):
    upload(lines("hello"))
    bucket_away()

    stored, read = upload(lines("hello", "world")), ai.get(address)

    assert (stored.status_code, read.status_code) == (503, 503)
    assert code_of(stored) == code_of(read) == "SERVICE_UNAVAILABLE"
    assert int(stored.headers["retry-after"]) > 0
    bucket_away(False)
    assert ai.get(address).json()["total_lines"] == 1
    assert upload(lines("hello", "world")).json()["outcome"] == "appended"


def test_the_same_bytes_again_are_deduplicated(upload):
    body = lines("hello")
    upload(body)

    response = upload(body)

    assert response.status_code == 200
    assert response.json()["outcome"] == "deduplicated"
    assert Blob.objects.count() == 1


def test_gzip_is_inflated_and_both_digests_are_checked(upload):
    body = lines("hello", "world")
    packed = gzip.compress(body)

    response = upload(
        packed,
        Content_Encoding="gzip",
        Content_Digest=digest_header(packed),
        X_Content_SHA256=hexdigest(body),
    )

    assert response.status_code == 201
    assert response.json()["sha256"] == hexdigest(body)


def test_an_append_sends_only_what_is_new(upload):
    first, more = lines("one"), lines("two")
    upload(first)

    response = upload(
        more,
        Content_Range=f"bytes {len(first)}-{len(first) + len(more) - 1}/*",
        X_Base_SHA256=hexdigest(first),
    )

    assert response.status_code == 201
    assert response.json()["outcome"] == "appended"
    assert response.json()["sha256"] == hexdigest(first + more)
    assert Segment.objects.count() == 2


def test_a_compressed_append_counts_raw_bytes(upload):
    first, more = lines("one"), lines("two")
    upload(first)

    response = upload(
        gzip.compress(more),
        Content_Encoding="gzip",
        Content_Range=f"bytes {len(first)}-{len(first) + len(more) - 1}/*",
        X_Base_SHA256=hexdigest(first),
    )

    assert response.json()["outcome"] == "appended"


def test_a_wrong_base_says_what_is_stored(upload):
    first, more = lines("one"), lines("two")
    upload(first)

    response = upload(
        more,
        Content_Range=f"bytes {len(first)}-{len(first) + len(more) - 1}/*",
        X_Base_SHA256=hexdigest(b"something else"),
    )

    assert response.status_code == 409
    assert code_of(response) == "BASE_MISMATCH"
    detail = response.json()["error"]["detail"]
    assert detail == {"size_bytes": len(first), "sha256": hexdigest(first)}


def test_an_older_state_is_stale_and_changes_nothing(upload):
    upload(lines("one", "two"))

    response = upload(lines("one"))

    assert (response.status_code, response.json()["outcome"]) == (200, "stale")
    assert Transcript.objects.get().line_count == 2


def test_a_contradiction_opens_a_revision(upload):
    upload(lines("one", "two"))

    response = upload(lines("one", "other", "more"))

    assert (response.status_code, response.json()["outcome"]) == (201, "forked")
    assert response.json()["revision"] == 2


def test_a_half_written_last_line_waits_for_the_next_upload(upload):
    whole = lines("one")

    response = upload(whole + b'{"role": "us')

    assert response.json()["size_bytes"] == len(whole)
    assert response.json()["cut_bytes"] == len(b'{"role": "us')


def test_a_subagent_has_a_transcript_of_its_own(upload, sync, address):
    upload(lines("main"))
    upload(lines("sub"), "?agent_id=a1")

    assert Transcript.objects.count() == 2
    head = sync.head(f"{address}?agent_id=a1")
    assert head.headers["X-Head-SHA256"] == hexdigest(lines("sub"))


def test_head_tells_length_and_digest(upload, sync, address):
    body = lines("one", "two")
    upload(body)

    response = sync.head(address)

    assert response.status_code == 200
    assert response.headers["Upload-Offset"] == str(len(body))
    assert response.headers["X-Head-SHA256"] == hexdigest(body)
    assert response.headers["X-Line-Count"] == "2"
    assert response.headers["X-Revision"] == "1"


def test_head_of_nothing_is_404(sync, address):
    assert sync.head(address).status_code == 404


def test_head_then_append_loses_nothing(upload, sync, address):
    """The flow of docs/rest.md, step by step."""
    file = lines("one")
    upload(file + b'{"half')
    file += lines("two", "three")
    stored = int(sync.head(address).headers["Upload-Offset"])

    response = upload(
        file[stored:],
        Content_Range=f"bytes {stored}-{len(file) - 1}/*",
        X_Base_SHA256=hexdigest(file[:stored]),
    )

    assert response.json()["sha256"] == hexdigest(file)


BOMB = gzip.compress(b"\0" * (64 * 2**20), mtime=0)
GZIPPED = gzip.compress(lines("hello") * 50, mtime=0)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 422, "CONTENT_REFUSED"),
        (b"{", {}, 422, "CONTENT_REFUSED"),
        (GZIPPED[:-9], {"Content_Encoding": "gzip"}, 422, "CONTENT_REFUSED"),
        (GZIPPED + b"garbage", {"Content_Encoding": "gzip"}, 422, "CONTENT_REFUSED"),
        (lines("x"), {"Content_Encoding": "gzip"}, 422, "CONTENT_REFUSED"),
        (
            zlib.compress(lines("x")),
            {"Content_Encoding": "gzip"},
            422,
            "CONTENT_REFUSED",
        ),
        (lines("x"), {"Content_Encoding": "br"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (lines("x"), {"content_type": "image/png"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (lines("x"), {"Content_Digest": digest_header(b"y")}, 422, "HASH_MISMATCH"),
        (lines("x"), {"X_Content_SHA256": hexdigest(b"y")}, 422, "HASH_MISMATCH"),
        (lines("x"), {"Content_Digest": "md5=:aa==:"}, 400, "INVALID_ARGUMENT"),
        (lines("x"), {"Content_Digest": "sha-256=:aa:"}, 400, "INVALID_ARGUMENT"),
        (lines("x"), {"X_Content_SHA256": "zz"}, 400, "INVALID_ARGUMENT"),
        (lines("x"), {"Content_Range": "bytes 0-5/*"}, 400, "INVALID_ARGUMENT"),
        (lines("x"), {"Content_Range": "bytes 9-5/*"}, 400, "INVALID_ARGUMENT"),
        (lines("x"), {"Content_Range": "lines 0-5/*"}, 400, "INVALID_ARGUMENT"),
        (
            lines("x"),
            {"Content_Range": f"bytes 10-{9 + len(lines('x'))}/*"},
            400,
            "INVALID_ARGUMENT",
        ),
        (
            lines("x"),
            {
                "Content_Range": f"bytes 10-{9 + len(lines('x'))}/*",
                "X_Base_SHA256": "0" * 64,
            },
            409,
            "BASE_MISMATCH",
        ),
    ],
    ids=named,
)
def test_refused_uploads_leave_nothing_behind(
    upload, stored, body, headers, status, code
):
    before = stored()

    response = upload(body, **headers)

    assert (response.status_code, code_of(response)) == (status, code)
    assert stored() == before


def test_a_bomb_is_refused_and_leaves_nothing(upload, stored):
    before = stored()

    response = upload(BOMB, Content_Encoding="gzip")

    assert response.status_code in {413, 422}
    assert code_of(response) in {"CONTENT_REFUSED", "LINE_TOO_LONG"}
    assert stored() == before


def test_a_line_over_the_bound_is_413(upload, stored, settings):
    settings.MAX_LINE_BYTES = 1000
    before = stored()

    response = upload(lines("short", "x" * 1000))

    assert (response.status_code, code_of(response)) == (413, "LINE_TOO_LONG")
    assert stored() == before


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_transcript_over_the_bound_is_413(upload, stored, settings, encoding):
    settings.MAX_TRANSCRIPT_BYTES = 1000
    before = stored()
    body = lines(*(str(number) for number in range(100)))
    packed = gzip.compress(body) if encoding == "gzip" else body

    response = upload(packed, Content_Encoding=encoding)

    assert (response.status_code, code_of(response)) == (413, "CONTENT_TOO_LARGE")
    assert stored() == before


@pytest.mark.parametrize(
    "body",
    [
        b"not json\nat all\n",
        b'{"role": "user", "content": "nul \\u0000 here"}\n',
        b'{"role": "user", "content": "\0"}\n',
        b'{"role": "user", "content": "\\ud800 alone"}\n',
        b'{"role": "user", "content": 1e999}\n',
        b'{"n": ' + b"9" * 5000 + b"}\n",
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
    ],
    ids=named,
)
def test_odd_lines_are_kept_as_they_are(upload, sync, address, body):
    response = upload(body)

    assert response.status_code == 201
    assert response.json()["sha256"] == hexdigest(body)
    page = sync.get(f"{address}?view=lines")
    assert page.status_code == 200
    assert page.json()["total_lines"] == body.count(b"\n")


@pytest.mark.parametrize(
    "session_id",
    ["..", ".hidden", "a%00b", "a%2Fb", "x" * 129, "a b", "é", "-x", "a%0A"],
)
def test_odd_session_ids_are_refused(sync, workspace, stored, session_id):
    before = stored()

    response = sync.put(
        f"workspaces/{workspace.slug}/sessions/{session_id}", lines("x")
    )

    assert response.status_code in {400, 404}
    assert code_of(response) in {"INVALID_ARGUMENT", "NOT_FOUND"}
    assert stored() == before


@pytest.mark.parametrize("agent_id", ["..", "a%2Fb", "x" * 129, "%00"])
def test_odd_agent_ids_are_refused(upload, stored, agent_id):
    before = stored()

    response = upload(lines("x"), f"?agent_id={agent_id}")

    assert (response.status_code, code_of(response)) == (400, "INVALID_ARGUMENT")
    assert stored() == before


def test_no_write_token_no_upload(sync, address, stored):
    del sync.headers["X-Write-Token"]
    before = stored()

    response = sync.put(address, lines("x"), content_type=NDJSON)

    assert (response.status_code, code_of(response)) == (403, "WRITE_TOKEN_INVALID")
    assert stored() == before


def test_another_workspaces_write_token_is_refused(sync, address, other_workspace):
    sync.headers["X-Write-Token"] = write_tokens.derive(other_workspace)

    assert code_of(sync.put(address, lines("x"))) == "WRITE_TOKEN_INVALID"


def test_ai_tokens_do_not_upload(ai, address, workspace):
    ai.headers["X-Write-Token"] = write_tokens.derive(workspace)

    response = ai.put(address, lines("x"))

    assert (response.status_code, code_of(response)) == (403, "TOKEN_KIND_REFUSED")


def test_an_unknown_workspace_is_404(sync):
    response = sync.put("workspaces/nobody-knows-it/sessions/one", lines("x"))

    assert (response.status_code, code_of(response)) == (404, "WORKSPACE_NOT_FOUND")


@pytest.mark.django_db(transaction=True)
def test_a_retried_upload_gets_its_first_answer(upload):
    body = lines("one")

    first = upload(body, Idempotency_Key="k1")
    again = upload(body, Idempotency_Key="k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers


@pytest.mark.django_db(transaction=True)
def test_a_key_is_for_one_body_only(upload, stored):
    upload(lines("one"), Idempotency_Key="k1")
    before = stored()

    response = upload(lines("two"), Idempotency_Key="k1")

    assert (response.status_code, code_of(response)) == (409, "IDEMPOTENCY_CONFLICT")
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_a_refused_upload_frees_its_key(upload):
    body = lines("one")
    upload(body, Idempotency_Key="k1", Content_Digest=digest_header(b"wrong"))

    assert upload(body, Idempotency_Key="k1").status_code == 201


def test_a_pinned_token_uploads_only_at_home(workspace, other_workspace):
    pinned = caller("sync", workspace=other_workspace)
    pinned.headers["X-Write-Token"] = write_tokens.derive(workspace)

    response = pinned.put(f"workspaces/{workspace.slug}/sessions/one", lines("x"))

    assert (response.status_code, code_of(response)) == (403, "WORKSPACE_REFUSED")
