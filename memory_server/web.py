"""The web process: daphne, with request bodies that are read as they are needed.

Daphne keeps a body in a temporary file and then puts all of it into the application's
queue in pieces of 8 KiB, so a transcript of a gigabyte takes a gigabyte of memory. Here
the application reads from that file instead. Asked to stop, daphne drops the requests
under way; here they are answered first. Called like daphne itself:

    python -m memory_server.web -b 127.0.0.1 -p 8000 memory_server.asgi:application

With `--fd 3` it serves a socket that the init system holds, of either family.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import socket
import sys
import time
from email.utils import formatdate
from functools import partial
from typing import IO, Any

import daphne.server
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server as DaphneServer
from django.conf import settings
from twisted.internet import endpoints, tcp, unix
from twisted.internet.defer import Deferred, succeed

from access.answering import request_id_from
from access.asgi import Application, Message, Receive, Scope, Send
from memory_server import warming_up
from refusals import Code

BODY = "memory.body"
_PIECE_BYTES = 256 * 1024
# Init systems kill what has not stopped after this long and some seconds more.
_DRAIN_SECONDS = 30.0


class _Factory(HTTPFactory):
    """Leaves forms to Django: twisted would read all of one into memory, and the type
    of any other body with the parser for e-mails.
    """

    def buildProtocol(self, address: Any) -> Any:  # noqa: N802 - twisted's name
        protocol = super().buildProtocol(address)
        protocol.requestFactory = partial(WebRequest, parsePOSTFormSubmission=False)
        # What it does with a line past 16 KiB is to hang up, and with other nonsense
        # to answer without a body.
        channel = protocol._channel
        channel.lineLengthExceeded = lambda _: _refuse(channel)
        channel._respondToBadRequestAndDisconnect = lambda: _refuse(channel)
        return protocol

    def log(self, request: Any) -> None:
        """Nothing: the request log has a line with more in it."""


def _refuse(channel: Any) -> None:
    """Answer a request that is none, or whose address or headers are too long."""
    refusal = {
        "code": Code.INVALID_ARGUMENT.value,
        "message": "This is no HTTP request, or its address or headers are too long.",
        "hint": "Keep address and headers below 16 KiB.",
        "detail": {},
    }
    body = json.dumps({"error": refusal, "request_id": request_id_from(None)}).encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    channel.transport.write(head.encode() + body)
    channel.loseConnection()


# Daphne's `run` makes its factory by this name.
daphne.server.HTTPFactory = _Factory


# Twisted's types stop short of how its ports are made.
_UnixPort: Any = unix.Port
_TcpPort: Any = tcp.Port
_Adopted: Any = endpoints.AdoptedStreamServerEndpoint
_server_from_string: Any = endpoints.serverFromString


class _InheritedPort(_UnixPort):
    """A Unix socket that others bound and share, left as it was found.

    Twisted's own would open it to every user, shorten its queue to 50, beyond which
    connecting fails at once, and shut it down and delete it when this process stops.
    """

    _shouldShutdown = False  # noqa: N815 - twisted's name

    def startListening(self) -> None:  # noqa: N802 - twisted's name
        self.factory.doStart()
        self.socket: socket.socket = self._preexistingSocket
        self._preexistingSocket: Any = None
        self.socket.setblocking(False)
        self.fileno = self.socket.fileno
        self.connected = True
        # Few at a time: others that share the socket take the rest.
        self.numberAccepts = 1
        self.startReading()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - twisted's name
        _TcpPort.connectionLost(self, reason)


class _InheritedSocket:
    """The endpoint `fd:fileno=3`, which daphne itself takes for IPv4."""

    def __init__(self, reactor: Any, fileno: int) -> None:
        self.reactor, self.fileno = reactor, fileno

    def listen(self, factory: Any) -> Deferred[Any]:
        with socket.socket(fileno=os.dup(self.fileno)) as found:
            family = found.family
        if family != socket.AF_UNIX:
            adopted: Deferred[Any] = _Adopted(self.reactor, self.fileno, family).listen(
                factory
            )
            return adopted
        port = _InheritedPort._fromListeningDescriptor(
            self.reactor, self.fileno, factory
        )
        port.startListening()
        return succeed(port)


def _endpoint(reactor: Any, description: str) -> Any:
    kind, _, fileno = description.partition(":fileno=")
    if kind == "fd":
        return _InheritedSocket(reactor, int(fileno))
    return _server_from_string(reactor, description)


daphne.server.serverFromString = _endpoint


class Server(DaphneServer):
    """Daphne, except that it leaves reading a request's body to the application, and
    answers what it has begun with before it stops.
    """

    def __init__(self, application: Application, *args: Any, **options: Any) -> None:
        super().__init__(reading_from_file(application), *args, **options)
        self.ports: list[Any] = []
        warming_up.begin()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred[Any]:
        """Stop listening, wait for the requests under way, then end the rest."""
        for port in self.ports:
            port.stopListening()
        drained = Deferred.fromFuture(asyncio.ensure_future(self._drain()))
        kill = super().kill_all_applications
        return drained.addCallback(lambda _: kill())

    async def _drain(self) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(map(self._is_under_way, self.connections)):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.02)

    def _is_under_way(self, protocol: Any) -> bool:
        """Streams of events and WebSockets never end by themselves; clients reopen."""
        if not isinstance(protocol, WebRequest):
            return False
        kinds = protocol.responseHeaders.getRawHeaders(b"content-type", [b""])
        if kinds[0].startswith(b"text/event-stream"):
            return False
        known = self.connections[protocol]
        if "application_instance" in known:
            return not known["application_instance"].done()
        return not protocol.finished and "disconnected" not in known

    def create_application(self, protocol: Any, scope: Scope) -> Any:
        if scope["type"] == "http":
            # Daphne goes on to queue what it finds there: one empty message.
            scope[BODY], protocol.content = protocol.content, io.BytesIO()
        return super().create_application(protocol, scope)


def reading_from_file(application: Application) -> Application:
    """The application with `http.request` messages made from the body's file."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope.pop(BODY, None)
        given = receive if body is None else _body(body, receive)
        told = _dated(send) if scope["type"] == "http" else send
        await application(scope, given, told)

    return wrapped


def _dated(send: Send) -> Send:
    """Say when each answer was made (RFC 9110, section 6.6.1); daphne does not."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            head = message.get("headers", ())
            message["headers"] = [*head, (b"date", formatdate(usegmt=True).encode())]
        await send(message)

    return sending


def _body(file: IO[bytes], queued: Receive) -> Receive:
    is_read = False
    is_stand_in_seen = False

    async def receive() -> Message:
        nonlocal is_read, is_stand_in_seen
        if not is_read:
            piece = file.read(_PIECE_BYTES)
            is_read = len(piece) < _PIECE_BYTES
            if is_read:
                file.close()
            # Other requests get their turn between the pieces of a large one.
            await asyncio.sleep(0)
            return {"type": "http.request", "body": piece, "more_body": not is_read}
        message = await queued()
        if message["type"] == "http.request" and not is_stand_in_seen:
            is_stand_in_seen = True
            message = await queued()
        return message

    return receive


class CommandLine(CommandLineInterface):
    server_class = Server


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memory_server.settings")
    if settings.UVICORN_ENABLED:
        from memory_server import with_uvicorn

        with_uvicorn.main()
        return
    CommandLine.entrypoint()
    # Python would wait for its threads, and one whose request was taken away waits for
    # the event loop, for ever.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
