"""What people who poll are told beside messages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "chat_notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(150), nullable=False),
        sa.Column("about", sa.String(64)),
        sa.Column("skip", sa.BigInteger),
        sa.Column("frame", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
