"""Every code of the closed list, provoked over MCP or named as none of its own."""

import base64
import gzip
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from mcp_samples import SLUG, TALK, TRIPLE
from people import OPERATOR

from access.models import Token
from mcp_api import calling
from refusals import HTTP_STATUS, Code

TESTS = Path(__file__).parents[1]
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
FACT = "The zebrafish pipeline runs every Friday at noon."
# What no tool and no request to the endpoint can meet, and the test that does.
ELSEWHERE = {
    Code.CITATION_NOT_FOUND: "rest_api/test_transcript_reading.py",
    Code.WEBHOOK_SIGNATURE_INVALID: "rest_api/test_webhooks_over_rest.py",
    Code.CONFLICT: "rest_api/test_memories_over_rest.py",
    Code.NOT_CONFIGURED: "rest_api/test_recall_over_rest.py",
    Code.VERIFY_API_UNAVAILABLE: "usage/test_billing.py",
    Code.VERIFY_API_BAD_RESPONSE: "usage/test_billing.py",
    Code.TOKEN_AUDIENCE_REFUSED: "oauth/test_signing_in.py",
    Code.STORAGE_FULL: "blobs/test_store_refusals.py",
    Code.ERASED: "recall/test_erasing_everything.py",
}


class World:
    """Whoever calls, and what there is to call about; made when it is asked for."""

    def __init__(self, request, settings, new_client):
        self.get = request.getfixturevalue
        self.settings = settings
        self.new_client = new_client

    @property
    def ai(self):
        return self.get("ai")

    @property
    def sync(self):
        return self.get("sync")

    @property
    def grant(self):
        return self.get("uploaded")

    def call(self, tool, client=None, /, **arguments):
        """The code of a tool's refusal."""
        return (client or self.ai).call(tool, **arguments)["refused"]

    def http(self, message=PING, client=None, **options):
        """The code of a refusal ahead of JSON-RPC, whose status must fit."""
        answer = (client or self.ai).post(message, **options)
        error = answer.json["error"]
        assert answer.status == HTTP_STATUS[Code(error["code"])]
        assert error["hint"] is not None
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        return error["code"]

    def upload(self, **given):
        return self.call("upload_session", self.sync, **self.grant, **given)

    def limit(self, **limits):
        self.settings.POLICY_LIMITS = {k: str(v) for k, v in limits.items()}

    def on_a_plan(self, *, ended=False, **caps):
        """The assistant's token with these caps."""
        from access.models import Token
        from usage import accounts
        from usage.models import Account, Plan

        self.ai.call("whoAmI")
        at = timezone.now()
        plan = Plan.objects.create(name="small", title="small", **caps)
        accounts.assign(plan, token=Token.objects.get(), actor=OPERATOR, at=at)
        if ended:
            Account.objects.update(ends_at=at - timedelta(seconds=1))


CASES = {}


def case(code):
    def keep(function):
        CASES[code] = function
        return function

    return keep


@case(Code.INVALID_ARGUMENT)
def _(world):
    return world.call("recall", query="")


@case(Code.MALFORMED_BODY)
def _(world):
    reply = world.ai.send("POST", b"{").json
    assert reply["error"]["code"] == -32700
    return reply["error"]["data"]["code"]


@case(Code.PATH_INVALID)
def _(world):
    given = {**world.grant, "path": "../x.md", "content": "x"}
    return world.call("upload_knowledge", world.sync, **given)


@case(Code.CURSOR_INVALID)
def _(world):
    return world.call("list_workspaces", cursor="nonsense")


@case(Code.REGEX_INVALID)
def _(world):
    return world.call("search_sessions", query="(", mode="regex")


@case(Code.UNAUTHENTICATED)
def _(world):
    world.ai.token = None
    return world.http()


@case(Code.TOKEN_EXPIRED)
def _(world):
    world.ai.call("whoAmI")
    Token.objects.update(expires_at=timezone.now())
    return world.http()


@case(Code.TOKEN_REVOKED)
def _(world):
    world.ai.call("whoAmI")
    Token.objects.update(revoked_at=timezone.now())
    return world.http()


@case(Code.TOKEN_KIND_REFUSED)
def _(world):
    return world.call("write_overview", world.sync, content="x")


@case(Code.SCOPE_MISSING)
def _(world):
    reader = world.new_client("ai", scopes=["read"])
    return world.call("memory_save", reader, content=FACT)


@case(Code.WORKSPACE_REFUSED)
def _(world):
    from workspaces.models import Workspace

    world.ai.call("register_workspace", **TRIPLE)
    pinned = world.new_client("ai", workspace=Workspace.objects.get())
    other = {**TRIPLE, "project": "blog"}
    return world.call("register_workspace", pinned, **other)


