import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from legacy_chat.storage.tables import metadata


def test_all_tables_are_ours_by_their_name():
    assert all(name.startswith("chat_") for name in metadata.tables)


def test_a_page_of_history_is_one_range_of_the_table(database):
    """Stored by primary key, not by row number: SQLite reads neighbours from neighbouring pages."""
    with database.engine.connect() as connection:
        query = text("SELECT sql FROM sqlite_master WHERE name = 'chat_messages'")
        assert "WITHOUT ROWID" in connection.execute(query).scalar_one()
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN SELECT * FROM chat_messages WHERE conversation = 1 AND seq > 2 ORDER BY seq")
        ).all()
    assert "USING PRIMARY KEY" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param("(1, 1, 'ben', 'r2')", id="the same number"),
        pytest.param("(2, 1, 'ada', 'r1')", id="the same request"),
    ],
)
def test_the_table_itself_refuses_a_second_row_with(database, second):
    insert = (
        "INSERT INTO chat_messages (conversation, seq, uid, request_id, name, content, ts) "
        "SELECT column1, column2, column3, column4, 'x', 'x', 0 FROM (VALUES {})"
    )
    with database.engine.begin() as connection:
        connection.execute(text(insert.format("(1, 1, 'ada', 'r1')")))
        with pytest.raises(IntegrityError):
            connection.execute(text(insert.format(second)))
