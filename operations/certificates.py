"""How long the certificate is good that a server shows."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime

from cryptography import x509

_SECONDS = 3.0


def end_of(host: str, port: int) -> datetime:
    """When it ends, whoever signed it; raises OSError if none is shown."""
    # Only its date is read, and nothing is sent: a self-signed one has a date too.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as wire,
        context.wrap_socket(wire, server_hostname=host) as encrypted,
    ):
        shown = encrypted.getpeercert(binary_form=True)
    if shown is None:
        raise ssl.SSLError("no certificate")
    return x509.load_der_x509_certificate(shown).not_valid_after_utc
