"""Resources, prompts and completion."""

import json

import pytest
from django.utils import timezone
from mcp_samples import SLUG, TALK, TRIPLE

from mcp_api.quoting import NOTICE
from workspaces.models import Workspace

FIXED = ["memory://readme", "memorynode://profile", "memorynode://projects"]


def read(client, uri):
    reply = client.request("resources/read", {"uri": uri})
    if "error" in reply:
        return reply["error"]["code"]
    (content,) = reply["result"]["contents"]
    assert content["uri"] == uri
    return content["text"]


def test_the_readme_is_the_first_resource(ai):
    listed = ai.request("resources/list")["result"]

    assert [each["uri"] for each in listed["resources"]] == FIXED
    assert "Federated memory" in read(ai, "memory://readme")


def test_overviews_are_listed_and_read(ai):
    binding = ai.call("register_workspace", **TRIPLE)["binding"]
    ai.call("register_workspace", machine="empty", tool="t", project="p")
    ai.call("write_overview", content="# Shop\n", binding=binding)
    uris = [each["uri"] for each in ai.request("resources/list")["result"]["resources"]]

    assert uris == [*FIXED, f"memory://{SLUG}/overview.md"]
    assert read(ai, uris[-1]) == "# Shop\n"


def test_a_long_list_of_overviews_has_pages(ai, monkeypatch):
    monkeypatch.setattr("mcp_api.resources._PAGE", 2)
    for number in range(5):
        registered = ai.call(
            "register_workspace", machine=f"m{number}", tool="t", project="p"
        )
        ai.call("write_overview", content="x", binding=registered["binding"])
    uris, params = [], {}
    while True:
        page = ai.request("resources/list", params)["result"]
        uris += [each["uri"] for each in page["resources"]]
        if "nextCursor" not in page:
            break
        params = {"cursor": page["nextCursor"]}

    assert len(uris) == len(set(uris)) == len(FIXED) + 5


def test_documents_and_their_versions_are_read(ai, sync, uploaded):
    sync.call("upload_knowledge", **uploaded, path="a b.md", content="one\n")
    sync.call("upload_knowledge", **uploaded, path="a b.md", content="two\n")
    uri = f"memory://{SLUG}/knowledge/a%20b.md"

    assert read(ai, uri) == "two\n"
    assert read(ai, f"{uri}?version=1") == "one\n"


def test_lines_of_a_transcript_are_read(ai, uploaded):
    uri = f"memory://{SLUG}/sessions/s-1"

    assert len(read(ai, uri).splitlines()) == 2
    second = json.loads(TALK.splitlines()[1])
    assert json.loads(read(ai, f"{uri}#L2-L2")) == second


def test_the_uri_of_a_citation_is_a_resource(ai, uploaded):
    for tool, query in (
        ("search_sessions", "NullBasketError"),
        ("search_knowledge", "zebrafish"),
    ):
        hit = ai.call(tool, query=query)["hits"][0]

        assert query in read(ai, hit["citation"]["uri"])


@pytest.mark.parametrize(
    "uri",
    [
        "memory://no-such-one/overview.md",
        "memory://x/knowledge/../../etc/passwd.md",
        "memory://x",
        "http://localhost/",
        "file:///etc/passwd",
        "nonsense",
        "memory://[",
        "memory://a%00b/overview.md",
        f"memory://{SLUG}/sessions/none#L1-L2",
        f"memory://{SLUG}/sessions/a%00b",
        f"memory://{SLUG}/overview.md",
        f"memory://{SLUG}/knowledge/none.md",
    ],
)
def test_what_is_not_there_is_told_in_each_eras_code(ai, uri):
    ai.call("register_workspace", **TRIPLE)

    assert read(ai, uri) in (-32002, -32602)
    response = ai.stateless("resources/read", uri=uri)
    assert response.status == 400
    assert response.json["error"]["code"] == -32602


def test_private_resources_are_not_there_for_others(ai, uploaded):
    Workspace.objects.update(is_private=True)

    assert read(ai, f"memory://{SLUG}/knowledge/notes/deploy.md") == -32002
    assert read(ai, f"memory://{SLUG}/sessions/s-1") == -32002


def test_templates_cover_every_kind(ai):
    templates = ai.request("resources/templates/list")["result"]["resourceTemplates"]

    assert [each["name"] for each in templates] == [
        "overview",
        "document",
        "transcript",
        "memory",
    ]


# -- memories ----------------------------------------------------------------------


def test_a_memory_and_its_earlier_states_are_read(ai):
    saved = ai.call("memory", content="The heron wades.", containerTag="team")["data"]
    (hit,) = ai.call("recall", query="heron")["results"]
    uri = f"memory://{saved['workspace_id']}/memories/{saved['memory_id']}"

    assert hit["citation"]["uri"].startswith(uri)
    for each in (uri, f"{uri}?revision=1", hit["citation"]["uri"]):
        assert read(ai, each) == "The heron wades."
    assert read(ai, f"{uri}?revision=2") == -32002
    assert read(ai, f"{uri[:-1]}x") == -32002


