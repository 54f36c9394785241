"""Who may do what, for everything that can be called, over every transport.

The rows come from the registries (URL patterns, tools, consumers, commands), so a new
thing is here the moment it exists: it fails until it declares its requirement and this
file knows how to call it. The columns are callers and workspaces. What each cell must
answer follows from the declaration alone, by `verdict`.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import contextlib
import gzip
import hashlib
import inspect
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import people
import pytest
from asgi_requests import post_json
from channels.testing import WebsocketCommunicator
from django.apps import apps
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.views import APIView

from access import bindings, tokens, webhook_secrets, write_tokens
from access.models import Token
from access.principals import Principal
from access.requirements import Requirement
from console.routing import websocket_urlpatterns
from knowledge import publishing
from mcp_api.endpoint import mcp_application
from mcp_api.registry import tools
from memories import linking, saving
from memories.models import EvalSet, Link, Memory
from memories.saving import Draft
from recall import artefacts, evaluating
from rest_api.authentication import RequirementUndeclared, requirement_of
from sessions import citing, uploads
from workspaces.models import Workspace

ROOT = Path(__file__).resolve().parent.parent
LINES = b'{"role": "user", "content": "hello"}\n'
TEXT = "# Notes\n\nhello\n"
DIGEST = hashlib.sha256(LINES).hexdigest()

# -- the columns -----------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Someone at the door; `refused` when the token itself is not good."""

    name: str
    token: str | None
    kind: str = ""
    scopes: frozenset[str] = frozenset()
    pinned_to: str | None = None
    refused: str | None = None


@dataclass
class World:
    """A public and a private workspace with the same things in them, and a third."""

    public: Workspace
    private: Workspace
    third: Workspace
    callers: list[Caller] = field(default_factory=list)

    def __getitem__(self, name: str) -> Workspace:
        found: Workspace = getattr(self, name)
        return found


def a_caller(name: str, kind: str, **given: Any) -> Caller:
    workspace = given.get("workspace")
    text = people.a_token(kind, at=timezone.now(), **given)
    token = Token.objects.get(digest=tokens.digest(text))
    return Caller(
        name,
        text,
        kind=kind,
        scopes=frozenset(token.scopes),
        pinned_to=workspace.slug if workspace else None,
    )


def every_caller(world: World) -> Iterator[Caller]:
    yield Caller("nobody", None, refused="UNAUTHENTICATED")
    yield Caller("junk", "not-a-token-of-ours", refused="UNAUTHENTICATED")
    for name, column, moment, code in (
        ("expired", "expires_at", timezone.now() - timedelta(days=1), "TOKEN_EXPIRED"),
        ("revoked", "revoked_at", timezone.now(), "TOKEN_REVOKED"),
    ):
        text = people.a_token("admin", at=timezone.now())
        Token.objects.filter(digest=tokens.digest(text)).update(**{column: moment})
        yield Caller(name, text, refused=code)
    for kind in ("ai", "sync", "admin"):
        yield a_caller(kind, kind)
        for place in ("public", "private", "third"):
            yield a_caller(f"{kind} pinned to {place}", kind, workspace=world[place])
        powerless = a_caller(f"{kind} without scopes", kind)
        Token.objects.filter(digest=tokens.digest(powerless.token or "")).update(
            scopes=[]
        )
        yield Caller(powerless.name, powerless.token, kind=kind)


@pytest.fixture(autouse=True)
def quiet(settings, monkeypatch):
    for cost in ("READS", "WRITES", "FAILED_LOGINS"):
        setattr(settings, f"RATE_{cost}_PER_MINUTE", 0)
    # The endpoint's threads keep connections, which would block the database's drop.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def world(transactional_db) -> World:
    made = World(
        public=people.a_workspace(project="public"),
        private=people.a_workspace(project="private", is_private=True),
        third=people.a_workspace(project="third"),
    )
    for workspace in (made.public, made.private):
        furnish(workspace)
    made.callers = list(every_caller(made))
    return made


def furnish(workspace: Workspace) -> None:
    """Put in what the calls below read and change."""
    put_notes(workspace)
    given = {"workspace": workspace, "actor": people.OPERATOR, "at": people.NOW}
    publishing.publish(
        kind="overview", path="overview.md", text=TEXT, channel="operator", **given
    )
    uploads.receive(session_id="one", chunks=[LINES], **given)
    put_memory(workspace)


def put_memory(workspace: Workspace, birds: str = "Herons") -> str:
    """The id of the memory that others read and erase; safe to do again."""
    saved = saving.save(
        workspace=workspace,
        draft=Draft(text=f"{birds} of {workspace.slug} wade."),
        channel="operator",
        actor=people.OPERATOR,
        at=people.NOW,
    )
    return str(saved.memory.memory_id)


def put_other(workspace: Workspace) -> str:
    return put_memory(workspace, "Spoonbills")


def put_notes(workspace: Workspace) -> None:
    """The document that others delete; safe to do again."""
    publishing.publish(
        workspace=workspace,
        path="notes.md",
        text=TEXT,
        channel="operator",
        actor=people.OPERATOR,
        at=people.NOW,
    )


# -- the law ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Action:
    """What a call does to the workspace it names, beside its declared requirement."""

    requirement: Requirement
    names_workspace: bool = False
    writes: bool = False
    # Registering is for tokens that can do something with a workspace.
    needs_any_scope: frozenset[str] = frozenset()
    # A citation of what is hidden is answered like one of what never was.
    when_hidden: str = "WORKSPACE_NOT_FOUND"
    # What those are told who may call, where the call itself can come to nothing.
    when_served: str = "OK"


