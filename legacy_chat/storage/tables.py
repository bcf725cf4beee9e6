"""The tables. A change here comes with a migration in `migrations/versions`."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

# One word about this history: its `epoch` changes only if the history was lost.
info = Table(
    "chat_info",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(200), nullable=False),
)

# Everybody who ever logged in to the chat, with the name the site last gave.
people = Table(
    "chat_people",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("since", BigInteger, nullable=False),
)

# Rooms (gid set) and private talks (gid null); `seq` is the number of the newest message, `ts` its time.
conversations = Table(
    "chat_conversations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(150), nullable=False, unique=True),
    Column("gid", String(64)),
    Column("name", String(200), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ts", BigInteger, nullable=False),
)

# Who belongs; in a private talk `peer` is the other person. `read` is the newest message seen.
members = Table(
    "chat_members",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("conversation", Integer, primary_key=True, index=True),
    Column("peer", String(64)),
    Column("read", BigInteger, nullable=False),
)

# The primary key clusters a conversation's messages: a page of history is one range of it.
messages = Table(
    "chat_messages",
    metadata,
    Column("conversation", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("uid", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("content", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("request_id", String(64)),
    UniqueConstraint("uid", "request_id", name="chat_messages_once"),
    sqlite_with_rowid=False,
)
