"""Section 16, import, export and evaluation."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest
from rest_client import code_of
from users import User

from memories.models import Memory

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = {
    "lake": "Herons wade in the lake at dawn.",
    "pond": "Frogs of the pond fear the egret.",
    "tower": "From the tower we watched storks on Friday.",
}


@pytest.fixture
def birds(anna) -> dict[str, str]:
    return {name: anna.remembers(text) for name, text in TEXTS.items()}


# -- evaluation ------------------------------------------------------------------------


def test_a_set_is_created_filled_run_listed_and_deleted(anna, birds):
    made = anna.rest.post("/v1/evals/sets", {"name": "birds"})
    assert made.status_code == 201
    set_id = made.json()["id"]
    questions = {"lake at dawn": ["lake"], "who fears the egret": ["pond", "tower"]}
    items = [
        anna.rest.post(
            "/v1/evals/items",
            {
                "eval_set_id": set_id,
                "query": query,
                "expected_memory_ids": [birds[name] for name in expected],
            },
        ).json()["id"]
        for query, expected in questions.items()
    ]

    run = anna.rest.post("/v1/evals/run", {"eval_set_id": set_id, "top_k": 1}).json()
    listed = anna.rest.get("/v1/evals/sets").json()["sets"]
    rows = anna.rest.get(f"/v1/evals/items?eval_set_id={set_id}").json()["items"]

    assert [each["precision_at_k"] for each in run["items"]] == [1.0, 1.0]
    assert [each["recall"] for each in run["items"]] == [1.0, 0.5]
    assert run["average_precision_at_k"] == 1.0
    assert run["average_recall"] == 0.75
    assert [(each["name"], each["item_count"]) for each in listed] == [("birds", 2)]
    assert {each["id"] for each in rows} == set(items)
    for item in items:
        gone = anna.rest.delete(f"/v1/evals/items/{item}")
        assert gone.json()["deleted"] is True
    assert anna.rest.delete(f"/v1/evals/sets/{set_id}").json()["deleted"] is True
    assert anna.rest.get("/v1/evals/sets").json() == {"sets": []}
    again = anna.rest.delete(f"/v1/evals/sets/{set_id}")
    assert (again.status_code, code_of(again)) == (404, "NOT_FOUND")


def test_top_k_of_a_run_is_5_unless_told(anna, birds):
    set_id = anna.rest.post("/v1/evals/sets", {"name": "birds"}).json()["id"]
    item = {
        "eval_set_id": set_id,
        "query": "herons of the lake, egrets, storks and towers",
        "expected_memory_ids": list(birds.values()),
    }
    anna.rest.post("/v1/evals/items", item)

    run = anna.rest.post("/v1/evals/run", {"eval_set_id": set_id}).json()

    assert run["items"][0]["precision_at_k"] == 3 / 5
    assert run["items"][0]["recall"] == 1.0


def test_sets_of_a_private_workspace_are_nobody_elses(clara, ben):
    set_id = clara.rest.post("/v1/evals/sets", {"name": "birds"}).json()["id"]

    assert ben.rest.get("/v1/evals/sets").json() == {"sets": []}
    for answer in (
        ben.rest.get(f"/v1/evals/items?eval_set_id={set_id}"),
        ben.rest.post("/v1/evals/run", {"eval_set_id": set_id}),
        ben.rest.delete(f"/v1/evals/sets/{set_id}"),
    ):
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


# -- export and import -----------------------------------------------------------------


def exported(user: User, query: str = "") -> bytes:
    answer = user.rest.get(f"/v1/export{query}", Accept="application/zip")
    assert answer.status_code == 200, answer.content
    data: bytes = answer.content
    return data


def imported(user: User, data: bytes, query: str = ""):
    return user.rest.ask(
        "POST", f"/v1/import{query}", data, content_type="application/zip"
    )


def changed(artefact: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The artefact with other bytes in one of its files, and nothing else."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(artefact)) as before,
        zipfile.ZipFile(made, "w") as after,
    ):
        for member in before.namelist():
            data = before.read(member)
            if member == name:
                assert old in data
                data = data.replace(old, new)
            after.writestr(member, data)
    return made.getvalue()


def test_an_export_names_the_sum_and_size_of_every_file(anna, birds):
    artefact = exported(anna)
    answer = anna.rest.get("/v1/export").json()

    assert base64.b64decode(answer["artefact_base64"]) == artefact
    assert answer["bytes"] == len(artefact)
    assert answer["counts"]["memories"] == 3
    with zipfile.ZipFile(io.BytesIO(artefact)) as files:
        manifest = json.loads(files.read("manifest.json"))
        assert manifest["version"] == 1
        rows = files.read("memories.ndjson").splitlines()
    assert {json.loads(row)["text"] for row in rows} == set(TEXTS.values())
    # The same memories give the same bytes.
    assert exported(anna) == artefact


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("memories.ndjson", b"lake", b"sewer"),
        ("memories.ndjson", b"lake", b"LAKE"),
        ("revisions.ndjson", b"lake", b"LAKE"),
        ("manifest.json", b'"sha256":"', b'"sha256":"0'),
    ],
)
def test_a_checksum_mismatch_is_refused(anna, ben, birds, name, old, new):
    artefact = exported(anna)
    damaged = changed(artefact, name, old, new)
    there = "?containerTag=copy"

    by_rest = imported(ben, damaged, there)
    body = {"artefact_base64": base64.b64encode(damaged).decode()}
    by_mcp = ben.mcp.call(
        "ingest_dispatch", payload={"kind": "import", "body": body}, containerTag="copy"
    )

    assert by_rest.status_code in {400, 422}
    assert code_of(by_rest) in {"HASH_MISMATCH", "CONTENT_REFUSED"}
    assert by_mcp["refused"] == code_of(by_rest)
    assert ben.lists(there) == []
    assert Memory.objects.count() == 3


@pytest.mark.parametrize("mode", ["upsert", "skip_existing", "error_on_conflict"])
def test_an_import_never_touches_another_workspace(anna, clara, ben, mode):
    """Section 17, 18: rows of other workspaces could be overwritten by their ids."""
    hers = clara.remembers("The safe opens with 5544.")
    artefact = exported(clara)
    clara.rest.patch(f"/v1/memories/{hers}", {"text": "The safe opens with 7766."})

    answer = imported(ben, artefact, f"?mode={mode}")

    assert answer.status_code == 200, answer.content
    assert clara.rest.get(f"/v1/memories/{hers}").json()["text"].endswith("7766.")
    (copy,) = ben.lists()
    assert copy != hers
    assert answer.json()["renamed"] == {hers: copy}


def test_error_on_conflict_is_409_and_changes_nothing(anna, birds):
    artefact = exported(anna)
    changed_since = {"text": "Herons wade at dusk."}
    anna.rest.patch(f"/v1/memories/{birds['lake']}", changed_since)

    refused = imported(anna, artefact, "?mode=error_on_conflict")

    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    kept = anna.rest.get(f"/v1/memories/{birds['lake']}").json()
    assert kept["text"] == "Herons wade at dusk."


def test_an_artefact_comes_back_whole(anna, ben, birds):
    artefact = exported(anna)

    answer = imported(ben, artefact, "?containerTag=copy")

    assert answer.status_code == 200, answer.content
    listed = ben.rest.get("/v1/memories?containerTag=copy").json()["results"]
    assert {each["text"] for each in listed} == set(TEXTS.values())
    # Again, nothing changes.
    imported(ben, artefact, "?containerTag=copy")
    assert len(ben.lists("?containerTag=copy")) == 3
