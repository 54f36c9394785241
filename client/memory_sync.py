#!/usr/bin/env python3
"""Archive AI coding sessions and notes of this machine on a federated memory server.

One file, standard library only, Python 3.10 or newer, Linux, macOS and Windows. It is
started by a client's hook or by a timer, does its work and ends: there is no daemon.

    memory_sync.py configure --url http://HOST:7444/mcp --machine NAME
    memory_sync.py test
    memory_sync.py init-manifest --tool claude-code --project shop --cwd ~/src/shop
    memory_sync.py sync
    memory_sync.py claude-hook < hook.json

What is new is decided by the server: files are hashed, one request asks about many of
them, and only bytes that the server lacks travel. The state cache merely saves the
hashing. Tokens come from SYNC_TOKEN and MCP_MEMORY_TOKEN or from tokens.json (0600);
never from the command line, and they are never printed. docs/client.md has the rest.

Exit codes: 0 done, 1 some files failed, 2 set-up or usage, 3 server away,
4 token refused, 5 another run is under way.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# http.client, ssl, zlib and subprocess are imported where they are used: the hook runs
# after every turn of a conversation and must not pay for what it does not need.

VERSION = "1"
CHUNK = 256 * 1024
BATCH = 100
GZIP_LEVEL = 4
ATTEMPTS = 4
LONGEST_WAIT = 60.0
CONNECT_SECONDS = 10
ANSWER_SECONDS = 180
# The server may have been restored from a backup, so what it once acknowledged is
# asked about again after a week.
TRUST_STATE_SECONDS = 7 * 24 * 3600
SPOOL_LIMIT = 1000
LOG_LIMIT = 512 * 1024
MAX_HOOK_BYTES = 16 * 2**20
MAX_NOTE_BYTES = 8 * 2**20
# Claude Code writes several large lines before the first one that names the directory.
PEEK_BYTES = 8 * 2**20
SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
UUID_AT_END = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Json = dict[str, Any]


# --- What can go wrong ---------------------------------------------------------------


class Problem(Exception):
    """Something the user should read; ends the run unless it concerns one file."""

    exit_code = 1


class SetupProblem(Problem):
    """Configuration that is missing or wrong."""

    exit_code = 2


class ServerAway(Problem):
    """The server cannot be reached or cannot store anything now."""

    exit_code = 3


class TokenRefused(Problem):
    """The server does not take the token."""

    exit_code = 4


class OtherRun(Problem):
    """Another run holds the lock."""

    exit_code = 5


class FileProblem(Problem):
    """One file that cannot be sent as it lies there; the others can."""


class Refused(Problem):
    """The server turned one request down; `code` is from its closed list."""

    def __init__(self, status: int, error: Json) -> None:
        self.status = status
        self.code = str(error.get("code", ""))
        self.detail: Json = error.get("detail") or {}
        message = str(error.get("message") or f"HTTP {status} without an explanation")
        hint = str(error.get("hint") or "")
        super().__init__(f"{message} {hint}".strip() + f" ({self.code or status})")


# --- Home and configuration ----------------------------------------------------------


def home() -> Path:
    """Where configuration, manifests, spool and caches live."""
    return Path(os.environ.get("MEMORY_SYNC_HOME") or "~/.memory-sync").expanduser()


@dataclasses.dataclass(frozen=True)
class Config:
    """config.json and tokens.json, with the environment on top."""

    url: str
    machine: str
    ai_token: str
    sync_token: str
    # Directory → project name, for those whose folder is not called like the project.
    projects: dict[str, str]


def load_config() -> Config:
    """Read the configuration; values that are missing are empty."""
    stored = read_json(home() / "config.json")
    tokens_file = home() / str(stored.get("tokens_file") or "tokens.json")
    tokens = read_json(tokens_file)
    url = os.environ.get("MCP_MEMORY_URL") or str(stored.get("url") or "")
    return Config(
        url=url.strip(),
        machine=str(stored.get("machine") or default_machine()),
        ai_token=os.environ.get("MCP_MEMORY_TOKEN") or str(tokens.get("ai") or ""),
        sync_token=os.environ.get("SYNC_TOKEN") or str(tokens.get("sync") or ""),
        projects=dict(stored.get("projects") or {}),
    )


def default_machine() -> str:
    """This computer's name without its domain."""
    import platform

    return platform.node().split(".")[0] or "machine"


def rest_base(url: str) -> str:
    """The address of the server: the MCP URL without its last part."""
    return re.sub(r"(/v1)?/mcp/?$", "", url.strip()).rstrip("/")


def read_json(path: Path) -> Json:
    """A JSON object from a file; an empty one when there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SetupProblem(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise SetupProblem(f"{path} does not hold a JSON object.")
    return content


def read_cache(path: Path) -> Json:
    """Like read_json, but a damaged cache is only an empty one."""
    with contextlib.suppress(SetupProblem):
        return read_json(path)
    return {}


def write_json(path: Path, content: Json) -> None:
    """Replace a file at one stroke, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
    try:
        temporary.replace(path)
    except PermissionError:
        # On Windows a reader may hold the file for a moment.
        time.sleep(0.2)
        temporary.replace(path)


def log(message: str) -> None:
    """Append to the log, which is the only place where a detached run can speak."""
    path = home() / "sync.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
            file.write(time.strftime("%Y-%m-%dT%H:%M:%S%z ") + message + "\n")


