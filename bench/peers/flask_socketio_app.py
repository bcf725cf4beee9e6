"""Peer: Flask-SocketIO under the geventwebsocket worker, with its own rooms and acks. It stores nothing."""

from flask import Flask
from flask_socketio import SocketIO, emit, join_room

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")


@socketio.on("login")
def login(uid, room):
    join_room(room)
    join_room("user " + uid)
    emit("login")


@socketio.on("group")
def group(room, text):
    emit("group", text, to=room)


@socketio.on("pm")
def private(uid, text):
    emit("pm", text, to="user " + uid)
    return True
