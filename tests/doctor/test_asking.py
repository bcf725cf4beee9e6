"""What it means when somebody else answers; each of them is a real little server."""

import http.server
import json
import threading

import pytest

from legacy_chat.doctor import asking, way
from legacy_chat.doctor.target import Clock, Target


@pytest.fixture
def answer():
    """`answer(404, "nothing here")`: what the doctor finds at a server that always says this."""
    servers = []

    def find(status, body="", **headers):
        class Handler(http.server.BaseHTTPRequestHandler):
            server_version, sys_version = "nginx/1.22.1", ""

            def do_GET(self):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        target = Target.parse(f"http://127.0.0.1:{server.server_port}", "/chat")
        _, line = way.connect(target, way.resolve(target)[1], Clock())
        return asking.ask(line, "signed")

    yield find
    for server in servers:
        server.shutdown()
        server.server_close()


def test_facts_are_believed(answer):
    finding, facts, reply = answer(200, json.dumps({"legacy_chat": "0.1.0"}))
    assert (finding.state, facts) == ("ok", {"legacy_chat": "0.1.0"})
    assert "behind nginx/1.22.1" in finding.text
    assert reply.status == 200


@pytest.mark.parametrize(
    ("status", "body", "headers", "cause", "mend"),
    [
        (404, "<html>", {}, "nothing of this chat is at http://127.0.0.1", "flask chat proxy nginx"),
        (200, "hello", {}, "nothing of this chat is at", "flask chat proxy nginx"),
        (502, "<html>", {}, "finds no gunicorn behind it", "start gunicorn"),
        (401, "", {}, "wants to know who asks", "ask past it"),
        (403, '{"doctor": "no"}', {}, "another SECRET_KEY", "SECRET_KEY"),
        (301, "", {"Location": "https://shop.example/chat/doctor"}, "moved to", "flask chat doctor https://shop.example/chat"),
        (400, "The plain HTTP request was sent to HTTPS port", {}, "speaks TLS", "flask chat doctor https://127.0.0.1"),
    ],
)  # fmt: skip
def test_whoever_else_answers_is_known_by_how(answer, status, body, headers, cause, mend):
    finding, facts, _ = answer(status, body, **headers)
    assert (finding.state, facts) == ("bad", None)
    assert cause in finding.cause
    assert mend in finding.mend
