"""An HTTP server on the loopback that speaks OpenAI's embeddings API, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

DIMENSIONS = 32


def vector_of(text: str) -> list[float]:
    """A direction that depends on the text alone; of no particular length."""
    seed = int.from_bytes(text.encode()[-8:].rjust(8, b"\0"), "big")
    return np.random.default_rng(seed).normal(size=DIMENSIONS).tolist()


def well(asked: dict) -> tuple[int, dict, dict]:
    """The answer that the API describes, in another order than asked."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector_of(text)}
        for index, text in enumerate(asked["input"])
    ]
    return 200, {}, {"object": "list", "data": data[::-1], "model": asked["model"]}


class EmbeddingServer(ThreadingHTTPServer):
    """`answers` are used up one a request, then it answers well; `asked` has all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str], dict]] = []
        self.answers: list[Callable[[dict], tuple[int, dict, object]]] = []
        self.always: Callable[[dict], tuple[int, dict, object]] = well

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EmbeddingServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers, asked))
        answers = self.server.answers
        status, extra, told = (answers.pop(0) if answers else self.server.always)(asked)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def status(code: int, **headers: str) -> Callable[[dict], tuple[int, dict, object]]:
    return lambda asked: (code, headers, {"error": {"message": "no"}})


def after(seconds: float) -> Callable[[dict], tuple[int, dict, object]]:
    def answer(asked: dict) -> tuple[int, dict, object]:
        time.sleep(seconds)
        return well(asked)

    return answer


@contextmanager
def serving():
    server = EmbeddingServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
