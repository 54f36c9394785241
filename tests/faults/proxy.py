"""A proxy in front of PostgreSQL that can lose the answer to a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

_COMMITTED = b"COMMIT\x00"
_NAME = ".s.PGSQL.5432"


class Proxy:
    """Listens in `directory` as PostgreSQL would; `arm` makes it lose one answer."""

    def __init__(self, directory: Path, behind: Path) -> None:
        self.directory = directory
        self._behind = behind / _NAME
        self._armed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(directory / _NAME))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self) -> None:
        self._armed.set()

    def has_lost(self) -> bool:
        """Whether an answer was lost since it was armed."""
        return not self._armed.is_set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(str(self._behind))
            for source, target, is_answer in (
                (client, server, False),
                (server, client, True),
            ):
                threading.Thread(
                    target=self._pass, args=(source, target, is_answer), daemon=True
                ).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, is_answer: bool
    ) -> None:
        try:
            while data := source.recv(65536):
                if is_answer and _COMMITTED in data and self._armed.is_set():
                    self._armed.clear()
                    break
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
