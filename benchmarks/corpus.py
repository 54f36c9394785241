"""Synthetic Claude Code transcripts with planted answers, the same for the same seed.

Prose and code come from this Python's own standard library, so that words, identifiers
and compressibility are those of real text. Transcript N depends on the seed and N
alone: a smaller corpus is the beginning of a larger one.
"""

from __future__ import annotations

import ast
import json
import math
import os
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MEDIAN_BYTES = 300_000
SMALLEST_BYTES, LARGEST_BYTES = 6_000, 20_000_000
PROJECTS = ["billing-api", "web-shop", "infra", "data-pipeline"]
SERVICES = ["redis", "postgres", "nginx", "kafka", "rabbitmq", "grafana", "vault"]
PLACES = ["staging", "production", "the demo cluster", "the Frankfurt region"]
CAUSES = ["the certificate expired", "the disk filled up", "a migration took a lock"]
NAMES = ["amber", "basalt", "cobalt", "ember", "fjord", "garnet", "juniper", "onyx"]
COMMON = [
    "file descriptor",
    "return value",
    "error message",
    "default value",
    "environment variable",
    "regular expression",
    "command line",
    "exit status",
]


@dataclass(frozen=True)
class Planted:
    """What one transcript holds and no other does."""

    identifier: str
    phrase: str
    fact: str
    question: str
    answer: str
    error: str
    error_pattern: str


@dataclass(frozen=True)
class Session:
    """One transcript as a client would have written it."""

    session_id: str
    project: str
    content: bytes
    planted: Planted

    def write(self, projects: Path) -> Path:
        """Lay it out as below ~/.claude/projects."""
        folder = projects / f"-home-dev-{self.project}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.session_id}.jsonl"
        path.write_bytes(self.content)
        return path


def sessions(*, megabytes: float, seed: int = 7) -> Iterator[Session]:
    """Transcripts of log-normal sizes until so many raw megabytes are made."""
    made, number = 0, 0
    while made < megabytes * 1e6:
        size = random.Random(f"{seed}:size:{number}").gauss(0, 1.2)
        wanted = MEDIAN_BYTES * math.exp(size)
        wanted = min(max(wanted, SMALLEST_BYTES), LARGEST_BYTES, megabytes * 1e6)
        session = transcript(number=number, wanted_bytes=int(wanted), seed=seed)
        yield session
        made += len(session.content)
        number += 1


def transcript(*, number: int, wanted_bytes: int, seed: int = 7) -> Session:
    """Transcript `number` of a corpus, at least so long."""
    writer = _Writer(number, seed)
    writer.fill(wanted_bytes)
    content = b"\n".join(writer.lines) + b"\n"
    return Session(writer.session_id, writer.project, content, writer.planted)


def planted(number: int, seed: int) -> Planted:
    chance = random.Random(f"{seed}:planted:{number}")
    service, place = chance.choice(SERVICES), chance.choice(PLACES)
    cause, port = chance.choice(CAUSES), chance.randrange(20_000, 60_000)
    tag = f"{chance.choice(NAMES)}-{chance.choice(NAMES)}-{number}"
    return Planted(
        identifier=f"resolve_ledger_{chance.getrandbits(40):010x}",
        phrase=f"the {chance.choice(NAMES)} orchard closes before gate {number}",
        fact=(
            f"Decision for project {tag}: after {cause}, we moved {service} in {place} "
            f"to port {port} and keep the old listener for two weeks."
        ),
        question=(
            f"Which port did we move {service} to in {place} for project {tag} "
            f"once {cause}?"
        ),
        answer=f"port {port}",
        error=f"ERR-{chance.randrange(1000, 9999)}-{chance.choice('XYZ')}K{number:05d}",
        error_pattern=rf"ERR-[0-9]{{4}}-[XYZ]K{number:05d}",
    )


