from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from rest_client import OPERATOR, caller, code_of

from access import write_tokens
from audit.models import Event
from knowledge.models import Document, Version

MARKDOWN = "text/markdown"


@pytest.fixture
def address(workspace):
    return f"workspaces/{workspace.slug}/knowledge/notes/design.md"


@pytest.fixture
def publish(sync, address):
    def put(text: str, **headers: str):
        headers.setdefault("content_type", MARKDOWN)
        return sync.put(address, text.encode(), **headers)

    return put


def test_a_new_document_is_201_with_its_version_as_etag(publish, workspace):
    response = publish("# Design\n")

    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    assert response.json() == {
        "workspace_id": workspace.slug,
        "path": "notes/design.md",
        "version": 1,
        "changed": True,
        "sha256": hashlib.sha256(b"# Design\n").hexdigest(),
        "size_bytes": 9,
    }


def test_the_same_bytes_make_no_version(publish):
    publish("same")

    response = publish("same")

    assert (response.status_code, response.json()["changed"]) == (200, False)
    assert Version.objects.count() == 1


def test_an_empty_file_is_a_document(publish):
    response = publish("")

    assert (response.status_code, response.json()["size_bytes"]) == (201, 0)


def test_json_bodies_publish_too(sync, address):
    body = {"content": "text", "sha256": hashlib.sha256(b"text").hexdigest()}

    response = sync.put(address, body)

    assert response.status_code == 201


def test_reading_gives_text_and_place(publish, sync, address):
    publish("one\ntwo\nthree\n")

    page = sync.get(f"{address}?first_line=2&line_count=1").json()

    assert page["text"] == "two\n"
    assert (page["first_line"], page["next_line"], page["total_lines"]) == (2, 3, 3)
    assert (page["channel"], page["written_by"]) == ("sync", "sync of tests")


def test_markdown_on_request(publish, sync, address):
    publish("# Title\n")

    response = sync.get(address, Accept=MARKDOWN)

    assert response.headers["content-type"].startswith(MARKDOWN)
    assert response.content == b"# Title\n"
    assert response.headers["ETag"] == '"1"'


def test_errors_are_json_even_where_markdown_was_asked_for(sync, address):
    response = sync.get(address, Accept=MARKDOWN)

    assert (response.status_code, code_of(response)) == (404, "DOCUMENT_NOT_FOUND")


def test_a_known_version_is_304(publish, sync, address):
    publish("one")

    response = sync.get(address, If_None_Match='"1"')

    assert (response.status_code, response.content) == (304, b"")
    publish("two")
    assert sync.get(address, If_None_Match='"1"').status_code == 200


def test_secrets_are_masked(publish, sync, address):
    secret = "ghp_" + "abcdEFGH1234" * 3
    publish(f"token: {secret}\n")

    assert secret not in sync.get(address).json()["text"]
    assert secret not in sync.get(address, Accept=MARKDOWN).content.decode()


def test_old_versions_by_number_and_time(publish, sync, address):
    publish("one")
    moment = timezone.now()
    Version.objects.update(created_at=moment - timedelta(hours=1))
    publish("two")

    assert sync.get(f"{address}?version=1").json()["text"] == "one"
    assert sync.get(f"{address}?as_of={quote(moment.isoformat())}").json() == (
        sync.get(f"{address}?version=1").json()
    )
    assert code_of(sync.get(f"{address}?version=9")) == "VERSION_NOT_FOUND"
    long_ago = sync.get(f"{address}?as_of=2001-01-01T00:00:00Z")
    assert code_of(long_ago) == "VERSION_NOT_FOUND"


def test_history_is_paged_newest_first(publish, sync, address):
    for text in ("one", "two", "three"):
        publish(text)

    first = sync.get(f"{address}?view=history&limit=2").json()
    rest = sync.get(
        f"{address}?view=history&limit=2&cursor={quote(first['next_cursor'])}"
    ).json()

    assert [each["version"] for each in first["versions"]] == [3, 2]
    assert [each["version"] for each in rest["versions"]] == [1]
    assert rest["next_cursor"] is None


def test_differences_between_versions(publish, sync, address):
    publish("one\n")
    publish("two\n")

    response = sync.get(f"{address}?view=diff&from=1&to=2")

    assert "-one" in response.json()["diff"]
    assert "+two" in response.json()["diff"]


@pytest.mark.parametrize(
    "query",
    [
        "view=diff",
        "view=diff&from=1",
        "view=nothing",
        "version=0",
        "version=x",
        "version=99999999999999999999",
        "first_line=0",
        "line_count=-1",
        "max_chars=0",
        "version=1&as_of=2026-01-01T00:00:00Z",
        "as_of=tomorrow",
        "unknown=1",
    ],
)
def test_odd_queries_are_400(publish, sync, address, query):
    publish("one")

    response = sync.get(f"{address}?{query}")

    assert (response.status_code, code_of(response)) == (400, "INVALID_ARGUMENT")