def verdict(action: Action, caller: Caller, workspace: Workspace) -> str:
    """The code that this caller must get, "OK" for being served."""
    asked = action.requirement
    if asked.public:
        return action.when_served
    if caller.refused:
        return caller.refused
    if caller.kind not in asked.kinds:
        return "TOKEN_KIND_REFUSED"
    if asked.scope is not None and asked.scope not in caller.scopes:
        return "SCOPE_MISSING"
    if action.needs_any_scope and not action.needs_any_scope & caller.scopes:
        return "SCOPE_MISSING"
    if action.names_workspace:
        is_own = caller.pinned_to == workspace.slug
        if workspace.is_private and caller.kind != "admin" and not is_own:
            return action.when_hidden
        if action.writes and caller.pinned_to and not is_own:
            return "WORKSPACE_REFUSED"
    return action.when_served


def assert_cells(
    world: World,
    action: Action,
    call: Callable[[Caller, Workspace], tuple[str, str]],
) -> None:
    """Compare every cell of one row; `call` gives the code and everything that was
    said.
    """
    wrong = []
    for place in ("public", "private"):
        workspace = world[place]
        for caller in world.callers:
            code, said = call(caller, workspace)
            expected = verdict(action, caller, workspace)
            if code != expected:
                wrong.append(f"{caller.name} × {place}: {code}, not {expected}")
            may_see = caller.kind == "admin" or caller.pinned_to == world.private.slug
            if not may_see and place == "public" and world.private.slug in said:
                wrong.append(f"{caller.name} × {place}: told of the private workspace")
    assert wrong == []


# -- REST ------------------------------------------------------------------------------

# How to call each route so that it succeeds for those who may: what it asks of the
# workspace, then the address, the body and its type.
NDJSON, MARKDOWN, JSON = "application/x-ndjson", "text/markdown", "application/json"
REGISTERING = {"needs_any_scope": frozenset({"write", "upload"}), "writes": True}


@dataclass(frozen=True)
class Route:
    """`{slug}` and `{citation}` in the address are the workspace's, `{made}` is what
    `makes` put there for this one call.
    """

    address: str
    body: Callable[[Workspace], bytes] = lambda _: b""
    type: str = JSON
    names_workspace: bool = True
    writes: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    makes: Callable[[Workspace], str] = lambda _: ""
    # Whether a header names the workspace, and not the address or the body.
    is_bound: bool = False
    is_signed: bool = False

    def action(self, requirement: Requirement) -> Action:
        facts = {
            "names_workspace": self.names_workspace,
            "writes": self.writes,
            **self.more,
        }
        return Action(requirement, **facts)


def as_json(make: Callable[[Workspace], Any]) -> Callable[[Workspace], bytes]:
    return lambda workspace: json.dumps(make(workspace)).encode()


def triple(workspace: Workspace) -> dict[str, str]:
    return {
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
    }


def item(workspace: Workspace) -> dict[str, Any]:
    file = {"path": "notes.md", "sha256": DIGEST, "size_bytes": 5}
    return {"workspace_id": workspace.slug, "items": [file]}


def put_pair(workspace: Workspace, *, is_linked: bool) -> str:
    """The id of one of two memories of a workspace, with a link between or without."""
    first, other = (
        Memory.objects.get(memory_id=put(workspace)) for put in (put_memory, put_other)
    )
    Link.objects.filter(from_memory=first).delete()
    if is_linked:
        linking.link(
            memory=first,
            other=other,
            link_type="related_to",
            actor=people.OPERATOR,
            at=people.NOW,
        )
    return str(first.memory_id)


def put_set(workspace: Workspace) -> str:
    """The id of a new evaluation set."""
    made = evaluating.create_set(
        workspace=workspace,
        name=uuid.uuid4().hex,
        principal=Principal(0, "x", "ai", frozenset()),
        at=people.NOW,
    )
    return str(made.set_id)


def put_item(workspace: Workspace) -> str:
    found = EvalSet.objects.get(set_id=put_set(workspace))
    item = evaluating.add_item(
        eval_set=found,
        query="q",
        expected_memory_ids=[NO_ID],
        actor=people.OPERATOR,
        at=people.NOW,
    )
    return str(item.item_id)


def put_key(_: Workspace) -> int:
    text = people.a_token("ai", at=timezone.now())
    return Token.objects.get(digest=tokens.digest(text)).pk


def an_artefact(workspace: Workspace) -> dict[str, str]:
    made = artefacts.export(
        workspaces=Workspace.objects.filter(pk=workspace.pk),
        actor=people.OPERATOR,
        at=people.NOW,
    )
    return {"artefact_base64": base64.b64encode(made.data).decode()}


def asking(address: str) -> Route:
    """A question; a tag that a caller may not read names nothing there, no error."""
    body = as_json(lambda workspace: {"query": "q", "containerTag": workspace.slug})
    return Route(address, body, names_workspace=False)


def listing(address: str) -> Route:
    return Route(address, names_workspace=False)


def changing(
    address: str,
    body: Callable[[Workspace], Any] = lambda _: {},
    makes: Callable[[Workspace], str] = lambda _: "",
    when_served: str = "OK",
) -> Route:
    return Route(
        address,
        as_json(body),
        writes=True,
        is_bound=True,
        makes=makes,
        more={"when_served": when_served},
    )


