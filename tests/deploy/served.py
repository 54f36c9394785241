"""Two web and two worker processes behind nginx serve everything, without any client
being sent to the same process twice.
"""

from __future__ import annotations

import socket
import ssl
import subprocess

import httpx
from installation import Installation, wait_for

from client import Client, transcript

UPDATED = "notifications/resources/updated"


def main(here: Installation) -> None:
    ai = Client(here.url, here.setting("MCP_TOKEN"))
    sync = Client(here.url, here.setting("SYNC_TOKEN"))
    for each in (
        lambda: both_eras_are_served(ai),
        lambda: uploads_are_found(ai, sync),
        lambda: changes_are_told(here, ai, sync),
        lambda: https_is_served(here),
        lambda: other_hosts_are_refused(here),
        lambda: the_live_page_reaches_its_websocket(here),
        lambda: large_bodies_are_refused(here),
        lambda: every_process_took_part(here),
        lambda: fail2ban_sees_wrong_tokens(here),
    ):
        each()
    print("served: two web and two worker processes behind nginx", flush=True)


def both_eras_are_served(ai: Client) -> None:
    assert ai.stateless("server/discover").status_code == 200
    ai.initialize()
    for _ in range(20):
        assert ai.post("ping").json()["result"] == {}
        assert ai.stateless("tools/list").status_code == 200


def uploads_are_found(ai: Client, sync: Client) -> None:
    workspace = sync.register("served")
    half, whole = transcript(20, "the heron lands"), transcript(40, "the heron lands")
    assert sync.upload(workspace, "s-1", half).status_code == 201
    assert sync.upload(workspace, "s-1", whole).json()["outcome"] == "appended"
    assert sync.upload(workspace, "s-1", whole).json()["outcome"] == "deduplicated"
    large = transcript(20_000, "a transcript of some megabytes")
    assert sync.upload(workspace, "s-2", large).status_code == 201

    def is_found() -> bool:
        return bool(ai.call("search_sessions", query="heron lands")["hits"])

    wait_for(is_found, seconds=60)


def changes_are_told(here: Installation, ai: Client, sync: Client) -> None:
    """Listeners of both eras, each at whichever process took it."""
    workspace = sync.register("served")
    slug = workspace["workspace_id"]
    for number in range(4):
        uri = f"memory://{slug}/knowledge/notes/{number}.md"
        for is_stateless in (True, False):
            listener = Client(here.url, ai.token)
            if not is_stateless:
                listener.initialize()
            with listener.streaming(is_stateless=is_stateless, uri=uri) as stream:
                sync.call(
                    "upload_knowledge",
                    workspace_id=slug,
                    write_token=workspace["write_token"],
                    path=f"notes/{number}.md",
                    content=f"# {number}, {is_stateless}\n",
                )
                assert stream.wait_for(UPDATED)["params"]["uri"] == uri


def https_is_served(here: Installation) -> None:
    trusted = ssl.create_default_context(
        cafile=here.root / "etc/memory-server/tls/fullchain.pem"
    )
    url = f"https://localhost:{here.https}"
    answer = httpx.get(f"{url}/ready", verify=trusted, trust_env=False)
    assert answer.status_code == 200
    assert len(answer.headers.get_list("date")) == 1
    assert "strict-transport-security" in answer.headers
    page = httpx.get(f"{url}/admin/login/", verify=trusted, trust_env=False)
    assert page.status_code == 200
    assert "Secure" in page.headers["set-cookie"]
    in_clear = httpx.get(f"{here.url}/admin/login/", headers={"Host": "localhost"})
    assert in_clear.status_code == 308
    assert in_clear.headers["location"] == f"{url}/admin/login/"


def other_hosts_are_refused(here: Installation) -> None:
    answer = httpx.get(f"{here.url}/ready", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 421


def the_live_page_reaches_its_websocket(here: Installation) -> None:
    """A handshake without a login is refused by the application, not by nginx."""
    with socket.create_connection(("127.0.0.1", here.http)) as wire:
        wire.sendall(
            b"GET /ws/live/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Origin: https://localhost\r\n\r\n"
        )
        wire.settimeout(10)
        status = wire.recv(200).split(b" ")[1]
    assert status in (b"101", b"403"), status


def large_bodies_are_refused(here: Installation) -> None:
    """By nginx, from what the client announces."""
    with socket.create_connection(("127.0.0.1", here.http)) as wire:
        wire.sendall(
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n\r\n"
        )
        wire.settimeout(10)
        assert wire.recv(200).split(b" ")[1] == b"413"


def every_process_took_part(here: Installation) -> None:
    for number in (1, 2):
        log = here.log_of(f"memory-server-web@{number}")
        assert log.count("path='/mcp' status=200") > 5, log[-2000:]
        assert "Traceback" not in log, log[-5000:]


def fail2ban_sees_wrong_tokens(here: Installation) -> None:
    """In the lines that nginx wrote for us: every 401, whatever its path, alone."""
    for path in ("/mcp", "/api/v1/me", '/api/v1/workspaces/"%22 401 "', "/v1/memories"):
        wrong = Client(here.url, "fms_ai_" + "x" * 49)
        assert wrong.http.get(path).status_code in (401, 404, 405), path
        assert wrong.http.post(path, json={}).status_code in (401, 404, 405), path
    # A path and a query that look like a refusal.
    fine = Client(here.url, here.setting("MCP_TOKEN"))
    fine.http.get('/healthz?" 401 0 "')
    fine.http.get("/x 401 0")
    lines = here.access_log.splitlines()
    refused = [each for each in lines if status_of(each) == "401"]
    assert len(refused) >= 4
    assert _matched(here) == (len(refused), len(lines) - len(refused))


def status_of(line: str) -> str:
    """Of a line of the access log: nginx escapes the quotes of what a client sent."""
    return line.rpartition('" ')[2].split(" ")[0]


def _matched(here: Installation) -> tuple[int, int]:
    """(matched, missed) lines of the access log."""
    said = subprocess.run(
        [
            *("fail2ban-regex", here.root / "var/log/memory-server/access.log"),
            # A bare name would be taken for a pattern.
            here.root / "etc/fail2ban/filter.d/memory-server.conf",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (summary,) = [x for x in said.splitlines() if x.startswith("Lines:")]
    numbers = [int(word) for word in summary.replace(",", "").split() if word.isdigit()]
    return numbers[2], numbers[3]
