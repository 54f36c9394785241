"""Synthetic Claude Code transcripts with planted answers, the same for the same seed.

Made after what real ones are like: two thirds of the bytes are tool results and their
structured twins, a fifth is progress, an indexer finds text in a quarter to a third.
Prose and code come from what is installed beside this Python, so that words,
identifiers and compressibility are those of real text. Transcript N depends on the seed
and N alone: a smaller corpus is the beginning of a larger one.
"""

from __future__ import annotations

import math
import multiprocessing
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.library import library_code, library_prose
from benchmarks.planting import Planted, planted
from benchmarks.toolcalls import ToolCalls
from benchmarks.transcript_lines import Lines

MEDIAN_BYTES, SIGMA = 300_000, 1.5
SMALLEST_BYTES, LARGEST_BYTES = 6_000, 40_000_000
PROJECTS = ["billing-api", "web-shop", "infra", "data-pipeline"]
# Frequent in such text, two words together.
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


@dataclass(frozen=True)
class Written:
    """A transcript that was laid out on disk."""

    path: Path
    size_bytes: int
    planted: Planted


def sizes(*, megabytes: float, seed: int = 7) -> Iterator[int]:
    """Log-normal sizes of transcripts 0, 1, … until so many raw megabytes are made."""
    total, number = 0, 0
    while total < megabytes * 1e6:
        deviation = random.Random(f"{seed}:size:{number}").gauss(0, SIGMA)
        wanted = int(MEDIAN_BYTES * math.exp(deviation))
        wanted = min(max(wanted, SMALLEST_BYTES), LARGEST_BYTES)
        yield wanted
        total += wanted
        number += 1


def write(
    projects: Path, *, megabytes: float, seed: int = 7, first: int = 0
) -> list[Written]:
    """Lay out a corpus from transcript `first` on, on all cores; in order."""
    chosen = list(enumerate(sizes(megabytes=megabytes, seed=seed)))[first:]
    return write_all(projects, chosen, seed=seed)


def write_all(
    projects: Path, wanted: list[tuple[int, int]], *, seed: int
) -> list[Written]:
    """Lay out transcripts of the given numbers and sizes, on all cores; in order."""
    # Read once here; forked processes share it.
    library_code(), library_prose()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(mp_context=context) as pool:
        tasks = [(projects, number, size, seed) for number, size in wanted]
        return list(pool.map(_write_one, tasks))


def _write_one(task: tuple[Path, int, int, int]) -> Written:
    projects, number, size, seed = task
    session = transcript(number=number, wanted_bytes=size, seed=seed)
    path = session.write(projects)
    return Written(path, len(session.content), session.planted)


def transcript(*, number: int, wanted_bytes: int, seed: int = 7) -> Session:
    """Transcript `number` of a corpus, at least so long."""
    writer = _Writer(number, seed)
    writer.fill(wanted_bytes)
    return writer.session()


def conversation(*, number: int, messages: int, seed: int = 7) -> Session:
    """A transcript of so many short messages, half of them answers, without tools."""
    writer = _Writer(number, seed)
    for index in range(0, messages, 2):
        secrets = writer.planted
        prompt = secrets.phrase if index == 0 else ""
        answer = secrets.fact if index == messages // 4 * 2 else ""
        writer.lines.user(f"{writer.paragraph()[:300]} {prompt}".strip())
        writer.lines.assistant([_text(f"{writer.paragraph()[:500]} {answer}".strip())])
    return writer.session()


class _Writer:
    def __init__(self, number: int, seed: int) -> None:
        self.chance = random.Random(f"{seed}:session:{number}")
        self.planted = planted(number, seed)
        self.project = self.chance.choice(PROJECTS)
        self.deep_lines = 0
        session_id = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        self.lines = Lines(self.chance, session_id=session_id, project=self.project)
        self.tools = ToolCalls(self.chance, self.lines, project=self.project)

    def session(self) -> Session:
        content = b"\n".join(self.lines.written) + b"\n"
        return Session(self.lines.session_id, self.project, content, self.planted)

    def fill(self, wanted_bytes: int) -> None:
        secrets = self.planted
        # A short transcript must not become long by what it hides.
        self.deep_lines = 60 if wanted_bytes < 200_000 else 0
        marked = f"def {secrets.identifier}(batch, *, limit=100):"
        broken = f"fatal: {secrets.error} while applying the last step"
        # Every third identifier and every other error stands in the middle of a long
        # tool result, which indexes like to leave out.
        deep = secrets.number % 3 == 0, secrets.number % 2 == 0
        due = [
            ("user", secrets.phrase),
            ("assistant", secrets.fact),
            ("deep" if deep[0] else "input", marked),
            ("deep" if deep[1] else "output", broken),
        ]
        self.lines.summary(self.paragraph()[:70])
        while due or self.lines.size < wanted_bytes:
            # Spread over the whole transcript, so that nothing is found at its head.
            reached = self.lines.size / wanted_bytes * 5 > 5 - len(due)
            self._turn(*due.pop(0) if due and reached else ("", ""))

    def _turn(self, place: str, text: str) -> None:
        chance = self.chance
        asked = f"Please look into this: {self.paragraph()[:400]}"
        self.lines.user(f"{asked} {text}" if place == "user" else asked)
        if chance.random() < 0.5:
            self.lines.thinking(self._prose())
        said = self._prose() if chance.random() < 0.6 else self.paragraph()[:120]
        said = f"{said}\n\n{text}" if place == "assistant" else said
        self.lines.assistant([_text(said)])
        for step in range(chance.randint(1, 7)):
            first = step == 0
            if first and place == "deep":
                self.tools.long_run(hidden=text, lines=self.deep_lines)
            elif first and place == "input":
                self.tools.edit(hidden=text)
            elif first and place == "output":
                self.tools.run(hidden=text)
            else:
                self.tools.any()
            if chance.random() < 0.5:
                self.lines.progress()
        if chance.random() < 0.15:
            self.lines.snapshot()

    def paragraph(self) -> str:
        return self.chance.choice(library_prose())

    def _prose(self) -> str:
        return "\n\n".join(self.paragraph() for _ in range(self.chance.randint(1, 3)))


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}