NO_ID = "00000000-0000-4000-8000-000000000000"
HIDDEN = {"when_hidden": "NOT_FOUND"}
BASE = "/api/v1/workspaces/{slug}"
MEMORY = "/v1/memories/{made}"
ROUTES: dict[tuple[str, str], Route] = {
    ("landing", "GET"): Route("/", names_workspace=False),
    ("healthz", "GET"): Route("/healthz", names_workspace=False),
    ("readyz", "GET"): Route(
        "/readyz", names_workspace=False, more={"when_served": "503"}
    ),
    ("metrics", "GET"): Route("/metrics", names_workspace=False),
    ("schema", "GET"): Route("/api/v1/schema", names_workspace=False),
    ("me", "GET"): Route("/api/v1/me", names_workspace=False),
    ("workspaces", "GET"): Route("/api/v1/workspaces?limit=100", names_workspace=False),
    ("workspaces", "POST"): Route(
        "/api/v1/workspaces", as_json(triple), more=REGISTERING
    ),
    ("workspace", "GET"): Route(BASE),
    ("overview", "GET"): Route(f"{BASE}/overview"),
    ("overview", "PUT"): Route(
        f"{BASE}/overview", lambda _: TEXT.encode(), MARKDOWN, writes=True
    ),
    ("documents", "GET"): Route(f"{BASE}/knowledge"),
    ("document", "GET"): Route(f"{BASE}/knowledge/notes.md"),
    ("document", "PUT"): Route(
        f"{BASE}/knowledge/notes.md", lambda _: TEXT.encode(), MARKDOWN, writes=True
    ),
    ("document", "POST"): Route(
        f"{BASE}/knowledge/notes.md",
        as_json(lambda _: {"restore_version": 1}),
        writes=True,
    ),
    ("document", "DELETE"): Route(f"{BASE}/knowledge/notes.md", writes=True),
    ("transcripts", "GET"): Route(f"{BASE}/sessions"),
    ("transcript", "GET"): Route(f"{BASE}/sessions/one"),
    ("transcript", "HEAD"): Route(f"{BASE}/sessions/one"),
    ("transcript", "PUT"): Route(
        f"{BASE}/sessions/one", lambda _: LINES, NDJSON, writes=True
    ),
    ("sync-check", "POST"): Route("/api/v1/sync/check", as_json(item)),
    ("machine", "PUT"): Route(
        "/api/v1/machines/laptop",
        as_json(
            lambda _: {
                "client_version": "1",
                **dict.fromkeys(("found", "skipped", "failed", "waiting"), 0),
            }
        ),
        names_workspace=False,
    ),
    ("hook", "POST"): Route(
        "/api/v1/hooks/claude-code?machine=laptop&tool=claude-code",
        as_json(
            lambda workspace: {
                "hook_event_name": "Stop",
                "session_id": "hooked",
                "cwd": f"/home/me/{workspace.project}",
                "last_assistant_message": "Done.",
            }
        ),
        writes=True,
    ),
    ("client-file", "GET"): Route("/client/install.sh", names_workspace=False),
    ("search", "GET"): Route("/api/v1/search?q=hello&mode=exact&workspace_id={slug}"),
    ("citation", "GET"): Route(
        "/api/v1/citations/verify?uri={citation}&sha256=" + DIGEST,
        more={"when_hidden": "CITATION_NOT_FOUND"},
    ),
    ("memories", "GET"): listing("/v1/memories?containerTag={slug}"),
    ("memories", "POST"): changing("/v1/memories", lambda _: {"text": "Ibises."}),
    ("conversations", "POST"): changing(
        "/v1/memories/conversation", lambda _: {"transcript": "user: hi"}
    ),
    ("memory", "GET"): Route(MEMORY, makes=put_memory, more=HIDDEN),
    ("memory", "PATCH"): changing(MEMORY, lambda _: {"importance": 2}, put_memory),
    ("memory", "DELETE"): changing(MEMORY, makes=put_memory),
    ("revisions", "GET"): Route(f"{MEMORY}/revisions", makes=put_memory, more=HIDDEN),
    ("archive", "POST"): changing(f"{MEMORY}/archive", makes=put_memory),
    ("archive", "DELETE"): changing(f"{MEMORY}/archive", makes=put_memory),
    ("links", "POST"): changing(
        f"{MEMORY}/links",
        lambda workspace: {"to_memory_id": put_other(workspace)},
        lambda workspace: put_pair(workspace, is_linked=False),
    ),
    ("links", "DELETE"): changing(
        f"{MEMORY}/links",
        lambda workspace: {"to_memory_id": put_other(workspace)},
        lambda workspace: put_pair(workspace, is_linked=True),
    ),
    ("ingest", "POST"): changing(
        "/v1/ingest", lambda _: {"kind": "text", "body": {"text": "Storks."}}
    ),
    ("import", "POST"): changing("/v1/import", an_artefact),
    ("export", "GET"): listing("/v1/export?containerTag={slug}"),
    ("pins", "PATCH"): changing(
        "/v1/profile/pins", lambda workspace: {"memory_ids": [put_memory(workspace)]}
    ),
    ("forget", "POST"): changing(
        "/v1/forget", lambda _: {"content": "quantum chromodynamics"}
    ),
    ("forget-confirm", "POST"): changing(
        "/v1/forget/confirm",
        lambda _: {"token": "none"},
        when_served="CONFIRMATION_REQUIRED",
    ),
    ("memory-search", "POST"): asking("/v1/search"),
    ("history", "GET"): listing("/v1/search/history"),
    ("replay", "POST"): Route(
        "/v1/search/replay",
        as_json(lambda _: {"query_id": NO_ID}),
        names_workspace=False,
        more={"when_served": "NOT_FOUND"},
    ),
    ("context", "POST"): asking("/v1/context"),
    ("explain", "GET"): listing("/v1/context/explain?query=q&containerTag={slug}"),
    ("context-feedback", "POST"): Route(
        "/v1/context/feedback",
        as_json(lambda _: {"trace_id": "t"}),
        names_workspace=False,
    ),
    ("feedback", "POST"): Route(
        "/v1/feedback",
        as_json(lambda _: {"request_id": NO_ID, "feedback": "positive"}),
        names_workspace=False,
        more={"when_served": "NOT_FOUND"},
    ),
    ("answer", "POST"): Route(
        "/v1/explain/answer",
        as_json(lambda _: {"question": "q", "context": "c"}),
        names_workspace=False,
        more={"when_served": "NOT_CONFIGURED"},
    ),
    ("eval-sets", "GET"): listing("/v1/evals/sets?containerTag={slug}"),
    ("eval-sets", "POST"): changing(
        "/v1/evals/sets", lambda _: {"name": uuid.uuid4().hex}
    ),
    ("eval-set", "DELETE"): changing("/v1/evals/sets/{made}", makes=put_set),
    ("eval-items", "GET"): Route(
        "/v1/evals/items?eval_set_id={made}", makes=put_set, more=HIDDEN
    ),
    ("eval-items", "POST"): changing(
        "/v1/evals/items",
        lambda workspace: {
            "eval_set_id": put_set(workspace),
            "query": "q",
            "expected_memory_ids": [NO_ID],
        },
    ),
    ("eval-item", "DELETE"): changing("/v1/evals/items/{made}", makes=put_item),
    ("eval-run", "POST"): Route(
        "/v1/evals/run",
        as_json(lambda workspace: {"eval_set_id": put_set(workspace)}),
        more=HIDDEN,
    ),
    ("connectors", "GET"): listing("/v1/connectors/settings?containerTag={slug}"),
    ("connectors", "PATCH"): changing(
        "/v1/connectors/settings", lambda _: {"connector_id": "laptop"}
    ),
    ("usage", "GET"): listing("/v1/usage/today?containerTag={slug}"),
    ("audit", "GET"): listing("/v1/audit/log"),
    ("pruning", "GET"): listing("/v1/pruning/metrics?containerTag={slug}"),
    ("billing", "GET"): listing("/v1/billing?containerTag={slug}"),
    ("checkout", "POST"): changing(
        "/v1/billing/checkout", when_served="BILLING_DISABLED"
    ),
    ("payment-webhook", "POST"): Route(
        "/v1/billing/webhook",
        lambda _: b"txnid=1",
        "application/x-www-form-urlencoded",
        names_workspace=False,
        more={"when_served": "BILLING_DISABLED"},
    ),
    ("memory-webhook", "POST"): Route(
        "/v1/webhooks/memory",
        as_json(lambda workspace: {"workspace_id": workspace.slug, "text": "Ibis."}),
        names_workspace=False,
        is_signed=True,
    ),
    ("webhook-secret", "GET"): Route(
        "/v1/webhooks/secret?workspace_id={slug}", writes=True
    ),
    ("containers", "POST"): changing(
        "/v1/workspaces", lambda workspace: {"name": workspace.slug}
    ),
    ("keys", "GET"): Route("/v1/api-keys?workspace_id={slug}"),
    ("keys", "POST"): Route(
        "/v1/api-keys",
        as_json(lambda workspace: {"name": "x", "workspace_id": workspace.slug}),
        writes=True,
    ),
    ("key-revoking", "POST"): Route(
        "/v1/api-keys/revoke",
        as_json(lambda workspace: {"api_key_id": put_key(workspace)}),
        names_workspace=False,
    ),
    ("health", "GET"): listing("/v1/health"),
    ("ready", "GET"): listing("/ready"),
    ("memory-ready", "GET"): listing("/v1/ready"),
    **{
        (f"oauth:{name}", "GET"): Route(address, names_workspace=False)
        for name, address in {
            "resource": "/.well-known/oauth-protected-resource",
            "resource-mcp": "/.well-known/oauth-protected-resource/mcp",
            "resource-v1-mcp": "/.well-known/oauth-protected-resource/v1/mcp",
            "server": "/.well-known/oauth-authorization-server",
        }.items()
    },
    # Codes and refresh tokens are what is asked for there, and bearer tokens nothing.
    **{
        (f"oauth:{name}", "POST"): Route(
            f"/oauth/{name}",
            type="application/x-www-form-urlencoded",
            names_workspace=False,
            more={"when_served": error},
        )
        for name, error in {
            "token": "unsupported_grant_type",
            "revoke": "invalid_request",
            "register": "not_found",
        }.items()
    },
}


