"""Live tests: the true server, its log shown when a test fails, nothing left behind."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import history
import pytest

from .raw import Person, RawClient
from .server import Server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash.setdefault(_reports, {})[report.when] = report
    return report


_reports = pytest.StashKey()


@contextmanager
def serving(folder: Path, *options: str, **settings) -> Iterator[Server]:
    """One server for many tests, for fixtures that live longer than a test."""
    _put_history(folder)
    server = Server(folder, *options, **settings).start()
    yield server
    server.stop()
    no_traceback(server)


def _put_history(folder: Path) -> None:
    """The first start of all, which makes the tables, is a matter of test_site.py."""
    (folder / "chat.sqlite").write_bytes(history.empty())


def no_traceback(server: Server) -> None:
    """A client's fault is never ours: no test may leave a traceback in the log."""
    before, found, after = server.log().partition("Traceback")
    assert not found, before[-300:] + found + after[:3000]


def make_certificate(folder: Path) -> tuple[str, str]:
    """For localhost, with its key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return str(certificate), str(key)


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """No commit of the server's worker finds room for its two pages; a line of the log does."""
    [worker] = server.workers()
    unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (len(server.log()) + 4096, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)


@pytest.fixture
def serve(tmp_path, request):
    """Start servers: `serve(*options, **settings)`; each is stopped after the test."""
    servers: list[Server] = []

    def start(*options: str, **settings) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        _put_history(folder)
        servers.append(Server(folder, *options, **settings))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()
    failed = any(report.failed for report in request.node.stash.get(_reports, {}).values())
    for server in servers:
        if failed:
            print(f"--- log of {server.url}\n{server.log()}")
        else:
            no_traceback(server)


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def come():
    """People come with `come(server, "1", "ada")` and are gone after the test; the first one logs in."""
    people: list[Person] = []

    def arrive(server: Server, uid: str | None = None, name: str | None = None, login=True, **how) -> Person:
        people.append(Person(server, uid, name, **how))
        if login:
            people[-1].welcome = people[-1].login(**(login if isinstance(login, dict) else {}))
        return people[-1]

    yield arrive
    for person in people:
        person.close()


@pytest.fixture
def dial():
    """Raw connections, closed after the test."""
    clients: list[RawClient] = []

    def connect(server: Server, **how) -> RawClient:
        clients.append(server.dial(**how))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
