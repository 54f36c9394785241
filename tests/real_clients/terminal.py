"""A client that signs in from a terminal, and an operator before it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from operators import Operator

_SECONDS = 120
# Wide enough that no address is broken.
_SIZE = struct.pack("HHHH", 50, 4000, 0, 0)
_ADDRESS = re.compile(
    r"https?://[\w.:]+/oauth/authorize\?[^\s\x1b\x07]+(?=[\s\x1b\x07])"
)


def sign_in(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    operator: Operator,
    *,
    pastes: bool,
) -> str:
    """Run a login to its end: the operator opens the page that it prints and allows it.

    The answer is pasted, or goes to where the client listens. Gives all that the client
    said; raises AssertionError if it fails.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said, is_allowed = "", False
    deadline = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.5)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                said += os.read(ours, 65536).decode(errors="replace")
            except OSError:
                # How a terminal says that nobody is left at its other end.
                break
            found = _ADDRESS.search(said)
            if found and not is_allowed:
                is_allowed = True
                location = operator.answer(found[0])
                if pastes:
                    os.write(ours, f"{location}\r".encode())
                else:
                    operator.browser.get(location)
        code = process.wait(10)
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    assert is_allowed, said
    assert code == 0, f"{command[1:3]} ended with {code}:\n{said}"
    return said
