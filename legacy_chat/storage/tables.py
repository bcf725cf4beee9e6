"""The tables. A change here comes with a migration in `migrations/versions`."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

# One word about this history: its `epoch` changes only if the history was lost.
info = Table(
    "chat_info",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(200), nullable=False),
)

# Everybody who ever logged in to the chat, with the name and picture the site last gave.
people = Table(
    "chat_people",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("avatar", String(500)),
)

# Rooms (gid set) and private talks (gid null); `seq` is the number of the newest message, `ts` its time, `founder` the
# person who opened it, null for the site itself.
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
    Column("founder", String(64)),
)

# Who belongs; in a private talk `peer` is the other person. `read` is the newest message seen.
members = Table(
    "chat_members",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("conversation", Integer, primary_key=True, index=True),
    Column("peer", String(64)),
    Column("read", BigInteger, nullable=False),
    # The newest message when they came in: what a client that polls has not heard begins behind it.
    Column("since", BigInteger, nullable=False, server_default="0"),
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

# Keys of back ends. Only a digest is kept: the key itself is 256 random bits and shown once.
keys = Table(
    "chat_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("scopes", String(255), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
)

# What a key's request with an Idempotency-Key was answered.
answers = Table(
    "chat_answers",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("request", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("ts", BigInteger, nullable=False, index=True),
)

# Pushes that wait for their time; `every` milliseconds makes them come again.
schedule = Table(
    "chat_schedule",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("due", BigInteger, nullable=False, index=True),
    Column("every", BigInteger),
    Column("push", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

# Who is here, by the workers that see them; a row with no worker ("") says when somebody was last here.
presence = Table(
    "chat_presence",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("worker", String(32), primary_key=True, index=True),
    Column("online", Boolean, nullable=False),
    Column("away", Boolean, nullable=False),
    Column("seen", BigInteger, nullable=False),
)

# A worker that does not renew its lease is gone, and so are the people that only it saw.
workers = Table(
    "chat_workers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lease", BigInteger, nullable=False),
    Column("renewed", BigInteger, nullable=False),
)

# Where events are sent. Until `held` one worker alone sends them; `disabled` says why nothing is sent.
webhooks = Table(
    "chat_webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", String(2000), nullable=False),
    Column("secret", String(100), nullable=False),
    Column("events", String(255), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("disabled", String(255)),
    Column("held", BigInteger, nullable=False),
)

# The log of deliveries: one row for each event and webhook; `due` is null once it is over.
deliveries = Table(
    "chat_deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("webhook", Integer, nullable=False, index=True),
    Column("event", String(40), nullable=False),
    Column("type", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", BigInteger, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger),
    Column("status", String(16), nullable=False),
    Column("code", Integer),
    Column("error", String(255)),
    UniqueConstraint("webhook", "event", name="chat_deliveries_once"),
    Index("chat_deliveries_due", "webhook", "due"),
)

# What is told to people who poll and stands in no other table: kept for a minute, under the key of a room, of a person
# or of everybody. Ids only grow, since a poll asks for what came after one.
notices = Table(
    "chat_notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(150), nullable=False),
    Column("about", String(64)),
    Column("skip", BigInteger),
    Column("frame", Text, nullable=False),
    Column("ts", BigInteger, nullable=False, index=True),
    sqlite_autoincrement=True,
)
