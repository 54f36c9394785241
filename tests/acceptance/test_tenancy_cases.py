"""Section 16, tenancy: a private workspace is the tenant, a pinned token its key."""

from __future__ import annotations

import pytest
from people import a_workspace
from rest_client import code_of
from users import User, a_user

from memories.models import Memory

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "The safe of the heronry opens with 5544."
QUESTION = "heronry safe"


@pytest.fixture(params=["initialize", "stateless"])
def era(request):
    return request.param


@pytest.fixture
def dora(transactional_db) -> User:
    """Somebody of another private workspace."""
    elsewhere = a_workspace(machine="elsewhere", is_private=True)
    return a_user(name="dora", workspace=elsewhere)


@pytest.fixture(params=["unpinned", "pinned elsewhere"])
def stranger(request, ben, dora) -> User:
    return ben if request.param == "unpinned" else dora


def test_b_cannot_read_a_memory_of_a_by_id(clara, stranger):
    hers = clara.remembers(SECRET)
    address = f"/v1/memories/{hers}"

    for answer in (
        stranger.rest.get(address),
        stranger.rest.get(f"{address}/revisions"),
        stranger.rest.patch(address, {"text": "mine now"}),
        stranger.rest.post(f"{address}/archive", {}),
        stranger.rest.delete(address),
    ):
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    for tool in ("memory_get", "memory_delete"):
        assert stranger.mcp.call(tool, memory_id=hers)["refused"] == "NOT_FOUND"
    assert clara.rest.get(address).json()["text"] == SECRET


def test_b_cannot_list_a_memory_of_a(clara, stranger, home):
    clara.remembers(SECRET)

    assert clara.lists() != []
    for query in ("", f"?containerTag={home.slug}", f"?namespace={home.slug}"):
        assert stranger.lists(query) == []
    for tag in ({}, {"containerTag": home.slug}):
        assert stranger.mcp.call("memory_list", **tag)["data"]["total"] == 0


def test_b_cannot_search_a_memory_of_a(clara, stranger, home, era):
    hers = clara.remembers(SECRET)
    clara.mcp.is_stateless = stranger.mcp.is_stateless = era == "stateless"

    assert clara.finds(QUESTION) == clara.recalls(QUESTION) == [hers]
    for mode in ("hybrid", "keyword", "exact", "regex"):
        assert stranger.finds("heronry", search_mode=mode) == []
        assert stranger.recalls("heronry", mode=mode) == []
    assert stranger.finds(QUESTION, containerTag=home.slug) == []
    assert stranger.recalls(QUESTION, containerTag=home.slug) == []
    for tool in ("search", "memory_search"):
        assert stranger.mcp.call(tool, query=QUESTION)["results"] == []


def test_b_cannot_see_a_memory_of_a_in_a_context(clara, stranger, home, era):
    clara.remembers(SECRET, memory_type="pin")
    stranger.mcp.is_stateless = era == "stateless"
    asked = [{"query": QUESTION}, {"query": QUESTION, "containerTag": home.slug}]

    assert "5544" in clara.rest.post("/v1/context", asked[0]).content.decode()
    for body in asked:
        assert "5544" not in stranger.rest.post("/v1/context", body).content.decode()
        for tool in ("context", "context_pack", "memory_context"):
            assert "5544" not in str(stranger.mcp.call(tool, **body))
    explained = stranger.rest.get("/v1/context/explain?query=heronry%20safe")
    assert explained.json()["results"] == []


def test_deletion_removes_from_search_and_context(anna, ben):
    gone = anna.remembers(SECRET)
    assert ben.finds(QUESTION) == ben.recalls(QUESTION) == [gone]
    deleted = anna.rest.delete(f"/v1/memories/{gone}").json()

    assert (deleted["deleted"], deleted["id"]) == (True, gone)
    for user in (anna, ben):
        assert user.finds(QUESTION) == user.recalls(QUESTION) == user.lists() == []
        packed = user.rest.post("/v1/context", {"query": QUESTION}).content.decode()
        assert "5544" not in packed + str(user.mcp.call("context", query=QUESTION))
        assert code_of(user.rest.get(f"/v1/memories/{gone}")) == "NOT_FOUND"


def test_what_is_deleted_over_mcp_is_gone_over_rest(anna, ben):
    gone = anna.remembers(SECRET)
    assert anna.mcp.call("memory_delete", memory_id=gone)["status"] == "deleted"

    assert ben.finds(QUESTION) == ben.recalls(QUESTION) == ben.lists() == []


def test_a_scoped_key_beats_an_explicit_tag(clara, home):
    """Section 0 has it refused aloud, where the first implementation was silent."""
    elsewhere = {"containerTag": "elsewhere"}
    by_rest = clara.rest.post("/v1/memories", {"text": SECRET, **elsewhere})
    by_mcp = clara.mcp.call("memory_save", content=SECRET, **elsewhere)

    assert (by_rest.status_code, code_of(by_rest)) == (403, "UNAUTHORIZED_SCOPE")
    assert by_mcp["refused"] == "UNAUTHORIZED_SCOPE"
    assert not Memory.objects.exists()
    for header in ({}, {"X_Mn_Container_Tag": "elsewhere"}):
        kept = clara.rest.post("/v1/memories", {"text": SECRET}, **header)
        assert kept.json()["workspace_id"] == home.slug
        assert kept.headers["x-mn-resolved-container-tag"] == home.slug


@pytest.mark.parametrize("given", ["team a/b", " team_a_b ", "team\ta\nb", "team a b"])
def test_equal_logical_input_gives_an_equal_tag(anna, given):
    answers = [
        anna.rest.post("/v1/memories", {"text": f"Note {name}.", name: given})
        for name in ("containerTag", "namespace", "scope")
    ]
    by_mcp = anna.mcp.call("memory_save", content="By MCP.", containerTag=given)

    tags = {each.headers["x-mn-resolved-container-tag"] for each in answers}
    assert tags == {"team_a_b"}
    ids = {each.json()["memory_id"] for each in answers}
    assert set(anna.lists("?containerTag=team_a_b")) == {
        *ids,
        by_mcp["data"]["memory_id"],
    }


def test_no_user_is_the_shared_bucket(anna, ben):
    shared = anna.remembers(SECRET)
    by_mcp = anna.mcp.call("memory_save", content="Herons sleep on one leg.")
    hers = anna.remembers("Kim feeds the herons.", user_id="kim")

    for memory_id in (shared, by_mcp["data"]["memory_id"]):
        kept = ben.rest.get(f"/v1/memories/{memory_id}").json()
        assert (kept["owner_id"], kept["owner_type"]) == ("shared_app", "app")
        assert kept["container_tag"] == "default"
    assert ben.lists("?owner_id=shared_app")[-1] == shared
    assert ben.lists("?user_id=kim") == [hers]
