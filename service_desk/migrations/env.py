"""Alembic's entry: runs on the connection that `migrate` hands in, in its transaction."""

from alembic import context

from service_desk.model import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
context.run_migrations()
