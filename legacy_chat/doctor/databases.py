"""Whether the databases answer, and whether their drivers let others go on while they wait."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ChatError, Unavailable
from ..storage.migrations import is_current
from .finding import Finding, bad, ok
from .packages import is_older

if TYPE_CHECKING:
    from ..state import State


class Driver(NamedTuple):
    """A driver that waits in C, and the one to take instead."""

    package: str
    instead: str
    install: str


_PYMYSQL = ("mysql+pymysql", "pymysql")
_PSYCOPG = ("postgresql+psycopg", '"psycopg[binary]"')
BLOCKING = {
    "mysqldb": Driver("mysqlclient", *_PYMYSQL),
    "mysqlconnector": Driver("mysql-connector-python", *_PYMYSQL),
    "mariadbconnector": Driver("mariadb", *_PYMYSQL),
    "pyodbc": Driver("pyodbc", *_PYMYSQL),
    "psycopg2": Driver("psycopg2", *_PSYCOPG),
    "psycopg2cffi": Driver("psycopg2cffi", *_PSYCOPG),
}
# What SQLAlchemy takes where an address names no driver.
_DEFAULTS = {"mysql": "mysqldb", "mariadb": "mysqldb"}

# Seconds for it to answer; a server behind a firewall would take minutes to be given up.
_PATIENCE = 3.0


def driver_named(url: str) -> str:
    """The driver of an address, `mysqldb` for `mysql://…`, whether it is installed or not."""
    backend, _, driver = url.partition("://")[0].lower().partition("+")
    if backend == "postgresql" and not driver:
        return "psycopg2" if is_older("sqlalchemy", "2.1") else "psycopg"
    return driver or _DEFAULTS.get(backend, backend)


def drivers(state: State) -> dict[str, str]:
    """Those that are in use: of the chat, and of the site where it told of its database."""
    found = {"chat": str(state.database.engine.dialect.driver)}
    site: Any = state.site_database()
    if site is not None:
        found["site"] = site.url.get_driver_name()
    return found


def check_driver(whose: str, driver: str) -> Finding:
    """`whose` is `chat` or `site`."""
    check = "database driver" if whose == "chat" else "the site's database driver"
    blocking = BLOCKING.get(driver)
    if blocking is None:
        return ok(check, driver)
    setting = "CHAT_DATABASE_URL" if whose == "chat" else "SQLALCHEMY_DATABASE_URI"
    cause = (
        f"{blocking.package} waits in C, where gevent cannot let others go on: while a view of the site waits for the "
        "database, every socket and page of the worker stands still"
    )
    mend = f"{setting}={blocking.instead}://… and pip install {blocking.install}"
    return bad(check, blocking.package, cause, mend)


def check_database(state: State) -> Finding:
    """Whether it answers and has its tables."""
    engine = state.database.engine
    file = engine.url.database if engine.dialect.name == "sqlite" else ""
    name = f"sqlite, {file}" if file else f"{engine.dialect.name} at {engine.url.host or 'this host'}"
    began = monotonic()
    try:
        current = _in_time(lambda: is_current(engine))
    except ChatError as error:
        where = f"may this user write to {file}?" if file else "are the address, the password, the firewall right?"
        return bad("database", name, error.message, f"CHAT_DATABASE_URL: {where}")
    if not current:
        return bad("database", name, "its tables are missing or of another version", "flask --app wsgi chat init-db")
    return ok("database", f"{name}, answers in {(monotonic() - began) * 1000:.0f} ms")


def _in_time(ask: Callable[[], bool]) -> bool:
    """Raises `Unavailable` where there is no answer; whoever waits in a thread is left behind."""
    answers: Queue[bool | ChatError] = Queue()

    def work() -> None:
        try:
            answers.put(ask())
        except ChatError as error:
            answers.put(error)

    Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=_PATIENCE)
    except Empty:
        raise Unavailable(f"it does not answer within {_PATIENCE:.0f} s") from None
    if isinstance(answer, ChatError):
        raise answer
    return answer
