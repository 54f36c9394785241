from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import pytest
from rest_client import caller, code_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_exported_memories_are_imported_again(ai):
    ai.post("/v1/memories", {"text": "Herons wade.", "containerTag": "one"})
    exported = ai.get("/v1/export?containerTag=one").json()
    raw = ai.get("/v1/export?containerTag=one", Accept="application/zip")
    assert raw.headers["content-type"] == "application/zip"
    assert base64.b64decode(exported["artefact_base64"]) == raw.content
    assert hashlib.sha256(raw.content).hexdigest() == exported["sha256"]

    by_json = ai.post(
        "/v1/import",
        {"artefact_base64": exported["artefact_base64"], "containerTag": "two"},
    )
    by_bytes = ai.ask(
        "POST",
        "/v1/import?containerTag=three",
        raw.content,
        content_type="application/zip",
    )

    assert by_json.status_code == by_bytes.status_code == 200, by_json.content
    assert by_json.headers["cache-control"] == "no-store"
    for tag in ("two", "three"):
        page = ai.get(f"/v1/memories?containerTag={tag}").json()
        assert [each["text"] for each in page["results"]] == ["Herons wade."]


def test_a_changed_artefact_is_refused(ai):
    ai.post("/v1/memories", {"text": "Herons wade."})
    raw = ai.get("/v1/export", Accept="application/zip").content
    damaged = raw.replace(b"manifest.json", b"manifesT.json")

    response = ai.ask("POST", "/v1/import", damaged, content_type="application/zip")

    assert response.status_code in {400, 422}
    assert ai.get("/v1/memories").json()["total"] == 1


def test_secrets_leave_only_with_the_scope_for_raw(ai):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    saved = ai.post("/v1/memories", {"text": f"The deploy token is {secret}."})
    assert saved.status_code == 200

    assert code_of(ai.get("/v1/export?masked=false")) == "SCOPE_MISSING"
    raw = caller("ai", scopes=["read", "raw"]).get("/v1/export?masked=false").json()
    assert raw["masked"] is False
    assert ai.get("/v1/export").json()["sha256"] != raw["sha256"]


def test_an_export_refused_as_zip_says_so_in_json(ai):
    response = ai.get("/v1/export?colour=red", Accept="application/zip")

    assert code_of(response) == "INVALID_ARGUMENT"


def exported(by, query: str = "") -> dict:
    answer: dict = by.get(f"/v1/export{query}").json()
    return answer


def texts(by, tag: str) -> list[str]:
    page = by.get(f"/v1/memories?containerTag={tag}").json()
    return sorted(each["text"] for each in page["results"])


def test_each_mode_does_to_what_is_there_what_it_says(ai):
    where = {"containerTag": "one"}
    saved = ai.post("/v1/memories", {"text": "The port is 5544.", **where}).json()
    artefact = exported(ai, "?containerTag=one")["artefact_base64"]
    address = f"/v1/memories/{saved['memory_id']}"
    ai.patch(address, {"text": "The port is 6655."})
    body = {"artefact_base64": artefact, **where}

    def counts(mode: str) -> dict:
        answer: dict = ai.post("/v1/import", {**body, "mode": mode}).json()["counts"]
        return answer

    assert counts("skip_existing")["skipped"] == 1
    refused = ai.post("/v1/import", {**body, "mode": "error_on_conflict"})
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    assert texts(ai, "one") == ["The port is 6655."]
    assert counts("replace_ids")["created"] == 1
    assert texts(ai, "one") == ["The port is 5544.", "The port is 6655."]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": "overwrite"}, "INVALID_ARGUMENT"),
        ({"artefact_base64": "%%%"}, "INVALID_ARGUMENT"),
        ({"artefact_base64": "AAAA"}, "CONTENT_REFUSED"),
        ({"artefact_base64": 5}, "INVALID_ARGUMENT"),
        ({"artefact_base64": None}, "INVALID_ARGUMENT"),
        ({"containerTag": 5}, "INVALID_ARGUMENT"),
    ],
)
def test_what_is_no_import_brings_nothing_in(ai, fields, code):
    ai.post("/v1/memories", {"text": "Herons wade.", "containerTag": "one"})
    body = {"artefact_base64": exported(ai)["artefact_base64"], "containerTag": "two"}

    assert code_of(ai.post("/v1/import", {**body, **fields})) == code
    assert texts(ai, "two") == []


def test_a_checksum_that_does_not_fit_is_422(ai):
    ai.post("/v1/memories", {"text": "Herons wade."})
    packed = zipfile.ZipFile(
        io.BytesIO(base64.b64decode(exported(ai)["artefact_base64"]))
    )
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in packed.namelist():
            data = packed.read(name)
            if name == "memories.ndjson":
                data = data.replace(b"Herons", b"Egrets")
            target.writestr(name, data)

    response = ai.ask(
        "POST",
        "/v1/import?containerTag=two",
        changed.getvalue(),
        content_type="application/zip",
    )

    assert (response.status_code, code_of(response)) == (422, "HASH_MISMATCH")
    assert texts(ai, "two") == []


def test_an_artefact_overwrites_nothing_of_another_workspace(ai, workspace):
    theirs = ai.post(
        "/v1/memories", {"text": "Herons wade.", "containerTag": "theirs"}
    ).json()["memory_id"]
    artefact = exported(ai, "?containerTag=theirs")["artefact_base64"]
    stranger = caller("ai", workspace=workspace)

    answer = stranger.post(
        "/v1/import", {"artefact_base64": artefact, "mode": "upsert"}
    ).json()

    assert answer["workspace_id"] == workspace.slug
    assert theirs in answer["renamed"]
    assert ai.get(f"/v1/memories/{theirs}").json()["revision"] == 1


def test_nobody_exports_what_is_private_to_others(ai, workspace):
    workspace.is_private = True
    workspace.save(update_fields=["is_private"])
    caller("ai", workspace=workspace).post("/v1/memories", {"text": "Herons wade."})

    for query in ("", f"?containerTag={workspace.slug}"):
        assert exported(ai, query)["counts"]["memories"] == 0
    raw = caller("sync", scopes=["read", "raw"])
    assert exported(raw, "?masked=false")["counts"]["memories"] == 0


def test_an_unmasked_export_is_in_the_trail(ai):
    ai.post("/v1/memories", {"text": "Herons wade."})
    raw = caller("ai", scopes=["read", "raw"])

    raw.get("/v1/export?masked=false")

    (entry,) = raw.get("/v1/audit/log").json()["entries"]
    assert entry["action"] == "memory.export"
