"""The script that alembic runs to update a database. `schema.py` gives it the connection."""

from alembic import context
from sqlalchemy import Connection

from adapters.storage.sql.tables import metadata

__all__ = ["migrate"]


def migrate(connection: Connection) -> None:
    """Run the migrations that the database lacks, in the current transaction."""
    # SQLite cannot alter most of a table, so alembic creates a new one and copies the rows.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # only when alembic runs this module, not on an ordinary import
    migrate(context.config.attributes["connection"])
