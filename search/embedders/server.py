"""The process that holds a local embedder for all others, on a unix socket.

A model takes some hundred megabytes in every process that loads it, so that here one
does. It is loaded when first asked for; after a while without questions the process
starts itself anew, which alone gives the memory back, and goes on listening meanwhile.
Knows no Django, which would cost another sixty megabytes:

    EMBEDDER_SOCKET=/run/memory/embedder.sock python -m search.embedders.server

One question a connection: a line of JSON, answered by a line of JSON and, for vectors,
their float32 values (search.embedders.shared asks).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.embedders.embedder import Embedder

MOST_REQUEST_BYTES = 16 * 2**20
# The way in which systemd hands a listening socket over, and we to ourselves.
_HANDED_OVER = 3
_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0
_YIELDING = 10


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers questions until it has had none for `idle_seconds` and holds a model."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, listening: socket.socket, *, idle_seconds: float) -> None:
        super().__init__("", _Question, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.idle_seconds = idle_seconds
        self.has_loaded = False
        self._answering = 0
        self._asked_at = time.monotonic()
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def counted(self) -> Any:
        """Keeps the process as it is while a question is answered."""
        with self._counting:
            self._answering += 1
        try:
            yield
        finally:
            with self._counting:
                self._answering -= 1

    def note_use(self) -> None:
        """A vector was asked for; to ask only how it stands does not keep the model."""
        self.has_loaded = True
        self._asked_at = time.monotonic()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # An error's own words may quote what was asked.
        print(f"a question failed: {type(sys.exc_info()[1]).__name__}", file=sys.stderr)

    def service_actions(self) -> None:
        with self._counting:
            quiet = time.monotonic() - self._asked_at
            if self.has_loaded and not self._answering and quiet > self.idle_seconds:
                _start_anew(self.socket)


class _Question(socketserver.StreamRequestHandler):
    server: Server
    timeout = _PATIENCE_SECONDS

    def handle(self) -> None:
        with contextlib.suppress(OSError), self.server.counted():
            head, values = self._answer()
            self.wfile.write(json.dumps(head).encode() + b"\n" + values)

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        line = self.rfile.readline(MOST_REQUEST_BYTES + 1)
        if not line.endswith(b"\n"):
            return {"away": "The question is too long or broken off."}, b""
        asked = json.loads(line)
        if asked["do"] == "state":
            return {"has_loaded": self.server.has_loaded}, b""
        # Only here: a process that nobody asks stays small.
        from search.embedders.embedder import EmbedderAway, TextRefused

        try:
            return self._made(asked)
        except TextRefused as error:
            return {"refused": error.message}, b""
        except EmbedderAway as error:
            return {"away": error.message}, b""

    def _made(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from search.embedders.onnx_model import give_back

        self.server.note_use()
        embedder = _embedder(asked["directory"])
        if asked["do"] == "describe":
            return {"name": embedder.name, "dimensions": embedder.dimensions}, b""
        if asked["do"] == "embed_query":
            vectors = embedder.embed_query(asked["texts"][0])
        else:
            # Of this thread alone: whoever waits for a question's vector goes first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELDING)
            vectors = embedder.embed_passages(asked["texts"])
            give_back()
        return {"shape": vectors.shape}, vectors.tobytes()


def _embedder(directory: dict[str, str] | None) -> Embedder:
    if directory is None:
        from search.embedders.packaged import PackagedEmbedder

        return PackagedEmbedder()
    from search.embedders.directory import DirectoryEmbedder

    return DirectoryEmbedder(**{**directory, "directory": Path(directory["directory"])})  # type: ignore[arg-type] # one of them is a path


def address(directory: int, path: Path) -> str:
    """A socket's path by way of its opened directory: one in full may be too long."""
    return f"/proc/self/fd/{directory}/{path.name}"


def listening(path: Path) -> socket.socket:
    """The socket that was handed over, else a new one in place of a dead one's."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=_HANDED_OVER)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(path.parent, os.O_PATH)
    try:
        path.unlink(missing_ok=True)
        # Nobody else's texts and vectors.
        os.umask(0o177)
        made.bind(address(directory, path))
    finally:
        os.close(directory)
    made.listen(Server.request_queue_size)
    return made


def _start_anew(held: socket.socket) -> None:
    os.dup2(held.fileno(), _HANDED_OVER)
    os.set_inheritable(_HANDED_OVER, True)
    os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - itself, without a shell


def main() -> None:
    path = os.environ.get("EMBEDDER_SOCKET")
    if not path:
        sys.exit("EMBEDDER_SOCKET must name the socket to listen on.")
    idle_seconds = float(os.environ.get("EMBEDDER_IDLE_SECONDS") or 600)
    server = Server(listening(Path(path)), idle_seconds=idle_seconds)
    server.serve_forever(poll_interval=min(_POLL_SECONDS, idle_seconds / 2))


if __name__ == "__main__":
    main()
