"""The first tables."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    info = op.create_table(
        "chat_info",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.bulk_insert(info, [{"name": "epoch", "value": secrets.token_hex(8)}])
    op.create_table(
        "chat_people",
        sa.Column("uid", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_conversations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(150), nullable=False, unique=True),
        sa.Column("gid", sa.String(64)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_members",
        sa.Column("uid", sa.String(64), primary_key=True),
        sa.Column("conversation", sa.Integer, primary_key=True, index=True),
        sa.Column("peer", sa.String(64)),
        sa.Column("read", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_messages",
        sa.Column("conversation", sa.Integer, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.UniqueConstraint("uid", "request_id", name="chat_messages_once"),
        sqlite_with_rowid=False,
    )