def url_patterns(resolver: Any, names: tuple[str, ...] = ()) -> Iterator[Any]:
    """(namespaces, pattern) of everything that Django serves."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*names, pattern.namespace) if pattern.namespace else names
            yield from url_patterns(pattern, inner)
        elif isinstance(pattern, URLPattern):
            yield names, pattern


def views() -> list[tuple[str, URLPattern]]:
    """Everything outside the admin site, whose views Django guards."""
    return [
        (":".join((*names, pattern.name or str(pattern.pattern))), pattern)
        for names, pattern in url_patterns(get_resolver())
        if "admin" not in names
    ]


def methods_of(view: type[APIView]) -> list[str]:
    own = {name for name in view.http_method_names if hasattr(view, name)}
    if getattr(view, "head", None) is getattr(view, "get", None):
        own.discard("head")
    return sorted(name.upper() for name in own)


def rest_rows() -> list[tuple[str, str]]:
    rows = []
    for name, pattern in views():
        view = getattr(pattern.callback, "cls", None)
        if view is not None:
            rows += [(name, method) for method in methods_of(view)]
        elif getattr(pattern.callback, "requirement", Requirement()).public:
            methods = getattr(pattern.callback, "methods", ("GET",))
            rows += [(name, method) for method in methods]
    return rows


def callback_of(name: str) -> Any:
    return next(pattern.callback for found, pattern in views() if found == name)


def declared(name: str, method: str) -> Requirement:
    callback = callback_of(name)
    view = getattr(callback, "cls", None)
    requirement: Requirement = (
        requirement_of(view, method) if view else callback.requirement
    )
    return requirement


def test_every_view_declares_its_requirement():
    for name, pattern in views():
        view = getattr(pattern.callback, "cls", None)
        if view is None:
            assert isinstance(pattern.callback.requirement, Requirement), name
        for method in methods_of(view) if view else []:
            assert isinstance(requirement_of(view, method), Requirement), name


def test_a_view_without_a_requirement_serves_nobody():
    class Forgotten:
        pass

    class HalfForgotten:
        requirement = {"GET": Requirement()}

        def put(self) -> None: ...

    with pytest.raises(RequirementUndeclared):
        requirement_of(Forgotten(), "GET")
    with pytest.raises(RequirementUndeclared):
        requirement_of(HalfForgotten(), "PUT")


def test_every_route_has_a_row():
    assert sorted(rest_rows()) == sorted(ROUTES)


@pytest.mark.parametrize(("name", "method"), sorted(ROUTES), ids=str)
def test_rest(world, name, method):
    route = ROUTES[name, method]
    requirement = declared(name, method)

    def call(caller: Caller, workspace: Workspace) -> tuple[str, str]:
        if name == "document" and method == "DELETE":
            put_notes(workspace)
        response = asked_over_rest(method, route, caller.token, workspace)
        said = response.content.decode()
        if response.status_code < 300:
            return "OK", said
        if name == "readyz":
            return str(response.status_code), said
        if method == "HEAD":
            return code_of_head(response.status_code, requirement, caller), said
        error = response.json()["error"]
        # OAuth has its own words (RFC 6749, section 5.2).
        return error if isinstance(error, str) else error["code"], said

    assert_cells(world, route.action(requirement), call)


def asked_over_rest(
    method: str, route: Route, token: str | None, workspace: Workspace
) -> Any:
    """The response to a row's request about a workspace."""
    cited = f"memory://{workspace.slug}/sessions/one?revision=1#L1-L1"
    address = route.address.format(
        slug=workspace.slug,
        citation=quote(cited, safe=""),
        made=route.makes(workspace),
    )
    body = route.body(workspace)
    headers = {"X-Write-Token": write_tokens.derive(workspace)}
    if route.is_bound:
        headers["X-Memory-Workspace"] = workspace.slug
    if route.is_signed:
        headers["X-MN-Webhook-Signature"] = webhook_secrets.sign(workspace, body)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    client = Client(raise_request_exception=False)
    return client.generic(
        method, address, body, content_type=route.type, headers=headers
    )


