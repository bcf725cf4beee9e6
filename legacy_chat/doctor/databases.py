"""Whether the databases answer, and whether their drivers let others go on while they wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..errors import ChatError, Unavailable
from ..storage.migrations import is_current, missing_tables
from .finding import Finding, bad, note, ok
from .packages import is_older

if TYPE_CHECKING:
    from ..state import State

T = TypeVar("T")


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

_OWNER = "sudo chown SITE-USER {}* and its folder"

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


def name_of(engine: Any) -> str:
    """Which database it is, without its user and password."""
    file = engine.url.database if engine.dialect.name == "sqlite" else ""
    if file:
        return f"sqlite, {file}"
    return f"{engine.dialect.name}, {engine.url.database} at {engine.url.host or 'this host'}"


def check_database(state: State) -> Finding:
    """Whether it answers and has its tables."""
    engine = state.database.engine
    name = name_of(engine)
    began = monotonic()
    try:
        current, lost = _in_time(lambda: (is_current(engine), missing_tables(engine)))
    except ChatError as error:
        return refused(name, error.message)
    if not current:
        return bad("database", name, "its tables are missing or of another version", "flask --app wsgi chat init-db")
    if lost:
        cause = f"tables are gone that its version has: {', '.join(lost)}"
        return bad("database", name, cause, "bring them back from a backup")
    return ok("database", f"{name}, answers in {(monotonic() - began) * 1000:.0f} ms")


def refused(name: str, words: str) -> Finding:
    """What a database says that cannot be used; `name` is as `name_of` has it."""
    file = _file(name)
    if "locked" in words:
        cause, mend = f"{words}: another process is in a transaction", f"end that process; `fuser {file}` names it"
    elif "not a database" in words or "malformed" in words:
        cause, mend = f"{words}: it was written over, or is damaged", "bring the file back from a backup"
    elif name.startswith("sqlite"):
        cause, mend = words, f"CHAT_DATABASE_URL: may this user write to {file}? {_OWNER.format(file)}"
    else:
        cause, mend = words, "CHAT_DATABASE_URL: are the address, the password, the firewall right?"
    return bad("database", name, cause, mend)


def _file(name: str) -> str:
    return name.partition(", ")[2]


def check_store(store: dict[str, str], ours: str) -> Iterator[Finding]:
    """What the server says of its history; `ours` is the name of the one that this shell sees."""
    name, writes = store["name"], store["writes"]
    if name != ours:
        cause = f"this shell looks at another one: {ours}"
        mend = "start this shell with the SITE_INSTANCE and CHAT_DATABASE_URL of the server"
        yield note("history", name, cause, mend)
    if writes == "ok":
        yield ok("history", f"{name}, the server can write to it")
    elif writes == "slow":
        cause = "the server waits for more than half a second to write: another process is in a transaction"
        yield note("history", name, cause, "let imports and backups commit often; look at the disk")
    else:
        cause = "the server cannot write to it, as its log says"
        yield bad("history", name, cause, f"room on the disk; {_OWNER.format(_file(name))}")


def _in_time(ask: Callable[[], T]) -> T:
    """Raises `Unavailable` where there is no answer; whoever waits in a thread is left behind."""
    answers: Queue[T | ChatError] = Queue()

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
