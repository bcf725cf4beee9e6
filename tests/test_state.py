import subprocess
import sys

import pytest
from flask_sqlalchemy import SQLAlchemy

from legacy_chat import Chat
from legacy_chat.storage import rooms
from legacy_chat.storage.writer import Inline


@pytest.fixture
def state(host):
    return host.extensions["legacy_chat"]


def test_the_store_is_a_file_in_the_instance_folder(host, state):
    assert state.database.engine.url.database == f"{host.instance_path}/chat.sqlite"


def test_in_a_process_without_a_loop_blocking_calls_simply_block(state):
    assert isinstance(state.parts.offload, Inline)


def test_a_forked_worker_makes_parts_of_its_own(state, monkeypatch):
    mine = state.parts
    assert state.parts is mine
    monkeypatch.setattr("legacy_chat.state.os.getpid", lambda: -1)
    assert state.parts is not mine


# Under gevent a native thread that waits for a lock of `threading` may never hear that it is free.
_FIRST_CONNECTIONS = """
from gevent import monkey; monkey.patch_all()
import gevent
from flask import Flask
from legacy_chat import Chat

app = Flask("host", instance_path={folder!r})
app.secret_key = "x" * 32
Chat(app)
state = app.extensions["legacy_chat"]
parts = state.parts
for _ in range(30):
    together = [gevent.spawn(parts.read, lambda connection: None) for _ in range(4)]
    together.append(gevent.spawn(parts.writer.call, lambda connection: None))
    assert len(gevent.joinall(together, timeout=10)) == 5
    state.database.close()
"""


def test_the_first_queries_of_a_worker_come_at_one_moment_and_all_are_answered(tmp_path):
    script = _FIRST_CONNECTIONS.format(folder=str(tmp_path))
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.fixture
def shop(make_host, tmp_path):
    """A host whose Flask-SQLAlchemy has a main database and another one."""
    app = make_host(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.db'}",
        SQLALCHEMY_BINDS={"stock": f"sqlite:///{tmp_path / 'stock.db'}"},
        SQLALCHEMY_TRACK_MODIFICATIONS=False,
    )
    app.db = SQLAlchemy()

    class Order(app.db.Model):
        id = app.db.Column(app.db.Integer, primary_key=True)

    class Piece(app.db.Model):
        __bind_key__ = "stock"
        id = app.db.Column(app.db.Integer, primary_key=True)

    app.order, app.piece = Order, Piece
    yield app
    with app.app_context():
        app.db.session.remove()
        app.db.engine.dispose()


def test_the_sites_main_engine_is_found_as_soon_as_it_is_there(shop, tmp_path):
    state = shop.extensions["legacy_chat"]
    assert state.site_database() is None
    shop.db.init_app(shop)
    assert state.site_database().url.database == str(tmp_path / "shop.db")


def test_a_view_that_tells_of_its_transaction_goes_on_with_it(shop):
    """Nobody asked for the engine before; the end of a context within the view's would take its session away."""
    shop.db.init_app(shop)
    ended = []
    shop.teardown_appcontext(ended.append)
    with shop.app_context():
        shop.db.create_all()
        shop.db.session.add_all([shop.order(), shop.piece()])
        shop.db.session.flush()
        Chat().post("lobby", "an order", uid="shop", session=shop.db.session)
        assert ended == []
        shop.db.session.commit()
        assert (shop.order.query.count(), shop.piece.query.count()) == (1, 1)
    state = shop.extensions["legacy_chat"]
    assert state.database.read(lambda c: rooms.find_room(c, "lobby").seq) == 1


def test_a_site_that_has_other_binds_alone_has_no_main_engine(make_host):
    app = make_host()
    app.extensions["sqlalchemy"] = Bound({"stock": object()})
    assert app.extensions["legacy_chat"].site_database() is None


class Bound:
    """As Flask-SQLAlchemy 3 keeps its engines."""

    def __init__(self, engines):
        self.engines = engines

    @property
    def engine(self):
        return self.engines[None]
