from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from rest_client import caller, code_of

from access import write_tokens
from audit.models import Event
from jobs import running
from search import ranking

SECRET = "ghp_" + "abcdEFGH1234" * 3


def line(role: str, text: str, at: str = "2026-05-01T10:00:00Z") -> bytes:
    body = {"role": role, "content": text, "timestamp": at}
    return json.dumps(body).encode() + b"\n"


@pytest.fixture
def address(workspace):
    return f"workspaces/{workspace.slug}/sessions/one"


@pytest.fixture
def transcript(sync, address):
    """Sixty lines: questions and answers in turn, a secret in the second."""
    texts = [f"question {n}" if n % 2 else f"answer {n} {SECRET}" for n in range(1, 61)]
    body = b"".join(
        line("user" if n % 2 else "assistant", text) for n, text in enumerate(texts, 1)
    )
    assert sync.put(address, body).status_code == 201
    running.run_due(limit=100)
    return body


def test_a_conversation_is_readable_and_masked(transcript, ai, address):
    page = ai.get(f"{address}?line_count=4").json()

    assert [turn["role"] for turn in page["turns"]] == ["user", "assistant"] * 2
    assert page["turns"][0]["text"] == "question 1"
    assert SECRET not in json.dumps(page)
    assert (page["next_line"], page["total_lines"]) == (5, 60)


def test_roles_filter_a_conversation(transcript, ai, address):
    page = ai.get(f"{address}?roles=user&line_count=4").json()

    assert {turn["role"] for turn in page["turns"]} == {"user"}


def test_lines_are_verbatim_but_masked(transcript, ai, address):
    page = ai.get(f"{address}?view=lines&first_line=2&line_count=2").json()

    assert [each["line"] for each in page["lines"]] == [2, 3]
    assert json.loads(page["lines"][1]["text"])["content"] == "question 3"
    assert SECRET not in page["lines"][0]["text"]
    assert (page["next_line"], page["previous_line"]) == (4, 1)


def test_raw_needs_its_scope_and_is_audited(transcript, ai, admin, address):
    refused = ai.get(f"{address}?view=raw")
    allowed = admin.get(f"{address}?view=raw&first_line=2&line_count=1")

    assert (refused.status_code, code_of(refused)) == (403, "SCOPE_MISSING")
    assert SECRET in allowed.json()["lines"][0]["text"]
    event = Event.objects.get(action="session.read_raw")
    assert event.target == "one"
    assert SECRET not in json.dumps(event.detail)


def test_a_page_from_the_end_and_around_a_line(transcript, ai, address):
    last = ai.get(f"{address}?view=lines&from_end=true&line_count=2").json()
    around = ai.get(f"{address}?view=lines&around_line=30&line_count=5").json()

    assert [each["line"] for each in last["lines"]] == [59, 60]
    assert last["next_line"] is None
    assert 30 in [each["line"] for each in around["lines"]]


def test_following_next_line_gives_every_line_once(transcript, ai, address):
    seen, following = [], 1
    while following:
        page = ai.get(
            f"{address}?view=lines&first_line={following}&line_count=7&max_chars=500"
        ).json()
        seen += [each["line"] for each in page["lines"]]
        following = page["next_line"]

    assert seen == list(range(1, 61))


def test_a_line_longer_than_the_budget_comes_cut(sync, address):
    sync.put(address, line("user", "x" * 5000) + line("user", "short"))

    page = sync.get(f"{address}?view=lines&max_chars=100").json()

    assert len(page["lines"][0]["text"]) == 100
    assert (page["truncated"], page["next_line"]) == (True, 2)


def test_a_line_past_the_end_is_an_empty_page(transcript, ai, address):
    page = ai.get(f"{address}?view=lines&first_line=1000").json()

    assert (page["lines"], page["next_line"]) == ([], None)


