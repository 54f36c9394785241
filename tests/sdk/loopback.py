"""A server on loopback that fails as networks fail, in the order it is told."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

# What may be played instead of an answer.
HANG, CLOSE, GARBAGE = "hang", "close", "garbage"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Forward:
    """The answer of a real server, which may get lost on its way back."""

    base: str
    is_lost: bool = False

    def fetch(self, asked: Asked) -> Answer:
        names = ("authorization", "content-type", "idempotency-key")
        sent = {**asked.headers, "content-type": "application/json"}
        request = urllib.request.Request(
            self.base + asked.path,
            asked.body or None,
            {name: sent[name] for name in names if name in sent},
            method=asked.method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.read())


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Play = Answer | Forward | str


@dataclass
class Loopback:
    """Plays its script, the last of it for ever, and remembers what was asked."""

    script: list[Play] = field(default_factory=lambda: [Answer()])
    asked: list[Asked] = field(default_factory=list)
    over: Event = field(default_factory=Event)
    url: str = ""

    def plays(self, *script: Play) -> None:
        self.script = list(script)

    def next(self) -> Play:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def listening() -> Iterator[Loopback]:
    played = Loopback()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            names = {name.lower(): value for name, value in self.headers.items()}
            played.asked.append(Asked(self.command, self.path, names, body))
            play = played.next()
            if isinstance(play, Forward):
                fetched = play.fetch(played.asked[-1])
                play = CLOSE if play.is_lost else fetched
            match play:
                case Answer(status, body, headers):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                case "garbage":
                    self.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
                case "hang":
                    played.over.wait(30)
            self.close_connection = True

        do_GET = do_POST = do_DELETE = do_PATCH = do  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        played.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield played
        finally:
            played.over.set()
            server.shutdown()


def answer(fields: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"content-type": "application/json"}
    return Answer(status, json.dumps(fields).encode(), kind | named)


def refusal(status: int, code: str = "SERVICE_UNAVAILABLE", **headers: str) -> Answer:
    error = {"code": code, "message": "Not now.", "hint": "Wait.", "detail": {"a": 1}}
    return answer(
        {"error": error, "request_id": "r-7"}, status, x_request_id="r-7", **headers
    )