def test_if_match_writes_only_over_that_version(publish):
    publish("one")
    publish("two", If_Match='"1"')

    response = publish("three", If_Match='"1"')

    assert (response.status_code, code_of(response)) == (409, "VERSION_CONFLICT")
    detail = response.json()["error"]["detail"]
    assert (detail["current_version"], detail["current_text"]) == (2, "two")


def test_expected_version_in_json_does_the_same(sync, address, publish):
    publish("one")

    response = sync.put(address, {"content": "x", "expected_version": 7})

    assert code_of(response) == "VERSION_CONFLICT"


def test_if_none_match_star_writes_only_what_is_new(publish):
    assert publish("one", If_None_Match="*").status_code == 201
    assert code_of(publish("two", If_None_Match="*")) == "VERSION_CONFLICT"


def test_if_match_star_writes_only_over_something(publish):
    assert code_of(publish("one", If_Match="*")) == "VERSION_CONFLICT"
    publish("one")
    assert publish("two", If_Match="*").status_code == 200


@pytest.mark.parametrize("tag", ["1", 'W/"1"', '"x"', '"1", "2"', '"99999999999"'])
def test_odd_entity_tags_are_400(publish, tag):
    publish("one")

    assert code_of(publish("two", If_Match=tag)) == "INVALID_ARGUMENT"


def test_delete_leaves_a_tombstone_that_restore_lifts(publish, sync, address):
    publish("one")

    deleted = sync.delete(address)
    gone = sync.get(address)
    restored = sync.post(address, {"restore_version": 1})

    assert deleted.json()["version"] == 2
    assert code_of(gone) == "DOCUMENT_NOT_FOUND"
    assert restored.json()["version"] == 3
    assert sync.get(address).json()["text"] == "one"


def test_delete_honours_if_match(publish, sync, address):
    publish("one")

    assert code_of(sync.delete(address, If_Match='"5"')) == "VERSION_CONFLICT"
    assert sync.delete(address, If_Match='"1"').status_code == 200


def test_deleting_nothing_is_404(sync, address):
    assert code_of(sync.delete(address)) == "DOCUMENT_NOT_FOUND"


def test_restoring_what_never_was_is_404(publish, sync, address):
    publish("one")

    response = sync.post(address, {"restore_version": 5})

    assert code_of(response) == "VERSION_NOT_FOUND"


def test_documents_are_listed_by_path_in_pages(sync, workspace):
    base = f"workspaces/{workspace.slug}/knowledge"
    for name in ("c", "a", "b"):
        sync.put(f"{base}/{name}.md", b"x", content_type=MARKDOWN)

    first = sync.get(f"{base}?limit=2").json()
    rest = sync.get(f"{base}?limit=2&cursor={quote(first['next_cursor'])}").json()

    assert [each["path"] for each in first["documents"]] == ["a.md", "b.md"]
    assert [each["path"] for each in rest["documents"]] == ["c.md"]
    assert rest["next_cursor"] is None


def test_deleted_documents_are_listed_on_request(publish, sync, address, workspace):
    publish("x")
    sync.delete(address)
    base = f"workspaces/{workspace.slug}/knowledge"

    assert sync.get(base).json()["documents"] == []
    (gone,) = sync.get(f"{base}?include_deleted=true").json()["documents"]
    assert gone["deleted_at"] is not None


