"""One process that holds the model for all: the same vectors, and honest when away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from memory_server.embedded import processes
from search import meaning
from search.embedders import chosen, shared
from search.embedders.directory import DirectoryEmbedder
from search.embedders.embedder import EmbedderAway
from search.embedders.packaged import PackagedEmbedder

ROOT = Path(shared.__file__).parent.parent.parent
TEXTS = ["Knead the dough", "The database ran out of disk", "odd \ud800 \0 text"]


class Running:
    """The process, started as the supervisor starts it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, *, idle_seconds: float = 60) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "search.embedders.server"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "EMBEDDER_SOCKET": str(self.path),
                "EMBEDDER_IDLE_SECONDS": str(idle_seconds),
            },
        )
        assert until(lambda: shared.has_loaded(self.path) is False)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.child:
            self.child.send_signal(number)
            self.child.wait(10)

    @property
    def megabytes(self) -> float:
        assert self.child
        return processes.proportional_kilobytes([self.child.pid]) / 1024


def until(is_so, *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if is_so():
                return True
        except EmbedderAway:
            pass
        time.sleep(0.05)
    return False


@pytest.fixture
def running(tmp_path, monkeypatch):
    # Longer than a socket's path may be.
    made = Running(tmp_path / ("deep" * 20) / "embedder.sock")
    monkeypatch.setattr(shared, "_silent_until", 0.0)
    yield made
    made.end()


def test_it_makes_the_vectors_that_a_process_of_its_own_would(running, settings):
    settings.EMBEDDER_SOCKET = str(running.path)
    running.start()
    embedder = chosen.current()
    alone = PackagedEmbedder()

    assert (embedder.name, embedder.dimensions) == (alone.name, alone.dimensions)
    assert not shared.has_loaded(running.path)
    assert np.array_equal(embedder.embed_passages(TEXTS), alone.embed_passages(TEXTS))
    assert np.array_equal(embedder.embed_query(TEXTS[0]), alone.embed_query(TEXTS[0]))
    assert embedder.embed_passages([]).shape == (0, alone.dimensions)
    assert shared.has_loaded(running.path)
    assert running.path.stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_used_says_why(running, settings, tmp_path):
    settings.EMBEDDER_SOCKET = str(running.path)
    settings.EMBEDDER, settings.EMBEDDER_DIRECTORY = "directory", str(tmp_path)
    running.start()

    with pytest.raises(EmbedderAway, match=r"no model\.onnx"):
        assert chosen.current().name
    assert isinstance(chosen.current().local, DirectoryEmbedder)


def test_killed_it_is_away_and_back_when_started_again(running, settings, db):
    settings.EMBEDDER_SOCKET = str(running.path)
    running.start()
    assert meaning.of("dough").vector is not None

    running.end(signal.SIGKILL)
    began = time.monotonic()
    away = meaning.of("dough")
    assert (away.vector, time.monotonic() - began < 1) == (None, True)
    assert "ranked by words alone" in away.note

    running.start()
    assert meaning.of("dough").vector is not None


def test_it_gives_the_memory_back_and_refuses_nobody_meanwhile(running):
    running.start(idle_seconds=0.4)
    pid, small = running.child.pid, running.megabytes
    embedder = shared.SharedEmbedder(PackagedEmbedder(), running.path)
    embedder.embed_query("dough")
    large = running.megabytes

    assert until(lambda: not shared.has_loaded(running.path))
    assert (running.child.poll(), running.child.pid) == (None, pid)
    assert running.megabytes < small + 10 < large / 2
    for _ in range(8):
        # Some of these meet the moment in which it starts anew.
        assert embedder.embed_query("dough").shape == (384,)
        time.sleep(0.35)


def test_one_that_hangs_is_asked_once_in_a_while(running, monkeypatch):
    running.start()
    monkeypatch.setattr(shared, "_QUERY_SECONDS", 0.3)
    embedder = shared.SharedEmbedder(PackagedEmbedder(), running.path)
    os.kill(running.child.pid, signal.SIGSTOP)

    with pytest.raises(EmbedderAway, match="takes too long"):
        embedder.embed_query("dough")
    began = time.monotonic()
    with pytest.raises(EmbedderAway, match="silent a moment ago"):
        embedder.embed_query("dough")
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize(
    "sent",
    [b"", b"{}\n", b"no json\n", b'{"do": "embed_query"}\n', b"x" * 70_000, b"[1]\n"],
    ids=["nothing", "empty", "no-json", "half", "no-end", "list"],
)
def test_odd_questions_end_nothing(running, monkeypatch, sent):
    running.start()
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(5)
        shared._connect(wire, running.path)
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)
        answer = wire.makefile("rb").read()

    assert answer == b"" or set(json.loads(answer)) <= {"away"}
    assert shared.has_loaded(running.path) in {True, False}
    assert running.child.poll() is None
