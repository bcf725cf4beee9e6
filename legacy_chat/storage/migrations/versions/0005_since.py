"""Where somebody came into a room, which their read marker tells no more once it has moved."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


members = sa.table("chat_members", sa.column("read"), sa.column("since"), sa.column("peer"))


def upgrade() -> None:
    op.add_column("chat_members", sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(members.update().where(members.c.peer.is_(None)).values(since=members.c.read))
