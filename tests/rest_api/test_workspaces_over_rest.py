from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from rest_client import OPERATOR, caller, code_of

from access import write_tokens
from workspaces import connectors
from workspaces.models import Workspace

TRIPLE = {"machine": "Büro-PC", "tool": "codex", "project": "Web Site"}


def test_registering_makes_a_workspace_once(db):
    sync = caller("sync")

    first = sync.post("workspaces", {**TRIPLE, "cwd": "/home/x"})
    again = sync.post("workspaces", TRIPLE)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["workspace_id"] == "buro-pc-codex-web-site"
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    workspace = Workspace.objects.get()
    assert workspace.cwd == "/home/x"
    assert first.json()["write_token"] == write_tokens.derive(workspace)
    assert "binding" not in first.json()


def test_an_ai_token_gets_a_binding_and_no_write_token(db):
    registered = caller("ai").post("workspaces", TRIPLE).json()

    assert registered["binding"]
    assert registered["expires_at"]
    assert "write_token" not in registered


@pytest.mark.django_db(transaction=True)
def test_a_retried_registration_says_created_again_and_keeps_no_secret():
    from access.models import IdempotencyKey

    sync = caller("sync")

    first = sync.post("workspaces", TRIPLE, Idempotency_Key="r")
    again = sync.post("workspaces", TRIPLE, Idempotency_Key="r")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replay"] == "true"
    kept = IdempotencyKey.objects.get()
    assert first.json()["write_token"] not in str(kept.body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**TRIPLE, "machine": ""},
        {**TRIPLE, "machine": None},
        {**TRIPLE, "machine": 7},
        {**TRIPLE, "machine": ["a"]},
        {**TRIPLE, "machine": "a\0b"},
        {**TRIPLE, "machine": "a\nb"},
        {**TRIPLE, "machine": "x" * 201},
        {**TRIPLE, "cwd": "x" * 2000},
        {**TRIPLE, "description": "x" * 3000},
    ],
    ids=lambda body: str(sorted(body.items()))[:60],
)
def test_odd_registrations_leave_nothing(db, stored, body):
    sync = caller("sync")
    before = stored()

    response = sync.post("workspaces", body)

    assert (response.status_code, code_of(response)) == (400, "INVALID_ARGUMENT")
    assert stored() == before


def test_a_reading_token_has_nothing_to_register(db, stored):
    reader = caller("ai", scopes=["read"])
    before = stored()

    response = reader.post("workspaces", TRIPLE)

    assert (response.status_code, code_of(response)) == (403, "SCOPE_MISSING")
    assert stored() == before


def test_a_pinned_token_registers_only_its_own(workspace, stored):
    pinned = caller("sync", workspace=workspace)
    before = stored()

    refused = pinned.post("workspaces", TRIPLE)

    assert (refused.status_code, code_of(refused)) == (403, "WORKSPACE_REFUSED")
    assert stored() == before


def test_workspaces_are_listed_in_pages_with_counts(sync, workspace, other_workspace):
    sync.put(
        f"workspaces/{workspace.slug}/knowledge/a.md",
        b"12345",
        content_type="text/markdown",
    )

    first = sync.get("workspaces?limit=1").json()
    rest = sync.get(f"workspaces?cursor={quote(first['next_cursor'])}").json()

    (mine,) = first["workspaces"]
    assert mine["workspace_id"] == workspace.slug
    assert (mine["documents"], mine["sessions"], mine["size_bytes"]) == (1, 0, 5)
    assert [each["workspace_id"] for each in rest["workspaces"]] == [
        other_workspace.slug
    ]


def test_workspaces_are_filtered(ai, workspace, other_workspace):
    found = ai.get("workspaces?machine=server").json()["workspaces"]

    assert [each["machine"] for each in found] == ["server"]
    assert ai.get("workspaces?active_after=2999-01-01").json()["workspaces"] == []


def test_one_workspace(ai, workspace):
    assert ai.get(f"workspaces/{workspace.slug}").json()["machine"] == "laptop"


@pytest.mark.parametrize("slug", ["nobody", "%00", "UPPER", "é", "..", "a%0Ab"])
def test_unknown_workspaces_are_404(ai, slug):
    response = ai.get(f"workspaces/{slug}")

    assert response.status_code == 404
    assert code_of(response) in {"WORKSPACE_NOT_FOUND", "NOT_FOUND"}


def test_private_workspaces_are_listed_for_their_own(ai, workspace, other_workspace):
    workspace.is_private = True
    workspace.save()

    def seen(by):
        return {
            each["workspace_id"] for each in by.get("workspaces").json()["workspaces"]
        }

    assert seen(ai) == {other_workspace.slug}
    assert seen(caller("ai", workspace=workspace)) >= {workspace.slug}
    assert seen(caller("admin")) >= {workspace.slug}


