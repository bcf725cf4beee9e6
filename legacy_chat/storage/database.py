"""The engine, its connections and its transactions."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..errors import ChatError, SettingsError, Unavailable
from .connector import Connector
from .migrations import is_current, migrate

T = TypeVar("T")

log = logging.getLogger(__name__)

# Milliseconds that SQLite waits for another process's write; it waits in a native thread, never in the loop.
_BUSY_TIMEOUT = 5000


# As what a driver is installed, where that is not its name.
_DRIVERS = {
    "psycopg": '"legacy_chat[postgresql]"',
    "psycopg2": "psycopg2-binary",
    "pymysql": '"legacy_chat[mariadb]"',
    "MySQLdb": "mysqlclient",
}

# Idle connections kept of each kind; more are opened in a rush and closed after it.
_KEPT = 2


def _make_file(_dialect: object, _record: object, arguments: list[str], options: dict[str, Any]) -> None:
    """Before SQLite makes it, readable by everybody: what people said, and a site's own people, stand in it.

    One that is there is left alone: to open and close it would end the locks that SQLite has on it in this process.
    """
    if options.get("uri"):
        return
    with suppress(OSError):  # it is there, or SQLite says what is wrong
        os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: object, _record: object) -> None:
    """Write-ahead log, so that readers and the writer do not wait for each other.

    `synchronous=NORMAL` survives the death of the process at any moment; a loss of power may take the last
    commits, never the file.
    """
    connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={_BUSY_TIMEOUT}"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _begin(connection: Connection) -> None:
    # A transaction that will write takes the lock at once: one that reads first could not get it later.
    reads = connection.get_execution_options().get("legacy_chat_reads")
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - listened to for SQLite only
    try:  # SQLAlchemy's own layer costs more than this statement does
        driver.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise OperationalError("BEGIN", None, error) from error


def open_engine(url: str) -> Engine:
    """An engine for `url`. Raises `SettingsError` where the address or its driver is wrong."""
    try:
        address = make_url(url)
        sqlite = address.get_backend_name() == "sqlite"
        if sqlite:
            _check_sqlite(address.database)
        options: dict[str, Any] = {"connect_args": {"check_same_thread": False}} if sqlite else {}
        options["hide_parameters"] = True  # what people said has no place in an error's words
        engine = create_engine(address, poolclass=NullPool, future=True, **options)  # 1.4 in the style of 2
    except ImportError as error:
        driver = error.name or address.get_driver_name()  # psycopg without its C library names nothing
        package = _DRIVERS.get(driver, driver)
        raise SettingsError(f"CHAT_DATABASE_URL: the driver {driver} is missing: pip install {package}") from None
    except NoSuchModuleError as error:
        raise SettingsError(f"CHAT_DATABASE_URL: {error}{_old_dialect(url)}") from None
    except SQLAlchemyError as error:
        raise SettingsError(f"CHAT_DATABASE_URL: {error}") from None
    except ValueError:  # whose words may hold a piece of the password
        raise SettingsError("CHAT_DATABASE_URL: no port; in a password write @ as %40, : as %3A, / as %2F") from None
    if sqlite:
        event.listen(engine, "do_connect", _make_file)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
    return engine


def reads(engine: Engine) -> Engine:
    """The same for transactions that only read: they wait for no writer, and no writer for them."""
    return engine.execution_options(legacy_chat_reads=True)


def _old_dialect(url: str) -> str:
    """What mends it that SQLAlchemy 1.4 knows no psycopg 3."""
    return '; it is known from SQLAlchemy 2 on: pip install "sqlalchemy>=2"' if "+psycopg:" in url else ""


def _check_sqlite(database: str | None) -> None:
    if not database or database == ":memory:":
        raise SettingsError("CHAT_DATABASE_URL: an in-memory SQLite is empty in every thread; name a file.")
    Path(database).parent.mkdir(parents=True, exist_ok=True)


class _Connections:
    """Open connections, handed out one to a call; the list needs no lock, as append and pop are atomic."""

    def __init__(self, connect: Callable[[], Connection]):
        self._connect = connect
        self._idle: list[Connection] = []

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        connection = self._take()
        try:
            with connection.begin():
                yield connection
        except ChatError:  # a refusal: nothing is wrong with the connection
            self._keep(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class Database:
    """The history. Its calls block, so the caller decides in which thread they run."""

    def __init__(self, url: str, lock: AbstractContextManager[Any] | None = None):
        """`lock` is one that native threads may wait for."""
        self.engine = open_engine(url)
        reader = reads(self.engine)
        self._connector = Connector(lock)
        self._writers = _Connections(lambda: self._connector.connect(self.engine))
        self._readers = _Connections(lambda: self._connector.connect(reader))

    def migrate(self) -> None:
        """Create or upgrade the tables; where there is nothing to do, somebody who writes is not waited for."""
        with self._one_process():
            if not is_current(reads(self.engine)):
                migrate(self.engine)

    @contextmanager
    def _one_process(self) -> Iterator[None]:
        """Lets one process at a time upgrade a SQLite file (workers start side by side)."""
        if self.engine.dialect.name != "sqlite":
            yield
            return
        with open(f"{self.engine.url.database}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def run(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction of its own: committed when it returns, rolled back when it raises."""
        with self._writers.transaction() as connection:
            return work(connection)

    def read(self, query: Callable[[Connection], T]) -> T:
        """`query` in a transaction that only reads and waits for no writer. Raises `Unavailable`."""
        try:
            with self._readers.transaction() as connection:
                return query(connection)
        except (OperationalError, InterfaceError) as error:
            log.error("a query failed: %s", error.orig)
            raise Unavailable("The message store does not answer.", retry_after=1.0) from None

    def close(self) -> None:
        self._writers.close()
        self._readers.close()
        self.engine.dispose()
        self._connector.reset()
