"""Brings files to the server, a batch at a time, each with only its new bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from memory_sync.config import Config
from memory_sync.identity import NOTHING_SAID, Identity, identity_of, waits
from memory_sync.manifests import (
    Note,
    load_manifest,
    manifest_identity,
    manifest_paths,
    tracked_notes,
)
from memory_sync.privacy import Privacy
from memory_sync.problems import FileProblem, LeftOut, Problem, Refused, SetupProblem
from memory_sync.reading import digests, gzipped, read_range
from memory_sync.rendering import Content, content_of
from memory_sync.server import Server, quoted
from memory_sync.shapes import Json
from memory_sync.state import State, Workspaces
from memory_sync.transcripts import Skip, Transcript

BATCH = 100
TURNED_OFF = "turned off for this workspace on the server"
ERASED = "erased on the server"
GONE = 410
MAX_COPIED_BYTES = 512 * 2**20


@dataclasses.dataclass
class Report:
    """What a run did: found = unchanged + outcomes + skipped + failed."""

    found: int = 0
    unchanged: int = 0
    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)
    failed: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    raw_bytes_sent: int = 0
    # Transcripts of the last sweep that are not archived as they lie here, and when
    # the oldest of them was written.
    waiting: int = 0
    oldest_waiting_ns: int = 0

    def as_json(self) -> Json:
        return {
            "found": self.found,
            "unchanged": self.unchanged,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
            "failed": [{"file": file, "reason": why} for file, why in self.failed],
            "raw_bytes_sent": self.raw_bytes_sent,
            "waiting": self.waiting,
        }

    def lines(self) -> Iterator[str]:
        done = [f"{count} {name}" for name, count in sorted(self.outcomes.items())]
        yield (
            f"{self.found} files: {self.unchanged} unchanged"
            + "".join(f", {part}" for part in done)
            + f"; {self.raw_bytes_sent} new bytes"
        )
        for reason, count in sorted(self.skipped.items()):
            yield f"  left out: {count} × {reason}"
        for file, reason in self.failed:
            yield f"  failed: {file}: {reason}"


@dataclasses.dataclass
class Prepared:
    """A transcript with the bytes to send and SHA-256 of some of their prefixes."""

    transcript: Transcript
    identity: Identity
    content: Content
    marks: dict[int, str]

    def prefix(self, at: int) -> str:
        """SHA-256 of the first `at` bytes; empty where there are fewer."""
        if at > self.content.size:
            return ""
        if at not in self.marks:
            self.marks.update(digests(self.content.path, at))
        return self.marks[at]


class Archive:
    """Brings files to the server, a batch at a time, each with only its new bytes."""

    def __init__(self, config: Config, *, sleep: Callable[[float], None] = time.sleep):
        if not config.sync_token:
            raise SetupProblem(
                "No sync token. Set SYNC_TOKEN, or put it into tokens.json with "
                "`configure`."
            )
        self.config = config
        self.server = Server(config.url, config.sync_token, sleep=sleep)
        self.workspaces = Workspaces(self.server)
        self.state = State(self.server.base)
        self.privacy = Privacy.of(config)
        self.report = Report()

    # Transcripts

    def send_transcripts(self, found: Iterable[Transcript | Skip]) -> set[str]:
        """Archive transcripts, newest first; returns the keys of those found."""
        seen: dict[str, Transcript] = {}
        for item in found:
            if isinstance(item, Skip):
                self._skip(item)
            else:
                seen.setdefault(item.key, item)
        self.report.found += len(seen)
        changed = self._changed(seen.values())
        changed.sort(key=lambda each: -each.mtime_ns)
        for batch in batches(changed, is_heavy=self._is_rendered):
            with contextlib.ExitStack() as opened:
                by_identity = defaultdict(list)
                for transcript in batch:
                    with self._failing(transcript):
                        mine = self._prepared(transcript, opened)
                        by_identity[mine.identity.key].append(mine)
                for members in by_identity.values():
                    self._send_batch(members[0].identity, members)
        self._count_waiting(seen.values())
        return set(seen)

    def _count_waiting(self, found: Iterable[Transcript]) -> None:
        """Note which files the server does not have as they lie here."""
        written = [each.mtime_ns for each in found if not self.state.settles(each)]
        self.report.waiting = len(written)
        self.report.oldest_waiting_ns = min(written, default=0)

    def _is_rendered(self, transcript: Transcript) -> bool:
        return bool(transcript.form) or self.privacy.mask is not None

    def _prepared(
        self, transcript: Transcript, opened: contextlib.ExitStack
    ) -> Prepared:
        content = opened.enter_context(content_of(transcript, self.privacy.mask))
        identity = identity_of(transcript, self.config, content.path)
        if reason := self.privacy.refuses(transcript, identity):
            raise LeftOut(reason)
        if waits(transcript, identity):
            raise LeftOut(NOTHING_SAID)
        known = self.state.known(transcript)
        if (
            self.state.matches(transcript)
            and known.get("stored") == content.size
            and known.get("sha256")
            and not self._is_rendered(transcript)
        ):
            # The bytes are those that were hashed when they were sent.
            marks = {content.size: str(known["sha256"])}
        else:
            marks = digests(content.path, content.size, [int(known.get("stored", 0))])
        return Prepared(transcript, identity, content, marks)

    def _send_batch(self, identity: Identity, batch: list[Prepared]) -> None:
        items = [
            {
                "session_id": each.transcript.session_id,
                "agent_id": each.transcript.agent_id,
                "sha256": each.marks[each.content.size],
                "size_bytes": each.content.size,
            }
            for each in batch
        ]
        verdicts = self._check(identity, items, [each.transcript for each in batch])
        for prepared, verdict in zip(batch, verdicts, strict=True):
            with self._failing(prepared.transcript):
                if verdict is not None:
                    self._settle(prepared, verdict)

    def _settle(self, prepared: Prepared, verdict: Json) -> None:
        """Do what the server's verdict asks for one transcript."""
        size = prepared.content.size
        _check_wanted(verdict)
        if not verdict.get("send"):
            outcome = "stale" if verdict.get("state") == "ahead" else "deduplicated"
            receipt: Json = {"outcome": outcome}
        else:
            start = int(verdict.get("from_offset") or 0)
            base = str(verdict.get("base_sha256") or "")
            receipt = self._put(prepared, start, base)
        self.report.outcomes[str(receipt["outcome"])] += 1
        facts: Json = {
            "outcome": receipt["outcome"],
            "workspace": self.workspaces.of(prepared.identity)["workspace_id"],
            "session": prepared.transcript.session_id,
            "agent": prepared.transcript.agent_id,
            "cwd": prepared.identity.cwd,
            "stored": receipt.get("size_bytes", size),
            "sha256": receipt.get("sha256", prepared.marks[size]),
        }
        if not prepared.content.is_complete:
            facts["at"] = 0  # The message that was held back comes with the next run.
        self.state.note(prepared.transcript, **facts)

    def _put(self, prepared: Prepared, start: int, base: str) -> Json:
        """Send the bytes after `start`, or all where what lies before them differs."""
        for _ in range(3):
            if start and prepared.prefix(start) != base:
                start = 0
            try:
                return self._put_from(prepared, start)
            except Refused as refused:
                if refused.code != "BASE_MISMATCH":
                    raise
                # Somebody was faster; the refusal says what the server holds now.
                start = int(refused.detail.get("size_bytes") or 0)
                base = str(refused.detail.get("sha256") or "")
                if start >= prepared.content.size:
                    start = 0
        raise FileProblem("keeps changing on the server; the next run tries again")

    def _put_from(self, prepared: Prepared, start: int) -> Json:
        path, size = prepared.content.path, prepared.content.size
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "X-Content-SHA256": prepared.marks[size],
        }
        if start:
            hashed = hashlib.sha256()
            for chunk in read_range(path, start, size):
                hashed.update(chunk)
            headers["X-Content-SHA256"] = hashed.hexdigest()
            headers["Content-Range"] = f"bytes {start}-{size - 1}/*"
            headers["X-Base-SHA256"] = prepared.marks[start]
        address = f"/sessions/{quoted(prepared.transcript.session_id)}"
        if prepared.transcript.agent_id:
            address += f"?agent_id={quoted(prepared.transcript.agent_id)}"
        receipt = self._write(
            prepared.identity,
            address,
            headers=headers,
            body=lambda: gzipped(read_range(path, start, size)),
        )
        self.report.raw_bytes_sent += size - start
        return receipt

    # Knowledge

    def send_manifests(self, only: set[str] | None = None) -> None:
        """Publish what every manifest tracks, or those of some identities."""
        for path in manifest_paths():
            try:
                manifest = load_manifest(path)
            except SetupProblem as problem:
                self.report.failed.append((str(path), str(problem)))
                continue
            if only is None or manifest_identity(manifest).key in only:
                self.send_notes(manifest)

    def send_notes(self, manifest: Json) -> None:
        """Publish what a manifest tracks and the server does not have yet."""
        notes: list[Note] = []
        for item in tracked_notes(manifest):
            if isinstance(item, Skip):
                self._skip(item)
            elif reason := self.privacy.refuses_note(item):
                self._skip(Skip(item.path, reason))
            else:
                notes.append(item)
        self.report.found += len(notes)
        for batch in batches(self._changed(notes)):
            self._send_notes(manifest_identity(manifest), batch)

    def _send_notes(self, identity: Identity, batch: list[Note]) -> None:
        texts: list[tuple[Note, str, str]] = []
        for note in batch:
            with self._failing(note):
                text = decoded(b"".join(read_range(note.path, 0, note.size)))
                if self.privacy.mask_text:
                    text = self.privacy.mask_text(text)
                data = text.encode()
                texts.append((note, text, hashlib.sha256(data).hexdigest()))
        items = [
            {"path": note.upload, "sha256": sha256, "size_bytes": len(text.encode())}
            for note, text, sha256 in texts
        ]
        verdicts = self._check(identity, items, [note for note, _, _ in texts])
        for (note, text, sha256), verdict in zip(texts, verdicts, strict=True):
            with self._failing(note):
                if verdict is not None:
                    outcome = self._publish(identity, note, text, sha256, verdict)
                    self.report.outcomes[outcome] += 1
                    self.state.note(note, sha256=sha256, outcome=outcome)

    def _publish(
        self, identity: Identity, note: Note, text: str, sha256: str, verdict: Json
    ) -> str:
        _check_wanted(verdict)
        if verdict.get("state") == "refused":
            raise Refused(400, {"code": "PATH_INVALID", "message": note.upload})
        if not verdict.get("send"):
            return "deduplicated"
        body: Json = {"content": text, "sha256": sha256}
        match verdict.get("state"):
            case "deleted":
                # Deleted things stay deleted; a file that was edited since is new.
                if self.state.known(note).get("sha256", sha256) == sha256:
                    return "deleted on the server, left so"
            case "changed":
                body["expected_version"] = verdict["version"]
            case "new":
                body["expected_version"] = 0
        address = f"/knowledge/{quoted(note.upload, safe='/')}"
        answer = self._write(identity, address, json_body=body)
        return "published" if answer.get("changed", True) else "deduplicated"

    # Both

    def _changed(self, items: Iterable[Any]) -> list[Any]:
        changed = []
        for item in items:
            if self.state.settles(item):
                known = self.state.known(item)
                if refusal := known.get("refused"):
                    self.report.skipped[f"refused before: {refusal}"] += 1
                elif "excluded" not in known:
                    self.report.unchanged += 1
                elif known.get("rules") == self.privacy.digest:
                    self.report.skipped[known["excluded"]] += 1
                else:
                    changed.append(item)
            else:
                changed.append(item)
        return changed

    def _check(
        self, identity: Identity, items: list[Json], of: Sequence[Transcript | Note]
    ) -> list[Json | None]:
        """Ask which of many files the server wants; None for those that have failed."""
        if not items:
            return []
        try:
            return self._verdicts(identity, items)
        except Refused as refused:
            if refused.status != 400 or len(items) == 1:
                for item in of:
                    self._fail(item, refused)
                return [None] * len(items)
        # One bad name must not keep its neighbours from being archived.
        return [
            self._check(identity, [item], [file])[0]
            for item, file in zip(items, of, strict=True)
        ]

    def _verdicts(self, identity: Identity, items: list[Json]) -> list[Json | None]:
        for again in (False, True):
            workspace = self.workspaces.of(identity, again=again)
            body = {"workspace_id": workspace["workspace_id"], "items": items}
            try:
                answer = self.server.ask("POST", "/api/v1/sync/check", json_body=body)
                return list(answer["items"])
            except Refused as refused:
                if again or refused.code != "WORKSPACE_NOT_FOUND":
                    raise
        raise AssertionError("unreachable")

    def _write(
        self,
        identity: Identity,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Json:
        """A write to a workspace; a write token that was rotated is asked for anew."""
        stale = ("WRITE_TOKEN_INVALID", "WORKSPACE_NOT_FOUND")
        for again in (False, True):
            workspace = self.workspaces.of(identity, again=again)
            place = f"/api/v1/workspaces/{quoted(str(workspace['workspace_id']))}"
            secret = {"X-Write-Token": str(workspace["write_token"])}
            try:
                return self.server.ask(
                    "PUT",
                    place + address,
                    headers={**(headers or {}), **secret},
                    **request,
                )
            except Refused as refused:
                if again or refused.code not in stale:
                    raise
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _failing(self, item: Transcript | Note) -> Iterator[None]:
        """Let one file fail without the others."""
        try:
            yield
        except (Refused, FileProblem, LeftOut) as problem:
            self._fail(item, problem)

    def _fail(self, item: Transcript | Note, problem: Problem) -> None:
        if isinstance(problem, Refused) and problem.status == GONE:
            problem = LeftOut(ERASED)
        if isinstance(problem, LeftOut):
            self.report.skipped[str(problem)] += 1
            # Looked at again each time: the server may want it, and a day go by.
            is_for_now = str(problem) in (TURNED_OFF, NOTHING_SAID)
            rules = "" if is_for_now else self.privacy.digest
            self.state.note(item, excluded=str(problem), rules=rules)
            return
        self.report.failed.append((str(item.path), str(problem)))
        # What the server will refuse again is not sent again until the file changes.
        if isinstance(problem, Refused) and problem.status in (400, 413, 415, 422):
            self.state.note(item, refused=problem.code or str(problem.status))
        else:
            self.state.note_failure(item, str(problem))

    def _skip(self, skip: Skip) -> None:
        self.report.found += 1
        self.report.skipped[skip.reason] += 1


def _check_wanted(verdict: Json) -> None:
    if verdict.get("state") == "off":
        raise LeftOut(TURNED_OFF)
    if verdict.get("state") == "erased":
        raise LeftOut(ERASED)


def decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FileProblem("is not UTF-8 text") from error


def batches(
    items: Iterable[Any], *, is_heavy: Callable[[Any], bool] = lambda _: False
) -> Iterator[list[Any]]:
    """Runs of items; the bytes of those that are copied to the disk are bounded."""
    batch: list[Any] = []
    copied = 0
    for item in items:
        batch.append(item)
        copied += item.size if is_heavy(item) else 0
        if len(batch) == BATCH or copied > MAX_COPIED_BYTES:
            yield batch
            batch, copied = [], 0
    if batch:
        yield batch
