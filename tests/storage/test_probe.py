from pathlib import Path

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


def test_a_write_commits_a_page_and_leaves_no_trace(database):
    log = Path(f"{database.engine.url.database}-wal")
    rows = [database.run(lambda c: c.execute(text("SELECT * FROM chat_info")).fetchall())]
    before = log.stat().st_size
    database.run(lambda _: None)
    assert log.stat().st_size == before  # which is why an empty one proves nothing
    for _ in range(2):
        database.run(probe.write)
    assert log.stat().st_size > before
    rows.append(database.read(lambda c: c.execute(text("SELECT * FROM chat_info")).fetchall()))
    assert rows[0] == rows[1]