def test_a_cursor_is_for_one_query_and_one_token(sync, ai, workspace):
    base = f"workspaces/{workspace.slug}/knowledge"
    for name in ("a", "b"):
        sync.put(f"{base}/{name}.md", b"x", content_type=MARKDOWN)
    cursor = quote(sync.get(f"{base}?limit=1").json()["next_cursor"])

    assert code_of(ai.get(f"{base}?limit=1&cursor={cursor}")) == "CURSOR_INVALID"
    assert code_of(sync.get(f"{base}?prefix=a&cursor={cursor}")) == "CURSOR_INVALID"
    assert code_of(sync.get(f"{base}?cursor={cursor}x")) == "CURSOR_INVALID"
    assert sync.get(f"{base}?limit=1&cursor={cursor}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.md",
        "a/../../b.md",
        "%2e%2e/b.md",
        "/etc/passwd.md",
        "%2Fetc.md",
        "a//b.md",
        "a/./b.md",
        ".hidden.md",
        "a/.git/b.md",
        "a%00.md",
        "a%0Ab.md",
        "a%5Cb.md",
        "C:/x.md",
        "con.md",
        "x.exe",
        "noending",
        "x" * 300 + ".md",
        "a/" * 300 + "x.md",
    ],
)
def test_path_tricks_are_refused_and_leave_nothing(sync, workspace, stored, path):
    before = stored()

    response = sync.put(
        f"workspaces/{workspace.slug}/knowledge/{path}", b"x", content_type=MARKDOWN
    )

    assert response.status_code in {400, 404}
    assert code_of(response) in {"PATH_INVALID", "NOT_FOUND"}
    assert stored() == before


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"\xff\xfe", MARKDOWN, 422, "CONTENT_REFUSED"),
        (b"a\0b", MARKDOWN, 422, "CONTENT_REFUSED"),
        ({"content": "a\0b"}, "application/json", 422, "CONTENT_REFUSED"),
        (b'{"content": "\\ud800"}', "application/json", 400, "MALFORMED_BODY"),
        ({"content": 7}, "application/json", 400, "INVALID_ARGUMENT"),
        ({"content": None}, "application/json", 400, "INVALID_ARGUMENT"),
        ({}, "application/json", 400, "INVALID_ARGUMENT"),
        (
            {"content": "x", "expected_version": -1},
            "application/json",
            400,
            "INVALID_ARGUMENT",
        ),
        (
            {"content": "x", "expected_version": True},
            "application/json",
            400,
            "INVALID_ARGUMENT",
        ),
        (
            {"content": "x", "expected_version": 2**63 - 1},
            "application/json",
            400,
            "INVALID_ARGUMENT",
        ),
        (
            {"content": "x", "sha256": "0" * 64},
            "application/json",
            422,
            "HASH_MISMATCH",
        ),
        (
            {"content": "x", "sha256": "zz"},
            "application/json",
            400,
            "INVALID_ARGUMENT",
        ),
        (b"x" * (2**20 + 1), MARKDOWN, 413, "CONTENT_TOO_LARGE"),
        (b"x", "application/octet-stream", 415, "MEDIA_TYPE_UNSUPPORTED"),
    ],
)
def test_refused_content_leaves_nothing(
    sync, address, stored, body, kind, status, code
):
    before = stored()

    response = sync.put(address, body, content_type=kind)

    assert (response.status_code, code_of(response)) == (status, code)
    assert stored() == before


def test_no_write_token_no_document(sync, address, stored):
    del sync.headers["X-Write-Token"]
    before = stored()

    for method, body in (("PUT", {"content": "x"}), ("DELETE", b""), ("POST", {})):
        response = sync.ask(method, address, body)
        assert code_of(response) == "WRITE_TOKEN_INVALID"
    assert stored() == before


def test_a_rotated_write_token_is_refused_at_once(publish, workspace):
    publish("one")
    write_tokens.rotate(workspace, actor=OPERATOR, at=timezone.now())

    assert code_of(publish("two")) == "WRITE_TOKEN_INVALID"


@pytest.mark.django_db(transaction=True)
def test_a_retried_write_makes_one_version(publish):
    first = publish("one", Idempotency_Key="k")
    publish("two")
    again = publish("one", Idempotency_Key="k")

    assert again.json() == first.json()
    assert again.headers["ETag"] == '"1"'
    assert Version.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_key_with_another_condition_is_another_request(publish):
    publish("one", Idempotency_Key="k")

    response = publish("one", Idempotency_Key="k", If_Match='"1"')

    assert code_of(response) == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize("key", ["", "x" * 129])
def test_odd_idempotency_keys_are_400(publish, key):
    response = publish("one", Idempotency_Key=key)

    assert code_of(response) == "INVALID_ARGUMENT"


def test_an_assistant_writes_the_overview(ai, workspace):
    address = f"workspaces/{workspace.slug}/overview"

    written = ai.put(address, b"# Here\n", content_type=MARKDOWN)

    assert written.status_code == 201
    page = ai.get(address).json()
    assert (page["text"], page["channel"]) == ("# Here\n", "assistant")
    assert Document.objects.get().kind == "overview"


def test_an_overview_is_bounded(ai, workspace):
    body = b"x" * (64 * 2**10 + 1)

    response = ai.put(
        f"workspaces/{workspace.slug}/overview", body, content_type=MARKDOWN
    )

    assert (response.status_code, code_of(response)) == (413, "CONTENT_TOO_LARGE")


def test_a_binding_of_another_workspace_is_refused(ai, workspace, other_workspace):
    elsewhere = {"machine": "server", "tool": "codex", "project": "web"}
    binding = ai.post("workspaces", elsewhere).json()["binding"]
    address = f"workspaces/{workspace.slug}/overview"

    response = ai.put(address, b"x", content_type=MARKDOWN, X_Memory_Binding=binding)

    assert (response.status_code, code_of(response)) == (403, "WORKSPACE_REFUSED")


def test_someone_elses_binding_is_refused(ai, workspace):
    triple = {"machine": "laptop", "tool": "claude-code", "project": "memory"}
    binding = caller("ai").post("workspaces", triple).json()["binding"]

    response = ai.put(
        f"workspaces/{workspace.slug}/overview",
        b"x",
        content_type=MARKDOWN,
        X_Memory_Binding=binding,
    )

    assert (response.status_code, code_of(response)) == (403, "BINDING_INVALID")


def test_writes_leave_an_audit_row_with_the_request_id(publish):
    publish("one", X_Request_Id="r-1")

    event = Event.objects.get(action="knowledge.publish")
    assert (event.request_id, event.transport) == ("r-1", "rest")
