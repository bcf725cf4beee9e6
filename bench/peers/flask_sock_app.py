"""Peer: Flask-Sock under gunicorn's gevent worker."""

from flask import Flask
from flask_sock import Sock
from relay import Member

app = Flask(__name__)
sock = Sock(app)


@sock.route("/")
def serve(socket):
    member = Member(socket.send)
    try:
        while True:
            member.take(socket.receive())
    finally:
        member.leave()
