"""What `make run` does once the packages are there."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from types import FrameType

from memory_server.embedded.refusing import CannotStart
from memory_server.supervising import announcing, preflight, wanted
from memory_server.supervising.stack import Stack


class AskedToStop(BaseException):
    """A signal arrived; not an Exception, so that nothing on the way catches it."""


def main() -> int:
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # An empty variable means "not given" here and would not be a URL to Django.
    for name in [name for name, value in os.environ.items() if not value]:
        del os.environ[name]
    stack: Stack | None = None
    try:
        asked = wanted.from_environment(os.environ)
        # Held until this process ends.
        lock = preflight.claim_root(asked.root)
        # The archive is nobody else's to read; what must be passable says so itself.
        os.umask(0o077)
        preflight.check_port(asked.host, asked.port)
        lock.write(f"process {os.getpid()}, port {asked.port}\n")
        lock.flush()
        preflight.ensure_secret_key(asked.root)
        os.environ |= {
            "MEMORY_ROOT": str(asked.root),
            "HOST": asked.host,
            "PORT": str(asked.port),
            "PUBLIC_URL": asked.public_url,
        }
        shown_before = announcing.existing_secrets(asked.root)
        stack = Stack(wanted=asked, say=_say)
        stack.start_services()
        if asked.restore_from:
            stack.restore()
        stack.prepare()
        stack.start_application()
        for line in announcing.lines(
            asked,
            environment=os.environ,
            shown_before=shown_before,
            seconds=time.monotonic() - began,
            memory_megabytes=stack.memory_megabytes(),
        ):
            _say(line)
        stack.keep_alive()
    except CannotStart as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    except AskedToStop:
        _say("\nStopping")
        _stop_all(stack)
        _say("Stopped.")
        return 0
    finally:
        _stop_all(stack)
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise AskedToStop


def _stop_all(stack: Stack | None) -> None:
    # A second Ctrl-C must not leave half of it running.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if stack is not None:
        stack.stop()


def _say(line: str) -> None:
    # The terminal may be gone; the server goes on.
    with contextlib.suppress(OSError):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
