"""Resources, prompts and completion."""

import json

import pytest
from django.utils import timezone
from mcp_samples import SLUG, TALK, TRIPLE

from workspaces.models import Workspace


def read(client, uri):
    reply = client.request("resources/read", {"uri": uri})
    if "error" in reply:
        return reply["error"]["code"]
    (content,) = reply["result"]["contents"]
    assert content["uri"] == uri
    return content["text"]


def test_the_readme_is_the_first_resource(ai):
    listed = ai.request("resources/list")["result"]

    assert [each["uri"] for each in listed["resources"]] == ["memory://readme"]
    assert "Federated memory" in read(ai, "memory://readme")


def test_overviews_are_listed_and_read(ai):
    binding = ai.call("register_workspace", **TRIPLE)["binding"]
    ai.call("register_workspace", machine="empty", tool="t", project="p")
    ai.call("write_overview", content="# Shop\n", binding=binding)
    uris = [each["uri"] for each in ai.request("resources/list")["result"]["resources"]]

    assert uris == ["memory://readme", f"memory://{SLUG}/overview.md"]
    assert read(ai, uris[1]) == "# Shop\n"


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

    assert len(uris) == len(set(uris)) == 6


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
    ]


# -- prompts -----------------------------------------------------------------------


def test_prompts_lead_to_tools(ai):
    prompts = ai.request("prompts/list")["result"]["prompts"]

    assert [each["name"] for each in prompts] == [
        "continue_work",
        "machine_activity",
        "hand_over",
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