class _Writer:
    def __init__(self, number: int, seed: int) -> None:
        self.chance = random.Random(f"{seed}:session:{number}")
        self.planted = planted(number, seed)
        self.session_id = self._uuid()
        self.project = self.chance.choice(PROJECTS)
        self.at = 1_735_689_600 + self.chance.randrange(300 * 86_400)
        self.parent: str | None = None
        self.lines: list[bytes] = []
        self.size = 0

    def fill(self, wanted_bytes: int) -> None:
        secrets = self.planted
        due = [("user", secrets.phrase), ("assistant", secrets.fact)]
        due += [("tool", f"def {secrets.identifier}(batch):"), ("tool", secrets.error)]
        self._put({"type": "summary", "summary": self._prose()[:70], "leafUuid": "x"})
        while due or self.size < wanted_bytes:
            # Spread over the whole transcript, so that nothing is found at its head.
            reached = self.size / wanted_bytes * 5 > 5 - len(due)
            role, text = due.pop(0) if due and reached else ("", "")
            self._turn(
                prompt=text if role == "user" else "",
                said=text if role == "assistant" else "",
                output=text if role == "tool" else "",
            )

    def _turn(self, *, prompt: str, said: str, output: str) -> None:
        chance = self.chance
        asked = f"Please look into this: {self._prose()[:400]} {prompt}".strip()
        self._message("user", asked)
        if chance.random() < 0.5:
            thought = {
                "type": "thinking",
                "thinking": self._prose(),
                "signature": "c2ln",
            }
            self._message("assistant", [thought])
        text = f"{self._prose()}\n\n{said}".strip()
        self._message("assistant", [{"type": "text", "text": text}])
        for step in range(chance.randrange(1, 5)):
            self._tool_call(output if step == 0 else "")

    def _tool_call(self, planted_output: str) -> None:
        chance = self.chance
        path, code = chance.choice(library_code())
        first = chance.randrange(max(1, len(code) - 20))
        chunk = code[first : first + chance.choice([20, 40, 80, 200])]
        call_id = f"toolu_{chance.getrandbits(96):024x}"
        name = chance.choice(["Read", "Read", "Bash", "Grep"])
        file = f"/home/dev/{self.project}/{path}"
        given = {"file_path": file} if name == "Read" else {"command": f"cat {file}"}
        use = {"type": "tool_use", "id": call_id, "name": name, "input": given}
        self._message("assistant", [use])
        body = "\n".join(f"{first + n:6d}→{line}" for n, line in enumerate(chunk))
        body += f"\n{planted_output}" if planted_output else ""
        result = {"type": "tool_result", "tool_use_id": call_id, "content": body}
        twin = {"type": "text", "file": {"filePath": file, "content": "\n".join(chunk)}}
        self._message("user", [result], toolUseResult=twin)

    def _message(self, role: str, content: object, **more: object) -> None:
        self.at += self.chance.expovariate(1 / 9)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at))
        message: dict[str, object] = {"role": role, "content": content}
        if role == "assistant":
            message |= {
                "id": f"msg_{self.chance.getrandbits(96):024x}",
                "model": "claude-opus-4-5-20251101",
                "usage": {"input_tokens": self.chance.randrange(900)},
            }
        line = {
            "parentUuid": self.parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": f"/home/dev/{self.project}",
            "sessionId": self.session_id,
            "version": "2.1.42",
            "gitBranch": "main",
            "type": role,
            "message": message,
            "uuid": self._uuid(),
            "timestamp": f"{moment}.000Z",
            **more,
        }
        self.parent = str(line["uuid"])
        self._put(line)

    def _put(self, line: dict[str, object]) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
        self.lines.append(data)
        self.size += len(data) + 1

    def _prose(self) -> str:
        paragraphs = library_prose()
        return "\n\n".join(self.chance.choices(paragraphs, k=self.chance.randint(1, 3)))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


@cache
def library_code() -> list[tuple[str, list[str]]]:
    """(path, lines) of the standard library's modules."""
    root = Path(os.__file__).parent
    found = []
    for path in sorted(root.glob("*.py")) + sorted(root.glob("*/*.py")):
        inside = path.relative_to(root)
        if inside.parts[0] in ("site-packages", "dist-packages", "test", "idlelib"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if len(text) > 1500:
            found.append((inside.as_posix(), text.split("\n")))
    return found


@cache
def library_prose() -> list[str]:
    """Paragraphs of the standard library's docstrings."""
    found: dict[str, None] = {}
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for _, lines in library_code()[:250]:
        try:
            tree = ast.parse("\n".join(lines))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            text = (ast.get_docstring(node) or "") if isinstance(node, holders) else ""
            for paragraph in text.split("\n\n"):
                flat = " ".join(paragraph.split())
                if 80 < len(flat) < 1500:
                    found[flat] = None
    return list(found)