def code_of_head(status: int, requirement: Requirement, caller: Caller) -> str:
    """An answer without a body has only its status to tell."""
    codes = {
        401: caller.refused or "UNAUTHENTICATED",
        403: "SCOPE_MISSING"
        if caller.kind in requirement.kinds
        else "TOKEN_KIND_REFUSED",
        404: "WORKSPACE_NOT_FOUND",
    }
    return codes.get(status, str(status))


# -- MCP, both eras --------------------------------------------------------------------


@dataclass(frozen=True)
class ToolCall:
    arguments: Callable[[Workspace], dict[str, Any]]
    names_workspace: bool = True
    writes: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    is_bound: bool = False
    # The id of a memory there is added under this name.
    memory_as: str = ""


def at(**arguments: Any) -> Callable[[Workspace], dict[str, Any]]:
    return lambda workspace: {"workspace_id": workspace.slug, **arguments}


def uploading(**arguments: Any) -> Callable[[Workspace], dict[str, Any]]:
    return lambda workspace: {
        "workspace_id": workspace.slug,
        "write_token": write_tokens.derive(workspace),
        **arguments,
    }


def tagged(**arguments: Any) -> Callable[[Workspace], dict[str, Any]]:
    return lambda workspace: {"containerTag": workspace.slug, **arguments}


def saying(content: str) -> Callable[[Workspace], dict[str, Any]]:
    return lambda _: {"content": content}