class RunLock:
    """One run at a time; the operating system lets go of the lock when a run dies.

    A second run that is told to wait takes the waiting place. A third leaves at once,
    since the waiting one will find the third's work in the spool.
    """

    def __init__(self, *, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self._held: list[int] = []

    def __enter__(self) -> RunLock:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._take("run.lock"):
            return self
        if self.wait_seconds and self._take("wait.lock"):
            deadline = time.monotonic() + self.wait_seconds
            while time.monotonic() < deadline:
                time.sleep(0.1)
                if self._take("run.lock"):
                    os.close(self._held.pop(0))
                    return self
        self.__exit__()
        raise OtherRun("Another run is under way; it will take this work along.")

    def __exit__(self, *_: object) -> None:
        while self._held:
            os.close(self._held.pop())

    def _take(self, name: str) -> bool:
        handle = os.open(home() / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._held.append(handle)
        return True


# --- The server ----------------------------------------------------------------------


class Server:
    """The REST side of a memory server over one kept-alive connection.

    Every request made here may be repeated: a write names the bytes it stands on, and
    the same bytes again change nothing. So failures of the network, 429 and 503 are
    retried; other refusals are not.
    """

    def __init__(
        self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        from urllib.parse import urlsplit

        if not url:
            raise SetupProblem(
                "No server is set. Run `configure --url http://HOST:7444/mcp` or set "
                "MCP_MEMORY_URL."
            )
        parts = urlsplit(rest_base(url))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupProblem(f"{url!r} is not an http:// or https:// address.")
        self.base = rest_base(url)
        self.scheme, self.host, self.prefix = parts.scheme, parts.hostname, parts.path
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.token = token
        self.sleep = sleep
        self.connection: Any = None
        self.target_prefix = self.prefix

    def ask(
        self,
        method: str,
        path: str,
        *,
        json_body: Json | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Make a request and return the JSON object of its answer."""
        import http.client

        for attempt in range(ATTEMPTS):
            was_open = self.connection is not None
            wait = 0.5 * 2**attempt
            try:
                status, head, content = self._once(
                    method, path, json_body, body, headers
                )
            except (OSError, http.client.HTTPException) as error:
                self.close()
                reason = why(error, self.base)
                if _is_certificate(error):
                    raise ServerAway(reason) from error
                if was_open and attempt == 0:
                    wait = 0.0  # The server closed an idle connection; no harm done.
            else:
                if status not in (429, 502, 503, 504):
                    return self._result(status, head, content)
                asked = head.get("retry-after", "")
                wait = max(float(asked), 0.1) if asked.isdigit() else wait
                reason = (
                    f"{self.base} answers {status}: {_error_in(content)['message']}"
                )
                if wait > LONGEST_WAIT:
                    raise ServerAway(f"{reason} It asks to wait {wait:.0f} seconds.")
            if attempt + 1 < ATTEMPTS:
                self.sleep(wait)
        raise ServerAway(reason)

    def close(self) -> None:
        """Let the connection go."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _once(
        self,
        method: str,
        path: str,
        json_body: Json | None,
        body: Callable[[], Iterable[bytes]] | None,
        extra: Mapping[str, str] | None,
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {
            "Accept": "application/json",
            "User-Agent": f"memory_sync/{VERSION}",
            **(extra or {}),
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        payload: Any = None
        if json_body is not None:
            payload = json.dumps(json_body).encode()
            headers["Content-Type"] = "application/json"
        elif body is not None:
            payload = body()
            headers["Transfer-Encoding"] = "chunked"
        self._connect()
        # A server that refuses early closes its end, often after saying why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.request(
                method,
                self.target_prefix + path,
                body=payload,
                headers=headers,
                encode_chunked=body is not None,
            )
        response = self.connection.getresponse()
        content = response.read()
        head = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return response.status, head, content

    def _connect(self) -> None:
        if self.connection is not None:
            return
        import http.client
        from urllib.request import getproxies, proxy_bypass

        proxy = getproxies().get(self.scheme, "")
        if proxy and not proxy_bypass(self.host):
            self.connection = self._through(proxy)
        elif self.scheme == "https":
            self.connection = http.client.HTTPSConnection(
                self.host, self.port, timeout=CONNECT_SECONDS
            )
        else:
            self.connection = http.client.HTTPConnection(
                self.host, self.port, timeout=CONNECT_SECONDS
            )
        self.connection.connect()
        self.connection.sock.settimeout(ANSWER_SECONDS)

    def _through(self, proxy: str) -> Any:
        import http.client
        from urllib.parse import urlsplit

        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        place = (parts.hostname or "", parts.port or 8080)
        if self.scheme == "https":
            tunnel = http.client.HTTPSConnection(*place, timeout=CONNECT_SECONDS)
            tunnel.set_tunnel(self.host, self.port)
            return tunnel
        self.target_prefix = f"http://{self.host}:{self.port}{self.prefix}"
        return http.client.HTTPConnection(*place, timeout=CONNECT_SECONDS)

    def _result(self, status: int, head: Mapping[str, str], content: bytes) -> Json:
        if 300 <= status < 400:
            raise SetupProblem(
                f"{self.base} sends us on to {head.get('location', 'nowhere')}; "
                "set the URL to where the server really is."
            )
        if status < 300:
            try:
                answer = json.loads(content) if content else {}
            except ValueError:
                answer = None
            if not isinstance(answer, dict):
                raise SetupProblem(f"{self.base} does not answer like a memory server.")
            return answer
        refused = Refused(status, _error_in(content))
        if status == 401 or refused.code in ("TOKEN_KIND_REFUSED", "SCOPE_MISSING"):
            raise TokenRefused(str(refused))
        if status == 507:
            raise ServerAway(str(refused))
        raise refused


def _error_in(content: bytes) -> Json:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        error = json.loads(content)["error"]
        if isinstance(error, dict):
            return {"message": "", **error}
    return {"message": ""}


def _is_certificate(error: BaseException) -> bool:
    import ssl

    return isinstance(error, ssl.SSLCertVerificationError)


def why(error: BaseException, base: str) -> str:
    """A network failure in plain words."""
    import socket
    import ssl

    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {base} is not trusted: {error.verify_message}. "
                "Name your authority's file in SSL_CERT_FILE."
            )
        case ssl.SSLError():
            return f"No TLS with {base}: {error.reason}. Is it http:// instead?"
        case socket.gaierror():
            return f"The name in {base} is not known to this machine."
        case ConnectionRefusedError():
            return f"Nothing listens at {base}."
        case TimeoutError():
            return f"{base} does not answer in time."
        case ConnectionError():
            return f"{base} closed the connection."
    return f"{base} cannot be reached: {error or type(error).__name__}"


def quoted(part: str, *, safe: str = "") -> str:
    """Part of an address."""
    from urllib.parse import quote

    return quote(part, safe=safe)


# --- Finding transcripts -------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Transcript:
    """A transcript file as it lay there when it was found."""

    path: Path
    tool: str
    session_id: str
    agent_id: str
    size: int
    mtime_ns: int

    @property
    def key(self) -> str:
        return f"transcript {self.path}"


@dataclasses.dataclass
class Skip:
    """A file that was found and is left out, and why."""

    path: Path
    reason: str


def claude_home() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()


def codex_home() -> Path:
    return Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()


def sweep() -> Iterator[Transcript | Skip]:
    """Every transcript of Claude Code and Codex on this machine."""
    for folder in subfolders(claude_home() / "projects"):
        for path in sorted(folder.glob("*.jsonl")):
            yield claude_transcript(path)
        for path in sorted(folder.glob("*/subagents/**/agent-*.jsonl")):
            yield claude_transcript(path)
    # A resumed Codex session grows in the folder of the day it began, so every day is
    # looked at.
    for store in ("sessions", "archived_sessions"):
        for path in sorted((codex_home() / store).glob("**/*.jsonl*")):
            if path.suffix == ".jsonl":
                yield codex_transcript(path)
            elif path.suffix == ".zst":
                yield Skip(path, "compressed by Codex; not read yet")


def subfolders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []


def transcript_at(path: Path) -> Transcript | Skip:
    """The transcript that a hook names."""
    is_codex = codex_home() in path.parents or path.name.startswith("rollout-")
    return codex_transcript(path) if is_codex else claude_transcript(path)


def claude_transcript(path: Path) -> Transcript | Skip:
    session_id, agent_id = path.stem, ""
    if path.stem.startswith("agent-"):
        agent = path.stem.removeprefix("agent-")
        parents = path.parent.parts
        if at := last_index(parents, "subagents"):
            session_id = parents[at - 1]
            # The same agent id may lie in two folders of one session.
            agent_id = ".".join([*parents[at + 1 :], agent])
        else:
            # Before 2026 a subagent's file lay beside its parent's.
            session_id, agent_id = str(peek(path).get("sessionId") or ""), agent
    return _transcript(path, "claude-code", session_id, agent_id)


def last_index(parts: Sequence[str], name: str) -> int:
    """Where a folder's name stands last in a path; 0 where it does not."""
    return max((at for at, part in enumerate(parts) if part == name), default=0)


def codex_transcript(path: Path) -> Transcript | Skip:
    found = UUID_AT_END.search(path.stem)
    return _transcript(path, "codex", found.group() if found else path.stem, "")


def _transcript(
    path: Path, tool: str, session_id: str, agent_id: str
) -> Transcript | Skip:
    for name in filter(None, (session_id or "-", agent_id)):
        if not SESSION_ID.fullmatch(name):
            return Skip(path, f"{name!r} cannot be a session id")
    try:
        stat = path.stat()
    except OSError as error:
        return Skip(path, f"cannot be read: {error.strerror}")
    if stat.st_size == 0:
        return Skip(path, "empty")
    return Transcript(path, tool, session_id, agent_id, stat.st_size, stat.st_mtime_ns)


def peek(path: Path) -> Json:
    """The first `cwd` and `sessionId` in a transcript's lines, where there are any."""
    seen: Json = {}
    try:
        with path.open("rb") as file:
            while file.tell() < PEEK_BYTES and "cwd" not in seen:
                line = file.readline(PEEK_BYTES)
                if not line:
                    break
                with contextlib.suppress(ValueError, RecursionError):
                    _note_names(json.loads(line), seen)
    except OSError:
        pass
    return seen


def _note_names(line: Any, seen: Json) -> None:
    if not isinstance(line, dict):
        return
    payload = line.get("payload")
    for source in (line, payload if isinstance(payload, dict) else {}):
        for name in ("cwd", "sessionId"):
            if isinstance(source.get(name), str) and source[name]:
                seen.setdefault(name, source[name])


# --- Whose it is ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Identity:
    """What the server makes a workspace of."""

    machine: str
    tool: str
    project: str
    cwd: str = ""

    @property
    def key(self) -> str:
        return json.dumps([self.machine, self.tool, self.project])


def identity_of(transcript: Transcript, config: Config) -> Identity:
    """The workspace of a transcript, by the directory that its lines name.

    The folder's own name is a lossy spelling of that directory, so it is only used
    where no line names one. A subagent may have worked in a directory of its own; it
    belongs to where its parent worked.
    """
    folder, cwd = transcript.path.parent, ""
    if transcript.agent_id:
        at = last_index(folder.parts, "subagents")
        folder = Path(*folder.parts[: at - 1]) if at else folder
        cwd = str(peek(folder / f"{transcript.session_id}.jsonl").get("cwd") or "")
    cwd = cwd or str(peek(transcript.path).get("cwd") or "")
    fallback = folder.name if transcript.tool == "claude-code" else "unknown"
    project = project_of(cwd, config.projects) or fallback
    return Identity(config.machine, transcript.tool, project[:200], cwd[:1024])


def project_of(cwd: str, projects: Mapping[str, str]) -> str:
    """A project's name: as configured for the directory, else the directory's own."""
    place = path_parts(cwd)
    named = [(path_parts(known), name) for known, name in projects.items()]
    inside = [(k, name) for k, name in named if k and place[: len(k)] == k]
    if inside:
        return max(inside)[1]
    return re.split(r"[\\/]+", cwd.rstrip("\\/"))[-1].strip(":") if cwd else ""


def path_parts(path: str) -> tuple[str, ...]:
    """A directory in comparable form, whichever system wrote it."""
    parts = [part for part in re.split(r"[\\/]+", path) if part]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        return tuple(part.casefold() for part in parts)
    return tuple(parts)


def claude_slug(cwd: str) -> str:
    """The name that Claude Code gives a directory's folder below projects/."""
    data = cwd.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]
    plain = "".join(
        chr(unit) if chr(unit).isascii() and chr(unit).isalnum() else "-"
        for unit in units
    )
    if len(plain) <= 200:
        return plain
    total = 0
    for unit in units:
        total = (total * 31 + unit) & 0xFFFFFFFF
    total = abs(total - 0x100000000 if total & 0x80000000 else total)
    digits = ""
    while total:
        total, digit = divmod(total, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"{plain[:200]}-{digits or '0'}"


# --- Manifests -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Note:
    """A knowledge file that a manifest tracks."""

    identity: Identity
    upload: str
    path: Path
    size: int
    mtime_ns: int

    @property
    def key(self) -> str:
        return f"note {self.identity.key} {self.upload}"


def manifest_paths() -> list[Path]:
    return sorted((home() / "manifests").glob("*.json"))


def load_manifest(path: Path) -> Json:
    """A manifest whose entries have what the others here rely on."""
    manifest = read_json(path)
    for name in ("machine", "tool", "project"):
        if not isinstance(manifest.get(name), str) or not manifest[name]:
            raise SetupProblem(f"does not say its {name}")
    for list_name, needed in (("tracked", "upload"), ("tracked_dirs", "local")):
        for entry in manifest.get(list_name) or []:
            if not (
                isinstance(entry, dict) and entry.get("local") and entry.get(needed)
            ):
                raise SetupProblem(f"{list_name} has an entry that lacks a path")
    return manifest


def manifest_identity(manifest: Json) -> Identity:
    return Identity(manifest["machine"], manifest["tool"], manifest["project"])


def tracked_notes(manifest: Json) -> Iterator[Note | Skip]:
    """Every file that a manifest tracks, with the path it has on the server."""
    identity = manifest_identity(manifest)
    for entry in manifest.get("tracked") or []:
        path = Path(str(entry["local"])).expanduser()
        yield _note(identity, str(entry["upload"]), path)
    for entry in manifest.get("tracked_dirs") or []:
        root = Path(str(entry["local"])).expanduser()
        for path in sorted(
            root.glob(str(entry.get("glob") or "*.md").lstrip("/") or "*.md")
        ):
            if not path.is_file():
                continue
            if root.resolve() not in path.resolve().parents:
                # A link in a folder that assistants write to must not publish others.
                yield Skip(path, "a link out of the tracked folder")
                continue
            upload = str(entry.get("upload_prefix") or "")
            upload += path.relative_to(root).as_posix()
            yield _note(identity, upload, path)


def _note(identity: Identity, upload: str, path: Path) -> Note | Skip:
    import unicodedata

    try:
        stat = path.stat()
    except OSError as error:
        return Skip(path, f"cannot be read: {error.strerror}")
    if stat.st_size > MAX_NOTE_BYTES:
        return Skip(path, "too large for a knowledge document")
    # macOS hands out decomposed names; the server's paths are composed.
    upload = unicodedata.normalize("NFC", upload)
    return Note(identity, upload, path, stat.st_size, stat.st_mtime_ns)


# --- What this machine remembers -----------------------------------------------------


class State:
    """A cache of what the server has acknowledged; losing it costs time, not data."""

    def __init__(self, url: str) -> None:
        self.path = home() / "state.json"
        stored = read_cache(self.path)
        self.is_same_server = stored.get("url") == url
        self.url = url
        self.files: dict[str, Json] = (
            stored.get("files", {}) if self.is_same_server else {}
        )
        self._saved_at = time.monotonic()

    def settles(self, item: Transcript | Note) -> bool:
        """Whether the file is as it was when the server last answered for it."""
        known = self.files.get(item.key, {})
        return (
            known.get("size") == item.size
            and known.get("mtime_ns") == item.mtime_ns
            and 0 <= time.time() - known.get("at", 0) < TRUST_STATE_SECONDS
        )

    def note(self, item: Transcript | Note, **facts: Any) -> None:
        self.files[item.key] = {
            "size": item.size,
            "mtime_ns": item.mtime_ns,
            "at": int(time.time()),
            **facts,
        }
        if time.monotonic() - self._saved_at > 5:
            self.save()

    def known(self, item: Transcript | Note) -> Json:
        return self.files.get(item.key, {})

    def forget_missing(self, seen: set[str]) -> None:
        """Drop transcripts whose files are gone; the archive keeps its copy."""
        for key in [key for key in self.files if key.startswith("transcript ")]:
            if key not in seen:
                del self.files[key]

    def save(self) -> None:
        write_json(self.path, {"url": self.url, "files": self.files})
        self._saved_at = time.monotonic()


class Workspaces:
    """Workspace ids and write tokens as the server gave them, kept for the next run."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.path = home() / "workspaces.json"
        stored = read_cache(self.path)
        same = stored.get("url") == server.base
        self.known: dict[str, Json] = stored.get("workspaces", {}) if same else {}

    def of(self, identity: Identity, *, again: bool = False) -> Json:
        """The workspace of an identity, registered with the server where needed."""
        if again or identity.key not in self.known:
            body = {
                name: value
                for name, value in dataclasses.asdict(identity).items()
                if value or name != "cwd"
            }
            answer = self.server.ask("POST", "/api/v1/workspaces", json_body=body)
            self.known[identity.key] = {
                name: answer.get(name, "") for name in ("workspace_id", "write_token")
            }
            write_json(self.path, {"url": self.server.base, "workspaces": self.known})
        return self.known[identity.key]


# --- Reading files -------------------------------------------------------------------


def digests(path: Path, size: int, marks: Iterable[int] = ()) -> dict[int, str]:
    """SHA-256 of a file's first `size` bytes, and of those before each mark."""
    found, hashed, done = {}, hashlib.sha256(), 0
    for mark in sorted({*(mark for mark in marks if 0 <= mark < size), size}):
        for chunk in read_range(path, done, mark):
            hashed.update(chunk)
        found[mark], done = hashed.hexdigest(), mark
    return found


def read_range(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The bytes from start to end of a file that may be growing meanwhile."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK, end - start))
                if not chunk:
                    raise FileProblem("became shorter while it was read")
                start += len(chunk)
                yield chunk
    except OSError as error:
        # Not an OSError further up, where those mean the network.
        raise FileProblem(f"cannot be read: {error.strerror}") from error


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    import zlib

    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


# --- Uploading -----------------------------------------------------------------------


@dataclasses.dataclass
class Report:
    """What a run did: found = unchanged + outcomes + skipped + failed."""

    found: int = 0
    unchanged: int = 0
    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)
    failed: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    raw_bytes_sent: int = 0

    def as_json(self) -> Json:
        return {
            "found": self.found,
            "unchanged": self.unchanged,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
            "failed": [{"file": file, "reason": why} for file, why in self.failed],
            "raw_bytes_sent": self.raw_bytes_sent,
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
        for batch in batches(sorted(changed, key=lambda each: -each.mtime_ns)):
            by_identity = defaultdict(list)
            for transcript in batch:
                identity = identity_of(transcript, self.config)
                by_identity[identity.key].append((identity, transcript))
            for members in by_identity.values():
                self._send_batch(members[0][0], [each for _, each in members])
        return set(seen)

    def _send_batch(self, identity: Identity, batch: list[Transcript]) -> None:
        hashed: list[tuple[Transcript, dict[int, str]]] = []
        for transcript in batch:
            with self._failing(transcript):
                mark = int(self.state.known(transcript).get("stored", 0))
                marks = digests(transcript.path, transcript.size, [mark])
                hashed.append((transcript, marks))
        items = [
            {
                "session_id": each.session_id,
                "agent_id": each.agent_id,
                "sha256": marks[each.size],
                "size_bytes": each.size,
            }
            for each, marks in hashed
        ]
        verdicts = self._check(identity, items, [each for each, _ in hashed])
        for (transcript, marks), verdict in zip(hashed, verdicts, strict=True):
            with self._failing(transcript):
                if verdict is not None:
                    self._settle(identity, transcript, marks, verdict)

    def _settle(
        self,
        identity: Identity,
        transcript: Transcript,
        marks: dict[int, str],
        verdict: Json,
    ) -> None:
        """Do what the server's verdict asks for one transcript."""
        if not verdict.get("send"):
            outcome = "stale" if verdict.get("state") == "ahead" else "deduplicated"
            receipt: Json = {"outcome": outcome}
        else:
            start = int(verdict.get("from_offset") or 0)
            base = str(verdict.get("base_sha256") or "")
            receipt = self._put(identity, transcript, marks, start, base)
        self.report.outcomes[str(receipt["outcome"])] += 1
        self.state.note(transcript, stored=receipt.get("size_bytes", transcript.size))

    def _put(
        self,
        identity: Identity,
        transcript: Transcript,
        marks: dict[int, str],
        start: int,
        base: str,
    ) -> Json:
        """Send the bytes after `start`, or all where what lies before them differs."""
        for _ in range(3):
            if start and self._prefix(transcript, marks, start) != base:
                start = 0
            try:
                return self._put_from(identity, transcript, marks, start)
            except Refused as refused:
                if refused.code != "BASE_MISMATCH":
                    raise
                # Somebody was faster; the refusal says what the server holds now.
                start = int(refused.detail.get("size_bytes") or 0)
                base = str(refused.detail.get("sha256") or "")
                if start >= transcript.size:
                    start = 0
        raise FileProblem("keeps changing on the server; the next run tries again")

    def _prefix(self, transcript: Transcript, marks: dict[int, str], at: int) -> str:
        if at > transcript.size:
            return ""
        if at not in marks:
            marks.update(digests(transcript.path, at))
        return marks[at]

    def _put_from(
        self,
        identity: Identity,
        transcript: Transcript,
        marks: dict[int, str],
        start: int,
    ) -> Json:
        path, size = transcript.path, transcript.size
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "X-Content-SHA256": marks[size],
        }
        if start:
            hashed = hashlib.sha256()
            for chunk in read_range(path, start, size):
                hashed.update(chunk)
            headers["X-Content-SHA256"] = hashed.hexdigest()
            headers["Content-Range"] = f"bytes {start}-{size - 1}/*"
            headers["X-Base-SHA256"] = marks[start]
        address = f"/sessions/{quoted(transcript.session_id)}"
        if transcript.agent_id:
            address += f"?agent_id={quoted(transcript.agent_id)}"
        receipt = self._write(
            identity,
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
            else:
                notes.append(item)
        self.report.found += len(notes)
        for batch in batches(self._changed(notes)):
            self._send_notes(manifest_identity(manifest), batch)

    def _send_notes(self, identity: Identity, batch: list[Note]) -> None:
        texts: list[tuple[Note, str, str]] = []
        for note in batch:
            with self._failing(note):
                data = b"".join(read_range(note.path, 0, note.size))
                texts.append((note, decoded(data), hashlib.sha256(data).hexdigest()))
        items = [
            {"path": note.upload, "sha256": sha256, "size_bytes": note.size}
            for note, _, sha256 in texts
        ]
        verdicts = self._check(identity, items, [note for note, _, _ in texts])
        for (note, text, sha256), verdict in zip(texts, verdicts, strict=True):
            with self._failing(note):
                if verdict is not None:
                    outcome = self._publish(identity, note, text, sha256, verdict)
                    self.report.outcomes[outcome] += 1
                    self.state.note(note, sha256=sha256)

    def _publish(
        self, identity: Identity, note: Note, text: str, sha256: str, verdict: Json
    ) -> str:
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
                refusal = self.state.known(item).get("refused")
                if refusal:
                    self.report.skipped[f"refused before: {refusal}"] += 1
                else:
                    self.report.unchanged += 1
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
        except (Refused, FileProblem) as problem:
            self._fail(item, problem)

    def _fail(self, item: Transcript | Note, problem: Problem) -> None:
        self.report.failed.append((str(item.path), str(problem)))
        # What the server will refuse again is not sent again until the file changes.
        if isinstance(problem, Refused) and problem.status in (400, 413, 415, 422):
            self.state.note(item, refused=problem.code or str(problem.status))

    def _skip(self, skip: Skip) -> None:
        self.report.found += 1
        self.report.skipped[skip.reason] += 1


def decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FileProblem("is not UTF-8 text") from error


def batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# --- The spool -----------------------------------------------------------------------


def spool(entry: Json) -> None:
    """Leave word that a transcript grew. Only its path is kept, so this stays small."""
    folder = home() / "spool"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = sorted(folder.glob("*.json"))
    for path in waiting[: max(0, len(waiting) + 1 - SPOOL_LIMIT)]:
        # The sweep finds the file of a forgotten entry all the same.
        path.unlink(missing_ok=True)
    write_json(folder / f"{time.time_ns():020d}-{os.getpid()}.json", entry)


def drain(archive: Archive) -> None:
    """Archive what hooks have left in the spool, then their workspaces' notes."""
    waiting = sorted((home() / "spool").glob("*.json"))
    entries = [read_cache(path) for path in waiting]
    paths = {
        str(entry[name])
        for entry in entries
        for name in ("transcript_path", "agent_transcript_path")
        if isinstance(entry.get(name), str) and str(entry[name]).endswith(".jsonl")
    }
    files = [Path(path).expanduser() for path in sorted(paths)]
    files += [
        agent
        for file in files
        for agent in sorted(file.with_suffix("").glob("subagents/**/agent-*.jsonl"))
    ]
    found = [transcript_at(file) for file in files]
    archive.send_transcripts(found)
    transcripts = [each for each in found if isinstance(each, Transcript)]
    identities = {identity_of(each, archive.config).key for each in transcripts}
    archive.send_manifests(identities)
    failed = {file for file, _ in archive.report.failed}
    for path, entry in zip(waiting, entries, strict=True):
        if not failed & {str(value) for value in entry.values()}:
            path.unlink(missing_ok=True)


def start_draining() -> None:
    """Start a run that outlives the hook: clients kill what takes too long."""
    import subprocess

    arguments = [sys.executable, str(Path(__file__).resolve()), "sync", "--spool"]
    quiet: Json = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    if sys.platform != "win32":
        subprocess.Popen(arguments, cwd=home(), start_new_session=True, **quiet)
        return
    flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        # Leave the client's job object, which dies with the client.
        breakaway = flags | subprocess.CREATE_BREAKAWAY_FROM_JOB
        subprocess.Popen(arguments, cwd=home(), creationflags=breakaway, **quiet)
    except OSError:
        subprocess.Popen(arguments, cwd=home(), creationflags=flags, **quiet)


# --- Commands ------------------------------------------------------------------------


def command_configure(options: argparse.Namespace) -> int:
    """Write config.json, and tokens.json from the environment."""
    path = home() / "config.json"
    stored = read_json(path)
    if options.url:
        Server(options.url, "")  # Refuses what is no address.
        stored["url"] = options.url
    if options.machine:
        stored["machine"] = options.machine
    stored.setdefault("machine", default_machine())
    write_json(path, stored)
    tokens_file = home() / str(stored.get("tokens_file") or "tokens.json")
    tokens = read_json(tokens_file)
    for name, variable in (("ai", "MCP_MEMORY_TOKEN"), ("sync", "SYNC_TOKEN")):
        if os.environ.get(variable):
            tokens[name] = os.environ[variable]
    if tokens:
        write_json(tokens_file, tokens)
    kept = " and ".join(sorted(tokens)) or "no"
    say(options, f"{path} written; {kept} token kept.", {"config": str(path)})
    return 0


def command_test(options: argparse.Namespace) -> int:
    """Say whether the server answers and takes both tokens, and if not, why."""
    config = load_config()
    server = Server(config.url, "")
    health = server.ask("GET", "/healthz")
    checks: list[Json] = [
        {
            "check": "server",
            "ok": True,
            "reason": f"{server.base} answers, version {health.get('version', '?')}",
        }
    ]
    for kind, token in (("sync", config.sync_token), ("ai", config.ai_token)):
        checks.append({"check": f"{kind} token", **_try_token(config.url, kind, token)})
    for check in checks:
        mark = "ok  " if check["ok"] else "FAIL"
        say(options, f"{mark} {check['check']}: {check['reason']}")
    for warning in _warnings(server):
        say(options, f"note {warning}")
    if options.json:
        print(json.dumps({"checks": checks, "warnings": list(_warnings(server))}))
    return 0 if all(check["ok"] for check in checks) else TokenRefused.exit_code


def _try_token(url: str, kind: str, token: str) -> Json:
    if not token and kind == "ai":
        return {"ok": True, "reason": "not set (MCP_MEMORY_TOKEN); syncing needs none"}
    if not token:
        return {"ok": False, "reason": "not set; set SYNC_TOKEN or run `configure`"}
    try:
        me = Server(url, token).ask("GET", "/api/v1/me")
    except (TokenRefused, Refused) as problem:
        return {"ok": False, "reason": str(problem)}
    if me.get("kind") not in (kind, "admin"):
        return {"ok": False, "reason": f"is of the kind {me.get('kind')}, not {kind}"}
    missing = {"sync": "upload", "ai": "read"}[kind]
    if missing not in me.get("scopes", []):
        return {"ok": False, "reason": f"lacks the scope {missing}"}
    return {"ok": True, "reason": f"{me.get('name')}, may {', '.join(me['scopes'])}"}


def _warnings(server: Server) -> Iterator[str]:
    loopback = server.host in ("localhost", "::1") or server.host.startswith("127.")
    if server.scheme == "http" and not loopback:
        yield "tokens travel unencrypted over http://; prefer https://"
    path = home() / "tokens.json"
    if os.name == "posix" and path.exists() and path.stat().st_mode & 0o077:
        yield f"{path} can be read by others; chmod 600 it"


def command_register(options: argparse.Namespace) -> int:
    """Register a workspace and remember its write token."""
    identity, archive = _asked_identity(options)
    workspace = archive.workspaces.of(identity, again=True)
    name = str(workspace["workspace_id"])
    say(options, f"{name} registered.", {"workspace_id": name})
    return 0


def command_init_manifest(options: argparse.Namespace) -> int:
    """Register a workspace and lay out its manifest; what one tracks already stays."""
    identity, archive = _asked_identity(options)
    name = str(archive.workspaces.of(identity, again=True)["workspace_id"])
    path = home() / "manifests" / f"{name}.json"
    old = read_json(path)
    tracked_dirs = old.get("tracked_dirs", [])
    if identity.tool == "claude-code" and not tracked_dirs:
        memory = claude_home() / "projects" / claude_slug(identity.cwd) / "memory"
        tracked_dirs = [
            {"local": tilde(memory), "upload_prefix": "auto/", "glob": "*.md"}
        ]
    manifest: Json = {
        "workspace_id": name,
        "machine": identity.machine,
        "tool": identity.tool,
        "project": identity.project,
        "tracked": old.get("tracked", []),
        "tracked_dirs": tracked_dirs,
    }
    write_json(path, manifest)
    config_path = home() / "config.json"
    config = read_json(config_path)
    config.setdefault("projects", {})[identity.cwd] = identity.project
    write_json(config_path, config)
    say(options, f"{path} written.", {"manifest": str(path), "workspace_id": name})
    return 0


def _asked_identity(options: argparse.Namespace) -> tuple[Identity, Archive]:
    config = load_config()
    cwd = str(Path(options.cwd or Path.cwd()).expanduser().absolute())
    project = options.project or project_of(cwd, config.projects) or "unknown"
    return Identity(config.machine, options.tool, project, cwd), Archive(config)


def tilde(path: Path) -> str:
    """A path as a person would write it."""
    try:
        return "~/" + path.absolute().relative_to(Path.home()).as_posix()
    except ValueError:
        return str(path.absolute())


def command_sync(options: argparse.Namespace) -> int:
    """Archive what is new: notes, then every client's sessions; or the spool alone."""
    with RunLock(wait_seconds=120.0 if options.spool else 0.0):
        archive = Archive(load_config())
        if options.full:
            archive.state.files.clear()
        problem: Problem | None = None
        try:
            drain(archive)
            if not options.spool:
                archive.send_manifests()
                archive.state.forget_missing(archive.send_transcripts(sweep()))
                drain(archive)
        except Problem as error:
            problem = error
        finally:
            archive.server.close()
            archive.state.save()
        exit_code = problem.exit_code if problem else int(bool(archive.report.failed))
        result = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "exit_code": exit_code,
            "problem": str(problem) if problem else None,
            **archive.report.as_json(),
        }
        write_json(home() / "last_run.json", result)
    for line in archive.report.lines():
        say(options, line)
    if options.spool and (problem or archive.report.failed):
        log(f"sync: {problem or archive.report.failed[:5]}")
    if options.json:
        print(json.dumps(result))
    elif problem:
        print(f"memory_sync: {problem}", file=sys.stderr)
    return exit_code


def command_claude_hook(options: argparse.Namespace) -> int:
    """Take a hook's word that a session moved on. Quick, silent and never a failure:
    whatever a hook prints or returns reaches the conversation."""
    try:
        payload = json.loads(sys.stdin.buffer.read(MAX_HOOK_BYTES))
        names = (
            "hook_event_name",
            "session_id",
            "transcript_path",
            "agent_transcript_path",
            "cwd",
        )
        spool({name: payload[name] for name in names if payload.get(name)})
        start_draining()
    except Exception as error:
        log(f"claude-hook: {type(error).__name__}: {error}")
    return 0


def command_status(options: argparse.Namespace) -> int:
    """Say what is set up, what waits and what the last run did; asks no server."""
    config = load_config()
    last = read_cache(home() / "last_run.json")
    archived = State(rest_base(config.url))
    local = [each for each in sweep() if isinstance(each, Transcript)]
    waiting = [each for each in local if not archived.settles(each)]
    status: Json = {
        "home": str(home()),
        "url": config.url,
        "machine": config.machine,
        "sync_token": bool(config.sync_token),
        "ai_token": bool(config.ai_token),
        "manifests": [path.stem for path in manifest_paths()],
        "spooled": len(list((home() / "spool").glob("*.json"))),
        "transcripts": len(local),
        "not_archived": len(waiting),
        "last_run": last or None,
    }
    for name, value in status.items():
        if name != "last_run":
            say(options, f"{name}: {value}")
    if last:
        outcome = last.get("problem") or f"{len(last.get('failed', []))} failed"
        say(options, f"last run: {last.get('at')}: {outcome}")
    if options.json:
        print(json.dumps(status))
    return 0


def say(options: argparse.Namespace, line: str, result: Json | None = None) -> None:
    """Print for a person, or the result for a program."""
    if not options.json:
        print(line)
    elif result is not None:
        print(json.dumps(result))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="memory_sync.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int]) -> Any:
        command = commands.add_parser(name, help=(run.__doc__ or "").split("\n")[0])
        command.add_argument("--json", action="store_true", help="answer in JSON")
        command.set_defaults(run=run)
        return command

    configure = add("configure", command_configure)
    configure.add_argument("--url", help="the MCP URL, such as http://HOST:7444/mcp")
    configure.add_argument("--machine", help="this machine's name in workspace ids")
    add("test", command_test)
    for name, run in (
        ("register", command_register),
        ("init-manifest", command_init_manifest),
    ):
        command = add(name, run)
        command.add_argument("--tool", required=True, help="claude-code, codex, …")
        command.add_argument("--project", help="default: the directory's name")
        command.add_argument("--cwd", help="default: the current directory")
    sync = add("sync", command_sync)
    sync.add_argument("--spool", action="store_true", help="only what hooks reported")
    sync.add_argument("--full", action="store_true", help="ask about every file again")
    add("claude-hook", command_claude_hook)
    add("status", command_status)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except Problem as problem:
        print(f"memory_sync: {problem}", file=sys.stderr)
        if options.json:
            print(json.dumps({"problem": str(problem), "exit_code": problem.exit_code}))
        return problem.exit_code


if __name__ == "__main__":
    sys.exit(main())
