"""A wire between client and server that can be cut, and that counts its bytes."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Passes TCP connections on to a port while it is open; keeps its own port."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.bytes_up = 0
        self._live: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._listening()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def cut(self) -> None:
        """Refuse connections, and end those that are open."""
        # A blocked accept would keep the port alive past close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._live:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._live.clear()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listening()

    def _listening(self) -> None:
        threading.Thread(
            target=self._accept, args=[self._listener], daemon=True
        ).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self._live += [near, far]
                for source, sink, is_up in ((near, far, True), (far, near, False)):
                    threading.Thread(
                        target=self._pass, args=[source, sink, is_up], daemon=True
                    ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.bytes_up += len(data) if is_up else 0
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