CONTENT = base64.b64encode(gzip.compress(LINES, mtime=0)).decode()
TOOLS: dict[str, ToolCall] = {
    "get_overview": ToolCall(at()),
    "list_workspaces": ToolCall(lambda _: {"limit": 100}, names_workspace=False),
    "register_workspace": ToolCall(triple, writes=True, more=REGISTERING),
    "list_knowledge": ToolCall(at()),
    "read_knowledge": ToolCall(at(path="notes.md")),
    "search_knowledge": ToolCall(at(query="hello", mode="exact")),
    "list_sessions": ToolCall(at()),
    "read_session": ToolCall(at(session_id="one")),
    "search_sessions": ToolCall(at(query="hello", mode="exact")),
    "write_overview": ToolCall(lambda _: {"content": TEXT}, writes=True, is_bound=True),
    "delete_knowledge": ToolCall(
        lambda _: {"path": "notes.md"}, writes=True, is_bound=True
    ),
    "upload_knowledge": ToolCall(uploading(path="notes.md", content=TEXT), writes=True),
    "upload_session": ToolCall(
        uploading(session_id="one", content_gzip_base64=CONTENT), writes=True
    ),
    # A tag that a caller may not read names nothing there, which is no error.
    **{
        name: ToolCall(tagged(query="herons", mode="exact"), names_workspace=False)
        for name in ("recall", "search")
    },
    **{
        name: ToolCall(tagged(query="herons"), names_workspace=False)
        for name in ("memory_search", "context", "context_pack", "memory_context")
    },
    "memory_list": ToolCall(tagged(), names_workspace=False),
    "memory_export": ToolCall(tagged(), names_workspace=False),
    "connector_settings_get": ToolCall(tagged(), names_workspace=False),
    **{
        name: ToolCall(lambda _: {}, names_workspace=False)
        for name in (
            *("identity_get", "whoAmI", "whoami"),
            *("usage_today", "audit_log_list", "billing_get"),
        )
    },
    "memory_get": ToolCall(
        lambda _: {}, memory_as="memory_id", more={"when_hidden": "NOT_FOUND"}
    ),
    "memory_delete": ToolCall(
        lambda _: {},
        writes=True,
        is_bound=True,
        memory_as="memory_id",
        more={"when_hidden": "NOT_FOUND"},
    ),
    **{
        name: ToolCall(arguments, writes=True, is_bound=True)
        for name, arguments in {
            "memory": saying("Egrets wade too."),
            "memory_save": saying("Bitterns boom."),
            "memory_insert": saying("Ibises probe."),
            "memory_forget": saying("quantum chromodynamics"),
            "memory_conversation_save": lambda _: {"body": {"transcript": "user: hi"}},
            "ingest_dispatch": lambda _: {
                "payload": {"kind": "text", "body": {"text": "Storks clatter."}}
            },
            "connector_settings_update": lambda _: {"connector_id": "laptop"},
        }.items()
    },
    # Allowed as far as there is something to confirm and something to buy.
    "memory_forget_confirm": ToolCall(
        lambda _: {"confirm": {"token": "none"}},
        writes=True,
        is_bound=True,
        more={"when_served": "CONFIRMATION_REQUIRED"},
    ),
    "billing_checkout_create": ToolCall(
        lambda _: {},
        writes=True,
        is_bound=True,
        more={"when_served": "BILLING_DISABLED"},
    ),
}
META = "io.modelcontextprotocol/"


def test_every_tool_declares_its_requirement():
    assert sorted(tools()) == sorted(TOOLS)
    for name, tool in tools().items():
        assert isinstance(tool.requirement, Requirement), name
        assert not tool.requirement.public, name


ANYBODY = Requirement()
AI = Requirement(kinds=frozenset({"ai", "admin"}), scope="write")
ADMIN = Requirement(kinds=frozenset({"admin"}), scope="admin")
SYNC = Requirement(kinds=frozenset({"sync", "admin"}), scope="upload")


def test_tools_ask_what_the_contract_says():
    """The column "who" of docs/mcp.md; a looser declaration is a decision."""
    ai = (
        *("write_overview", "delete_knowledge", "memory", "memory_save"),
        *("memory_insert", "memory_forget", "memory_forget_confirm", "memory_delete"),
        *("memory_conversation_save", "ingest_dispatch"),
        *("connector_settings_update", "billing_checkout_create"),
    )
    special = {
        **dict.fromkeys(ai, AI),
        **dict.fromkeys(("upload_knowledge", "upload_session"), SYNC),
        # Whoever has a valid token may know whose it is.
        **dict.fromkeys(("identity_get", "whoAmI", "whoami"), Requirement(scope=None)),
    }
    asked = {name: tool.requirement for name, tool in tools().items()}

    assert asked == {name: special.get(name, ANYBODY) for name in TOOLS}


