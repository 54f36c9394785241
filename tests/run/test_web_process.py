"""How the web process serves a socket that others hold, and how it stops."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from running import BASE, wait_until


@pytest.fixture
def held(tmp_path):
    """A listening Unix socket, as an init system holds one."""
    with socket.socket(socket.AF_UNIX) as found:
        found.bind(str(tmp_path / "web.sock"))
        (tmp_path / "web.sock").chmod(0o600)
        found.listen(200)
        yield found


def start(held):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "memory_server.web", "-v", "0"),
            *("--fd", str(held.fileno()), "slow_application:application"),
        ],
        cwd=BASE,
        env={"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin:/bin"},
        pass_fds=[held.fileno()],
        stderr=subprocess.DEVNULL,
    )


def client(held):
    transport = httpx.HTTPTransport(uds=held.getsockname())
    return httpx.Client(transport=transport, base_url="http://web", timeout=60)


def text(held, path):
    with client(held) as http:
        return http.get(path).text


def test_processes_share_a_socket_and_answer_before_they_stop(held):
    path = Path(held.getsockname())
    first = start(held)
    answers, streamed = [], threading.Event()

    def stream():
        # It breaks off in the end.
        with (
            contextlib.suppress(httpx.HTTPError),
            client(held) as http,
            http.stream("GET", "/stream") as opened,
        ):
            for _ in opened.iter_raw():
                streamed.set()

    def ask():
        answers.append(text(held, "/1.5"))

    # Waits in the socket's queue until the process is there.
    assert text(held, "/0") == "done"
    listening = threading.Thread(target=stream, daemon=True)
    listening.start()
    assert streamed.wait(20)
    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    first.send_signal(signal.SIGTERM)
    asking.join()
    listening.join()
    # The stream, which would never end, did not hold it up.
    assert first.wait(25) == 0
    assert answers == ["done"]

    assert path.stat().st_mode & 0o777 == 0o600
    second = start(held)
    try:
        assert text(held, "/0") == "done"
    finally:
        second.terminate()
        assert wait_until(lambda: second.poll() is not None)


@pytest.mark.parametrize(
    "request_line", [b"GET /%s HTTP/1.1" % (b"a" * 20_000), b"nonsense"], ids=len
)
def test_what_is_no_request_is_told_so(held, request_line):
    process = start(held)
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(20)
            asking.connect(held.getsockname())
            asking.sendall(request_line + b"\r\nhost: web\r\n\r\n")
            answer = b"".join(iter(lambda: asking.recv(65_536), b""))
    finally:
        process.terminate()
        process.wait(20)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "INVALID_ARGUMENT"
