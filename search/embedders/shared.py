"""A local embedder that another process holds for all (search.embedders.server)."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from search.embedders.directory import DirectoryEmbedder
from search.embedders.embedder import EmbedderAway, TextRefused
from search.embedders.packaged import PackagedEmbedder
from search.embedders.server import address

# The model may have to be loaded first, which takes a second.
_QUERY_SECONDS = 5.0
_PASSAGES_SECONDS = 60.0
_STATE_SECONDS = 1.0
# One that hangs costs one caller its patience, and the next only after a while; on a
# slow machine it may just have been loading.
_SILENCE_SECONDS = 10.0
# One that was killed is back sooner than a service elsewhere.
_RETRY_SECONDS = 5.0

_silent_until = 0.0


@dataclass(frozen=True)
class SharedEmbedder:
    """What `local` would do, done by the process behind `socket`."""

    local: PackagedEmbedder | DirectoryEmbedder
    socket: Path

    @property
    def name(self) -> str:
        if isinstance(self.local, PackagedEmbedder):
            return self.local.name
        return str(_facts(self.socket, self.local)["name"])

    @property
    def dimensions(self) -> int:
        if isinstance(self.local, PackagedEmbedder):
            return self.local.dimensions
        return int(_facts(self.socket, self.local)["dimensions"])

    def embed_query(self, text: str) -> np.ndarray:
        return self._vectors("embed_query", [text], seconds=_QUERY_SECONDS)

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        return self._vectors("embed_passages", list(texts), seconds=_PASSAGES_SECONDS)

    def _vectors(self, do: str, texts: list[str], *, seconds: float) -> np.ndarray:
        asked = {"do": do, "texts": texts, "directory": _directory(self.local)}
        head, values = _ask(self.socket, asked, seconds=seconds)
        made: np.ndarray = np.frombuffer(values, np.float32).reshape(head["shape"])
        return made


def has_loaded(path: Path) -> bool:
    """Whether the process behind the socket holds a model; raises EmbedderAway."""
    head, _ = _ask(path, {"do": "state"}, seconds=_STATE_SECONDS)
    return bool(head["has_loaded"])


@lru_cache(maxsize=2)
def _facts(path: Path, local: DirectoryEmbedder) -> dict[str, Any]:
    asked = {"do": "describe", "directory": _directory(local)}
    return _ask(path, asked, seconds=_PASSAGES_SECONDS)[0]


def _directory(local: PackagedEmbedder | DirectoryEmbedder) -> dict[str, str] | None:
    if isinstance(local, PackagedEmbedder):
        return None
    return {name: str(value) for name, value in asdict(local).items()}


def _ask(
    path: Path, asked: dict[str, Any], *, seconds: float
) -> tuple[dict[str, Any], bytes]:
    """What the process answers; raises EmbedderAway and TextRefused."""
    global _silent_until
    if time.monotonic() < _silent_until:
        raise _away("it was silent a moment ago")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(seconds)
            _connect(wire, path)
            wire.sendall(json.dumps(asked).encode() + b"\n")
            with wire.makefile("rb") as file:
                head, values = _read(file)
    except TimeoutError as error:
        _silent_until = time.monotonic() + _SILENCE_SECONDS
        raise _away("it takes too long") from error
    except (OSError, EOFError) as error:
        raise _away(type(error).__name__) from error
    if "refused" in head:
        raise TextRefused(head["refused"])
    if "away" in head:
        raise EmbedderAway(head["away"])
    return head, values


def _connect(wire: socket.socket, path: Path) -> None:
    directory = os.open(path.parent, os.O_PATH)
    try:
        wire.connect(address(directory, path))
    finally:
        os.close(directory)


def _read(file: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    line = file.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head: dict[str, Any] = json.loads(line)
    values = file.read()
    rows = head.get("shape", [0])
    if len(values) != 4 * int(np.prod(rows)):
        raise EOFError
    return head, values


def _away(why: str) -> EmbedderAway:
    return EmbedderAway(
        f"The embedding process does not answer ({why}).",
        retry_after_seconds=_RETRY_SECONDS,
    )
