"""Everything that writes or shows raw bytes leaves exactly the event it declares.

The rows come from the registries (routes, tools, pages of the console, commands), as in
test_authorisation_matrix, whose calls are made here by somebody who may make them. What
is new and declares nothing fails.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from dataclasses import replace
from typing import Any

import people
import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from test_authorisation_matrix import (
    READING,
    ROUTES,
    TOOLS,
    WRITING,
    Caller,
    Route,
    ToolCall,
    a_caller,
    arguments_of,
    as_json,
    asked_over_rest,
    callback_of,
    furnish,
    put_memory,
    put_notes,
    put_other,
    tool_call,
    triple,
    uploading,
)

from access.models import Token
from access.principals import Principal
from audit.models import Event
from jobs.models import Job
from mcp_api.registry import tools
from memories import changing
from memories.models import Memory
from recall import feedback
from usage.models import Account, Plan
from workspaces import connectors, readme
from workspaces.models import ServerReadme, SyncSource, Workspace

LONGER = b'{"role": "user", "content": "hello"}\n' * 2
PACKED = base64.b64encode(gzip.compress(LONGER, mtime=0)).decode()
FORGETTING = {"content": "Herons wade"}
KNOWN = "r-that-was-answered"
REFUSED = ["call.refused"]


@pytest.fixture
def place(transactional_db, settings) -> Workspace:
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 0
    found = people.a_workspace(project="events")
    furnish(found)
    return found


@pytest.fixture
def caller(place) -> Caller:
    made = a_caller("admin", "admin")
    token = Token.objects.get(name__startswith="admin")
    feedback.remember(Principal(token.pk, "x", "admin", frozenset(), request_id=KNOWN))
    return made


def left_since(newest: int, *transports: str) -> list[Event]:
    found = Event.objects.filter(pk__gt=newest, transport__in=transports)
    return list(found.order_by("pk"))


def newest() -> int:
    return Event.objects.newest_first().values_list("pk", flat=True).first() or 0


# -- REST ------------------------------------------------------------------------------

ROUTE_EVENTS: dict[tuple[str, str], list[str]] = {
    ("workspaces", "POST"): ["workspace.register"],
    ("containers", "POST"): ["workspace.register"],
    ("overview", "PUT"): ["overview.write"],
    ("document", "PUT"): ["knowledge.publish"],
    ("document", "POST"): ["knowledge.restore"],
    ("document", "DELETE"): ["knowledge.delete"],
    ("transcript", "PUT"): ["session.upload"],
    ("memories", "POST"): ["memory.save"],
    ("memory", "PATCH"): ["memory.revise"],
    ("memory", "DELETE"): ["memory.erase"],
    ("archive", "POST"): ["memory.archive"],
    ("archive", "DELETE"): ["memory.unarchive"],
    ("links", "POST"): ["memory.link"],
    ("links", "DELETE"): ["memory.unlink"],
    ("conversations", "POST"): ["memory.save"],
    ("ingest", "POST"): ["memory.save"],
    ("import", "POST"): ["memory.import"],
    ("export", "GET"): ["memory.export"],
    ("pins", "PATCH"): ["memory.pin"],
    ("forget", "POST"): ["memory.forget.stage"],
    ("forget-confirm", "POST"): REFUSED,
    ("replay", "POST"): REFUSED,
    ("answer", "POST"): REFUSED,
    ("context-feedback", "POST"): ["feedback.context"],
    ("feedback", "POST"): ["feedback.verdict"],
    ("eval-sets", "POST"): ["eval_set.create"],
    ("eval-set", "DELETE"): ["eval_set.delete"],
    ("eval-items", "POST"): ["eval_item.add"],
    ("eval-item", "DELETE"): ["eval_item.delete"],
    ("connectors", "PATCH"): ["connector.update"],
    ("checkout", "POST"): REFUSED,
    ("memory-webhook", "POST"): ["memory.save"],
    ("webhook-secret", "GET"): ["webhook_secret.show"],
    ("keys", "POST"): ["token.create"],
    ("key-revoking", "POST"): ["token.revoke"],
    # Callbacks that nobody signed and clients that nobody knows.
    ("payment-webhook", "POST"): [],
    # Asks which files the server has.
    ("sync-check", "POST"): [],
    # How much waits at a machine.
    ("machine", "PUT"): [],
    ("hook", "POST"): ["workspace.register", "session.upload"],
    ("oauth:token", "POST"): ["access.refused"],
    ("oauth:revoke", "POST"): ["access.refused"],
    ("oauth:register", "POST"): [],
}
RAW_ROUTES = {
    ("transcript", "GET"): "/api/v1/workspaces/{slug}/sessions/one?view=raw",
    ("export", "GET"): "/v1/export?containerTag={slug}&masked=false",
}
RAW_EVENTS = {
    ("transcript", "GET"): ["session.read_raw"],
    ("export", "GET"): ["memory.export"],
}
# Calls of the matrix that change nothing, made so that they do.
ROUTE_BODIES: dict[tuple[str, str], Any] = {
    ("workspaces", "POST"): as_json(lambda it: {**triple(it), "project": "another"}),
    ("containers", "POST"): as_json(lambda _: {"name": "another"}),
    ("overview", "PUT"): lambda _: b"# Other\n",
    ("document", "PUT"): lambda _: b"# Other\n",
    ("transcript", "PUT"): lambda _: LONGER,
    ("forget", "POST"): as_json(lambda it: put_memory(it) and FORGETTING),
    ("feedback", "POST"): as_json(
        lambda _: {"request_id": KNOWN, "feedback": "positive"}
    ),
}
# What only asks, by a method that could write.
ASKING = {("memory-search", "POST"), ("context", "POST"), ("eval-run", "POST")}


def test_every_route_that_writes_declares_its_event():
    writing = {row for row in ROUTES if row[1] not in {"GET", "HEAD"}}

    assert writing - ASKING <= set(ROUTE_EVENTS)
    for name, _ in ASKING:
        view = getattr(callback_of(name), "cls", None)
        assert view is not None
        assert view.only_reads, name


def test_every_route_leaves_its_event_and_no_other(place, caller):
    wrong = {}
    rows = [
        (row, ROUTES[row], ROUTE_EVENTS.get(row, []))
        # Before anything is deleted, what there is is read.
        for row in sorted(ROUTES, key=lambda row: (row[1] != "GET", row))
    ]
    rows += [
        (row, replace(ROUTES[row], address=address), RAW_EVENTS[row])
        for row, address in RAW_ROUTES.items()
    ]
    for row, route, expected in rows:
        given = replace(
            route,
            body=ROUTE_BODIES.get(row, route.body),
            makes=put_archived if row == ("archive", "DELETE") else route.makes,
            is_bound=route.is_bound and row[0] != "containers",
        )
        found = events_of_route(row[1], given, caller, place)
        if [event.action for event in found] != expected:
            wrong[row] = [f"{event.action} {event.code}" for event in found]
        for event in found:
            assert event.through.startswith(f"{row[1]} /"), (row, event.through)
            assert event.request_id, row
            assert event.address_digest, row

    assert wrong == {}


def put_archived(place: Workspace) -> str:
    """The id of a memory that is archived."""
    memory = Memory.objects.get(memory_id=put_memory(place))
    changing.archive(memory=memory, actor=people.OPERATOR, at=people.NOW)
    return str(memory.memory_id)


def events_of_route(
    method: str, route: Route, caller: Caller, place: Workspace
) -> list[Event]:
    before = newest()
    asked_over_rest(method, route, caller.token, place)
    return left_since(before, "rest", "oauth")


# -- MCP -------------------------------------------------------------------------------

TOOL_EVENTS: dict[str, list[str]] = {
    "register_workspace": ["workspace.register"],
    "write_overview": ["overview.write"],
    "delete_knowledge": ["knowledge.delete"],
    "upload_knowledge": ["knowledge.publish"],
    "upload_session": ["session.upload"],
    "memory": ["memory.save"],
    "memory_save": ["memory.save"],
    "memory_insert": ["memory.save"],
    "memory_conversation_save": ["memory.save"],
    "ingest_dispatch": ["memory.save"],
    "memory_forget": ["memory.forget.stage"],
    "memory_forget_confirm": REFUSED,
    "memory_delete": ["memory.erase"],
    "memory_export": ["memory.export"],
    "connector_settings_update": ["connector.update"],
    "billing_checkout_create": REFUSED,
}
# Change nothing, and let whole memories out.
READING_TOOLS = {"memory_export"}
TOOL_ARGUMENTS: dict[str, Any] = {
    "register_workspace": lambda it: {**triple(it), "project": "another"},
    "write_overview": lambda _: {"content": "# Other\n"},
    "upload_knowledge": uploading(path="notes.md", content="# Other\n"),
    "upload_session": uploading(session_id="one", content_gzip_base64=PACKED),
    "memory_forget": lambda _: {"content": "Herons wade"},
}


def test_every_tool_leaves_its_event_and_no_other(place, caller):
    writing = {name for name, each in tools().items() if not each.reads_only}
    assert writing | READING_TOOLS == set(TOOL_EVENTS)
    wrong = {}
    for name in sorted(TOOLS, key=lambda name: (name in TOOL_EVENTS, name)):
        row = TOOLS[name]
        row = replace(row, arguments=TOOL_ARGUMENTS.get(name, row.arguments))
        found = events_of_tool(name, row, caller, place)
        if [event.action for event in found] != TOOL_EVENTS.get(name, []):
            wrong[name] = [f"{event.action} {event.code}" for event in found]
        assert {event.through for event in found} <= {name}
        assert all(event.request_id and event.address_digest for event in found)
    assert wrong == {}

    raw = ToolCall(
        lambda it: {"workspace_id": it.slug, "session_id": "one", "view": "raw"}
    )
    (event,) = events_of_tool("read_session", raw, caller, place)
    assert event.action == "session.read_raw"


def events_of_tool(
    name: str, row: ToolCall, caller: Caller, place: Workspace
) -> list[Event]:
    if name == "delete_knowledge":
        put_notes(place)
    arguments = arguments_of(row, caller, place)
    before = newest()
    asyncio.run(tool_call("initialize", caller.token, name, arguments))
    return left_since(before, "mcp")


# -- the console -----------------------------------------------------------------------

PASSWORD = "a long enough pass phrase"
MOMENT = {"date_joined_0": "2026-11-21", "date_joined_1": "09:00:00"}
PLAN = {"name": "team", "title": "T", "period_days": "30", "daily_share_percent": "50"}
# What an operator's form sends, and the event of it.
FORMS: dict[tuple[str, str], tuple[dict[str, Any], str]] = {
    ("auth.user", "add"): (
        {"username": "kim", "password1": PASSWORD, "password2": PASSWORD},
        "admin.add",
    ),
    ("auth.user", "change"): ({"username": "lee", **MOMENT}, "admin.change"),
    ("auth.user", "delete"): ({}, "admin.delete"),
    ("auth.group", "add"): ({"name": "readers"}, "admin.add"),
    ("auth.group", "change"): ({"name": "writers"}, "admin.change"),
    ("auth.group", "delete"): ({}, "admin.delete"),
    ("workspaces.workspace", "change"): ({"description": "Birds"}, "workspace.change"),
    ("workspaces.syncsource", "change"): ({"sync_enabled": "on"}, "connector.update"),
    ("workspaces.serverreadme", "add"): ({"text": "Read me"}, "readme.replace"),
    ("workspaces.serverreadme", "change"): ({"text": "Read"}, "readme.replace"),
    ("access.token", "add"): (
        {"name": "new", "kind": "ai", "tool_profile": "standard"},
        "token.create",
    ),
    ("access.token", "change"): ({"tool_profile": "full"}, "token.tool_profile"),
    ("usage.plan", "add"): (PLAN, "plan.edit"),
    ("usage.plan", "change"): (PLAN, "plan.edit"),
    ("usage.plan", "delete"): ({}, "admin.delete"),
    ("usage.account", "add"): ({"token": "?", "plan": "?"}, "plan.assign"),
    ("usage.account", "change"): ({"plan": "?"}, "plan.assign"),
    ("oauth2_provider.application", "add"): (
        {
            "name": "desk",
            "redirect_uris": "https://a.example/x",
            "client_type": "public",
        },
        "oauth.client_create",
    ),
    ("oauth2_provider.application", "delete"): ({}, "oauth.client_delete"),
}
# Buttons over a list; those of the domain's verbs have tests of the verbs.
ACTIONS = {
    ("access.token", "revoke"): "token.revoke",
    ("workspaces.workspace", "rotate_write_tokens"): "write_token.rotate",
    ("workspaces.workspace", "show_webhook_secrets"): "webhook_secret.show",
    ("workspaces.workspace", "erase"): "workspace.erase",
    ("search.finding", "erase"): "secret.erase",
    ("access.token", "erase"): "token.erase",
    ("knowledge.document", "erase"): "document.erase",
    ("transcripts.transcript", "erase"): "transcript.erase",
    ("erasures.erasure", "lift"): "erasure.lift",
    ("knowledge.document", "undo_last_change"): "knowledge.restore",
    ("memories.memory", "archive"): "memory.archive",
    ("memories.memory", "unarchive"): "memory.unarchive",
    ("memories.memory", "erase"): "memory.erase",
    ("memories.conflict", "let_newer_win"): "memory.supersede",
    ("memories.conflict", "let_older_win"): "memory.supersede",
    ("usage.account", "withdraw"): "plan.withdraw",
    ("jobs.job", "ask_again"): "job.ask_again",
    ("oauth.grant", "revoke"): "token.revoke",
    ("auth.user", "delete_selected"): "admin.delete",
    ("auth.group", "delete_selected"): "admin.delete",
    ("usage.plan", "delete_selected"): "admin.delete",
    ("oauth2_provider.application", "delete_selected"): "oauth.client_delete",
}


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga", password=PASSWORD))
    return client


def test_every_form_and_button_declares_its_event(operator):
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="olga")
    forms, buttons = set(), set()
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        for verb in ("add", "change", "delete"):
            if getattr(page, f"has_{verb}_permission")(request):
                forms.add((label, verb))
        buttons |= {(label, name) for name in page.get_actions(request)}

    assert forms == set(FORMS)
    assert buttons == set(ACTIONS)


@pytest.mark.parametrize(("label", "verb"), sorted(FORMS), ids=str)
def test_a_form_leaves_its_event_and_no_other(operator, label, verb):
    given, expected = FORMS[label, verb]
    made = {"token": token, "plan": plan}
    data = {
        name: made[name]().pk if value == "?" else value
        for name, value in given.items()
    }
    arguments = [] if verb == "add" else [OBJECTS[label]().pk]
    address = reverse(f"admin:{label.replace('.', '_')}_{verb}", args=arguments)
    before = newest()

    response = operator.post(
        address, {"post": "yes", **data}, headers={"X-Request-Id": "r-7"}
    )

    assert response.status_code == 302, response.content.decode()[:3000]
    (event,) = left_since(before, "admin")
    assert (event.action, event.actor) == (expected, "olga")
    assert event.through.startswith("POST /admin/")
    assert (event.request_id, len(event.address_digest)) == ("r-7", 16)
    assert PASSWORD not in str(vars(event))


def token() -> Token:
    people.a_token("ai")
    return Token.objects.latest("pk")


def plan() -> Plan:
    return Plan.objects.get_or_create(**PLAN)[0]


def account() -> Account:
    return Account.objects.create(
        token=token(), plan=plan(), source="operator", started_at=people.NOW
    )


def source() -> SyncSource:
    return connectors.update(
        workspace=people.a_workspace(),
        connector_id="laptop",
        sync_enabled=False,
        capture_types=None,
        actor=people.OPERATOR,
        at=people.NOW,
    )


def server_readme() -> ServerReadme:
    readme.replace(text="Old", actor=people.OPERATOR, at=people.NOW)
    return ServerReadme.objects.get()


def client() -> Any:
    from oauth2_provider.models import Application

    return Application.objects.create(
        name="desk", client_type="public", redirect_uris="https://a.example/x"
    )


OBJECTS: dict[str, Any] = {
    "auth.user": lambda: User.objects.create_user("kim"),
    "auth.group": lambda: Group.objects.create(name="readers"),
    "workspaces.workspace": people.a_workspace,
    "workspaces.syncsource": source,
    "workspaces.serverreadme": server_readme,
    "access.token": token,
    "usage.plan": plan,
    "usage.account": account,
    "oauth2_provider.application": client,
}


def test_logins_and_failures_are_told_without_what_was_typed(operator, settings):
    address = reverse("admin:login")
    stranger = Client(REMOTE_ADDR="203.0.113.77")
    before = newest()

    for name, password in (("olga", "wrong"), (PASSWORD, "olga"), ("olga", PASSWORD)):
        stranger.post(address, {"username": name, "password": password})
    stranger.post(reverse("admin:logout"))

    told = [
        (event.action, event.outcome, event.actor, event.target)
        for event in left_since(before, "admin")
    ]
    assert told == [
        ("operator.login", "refused", "anybody", "olga"),
        ("operator.login", "refused", "anybody", ""),
        ("operator.login", "done", "olga", "olga"),
        ("operator.logout", "done", "olga", "olga"),
    ]
    assert "wrong" not in str([vars(event) for event in Event.objects.all()])
    assert PASSWORD not in str([vars(event) for event in Event.objects.all()])


def test_jobs_asked_for_again_are_told(operator):
    job = Job.objects.create(
        verb="search.merge",
        subject="1",
        created_at=people.NOW,
        not_before=people.NOW,
        finished_at=people.NOW,
        gave_up=True,
    )
    before = newest()

    operator.post(
        reverse("admin:jobs_job_changelist"),
        {"action": "ask_again", "_selected_action": job.pk},
    )

    (event,) = left_since(before, "admin")
    assert (event.action, event.target) == ("job.ask_again", "search.merge 1")


# -- commands --------------------------------------------------------------------------

# What each leaves when it does something; [] with the reason.
COMMAND_EVENTS: dict[str, list[str]] = {
    "audit_verify": ["audit.verify"],
    "create_token": ["token.create"],
    "revoke_token": ["token.revoke"],
    "rotate_write_token": ["write_token.rotate"],
    "export_memories": ["memory.export"],
    "import_memories": ["memory.import"],
    "export_tree": ["tree.export"],
    "import_tree": ["workspace.register", "knowledge.publish", "session.upload"],
    "memory_hygiene": [],  # finds nothing here; memory.supersede for each
    "memory_retention": [],  # finds nothing here; memory.archive for each
    "reindex": ["index.rebuild"],
    "replay_tombstones": [],  # erases what their file names, each with its event
    "backup": ["backup.make"],
    "restore": ["backup.restore"],
    "sweep": ["blob.sweep"],
    # Those of what they set up or load: migrations, tokens, the demo's documents.
    "prepare": ["server.migrate", "operator.create", "token.create"],
    "load_demo": ["workspace.register", "knowledge.publish", "session.upload"],
    "run_jobs": [],  # makes what is derived
    "audit_seal": [],  # its checkpoints are its trace
    "audit_archive": ["audit.archive"],
    "artefact_key": [],  # prints a public key, and makes the pair at first
    "train_ranking": [],  # writes a file of the source tree
    # On databases of their own, which are gone afterwards.
    "conformance_server": [],
    "evaluate": [],
    # Last, because nothing is left then.
    "erase": ["workspace.erase"],
}
# Those that take long or change the process; their parts have tests of their own.
NOT_RUN = {"prepare", "load_demo", "train_ranking", "conformance_server", "evaluate"}
NOT_RUN |= {"import_tree", "restore"}


def test_every_command_leaves_its_event_and_no_other(place, tmp_path, capsys):
    assert set(COMMAND_EVENTS) == WRITING
    put_other(place)
    arguments: dict[str, list[Any]] = {
        "create_token": ["kim"],
        "revoke_token": [token().pk],
        "rotate_write_token": [place.slug],
        "export_memories": [tmp_path / "memories.zip"],
        "import_memories": [tmp_path / "memories.zip", "--workspace", place.slug],
        "export_tree": [tmp_path / "tree"],
        "audit_archive": [tmp_path / "old.jsonl.gz", "--before", "2100-01-01"],
        "backup": [tmp_path / "backups"],
        "erase": ["workspace", place.slug, "--yes"],
        "memory_hygiene": ["--apply"],
        "memory_retention": ["--apply"],
    }
    wrong = {}
    for name in [*COMMAND_EVENTS, *sorted(READING & {"stats", "list_tokens"})]:
        if name in NOT_RUN:
            continue
        before = newest()
        call_command(name, *arguments.get(name, []))
        found = left_since(before, "command")
        if [event.action for event in found] != COMMAND_EVENTS.get(name, []):
            wrong[name] = [event.action for event in found]
        assert {event.through for event in found} <= {name}
    assert wrong == {}
