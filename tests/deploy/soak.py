"""Many clients for a while: nothing acknowledged is lost and nothing answers 5xx.

Each client has a token and a workspace of its own and does what assistants and sync
clients do, with pauses as they make them. A 429 is an answer too; it is counted, and
the client waits as long as it says. Afterwards every upload that was acknowledged is
read back and compared byte for byte.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from installation import Installation
from served import status_of

from client import Client, transcript

TOKENS = """
import json, sys
from django.utils import timezone
from access import tokens
from audit import operators
at, by = timezone.now(), operators.at_the_shell()
made = [
    tokens.create(name=f"soak {n}", kind="admin", created_by=by, at=at)[1]
    for n in range(COUNT)
]
print(json.dumps(made))
"""
WORDS = ("heron", "quokka", "reservoir", "turbine", "lattice", "ferry", "orchid")
SESSIONS_EACH = 12


@dataclass
class Told:
    """What all clients saw."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, seconds: float, status: int) -> None:
        with self.lock:
            self.seconds.setdefault(what, []).append(seconds)
            self.statuses[status] += 1


@dataclass
class User(threading.Thread):
    """One machine with an assistant and a sync client."""

    number: int
    client: Client
    told: Told
    until: float
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    workspace: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.random = random.Random(self.number)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        try:
            self.workspace = self.client.register(f"soak-{self.number}")
            self.client.initialize()
            acts = (
                self.upload,
                self.upload,
                self.search,
                self.read,
                self.look,
                self.save,
            )
            while time.monotonic() < self.until:
                self.random.choice(acts)()
                time.sleep(self.random.uniform(0.2, 1.0))
        except Exception as error:
            with self.told.lock:
                self.told.broken.append(f"client {self.number}: {error!r}"[:500])

    def upload(self) -> None:
        """A new session, or one of its own that has grown."""
        session_id = f"s-{self.random.randrange(SESSIONS_EACH)}"
        more = transcript(self.random.randint(4, 60), self._words(6))
        body = self.acknowledged.get(session_id, b"") + more
        answer = self.ask(
            "upload", lambda: self.client.upload(self.workspace, session_id, body)
        )
        if answer is not None:
            assert answer.status_code in (200, 201), answer.text
            self.acknowledged[session_id] = body

    def search(self) -> None:
        self.call("search_sessions", query=self._words(2))

    def look(self) -> None:
        self.call("recall", query=self._words(3))

    def save(self) -> None:
        self.call("memory_save", content=f"{self._words(8)} {self.random.random()}")

    def read(self) -> None:
        if not self.acknowledged:
            return
        session_id = self.random.choice(list(self.acknowledged))
        address = f"/api/v1/workspaces/{self.slug}/sessions/{session_id}"
        answer = self.ask("read", lambda: self.client.http.get(address))
        assert answer is None or answer.status_code == 200, answer.text

    def call(self, tool: str, **arguments: object) -> None:
        """In either era, by turns."""
        is_stateless = self.random.random() < 0.5
        send = self.client.stateless if is_stateless else self.client.post
        answer = self.ask(
            f"{tool}, {'stateless' if is_stateless else 'initialize'}",
            lambda: send("tools/call", name=tool, arguments=arguments),
        )
        if answer is not None:
            assert answer.status_code == 200, answer.text

    def ask(
        self, what: str, send: Callable[[], httpx.Response]
    ) -> httpx.Response | None:
        began = time.monotonic()
        answer = send()
        self.told.add(what, time.monotonic() - began, answer.status_code)
        if answer.status_code == 429 or answer.status_code >= 500:
            time.sleep(float(answer.headers.get("retry-after", 1)))
            return None
        return answer

    @property
    def slug(self) -> str:
        return self.workspace["workspace_id"]

    def _words(self, count: int) -> str:
        return " ".join(self.random.choices(WORDS, k=count))

    def lost(self) -> list[str]:
        """Sessions that cannot be read back as they were acknowledged."""
        return [
            f"client {self.number}, {session_id}"
            for session_id, body in self.acknowledged.items()
            if self._stored(session_id) != body
        ]

    def _stored(self, session_id: str) -> bytes:
        address = f"/api/v1/workspaces/{self.slug}/sessions/{session_id}"
        lines: list[str] = []
        first: int | None = 1
        while first is not None:
            asked = {"view": "raw", "first_line": first, "max_chars": 200_000}
            answer = self.client.http.get(address, params=asked)
            if answer.status_code == 429:
                time.sleep(float(answer.headers.get("retry-after", 1)))
                continue
            page = answer.json()
            lines += [line["text"] for line in page["lines"]]
            first = page["next_line"]
        return "".join(f"{line}\n" for line in lines).encode()


def main(here: Installation, *, clients: int, minutes: float) -> None:
    told, made = Told(), _tokens(here, clients)
    began = time.monotonic()
    users = [
        User(number, Client(here.url, token, is_kept=True), told, began + 60 * minutes)
        for number, token in enumerate(made)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join()
    seconds = time.monotonic() - began
    print_figures(told, seconds)
    for each in told.broken[:5]:
        print(f"  broken: {each}")
    uploads = sum(len(user.acknowledged) for user in users)
    with ThreadPoolExecutor(8) as readers:
        lost = [each for found in readers.map(User.lost, users) for each in found]
    print(f"{uploads} sessions read back, {len(lost)} lost", flush=True)
    logged = [x for x in here.access_log.splitlines() if status_of(x).startswith("5")]
    assert told.broken == []
    assert not any(status >= 500 for status in told.statuses), told.statuses
    assert lost == [], lost
    assert logged == [], logged[:5]


def print_figures(told: Told, seconds: float) -> None:
    every = [each for taken in told.seconds.values() for each in taken]
    rate = len(every) / seconds
    print(f"{len(every)} requests in {seconds:.0f} s, {rate:.0f} a second")
    print(f"statuses {dict(sorted(told.statuses.items()))}")
    assert every, told.broken[:5]
    for what, taken in sorted([*told.seconds.items(), ("all", every)]):
        quantiles = statistics.quantiles(taken, n=100) if len(taken) > 1 else taken * 99
        print(
            f"  {what:32} {len(taken):7}   p50 {1000 * quantiles[49]:6.0f} ms"
            f"   p95 {1000 * quantiles[94]:6.0f} ms   max {1000 * max(taken):6.0f} ms"
        )


def _tokens(here: Installation, count: int) -> list[str]:
    done = subprocess.run(
        [
            *(here.root / "usr/local/sbin/memory-server", "shell", "-v", "0", "-c"),
            TOKENS.replace("COUNT", str(count)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))
