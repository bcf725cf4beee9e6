"""What an operator reads: one line a request, one line a socket, no secret."""

import re

from .raw import CLOSE, TEXT, eventually


def test_requests_and_sockets_have_a_line_each_and_no_secret_is_in_them(serve, come):
    server = serve("--access-logfile", "-")
    server.browser().open("/login?next=/chat/")
    ada = come(server, "7", "ada")
    ada.ask(type="group", gid="lobby", content="my secret plan")
    ada.client.send(CLOSE, b"\x03\xe8")
    assert ada.closed().code == 1000
    line = r"socket 1001 of 7 over websocket: \d+\.\d s, 2 frames in, \d+ out, closed 1000"
    eventually(lambda: re.search(line, server.log()), what="the socket's line")
    log = server.log()
    assert re.search(r'"GET /login\?next=/chat/ HTTP/1.1" 200', log)
    assert "token" not in log
    assert "my secret plan" not in log


def test_a_refused_handshake_is_in_the_access_log_without_its_token(serve, dial):
    server = serve("--access-logfile", "-")
    client = dial(server)
    client.request("/chat/ws?token=top-secret", [("Host", "a")])
    assert client.response()[0] == 426
    eventually(lambda: re.search(r'"GET /chat/ws HTTP/1.1" 426', server.log()), what="the refusal's line")
    assert "top-secret" not in server.log()


def test_a_clients_fault_is_a_line_and_no_traceback(server, come):
    mallory = come(server, "6")
    mallory.client.send(TEXT, b"\xff\xfe")
    assert mallory.closed().code == 1007
    eventually(lambda: "closed 1007" in server.log())
    assert "Traceback" not in server.log()
