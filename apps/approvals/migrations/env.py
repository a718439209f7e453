"""Alembic's environment: runs inside the transaction that `store.migrate` opened, on the connection it was given."""

from alembic import context

from apps.approvals.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
