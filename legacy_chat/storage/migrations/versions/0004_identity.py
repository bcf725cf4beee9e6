"""Pictures of people, and who opened a room."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("chat_people", sa.Column("avatar", sa.String(500)))
    op.add_column("chat_conversations", sa.Column("founder", sa.String(64)))
