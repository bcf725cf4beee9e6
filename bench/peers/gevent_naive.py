"""Peer: gevent-websocket as its README shows it, under its own gunicorn worker."""

from geventwebsocket.exceptions import WebSocketError
from relay import Member


def serve(socket):
    member = Member(socket.send)
    try:
        while (text := socket.receive()) is not None:
            member.take(text)
    except WebSocketError:
        pass  # the connection ended while a frame was read or written
    finally:
        member.leave()


def app(environ, start_response):
    if socket := environ.get("wsgi.websocket"):
        serve(socket)
        return []
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a WebSocket, please\n"]
