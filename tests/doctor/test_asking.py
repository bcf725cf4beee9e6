"""What it means when somebody else answers; each of them is a real little server."""

import http.server
import itertools
import json
import threading

import pytest

from legacy_chat.doctor import asking, way
from legacy_chat.doctor.target import Clock, Target


@pytest.fixture
def server():
    """`server((404, "nothing here"), …)`: the way to one that gives these answers in turn."""
    servers = []

    def start(*answers, **headers):
        turns = itertools.cycle(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            server_version, sys_version = "nginx/1.22.1", ""

            def do_GET(self):
                status, body = next(turns)
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
        return way.connect(target, way.resolve(target)[1], Clock())[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def answer(server):
    """`answer(404, "nothing here")`: what the doctor finds at a server that always says this."""
    return lambda status, body="", **headers: asking.ask(server((status, body), **headers), "signed")


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
        (403, '{"doctor": "no", "age": null}', {}, "another SECRET_KEY", "SECRET_KEY"),
        (403, '{"doctor": "no", "age": 300.2}', {}, "300 s ahead of the one here", "timedatectl"),
        (301, "", {"Location": "https://shop.example/chat/doctor"}, "moved to", "flask chat doctor https://shop.example/chat"),
        (400, "The plain HTTP request was sent to HTTPS port", {}, "speaks TLS", "flask chat doctor https://127.0.0.1"),
    ],
)  # fmt: skip
def test_whoever_else_answers_is_known_by_how(answer, status, body, headers, cause, mend):
    finding, facts, _ = answer(status, body, **headers)
    assert (finding.state, facts) == ("bad", None)
    assert cause in finding.cause
    assert mend in finding.mend


def facts(pid, host="shop"):
    return 200, json.dumps({"legacy_chat": "0.1.0", "server": {"host": host, "pid": pid}})


@pytest.mark.parametrize(
    ("answers", "state", "words"),
    [
        ([facts(7)], "ok", "one answers"),
        ([facts(7), facts(8)], "bad", "pid 7 of shop, pid 8 of shop"),
        ([facts(7, "web1"), facts(7, "web2")], "bad", "pid 7 of web1, pid 7 of web2"),
        ([facts(7), (403, '{"doctor": "no"}')], "bad", "2 of 4 answers come from a server with another SECRET_KEY"),
    ],
)  # fmt: skip
def test_several_servers_behind_one_address_are_found(server, answers, state, words):
    found = asking.who_answers(server(*answers), "signed")
    assert (found.check, found.state) == ("servers", state)
    assert words in found.text
