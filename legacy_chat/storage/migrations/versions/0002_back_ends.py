"""Keys of back ends, their pushes, presence over workers, and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "chat_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("scopes", sa.String(255), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "chat_answers",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("request", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "chat_schedule",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("due", sa.BigInteger, nullable=False, index=True),
        sa.Column("every", sa.BigInteger),
        sa.Column("push", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_presence",
        sa.Column("uid", sa.String(64), primary_key=True),
        sa.Column("worker", sa.String(32), primary_key=True, index=True),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("away", sa.Boolean, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_workers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("lease", sa.BigInteger, nullable=False),
        sa.Column("renewed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_webhooks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("events", sa.String(255), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.String(255)),
        sa.Column("held", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("webhook", sa.Integer, nullable=False, index=True),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("error", sa.String(255)),
        sa.UniqueConstraint("webhook", "event", name="chat_deliveries_once"),
        sa.Index("chat_deliveries_due", "webhook", "due"),
    )