@case(Code.BINDING_REQUIRED)
def _(world):
    return world.call("write_overview", content="x")


@case(Code.BINDING_INVALID)
def _(world):
    return world.call("write_overview", content="x", binding="forged")


@case(Code.BINDING_EXPIRED)
def _(world):
    world.settings.BINDING_TTL_SECONDS = 0
    binding = world.ai.call("register_workspace", **TRIPLE)["binding"]
    return world.call("write_overview", content="x", binding=binding)


@case(Code.WRITE_TOKEN_INVALID)
def _(world):
    given = {**world.grant, "write_token": "x" * 40, "path": "a.md", "content": "x"}
    return world.call("upload_knowledge", world.sync, **given)


@case(Code.ORIGIN_REFUSED)
def _(world):
    return world.http(headers={"origin": "http://evil.example"})


@case(Code.NOT_FOUND)
def _(world):
    reply = world.ai.request("tools/call", {"name": "nonsense"})
    assert reply["error"]["code"] == -32602
    return reply["error"]["data"]["code"]


@case(Code.WORKSPACE_NOT_FOUND)
def _(world):
    return world.call("list_knowledge", workspace_id="nonsense")


@case(Code.DOCUMENT_NOT_FOUND)
def _(world):
    world.ai.call("register_workspace", **TRIPLE)
    return world.call("read_knowledge", workspace_id=SLUG, path="notes/none.md")


@case(Code.VERSION_NOT_FOUND)
def _(world):
    place = {"workspace_id": world.grant["workspace_id"], "path": "notes/deploy.md"}
    return world.call("read_knowledge", **place, version=99)


@case(Code.SESSION_NOT_FOUND)
def _(world):
    world.ai.call("register_workspace", **TRIPLE)
    return world.call("read_session", workspace_id=SLUG, session_id="none")


@case(Code.METHOD_NOT_ALLOWED)
def _(world):
    answer = world.ai.send("PUT")
    assert "POST" in answer.headers["allow"]
    return answer.json["error"]["code"]


@case(Code.NOT_ACCEPTABLE)
def _(world):
    return world.http(headers={"accept": "text/html"})


@case(Code.MEDIA_TYPE_UNSUPPORTED)
def _(world):
    return world.http(headers={"content-type": "text/plain"})


@case(Code.VERSION_CONFLICT)
def _(world):
    binding = world.ai.call("register_workspace", **TRIPLE)["binding"]
    world.ai.call("write_overview", content="# One\n", binding=binding)
    given = {"content": "# Two\n", "binding": binding, "expected_version": 0}
    return world.call("write_overview", **given)


@case(Code.BASE_MISMATCH)
def _(world):
    return world.upload(
        session_id="s-1", content="{}\n", base_offset=1, base_sha256="0" * 64
    )


@case(Code.IDEMPOTENCY_CONFLICT)
def _(world):
    # The policy forgets a nonce sooner than the database does.
    world.settings.POLICY_ENABLED = False
    world.ai.call("memory_save", content=FACT, nonce="nonce-0001")
    return world.call("memory_save", content="Another.", nonce="nonce-0001")


@case(Code.CONTENT_TOO_LARGE)
def _(world):
    world.settings.MAX_MCP_BODY_BYTES = 10
    return world.http()


@case(Code.LINE_TOO_LONG)
def _(world):
    world.settings.MAX_LINE_BYTES = 10
    return world.upload(session_id="s-2", content=TALK)


@case(Code.HASH_MISMATCH)
def _(world):
    return world.upload(session_id="s-2", content=TALK, sha256="0" * 64)


@case(Code.CONTENT_REFUSED)
def _(world):
    broken = base64.b64encode(gzip.compress(TALK.encode())[:-4]).decode()
    return world.upload(session_id="s-2", content_gzip_base64=broken)


@case(Code.UNAUTHORIZED_SCOPE)
def _(world):
    binding = world.ai.call("register_workspace", **TRIPLE)["binding"]
    given = {"content": FACT, "binding": binding, "containerTag": "blog"}
    return world.call("memory_save", **given)


@case(Code.CONFIRMATION_REQUIRED)
def _(world):
    return world.call("memory_forget_confirm", confirm={"token": "x" * 40})


@case(Code.GONE)
def _(world):
    world.settings.MCP_DEPRECATION_PHASE = "block"
    return world.call("memory_search", query="x")


@case(Code.DAILY_CAP_EXCEEDED)
def _(world):
    world.on_a_plan(writes=100, daily_share_percent=1)
    world.ai.call("memory_save", content=FACT)
    return world.call("memory_save", content="Kim prefers tabs.")


@case(Code.PERIOD_CAP_EXCEEDED)
def _(world):
    world.on_a_plan(writes=1, daily_share_percent=100)
    world.ai.call("memory_save", content=FACT)
    return world.call("memory_save", content="Kim prefers tabs.")


