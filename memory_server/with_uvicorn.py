"""The web process under uvicorn, which spends less on a small request than daphne.

Optional: with UVICORN_ENABLED=1 bootstrap.py installs it, and memory_server.web starts
it with the same arguments. The application is the same; uvicorn streams bodies itself,
says the date, and answers what is under way before it stops.
"""

from __future__ import annotations

from argparse import ArgumentParser

import uvicorn
from uvicorn.importer import import_from_string

from memory_server import warming_up

DRAIN_SECONDS = 30


def main() -> None:
    """Serve until told to stop."""
    wanted = _parser().parse_args()
    application = import_from_string(wanted.application)
    warming_up.begin()
    uvicorn.run(
        application,
        host=wanted.bind,
        port=wanted.port,
        uds=wanted.unix_socket,
        fd=wanted.fd,
        lifespan="off",
        # The request log says more; BEHIND_PROXY is for the settings to read.
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _parser() -> ArgumentParser:
    """Those of daphne's options that the deploy kit and the supervisor use."""
    parser = ArgumentParser(prog="memory_server.web")
    parser.add_argument("-b", "--bind", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=8000)
    parser.add_argument("-u", "--unix-socket")
    parser.add_argument("--fd", type=int)
    parser.add_argument("-v", "--verbosity", type=int, default=1)
    parser.add_argument("application")
    return parser