def test_the_profile_shows_the_newest_memories_quoted(ai):
    assert "Nothing is remembered yet" in read(ai, "memorynode://profile")
    for number in range(17):
        ai.call("memory", content=f"Heron {number} has ring {number * 37}.")
    profile = read(ai, "memorynode://profile")

    assert NOTICE in profile
    assert "Heron 16 has" in profile
    assert "Heron 2 has" in profile
    assert "Heron 1 has" not in profile


def test_the_profile_is_that_of_the_bound_workspace(ai):
    ai.call("memory", content="Herons wade elsewhere.")
    binding = ai.call("register_workspace", **TRIPLE)["binding"]
    ai.call("memory", content="Herons wade here.", binding=binding)
    ai.headers["x-memory-workspace"] = SLUG

    assert "wade here" in read(ai, "memorynode://profile")
    assert "elsewhere" not in read(ai, "memorynode://profile")
    assert f"You write to {SLUG}." in read(ai, "memorynode://projects")


def test_projects_explain_where_things_go(ai):
    projects = read(ai, "memorynode://projects")

    assert "containerTag" in projects
    assert "You may read 0 workspaces." in projects
    assert "the container default, made then" in projects


# -- prompts -----------------------------------------------------------------------


def test_prompts_lead_to_tools(ai):
    prompts = ai.request("prompts/list")["result"]["prompts"]

    assert [each["name"] for each in prompts] == [
        "continue_work",
        "machine_activity",
        "hand_over",
        "context",
    ]
    for prompt, arguments in (
        ("continue_work", {"workspace_id": SLUG, "topic": "the basket"}),
        ("machine_activity", {"machine": "laptop"}),
        ("hand_over", {"to": "Kim"}),
    ):
        params = {"name": prompt, "arguments": arguments}
        (message,) = ai.request("prompts/get", params)["result"]["messages"]
        assert message["role"] == "user"
        assert "list_sessions" in message["content"]["text"]
        for value in arguments.values():
            assert value in message["content"]["text"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("nonsense", {}),
        ("machine_activity", {}),
        ("machine_activity", {"machine": " "}),
        ("continue_work", {"nonsense": "x"}),
        ("continue_work", {"topic": "x" * 201}),
        ("continue_work", {"topic": 5}),
    ],
)
def test_wrong_prompts_are_invalid_params(ai, name, arguments):
    reply = ai.request("prompts/get", {"name": name, "arguments": arguments})

    assert reply["error"]["code"] == -32602


def test_the_context_prompt_quotes_the_newest_memories(ai):
    for number in range(9):
        ai.call("memory", content=f"Heron {number} has ring {number * 37}.")
    ai.call("memory", content="Egrets are white.", containerTag="team")

    def prompt(**arguments):
        params = {"name": "context", "arguments": arguments}
        (message,) = ai.request("prompts/get", params)["result"]["messages"]
        assert message["role"] == "user"
        return message["content"]["text"]

    text = prompt()
    before, _, _quoted = text.partition("Egrets are white")
    assert NOTICE in before
    assert "recall" in before
    assert "*:shared_app/default" in before
    assert "Heron 2 has" in text
    assert "Heron 1 has" not in text
    assert "Heron" not in prompt(containerTag="team")
    assert NOTICE not in prompt(includeRecent="false")


# -- completion --------------------------------------------------------------------


def complete(client, name, value, **given):
    params = {
        "ref": {"type": "ref/prompt", "name": "continue_work"},
        "argument": {"name": name, "value": value},
        "context": {"arguments": given},
    }
    return client.request("completion/complete", params)["result"]["completion"]


def test_ids_machines_paths_and_sessions_are_completed(ai, uploaded):
    assert complete(ai, "workspace_id", "lap")["values"] == [SLUG]
    assert complete(ai, "machine", "LAP")["values"] == ["laptop"]
    assert complete(ai, "path", "no", workspace_id=SLUG)["values"] == [
        "notes/deploy.md"
    ]
    assert complete(ai, "session_id", "s", workspace_id=SLUG)["values"] == ["s-1"]
    assert complete(ai, "path", "no")["values"] == []
    assert complete(ai, "topic", "x")["values"] == []
    assert complete(ai, "workspace_id", "\0")["values"] == []


def test_private_ids_are_not_completed_for_others(ai, uploaded):
    Workspace.objects.update(is_private=True)

    assert complete(ai, "workspace_id", "")["values"] == []
    assert complete(ai, "machine", "")["values"] == []
    assert complete(ai, "session_id", "")["values"] == []


def test_many_values_say_that_there_are_more(ai):
    now = timezone.now()
    Workspace.objects.bulk_create(
        Workspace(
            slug=f"m{number:03}-t-p",
            machine=f"m{number:03}",
            tool="t",
            project="p",
            created_at=now,
            last_active_at=now,
        )
        for number in range(101)
    )
    found = complete(ai, "workspace_id", "m")

    assert len(found["values"]) == 100
    assert found["hasMore"] is True
