"""The stand-alone site's own users. The chat extension knows nothing of them, as of any host's."""

from __future__ import annotations

from functools import cache

from flask_login import UserMixin
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, inspect, select
from sqlalchemy.engine import Engine, Row
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from ..core.text import check_name, folded
from ..errors import ChatError
from ..storage.database import reads

_ = str  # marks what the pages translate

_SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024

metadata = MetaData()

accounts = Table(
    "site_accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("folded", String(80), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
)


@cache
def _nobody() -> str:
    """Compared for unknown names, so that a wrong name takes as long as a wrong password."""
    return generate_password_hash("nobody")


class Account(UserMixin):
    def __init__(self, row: Row):
        self.id = row.id
        self.name = row.name


class NameTaken(Exception):
    """Somebody has this name, in whatever case it is written."""


class Unfit(Exception):
    """The name or the password breaks a rule, which is said in words."""


def check_new(name: str, password: str) -> str:
    """The name of a new account, stripped. Raises `Unfit`."""
    try:
        name = check_name(name)
    except ChatError:
        raise Unfit(_("A name has 1 to 80 printable characters.")) from None
    if not _SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Unfit(_("A password has at least 8 characters."))
    return name


class Accounts:
    """Every call blocks (SQL, 100 ms of hashing): run it off the event loop."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._reader = reads(engine)
        with self._reader.connect() as connection:
            known = inspect(connection).has_table(accounts.name)
        if not known:
            metadata.create_all(engine)

    def register(self, name: str, password: str) -> Account:
        """Raises `NameTaken` or `Unfit`."""
        name = check_new(name, password)
        row = {"name": name, "folded": folded(name), "password": generate_password_hash(password)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(accounts), row)
        except IntegrityError:
            raise NameTaken from None
        found = self._find(accounts.c.folded == row["folded"])
        assert found is not None  # noqa: S101 - just inserted
        return Account(found)

    def check(self, name: str, password: str) -> Account | None:
        """The account, if the password is right."""
        row = self._find(accounts.c.folded == folded(name))
        right = check_password_hash(row.password if row else _nobody(), password)
        return Account(row) if row and right else None

    def load(self, uid: str) -> Account | None:
        plausible = uid.isascii() and uid.isdigit() and len(uid) < 19
        row = self._find(accounts.c.id == int(uid)) if plausible else None
        return Account(row) if row else None

    def _find(self, where) -> Row | None:
        with self._reader.connect() as connection:
            return connection.execute(select(accounts).where(where)).first()