@pytest.mark.parametrize(
    "query",
    [
        "view=pdf",
        "first_line=0",
        "first_line=-5",
        "first_line=99999999999999999999999999",
        "line_count=0",
        "line_count=1e9",
        "roles=root",
        "max_chars=999999999",
        "first_line=1&around_line=2",
        "from_end=perhaps",
        "lines=3",
        "agent_id=%00",
    ],
)
def test_odd_queries_are_400(transcript, ai, address, query):
    response = ai.get(f"{address}?{query}")

    assert (response.status_code, code_of(response)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("session_id", ["nothing", "..", "é"])
def test_unknown_sessions_are_404(ai, workspace, session_id):
    response = ai.get(f"workspaces/{workspace.slug}/sessions/{session_id}")

    assert (response.status_code, code_of(response)) == (404, "SESSION_NOT_FOUND")


def test_sessions_are_listed_newest_first_in_pages(sync, workspace):
    base = f"workspaces/{workspace.slug}/sessions"
    for name, day in (("a", 1), ("b", 3), ("c", 2)):
        sync.put(
            f"{base}/{name}", line("user", f"hi {name}", f"2026-05-0{day}T10:00:00Z")
        )
    running.run_due(limit=100)

    first = sync.get(f"{base}?limit=2").json()
    rest = sync.get(f"{base}?limit=2&cursor={quote(first['next_cursor'])}").json()

    assert [each["session_id"] for each in first["sessions"]] == ["b", "c"]
    assert [each["session_id"] for each in rest["sessions"]] == ["a"]
    assert first["sessions"][0]["title"] == "hi b"
    assert rest["next_cursor"] is None


def test_sessions_are_listed_by_time(sync, workspace):
    base = f"workspaces/{workspace.slug}/sessions"
    for name, day in (("a", 1), ("b", 3)):
        sync.put(f"{base}/{name}", line("user", "hi", f"2026-05-0{day}T10:00:00Z"))
    running.run_due(limit=100)

    found = sync.get(f"{base}?after=2026-05-02T00:00:00Z").json()["sessions"]

    assert [each["session_id"] for each in found] == ["b"]


def test_a_private_workspace_is_not_there_for_others(
    transcript, ai, workspace, address
):
    workspace.is_private = True
    workspace.save()

    for method in ("GET", "HEAD"):
        assert ai.ask(method, address).status_code == 404
    assert code_of(ai.get(address)) == "WORKSPACE_NOT_FOUND"
    assert caller("ai", workspace=workspace).get(address).status_code == 200
    assert caller("admin").get(address).status_code == 200


def test_a_damaged_blob_is_500_and_says_so(transcript, ai, address, memory_root):
    (blob,) = memory_root.rglob("blobs/??/*.gz")
    blob.chmod(0o600)
    blob.write_bytes(b"\x1f\x8b damaged")

    response = ai.get(f"{address}?view=lines")

    assert (response.status_code, code_of(response)) == (500, "BLOB_DAMAGED")
    assert str(memory_root) not in response.content.decode()


def test_search_finds_what_was_uploaded_and_its_citation_verifies(
    transcript, ai, workspace, address
):
    found = ai.get("search?q=question+17&mode=keyword").json()

    hit = next(each for each in found["hits"] if each["first_line"] == 17)
    assert hit["workspace_id"] == workspace.slug
    assert hit["session_id"] == "one"
    assert found["pending"]["words"] == 0
    assert found["searched"]["passages"] > 0
    uri = quote(hit["citation"]["uri"], safe="")
    proof = ai.get(f"citations/verify?uri={uri}&sha256={hit['citation']['sha256']}")
    assert proof.json()["valid"] is True
    lie = ai.get(f"citations/verify?uri={uri}&sha256={'0' * 64}")
    assert lie.json()["valid"] is False


def test_a_search_goes_on_with_its_cursor(transcript, ai):
    first = ai.get("search?q=question&mode=keyword&limit=3").json()
    cursor = quote(first["next_cursor"])
    rest = ai.get(f"search?q=question&mode=keyword&limit=3&cursor={cursor}").json()

    pages = [[hit["first_line"] for hit in page["hits"]] for page in (first, rest)]
    assert len(pages[0]) == len(pages[1]) == 3
    assert not set(pages[0]) & set(pages[1])
    other = ai.get(f"search?q=answer&mode=keyword&limit=3&cursor={cursor}")
    assert code_of(other) == "CURSOR_INVALID"


def test_search_filters(transcript, ai, workspace):
    def count(query: str) -> int:
        return len(ai.get(f"search?q=question&mode=keyword&{query}").json()["hits"])

    assert count(f"workspace_id={workspace.slug}") > 0
    assert count("machine=laptop&tool=claude-code&project=memory") > 0
    assert count("machine=elsewhere") == 0
    assert count("roles=user") > 0
    assert count("roles=assistant") == 0
    assert count("after=2026-06-01T00:00:00Z") == 0
    assert count("group_by_session=true") == 1


def test_a_score_is_explained_when_asked(transcript, ai):
    def hits(query: str) -> list[dict]:
        return ai.get(f"search?q=question&mode=keyword&{query}").json()["hits"]

    words = hits("explain=true")[0]["features"]["words"]
    assert words == {"value": 1, "weight": ranking.weights("keyword").weights["words"]}
    assert "features" not in hits("explain=false")[0]


def test_documents_are_searched_too(sync, ai, workspace):
    sync.put(
        f"workspaces/{workspace.slug}/knowledge/notes/db.md",
        b"# Database\n\nWe use zebra striping.\n",
        content_type="text/markdown",
    )
    running.run_due(limit=100)

    found = ai.get("search?q=zebra&kind=knowledge&mode=keyword").json()
    (hit,) = found["hits"]
    elsewhere = ai.get("search?q=zebra&kind=knowledge&mode=keyword&path_prefix=other/")

    assert (hit["path"], hit["version"]) == ("notes/db.md", 1)
    assert elsewhere.json()["hits"] == []
    uri = quote(hit["citation"]["uri"], safe="")
    proof = ai.get(f"citations/verify?uri={uri}&sha256={hit['citation']['sha256']}")
    assert proof.json()["valid"] is True


def test_private_text_is_found_by_nobody_else(transcript, ai, workspace):
    found = ai.get("search?q=question+17&mode=keyword").json()
    citation = next(h for h in found["hits"] if h["first_line"] == 17)["citation"]
    workspace.is_private = True
    workspace.save()

    assert ai.get("search?q=question&mode=keyword").json()["hits"] == []
    narrowed = ai.get(f"search?q=question&workspace_id={workspace.slug}")
    assert code_of(narrowed) == "WORKSPACE_NOT_FOUND"
    uri = quote(citation["uri"], safe="")
    proof = ai.get(f"citations/verify?uri={uri}&sha256={citation['sha256']}")
    assert code_of(proof) == "CITATION_NOT_FOUND"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "INVALID_ARGUMENT"),
        ("q=", "INVALID_ARGUMENT"),
        ("q=%00", "INVALID_ARGUMENT"),
        ("q=" + "x" * 2001, "INVALID_ARGUMENT"),
        ("q=x&mode=magic", "INVALID_ARGUMENT"),
        ("q=x&kind=everything", "INVALID_ARGUMENT"),
        ("q=x&limit=0", "INVALID_ARGUMENT"),
        ("q=x&limit=101", "INVALID_ARGUMENT"),
        ("q=x&roles=boss", "INVALID_ARGUMENT"),
        ("q=x&kind=knowledge&roles=user", "INVALID_ARGUMENT"),
        ("q=x&path_prefix=a", "INVALID_ARGUMENT"),
        ("q=x&after=soon", "INVALID_ARGUMENT"),
        ("q=x&cursor=made-up", "CURSOR_INVALID"),
        ("q=(unclosed&mode=regex", "REGEX_INVALID"),
        ("q=x&workspace_id=nobody", "WORKSPACE_NOT_FOUND"),
    ],
    ids=lambda value: value[:30],
)
def test_odd_searches_are_refused(transcript, ai, query, code):
    response = ai.get(f"search?{query}")

    assert response.status_code in {400, 404}
    assert code_of(response) == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "INVALID_ARGUMENT"),
        ("uri=http://x/y&sha256=" + "0" * 64, "INVALID_ARGUMENT"),
        ("uri=memory://a/sessions/b%23L1-L2&sha256=zz", "INVALID_ARGUMENT"),
        (
            "uri=memory://nobody/sessions/b%23L1-L2&sha256=" + "0" * 64,
            "CITATION_NOT_FOUND",
        ),
        ("uri=memory://%00/sessions/b%23L1&sha256=" + "0" * 64, "INVALID_ARGUMENT"),
        ("uri=memory://[/sessions/b%23L1&sha256=" + "0" * 64, "INVALID_ARGUMENT"),
    ],
    ids=lambda value: value[:40],
)
def test_odd_citations_are_refused(ai, query, code):
    assert code_of(ai.get(f"citations/verify?{query}")) == code


def test_an_upload_is_searchable_only_where_its_write_token_led(
    transcript, sync, other_workspace
):
    sync.headers["X-Write-Token"] = write_tokens.derive(other_workspace)

    found = sync.get(f"search?q=question&workspace_id={other_workspace.slug}")

    assert found.json()["hits"] == []
