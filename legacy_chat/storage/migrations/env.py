"""Run by alembic: `migrate` hands in the connection; the version table is ours, so that a host keeps its own."""

from alembic import context

from legacy_chat.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="chat_version",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