def test_routes_ask_what_their_tools_ask():
    anyone = Requirement(public=True, scope=None)
    special = {
        **{
            row: anyone
            for row in ROUTES
            if row[0]
            in {
                *("landing", "schema", "healthz", "health", "ready", "memory-ready"),
                "client-file",
                "readyz",
                *("payment-webhook", "memory-webhook"),
            }
        },
        ("me", "GET"): Requirement(scope=None),
        ("workspaces", "POST"): Requirement(scope=None),
        ("overview", "PUT"): AI,
        ("document", "PUT"): SYNC,
        ("document", "POST"): SYNC,
        ("document", "DELETE"): SYNC,
        ("transcript", "PUT"): SYNC,
        ("machine", "PUT"): SYNC,
        ("hook", "POST"): SYNC,
        **dict.fromkeys(
            (
                *(("memories", "POST"), ("conversations", "POST"), ("ingest", "POST")),
                *(("memory", "PATCH"), ("memory", "DELETE"), ("pins", "PATCH")),
                *(("archive", "POST"), ("archive", "DELETE")),
                *(("links", "POST"), ("links", "DELETE"), ("import", "POST")),
                *(("forget", "POST"), ("forget-confirm", "POST")),
                *(("eval-sets", "POST"), ("eval-set", "DELETE")),
                *(("eval-items", "POST"), ("eval-item", "DELETE")),
                *(("connectors", "PATCH"), ("checkout", "POST")),
            ),
            AI,
        ),
        **dict.fromkeys(
            (
                *(("containers", "POST"), ("keys", "GET"), ("keys", "POST")),
                *(("key-revoking", "POST"), ("webhook-secret", "GET")),
                ("metrics", "GET"),
            ),
            ADMIN,
        ),
        **{row: anyone for row in ROUTES if row[0].startswith("oauth:")},
    }
    asked = {row: declared(*row) for row in ROUTES}

    assert asked == {row: special.get(row, ANYBODY) for row in ROUTES}


@pytest.mark.parametrize("era", ["initialize", "stateless"])
@pytest.mark.parametrize("name", sorted(TOOLS))
def test_mcp(world, name, era):
    row, tool = TOOLS[name], tools()[name]
    action = Action(
        tool.requirement,
        names_workspace=row.names_workspace,
        writes=row.writes,
        **{key: value for key, value in row.more.items() if key != "writes"},
    )

    def call(caller: Caller, workspace: Workspace) -> tuple[str, str]:
        if name == "delete_knowledge":
            put_notes(workspace)
        arguments = arguments_of(row, caller, workspace)
        return asyncio.run(tool_call(era, caller.token, name, arguments))

    assert_cells(world, action, call)


def arguments_of(row: ToolCall, caller: Caller, workspace: Workspace) -> dict[str, Any]:
    """What a row's call says about a workspace."""
    arguments = row.arguments(workspace)
    if row.memory_as:
        arguments[row.memory_as] = put_memory(workspace)
    if row.is_bound:
        arguments["binding"] = a_binding(caller, workspace)
    return arguments


def a_binding(caller: Caller, workspace: Workspace) -> str:
    """One that the caller's own token would have got for this workspace."""
    token = Token.objects.filter(digest=tokens.digest(caller.token or "")).first()
    principal = Principal(token.pk if token else 0, "x", "ai", frozenset({"write"}))
    issued = bindings.issue(principal=principal, workspace=workspace, at=timezone.now())
    return issued.handle


async def tool_call(
    era: str, token: str | None, name: str, arguments: dict[str, Any]
) -> tuple[str, str]:
    """Call one tool over ASGI; the code of the answer, and all of its text."""
    params: dict[str, Any] = {"name": name, "arguments": arguments}
    headers = {"mcp-protocol-version": "2025-06-18"}
    if era == "stateless":
        headers = {
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": name,
        }
        params["_meta"] = {
            META + "protocolVersion": "2026-07-28",
            META + "clientCapabilities": {},
        }
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(message).encode()
    sent = await post_json(mcp_application, "/mcp", body, token=token, headers=headers)
    said, answer = sent.body.decode(), sent.json
    if sent.status in {401, 403, 429}:
        return answer["error"]["code"], said
    result = answer["result"]
    code = result["structuredContent"]["code"] if result["isError"] else "OK"
    return code, said


@pytest.mark.parametrize("transport", ["rest", "initialize", "stateless"])
def test_revoking_works_on_the_next_request(world, transport):
    text = people.a_token("admin", at=timezone.now())

    def call() -> str:
        if transport == "rest":
            headers = {"Authorization": f"Bearer {text}"}
            body = Client().get("/api/v1/me", headers=headers).json()
            return str(body["error"]["code"]) if "error" in body else "OK"
        return asyncio.run(tool_call(transport, text, "list_workspaces", {}))[0]

    assert call() == "OK"
    chosen = Token.objects.filter(digest=tokens.digest(text))
    tokens.revoke(chosen, actor=people.OPERATOR, at=timezone.now())
    assert call() == "TOKEN_REVOKED"


# -- operators: admin site, console, WebSocket -----------------------------------------

# What the admin site itself shows to people who are not signed in.
OPEN_IN_ADMIN = {"login", "logout"}


def operator_addresses() -> list[str]:
    """One address for each page that only operators may see."""
    found = []
    for names, pattern in url_patterns(get_resolver()):
        callback = pattern.callback
        asked = getattr(callback, "requirement", None)
        is_for_staff = isinstance(asked, Requirement) and asked.staff
        is_admin = "admin" in names and pattern.name not in OPEN_IN_ADMIN
        if is_admin or is_for_staff:
            found.append(address_of(names, pattern))
    return found


def address_of(names: tuple[str, ...], pattern: URLPattern) -> str:
    from django.urls import reverse

    converters = pattern.pattern.converters
    arguments = {
        name: 1 if "Int" in type(converter).__name__ else "1"
        for name, converter in converters.items()
    }
    if pattern.name is None:
        return "/admin/nothing-here/"
    groups = list(getattr(pattern.pattern, "regex").groupindex)  # noqa: B009
    arguments = {name: arguments.get(name, "auth") for name in groups}
    return reverse(":".join((*names, pattern.name)), kwargs=arguments)


