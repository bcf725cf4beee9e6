"""To real sockets: nobody there, nobody who speaks, the wrong certificate."""

import socket
import ssl
import subprocess
import threading
from contextlib import suppress

import pytest

from legacy_chat.doctor import asking, target, way
from legacy_chat.doctor.target import Clock, Target


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def go(url):
    """The line to an address, or the finding that there is none."""
    aim = Target.parse(url, "/chat")
    return way.connect(aim, way.resolve(aim)[1], Clock())


def test_a_name_that_nobody_has():
    finding, addresses = way.resolve(Target.parse("http://chat.invalid", "/chat"))
    assert (finding.state, addresses) == ("bad", [])
    assert "chat.invalid" in finding.mend


def test_a_port_where_nobody_listens(listener):
    port = listener.getsockname()[1]
    listener.close()
    finding, line = go(f"http://127.0.0.1:{port}")
    assert (finding.state, line) == ("bad", None)
    assert "gunicorn" in finding.mend


def test_a_server_that_takes_the_connection_and_says_nothing(listener, monkeypatch):
    monkeypatch.setattr(target, "_ONE", 0.1)
    finding, line = go(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert finding.state == "ok"
    asked, facts, _ = asking.ask(line, "signed")
    assert (asked.state, facts) == ("bad", None)
    assert "no answer comes" in asked.cause


def serve_once(listener, context=None):
    """Take connections: with TLS where there is a context, else say something that is none."""

    def work():
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, suppress(OSError):
                    if context:
                        context.wrap_socket(peer, server_side=True).close()
                    else:
                        peer.recv(100)
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=work, daemon=True).start()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(file)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return file, key


@pytest.fixture
def secured(listener, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    serve_once(listener, context)
    return listener.getsockname()[1]


def test_a_certificate_that_nobody_knows(secured):
    _, line = go(f"https://127.0.0.1:{secured}")
    finding = way.agree(line)
    assert (finding.check, finding.state) == ("tls", "bad")
    assert "self-signed" in finding.cause
    assert "SSL_CERT_FILE" in finding.mend


def test_a_certificate_of_ones_own(secured, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    _, line = go(f"https://localhost:{secured}")
    assert way.agree(line).state == "ok"


def test_a_certificate_for_another_name(secured, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    _, line = go(f"https://127.0.0.1:{secured}")
    assert "127.0.0.1" in way.agree(line).cause


def test_a_port_without_tls(listener):
    serve_once(listener)
    port = listener.getsockname()[1]
    _, line = go(f"https://127.0.0.1:{port}")
    finding = way.agree(line)
    assert finding.state == "bad"
    assert f"http://127.0.0.1:{port}" in finding.mend


def test_where_the_address_wants_no_tls_nothing_is_asked(listener):
    _, line = go(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert way.agree(line) is None
