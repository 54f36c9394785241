"""Rehearses a disaster: a backup under load, restored where nothing is yet.

Fills a server, goes on writing to it from several threads while `manage.py backup`
runs, restores into an empty database and root, and asks the restored server for
everything that had been acknowledged before the backup began.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import goals, options, printing, timing
from benchmarks.filling import Corpus
from memory_server.scratch import Server, empty_beside, serving

LONGEST_RESTORE_SECONDS = 120
# A transcript, a document and a memory.
_EACH = 3
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Kept:
    """Something that the server acknowledged, and where to ask for it."""

    address: str
    digest: str
    token: str


@dataclass
class Drilled:
    """What a drill found; `missing` are addresses, `verified` is what verify said."""

    before: int
    during: int
    missing: list[str]
    verified: str
    found: int
    backup_seconds: float
    restore_seconds: float
    start_seconds: float
    backup_bytes: int


@dataclass
class Writer:
    """Uploads, saves and publishes until it is told to stop."""

    server: Server
    name: str
    kept: list[Kept] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        names = {"machine": "drill", "tool": "codex", "project": self.name}
        workspace = self._send(
            "POST", "/api/v1/workspaces", json.dumps(names).encode(), _JSON
        )
        place = f"/api/v1/workspaces/{workspace['workspace_id']}"
        token = {"X-Write-Token": str(workspace["write_token"])}
        number = 0
        while not self.is_over.is_set():
            number += 1
            try:
                self._one_of_each(place, token, f"{self.name}x{number}")
            except OSError as error:
                self.trouble.append(f"{number}: {error}")

    def _one_of_each(self, place: str, token: dict[str, str], mark: str) -> None:
        said = f"Quokka {mark} sleeps under the {mark}th tree."
        line = json.dumps({"role": "user", "content": said}).encode() + b"\n"
        body = line * 40
        session = f"{place}/sessions/{mark}"
        self._send("PUT", session, body, token | {"Content-Type": "text/plain"})
        self._note(session, body, self.server.sync_token)
        document = f"{place}/knowledge/{mark}.md"
        text = f"# {mark}\n\n{said}\n".encode()
        self._send("PUT", document, text, token | {"Content-Type": "text/markdown"})
        self._note(document, text, self.server.sync_token)
        # Unlike any other, so that it is not taken for one that stands already.
        memory = {"text": f"{said} {_words(mark)}", "containerTag": self.name}
        saved = self._send(
            "POST",
            "/v1/memories",
            json.dumps(memory).encode(),
            _JSON,
            bearer=self.server.ai_token,
        )
        address = f"/v1/memories/{saved['memory_id']}"
        self._note(address, memory["text"].encode(), self.server.ai_token)

    def _note(self, address: str, content: bytes, token: str) -> None:
        self.kept.append(Kept(address, hashlib.sha256(content).hexdigest(), token))

    def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        *,
        bearer: str = "",
    ) -> dict[str, object]:
        request = urllib.request.Request(
            self.server.base + path,
            data=body,
            method=method,
            headers={
                "Authorization": f"Bearer {bearer or self.server.sync_token}",
                **headers,
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=1000.0, writers=3, rounds=20)
    chosen = wanted.parse_args(arguments)
    # Rehearsed without vectors: making them would take longer than all the rest.
    with serving(EMBEDDINGS_ENABLED="0", MEMORY_WRITES_PER_5_MINUTES="0") as server:
        corpus = Corpus(server, chosen.seed)
        if chosen.megabytes:
            corpus.grow(megabytes=chosen.megabytes)
            server.run_jobs()
        drilled = drill(server, writers=chosen.writers, rounds=chosen.rounds)
        raw_bytes = corpus.raw_bytes
    printing.heading(
        "Restore drill",
        f"{raw_bytes / 1e6:,.0f} raw MB indexed, {chosen.writers} writers;"
        f" {drilled.before:,} acknowledgements before the backup, {drilled.during:,}"
        f" while it ran; the backup has {drilled.backup_bytes / 1e6:,.0f} MB.",
    )
    printing.table(
        ["step", "seconds"],
        [
            ("backup under load", drilled.backup_seconds),
            ("check, restore and verify", drilled.restore_seconds),
            ("start until it answers", drilled.start_seconds),
        ],
    )
    taken = drilled.restore_seconds + drilled.start_seconds
    goals.at_most("Restore", taken, LONGEST_RESTORE_SECONDS, "s")
    goals.at_most("Acknowledged and missing", len(drilled.missing), 0)
    print(drilled.verified)
    if drilled.missing or drilled.found == 0:
        raise SystemExit(1)


def drill(server: Server, *, writers: int, rounds: int) -> Drilled:
    """Back up while `writers` write, after so many rounds of each; restore beside."""
    directory = Path(tempfile.mkdtemp(prefix="memory-drill-"))
    try:
        load = [Writer(server, f"drill{number}") for number in range(writers)]
        threads = [threading.Thread(target=each.write) for each in load]
        for thread in threads:
            thread.start()
        try:
            while any(len(each.kept) < rounds * _EACH for each in load):
                if not all(thread.is_alive() for thread in threads):
                    raise RuntimeError("A writer ended before its time.")
                time.sleep(0.05)
            before = [list(each.kept) for each in load]
            backup_seconds = timing.seconds(
                lambda: server.manage("backup", str(directory))
            )
            during = sum(len(each.kept) for each in load)
        finally:
            for each in load:
                each.is_over.set()
            for thread in threads:
                thread.join()
        trouble = [words for each in load for words in each.trouble]
        if trouble:
            raise RuntimeError(f"Writing failed while the backup ran: {trouble[:3]}")
        acknowledged = [each for some in before for each in some]
        with empty_beside(server) as restored:
            restore_seconds = timing.seconds(
                lambda: restored.manage("restore", str(directory))
            )
            start_seconds = timing.seconds(restored.start)
            return Drilled(
                before=len(acknowledged),
                during=during - len(acknowledged),
                missing=_missing(restored, acknowledged)
                + _bulk_missing(server, restored),
                verified=restored.manage("verify", "--deep").strip().splitlines()[-1],
                found=_found(restored, load[0].name) if load else 1,
                backup_seconds=backup_seconds,
                restore_seconds=restore_seconds,
                start_seconds=start_seconds,
                backup_bytes=_size(directory),
            )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _missing(server: Server, kept: Sequence[Kept]) -> list[str]:
    return [each.address for each in kept if not is_there(server, each)]


def is_there(server: Server, kept: Kept) -> bool:
    """Whether the server has, byte for byte, what another one acknowledged."""
    request = urllib.request.Request(
        server.base + kept.address,
        method="HEAD" if "/sessions/" in kept.address else "GET",
        headers={"Authorization": f"Bearer {kept.token}", "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            head, body = answer.headers, answer.read()
    except urllib.error.HTTPError:
        return False
    if "X-Head-SHA256" in head:
        return bool(head["X-Head-SHA256"] == kept.digest)
    told = json.loads(body)
    text = str(told.get("content", told.get("text", "")))
    return hashlib.sha256(text.encode()).hexdigest() == kept.digest


def _words(mark: str) -> str:
    digest = hashlib.sha256(mark.encode()).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, 64, 4))


def _bulk_missing(server: Server, restored: Server) -> list[str]:
    """Transcripts of before the load that the restored database does not have alike."""
    alike = (
        "SELECT t.session_id, t.head_sha256 FROM transcripts_transcript t"
        " JOIN workspaces_workspace w ON w.id = t.workspace_id"
        " WHERE w.machine <> 'drill'"
    )
    lost = set(server.query(alike)) - set(restored.query(alike))
    return sorted(str(session_id) for session_id, _ in lost)


def _found(server: Server, name: str) -> int:
    """How many hits a search has for the first thing that a writer planted."""
    request = urllib.request.Request(
        f"{server.base}/v1/search",
        data=json.dumps({"query": f"Quokka {name}x1 sleeps"}).encode(),
        headers={"Authorization": f"Bearer {server.ai_token}", **_JSON},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        hits = json.load(answer)["results"]
    return sum(f"{name}x1 " in json.dumps(hit) for hit in hits)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
