import signal
from types import SimpleNamespace

import pytest

from legacy_chat.doctor import gunicorn

GEVENT = f'worker_class = "{gunicorn.WORKER}"\n'
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """What `gunicorn.conf.py` with this text comes to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)

    def ask(text: str | None):
        if text is not None:
            (tmp_path / "gunicorn.conf.py").write_text(text)
        return gunicorn.configured()

    return ask


def test_without_a_file_gunicorns_own_words_count(conf):
    found = conf(None)
    assert (found.worker_class, found.workers, found.preload, found.file) == ("sync", 1, False, None)
    assert not found.has_sockets


def test_the_file_is_read_as_gunicorn_reads_it(conf):
    found = conf(PATCH + GEVENT + "workers = 3\npreload_app = True\nworker_connections = 50\n")
    assert found.has_sockets
    assert (found.workers, found.preload, found.worker_connections, found.patched) == (3, True, 50, True)
    assert found.file.endswith("gunicorn.conf.py")


def test_what_the_environment_says_counts_too(conf, monkeypatch):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 4 --threads 2")
    found = conf("")
    assert (found.workers, found.worker_class, found.patched) == (4, "gthread", False)


def test_a_file_that_cannot_be_read_is_quoted(conf):
    assert "SyntaxError" in conf("worker_class =\n")


def test_in_a_worker_its_settings_are_found_by_its_signal_handler(monkeypatch):
    assert gunicorn.running() is None

    class Worker:
        cfg = SimpleNamespace(
            worker_class_str=gunicorn.WORKER,
            settings={"worker_class": SimpleNamespace(get=lambda: gunicorn.WORKER)},
            workers=2,
            preload_app=True,
            worker_connections=1000,
        )

        def handle_abort(self, sig, frame):
            pass

    monkeypatch.setattr(signal, "getsignal", lambda number: Worker().handle_abort)
    assert gunicorn.running() == gunicorn.Gunicorn(gunicorn.WORKER, 2, True, 1000)
