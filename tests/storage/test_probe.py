import pytest
from sqlalchemy import text

from legacy_chat.errors import Unavailable
from legacy_chat.storage import probe
from legacy_chat.storage.tables import metadata


def test_a_store_with_all_its_tables(database):
    database.read(probe.look)


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_each_table_is_missed(database, table):
    database.run(lambda c: c.execute(text(f"ALTER TABLE {table} RENAME TO elsewhere")))
    with pytest.raises(Unavailable):
        database.read(probe.look)