class TestSyncCheck:
    LINES = b'{"role": "user", "content": "one"}\n'
    MORE = b'{"role": "user", "content": "two"}\n'

    @pytest.fixture
    def check(self, sync, workspace):
        def ask(*items):
            body = {"workspace_id": workspace.slug, "items": list(items)}
            return sync.post("sync/check", body)

        return ask

    @staticmethod
    def session(body: bytes, session_id: str = "one") -> dict:
        return {
            "session_id": session_id,
            "size_bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }

    @staticmethod
    def document(text: bytes, path: str = "a.md") -> dict:
        return {
            "path": path,
            "size_bytes": len(text),
            "sha256": hashlib.sha256(text).hexdigest(),
        }

    def test_documents(self, check, sync, workspace):
        base = f"workspaces/{workspace.slug}/knowledge"
        for name in ("a", "gone"):
            sync.put(f"{base}/{name}.md", b"text", content_type="text/markdown")
        sync.delete(f"{base}/gone.md")

        items = check(
            self.document(b"text"),
            self.document(b"other"),
            self.document(b"text", "new.md"),
            self.document(b"text", "gone.md"),
            self.document(b"text", "../trick.md"),
        ).json()["items"]

        assert [(each["state"], each["send"]) for each in items] == [
            ("same", False),
            ("changed", True),
            ("new", True),
            ("deleted", True),
            ("refused", False),
        ]
        assert items[1]["version"] == 1

    def test_what_the_settings_of_the_client_leave_out_is_off(self, check, workspace):
        def states():
            items = check(
                self.document(b"text"),
                self.document(b"text", "../trick.md"),
                self.session(self.LINES),
            ).json()["items"]
            assert all(each["send"] == (each["state"] == "new") for each in items)
            return [each["state"] for each in items]

        def choose(**chosen):
            connectors.update(
                workspace=workspace,
                connector_id=connectors.SYNC_CLIENT,
                actor=OPERATOR,
                at=timezone.now(),
                **chosen,
            )

        assert states() == ["new", "refused", "new"]
        choose(capture_types={"md": False})
        assert states() == ["off", "off", "new"]
        choose(sync_enabled=False)
        assert states() == ["off"] * 3
        choose(sync_enabled=True, capture_types={})
        assert states() == ["new", "refused", "new"]

    def test_sessions(self, check, sync, workspace):
        address = f"workspaces/{workspace.slug}/sessions/one"
        sync.put(address, self.LINES)
        whole = self.LINES + self.MORE

        (behind,) = check(self.session(whole)).json()["items"]
        sync.put(address, whole)
        rest = check(
            self.session(whole),
            self.session(self.LINES),
            self.session(b"x" * len(whole)),
            self.session(whole, "other"),
        ).json()["items"]

        assert behind == {
            "session_id": "one",
            "agent_id": "",
            "send": True,
            "state": "behind",
            "from_offset": len(self.LINES),
            "base_sha256": hashlib.sha256(self.LINES).hexdigest(),
        }
        assert [(each["state"], each["send"]) for each in rest] == [
            ("same", False),
            ("ahead", False),
            ("differs", True),
            ("new", True),
        ]

    def test_tells_nothing_of_other_workspaces(self, check, sync, other_workspace):
        sync.headers["X-Write-Token"] = write_tokens.derive(other_workspace)
        sync.put(f"workspaces/{other_workspace.slug}/sessions/one", self.LINES)

        (item,) = check(self.session(self.LINES)).json()["items"]

        assert item["state"] == "new"

    def test_takes_a_thousand_items_in_a_few_queries(
        self, check, django_assert_max_num_queries
    ):
        items = [self.document(b"x", f"{n}.md") for n in range(500)]
        items += [self.session(b"x", f"s{n}") for n in range(500)]

        with django_assert_max_num_queries(10):
            response = check(*items)

        assert len(response.json()["items"]) == 1000

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"items": []},
            {"items": {}},
            {"items": [7]},
            {"items": [{}]},
            {"items": [{"path": "a.md", "session_id": "x"}]},
            {"items": [{"path": "a.md", "sha256": "zz", "size_bytes": 1}]},
            {"items": [{"path": "a.md", "sha256": "0" * 64, "size_bytes": -1}]},
            {"items": [{"path": "a.md", "sha256": "0" * 64, "size_bytes": 1.5}]},
            {"items": [{"path": "a.md", "sha256": "0" * 64, "size_bytes": 2**63}]},
            {"items": [{"path": "a.md", "sha256": "0" * 64, "size_bytes": 1}] * 1001},
        ],
        ids=lambda body: str(body)[:50],
    )
    def test_odd_checks_are_400(self, sync, workspace, body):
        response = sync.post("sync/check", {"workspace_id": workspace.slug, **body})

        assert (response.status_code, code_of(response)) == (400, "INVALID_ARGUMENT")


def test_an_expired_token_is_told_so(db):
    from access.models import Token

    late = caller("ai", expires_at=timezone.now() + timedelta(hours=1))
    Token.objects.update(expires_at=timezone.now())

    response = late.get("me")

    assert (response.status_code, code_of(response)) == (401, "TOKEN_EXPIRED")
