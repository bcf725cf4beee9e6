"""The way to the server, before anything is said: name, connection, TLS."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from .finding import Finding, bad, ok
from .gunicorn import COMMAND
from .target import Clock, Line, Target

Address = tuple[int, tuple[Any, ...]]


def resolve(target: Target) -> tuple[Finding, list[Address]]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        cause = f"the name has no address here: {error.strerror or error}"
        return bad("dns", target.host, cause, f"an A or AAAA record for {target.host}, or a line in /etc/hosts"), []
    addresses: list[Address] = [(family, address) for family, _, _, _, address in found]
    return ok("dns", f"{target.host} is {', '.join(str(address[0]) for _, address in addresses)}"), addresses


def connect(target: Target, addresses: list[Address], clock: Clock) -> tuple[Finding, Line | None]:
    """The first address that answers, as for a browser."""
    trouble: OSError | None = None
    for family, address in addresses:
        line = Line(target, address, family, _tls(target), clock)
        try:
            line.dial().close()
            return ok("tcp", f"port {target.port} of {address[0]} answers"), line
        except OSError as error:
            trouble = error
    if isinstance(trouble, TimeoutError):
        mend = f"let port {target.port} through the firewall, and check that the name leads to the right machine"
        return bad("tcp", f"port {target.port}", "nothing answers, not even a refusal", mend), None
    mend = f"start the proxy, or the site itself: {COMMAND}"
    return bad("tcp", f"port {target.port}", f"nothing listens there: {trouble}", mend), None


def _tls(target: Target) -> ssl.SSLContext | None:
    return ssl.create_default_context() if target.scheme == "https" else None


def agree(line: Line) -> Finding | None:
    """TLS, where the address wants it."""
    if line.tls is None:
        return None
    try:
        with line.secure(line.dial()) as secured:
            assert isinstance(secured, ssl.SSLSocket)  # noqa: S101 - there is a context
            return ok("tls", f"{secured.version()}, a certificate for {line.target.host}")
    except ssl.SSLCertVerificationError as error:
        mend = f"a certificate for {line.target.host} with its whole chain (for one of your own: SSL_CERT_FILE=ca.pem)"
        return bad("tls", "the certificate is not good", error.verify_message or str(error), mend)
    except ssl.SSLError as error:
        mend = f"`listen {line.target.port} ssl;` in the proxy, or ask http://{line.target.netloc}"
        return bad("tls", f"port {line.target.port} speaks no TLS", str(error.reason or error), mend)
    except OSError as error:
        return bad("tls", "the connection ends", str(error), "look into the log of the proxy")
