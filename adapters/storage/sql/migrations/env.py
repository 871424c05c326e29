"""What alembic runs to bring a database up to date. `schema.py` gives it the connection."""

from alembic import context
from sqlalchemy import Connection

from adapters.storage.sql.tables import metadata

__all__ = ["migrate"]


def migrate(connection: Connection) -> None:
    """Run the migrations that the database lacks, in the transaction that it is in."""
    # SQLite cannot alter most of a table, so alembic makes a new one and copies the rows.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # as alembic calls it, and nobody else who imports it
    migrate(context.config.attributes["connection"])