@pytest.fixture
def operator_pages(db) -> list[str]:
    pages = operator_addresses()
    assert len(pages) > 40
    return pages


@pytest.mark.parametrize("who", ["nobody", "user", *["ai", "sync", "admin"]])
def test_operator_pages_send_everybody_else_to_the_login(
    operator_pages, who, django_user_model
):
    client = Client()
    headers = {}
    if who == "user":
        client.force_login(django_user_model.objects.create_user("reader"))
    elif who != "nobody":
        headers["Authorization"] = f"Bearer {people.a_token(who, at=timezone.now())}"

    for page in operator_pages:
        for method in ("get", "post"):
            response = getattr(client, method)(page, headers=headers)
            assert response.status_code == 302, (page, method)
            assert response.headers["Location"].startswith("/admin/login/"), page


def test_consumers_declare_that_they_are_for_operators():
    for route in websocket_urlpatterns:
        consumer = route.callback.consumer_class
        assert isinstance(consumer.requirement, Requirement), consumer
        assert consumer.requirement.staff, consumer


@pytest.mark.parametrize(
    ("who", "is_let_in"),
    [("nobody", False), ("user", False), ("admin token", False), ("staff", True)],
)
def test_consumers_let_in_operators_only(
    transactional_db, who, is_let_in, django_user_model
):
    from console.routing import websocket_application

    client, headers = Client(), [(b"host", b"localhost")]
    if who in {"user", "staff"}:
        user = django_user_model.objects.create_user("u", is_staff=who == "staff")
        client.force_login(user)
        cookie = client.cookies["sessionid"].value
        headers.append((b"cookie", f"sessionid={cookie}".encode()))
    elif who == "admin token":
        text = people.a_token("admin", at=timezone.now())
        headers.append((b"authorization", f"Bearer {text}".encode()))

    async def knock(path: str) -> bool:
        caller = WebsocketCommunicator(websocket_application, path, headers)
        let_in, _ = await caller.connect(timeout=10)
        await caller.disconnect()
        return bool(let_in)

    for route in websocket_urlpatterns:
        assert asyncio.run(knock("/" + str(route.pattern))) is is_let_in


# -- commands --------------------------------------------------------------------------

# A command is allowed to whoever has a shell and the database's password. It declares
# here whether it only reads; the next test holds it to that.
READING = {
    *("doctor", "list_tokens", "mcp_counts", "prove_erased", "stats"),
    *("verify", "verify_artefact", "verify_citation"),
}
WRITING = {
    "artefact_key",
    "audit_archive",
    "audit_seal",
    "audit_verify",
    "backup",
    "create_token",
    "conformance_server",
    "erase",
    "evaluate",
    "export_memories",
    "export_tree",
    "import_memories",
    "import_tree",
    "load_demo",
    "memory_hygiene",
    "memory_retention",
    "prepare",
    "reindex",
    "replay_tombstones",
    "restore",
    "revoke_token",
    "rotate_write_token",
    "run_jobs",
    "sweep",
    "train_ranking",
}
INTERFACES = ("rest_api", "mcp_api", "console")


def our_commands() -> dict[str, str]:
    ours = {app.name for app in apps.get_app_configs() if (ROOT / app.name).is_dir()}
    found = {}
    for name, app in get_commands().items():
        module = app if isinstance(app, str) else type(app).__module__
        if module.split(".")[0] in ours:
            found[name] = module
    return found


def test_every_command_declares_whether_it_writes():
    assert set(our_commands()) == READING | WRITING


def test_reading_commands_write_nothing(world, capsys, tmp_path, monkeypatch):
    uri = citing.uri(
        uploads.receive(
            workspace=world.public,
            session_id="one",
            chunks=[LINES],
            actor=people.OPERATOR,
            at=people.NOW,
        ).transcript,
        first_line=1,
        last_line=1,
    )
    call_command("export_memories", tmp_path / "memories.zip")
    monkeypatch.setattr("sys.stdin", io.StringIO("quokkaberry\n"))
    arguments = {
        "verify_citation": [uri, DIGEST],
        "verify_artefact": [tmp_path / "memories.zip"],
    }

    for name in READING:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            # The doctor's way to say that something is broken: no worker runs here.
            with contextlib.suppress(SystemExit):
                call_command(name, *arguments.get(name, []))
    assert capsys.readouterr().out


def test_no_command_is_reached_from_a_wire():
    """Interfaces neither run commands nor import them."""
    for package in INTERFACES:
        for path in (ROOT / package).rglob("*.py"):
            if "management" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in getattr(node, "names", [])]
                module = getattr(node, "module", None) or ""
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert "call_command" not in names, path
                    assert "management" not in module.split("."), path


# Whoever may write to Redis runs them; none is told more than the number of a job.
TASKS = {"audit.seal", "jobs.announce", "jobs.run", "oauth.clear"}


def test_every_task_is_declared():
    from memory_server.celery import app

    app.loader.import_default_modules()
    assert {name for name in app.tasks if not name.startswith("celery.")} == TASKS


def test_commands_take_no_bearer_token_as_an_argument():
    """Arguments show in process lists and shell histories."""
    for name, app in our_commands().items():
        source = inspect.getsource(type(load_command_class(app, name)))
        assert '"--token"' not in source, name
