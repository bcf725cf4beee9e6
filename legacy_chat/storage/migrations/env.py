"""Run by alembic: `migrate` hands in the connection."""

from alembic import context

from legacy_chat.storage.migrations import VERSION_TABLE
from legacy_chat.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
