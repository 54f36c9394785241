"""An HTTP server on the loopback that speaks PayU's verification API, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Answer = Callable[[dict[str, str]], tuple[int, Any]]


def paid(**changed: Any) -> Answer:
    """The documented answer about a payment of 999.00 that was made."""

    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        details = {
            "mihpayid": "403993715521889530",
            "request_id": "",
            "bank_ref_num": "721522",
            "amt": "999.00",
            "transaction_amount": "999.00",
            "txnid": asked["var1"],
            "additional_charges": "0.00",
            "productinfo": "Federated memory, plan build",
            "firstname": "Asha",
            "udf1": "",
            "udf2": "",
            "error_code": "E000",
            "addedon": "2026-11-21 14:30:13",
            "net_amount_debit": 999,
            "mode": "CC",
            "card_no": "512345XXXXXX2346",
            "status": "success",
            "unmappedstatus": "captured",
        }
        return 200, {
            "status": 1,
            "msg": "1 out of 1 Transactions Fetched Successfully",
            "transaction_details": {asked["var1"]: details | changed},
        }

    return answer


def says(status: int, body: Any) -> Answer:
    return lambda asked: (status, body)


def after(seconds: float) -> Answer:
    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        time.sleep(seconds)
        return paid()(asked)

    return answer


class PaymentServer(ThreadingHTTPServer):
    """`answers` are used up one a request, then payments were made; `asked` has all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []
        self.answers: list[Answer] = []
        self.always: Answer = paid()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/verify?form=2"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PaymentServer

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"])).decode()
        asked = dict(parse_qsl(sent))
        self.server.asked.append(asked)
        answers = self.server.answers
        status, told = (answers.pop(0) if answers else self.server.always)(asked)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", self.path)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving():
    server = PaymentServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