@case(Code.ENTITLEMENT_EXPIRED)
def _(world):
    world.on_a_plan(ended=True)
    return world.call("memory_save", content=FACT)


@case(Code.PLAN_LIMIT_EXCEEDED)
def _(world):
    world.on_a_plan(max_text_chars=10)
    return world.call("memory_save", content=FACT)


@case(Code.PLAN_NOT_SUPPORTED)
def _(world):
    world.settings.PAYU_KEY, world.settings.PAYU_SALT = "key", "salt"
    return world.call("billing_checkout_create", plan="nonsense")


@case(Code.INGEST_THROTTLED)
def _(world):
    world.settings.MEMORY_WRITES_PER_5_MINUTES = 1
    world.ai.call("memory_save", content=FACT)
    return world.call("memory_save", content="Kim prefers tabs.")


@case(Code.BILLING_DISABLED)
def _(world):
    return world.call("billing_checkout_create")


@case(Code.RATE_LIMITED)
def _(world):
    world.settings.RATE_READS_PER_MINUTE = 1
    assert world.ai.post(PING).headers["x-ratelimit-remaining"] == "0"
    answer = world.ai.post(PING)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["RateLimit-Policy"] == '"read";q=1;w=60'
    return world.http()


@case(Code.LOOP_DETECTED)
def _(world):
    world.limit(loop_repeats=1)
    world.ai.call("memory_search", query="where is the zebrafish")
    return world.call("memory_search", query="where is the zebrafish")


@case(Code.LOOP_DETECTED_DRIFT)
def _(world):
    world.limit(drift_score=0.1)
    world.ai.call("memory_search", query="where is the zebrafish")
    return world.call("memory_search", query="where is the zebrafish")


@case(Code.COST_EXCEEDED)
def _(world):
    world.limit(output_tokens=1000)
    refused = world.ai.call("recall", query="zebrafish", top_k=10)
    assert refused["error"]["code"] == "cost_exceeded"
    assert refused["error"]["details"]["estimated_tokens"] > 2000
    return refused["refused"]


@case(Code.COST_EXCEEDED_SESSION)
def _(world):
    world.limit(session_tokens=2000)
    world.ai.call("recall", query="zebrafish")
    return world.call("recall", query="heron")


@case(Code.WEAK_SIGNAL)
def _(world):
    return world.call("memory_save", content="…")


@case(Code.REPLAY_DETECTED)
def _(world):
    world.ai.call("memory_save", content=FACT, nonce="nonce-0001")
    return world.call("memory_save", content="Another.", nonce="nonce-0001")


@case(Code.BLOB_DAMAGED)
def _(world):
    place = {"workspace_id": world.grant["workspace_id"], "path": "notes/deploy.md"}
    for path in Path(world.settings.MEMORY_ROOT, "blobs").rglob("*.gz"):
        path.chmod(0o600)
        path.write_bytes(gzip.compress(b"something else"))
    return world.call("read_knowledge", **place)


@case(Code.INTERNAL_ERROR)
def _(world):
    error = calling.as_refusal(ZeroDivisionError(), doing="x", request_id="r-1")
    refused = calling.refused(error)["structuredContent"]
    assert "r-1" in refused["hint"]
    return refused["code"]


@case(Code.SERVICE_UNAVAILABLE)
def _(world):
    world.settings.REDIS_URL = "unix:///nonexistent/redis.sock?db=0"
    return world.http(
        client=world.new_client("ai"), headers={"authorization": "Bearer x"}
    )


def test_every_code_is_provoked_here_or_elsewhere():
    assert CASES.keys() | ELSEWHERE.keys() == set(Code)
    assert not CASES.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("code", CASES, ids=str)
def test_a_refusal_says_its_code(code, request, settings, new_client):
    assert CASES[code](World(request, settings, new_client)) == code


@pytest.mark.parametrize(("code", "path"), ELSEWHERE.items(), ids=str)
def test_what_mcp_cannot_meet_is_tested_where_it_can(code, path):
    assert code.value in (TESTS / path).read_text()


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_every_code_is_documented(code):
    text = (TESTS.parent / "docs" / "errors.md").read_text()

    assert f"| `{code}` | {HTTP_STATUS[code]} |" in text


def test_a_refused_tool_says_code_message_and_hint_in_both_forms(ai):
    result = ai.request(
        "tools/call", {"name": "list_knowledge", "arguments": {"workspace_id": "none"}}
    )["result"]

    told = result["structuredContent"]
    assert result["isError"] is True
    assert told["code"] == "WORKSPACE_NOT_FOUND"
    for part in ("code", "message", "hint"):
        assert told[part] in result["content"][0]["text"]
