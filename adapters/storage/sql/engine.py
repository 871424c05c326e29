"""Opens the database of an SQLAlchemy URL."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

__all__ = ["new_engine"]


def new_engine(url: str, patience: float) -> Engine:
    """Return an engine for a database URL. A file of SQLite is created if it is missing.

    Args:
        url: An SQLAlchemy URL.
        patience: Seconds to wait for a connection, and for another writer of SQLite.

    Raises:
        OSError: The file cannot be created.
        SQLAlchemyError: The URL is not valid.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_timeout=patience)
    file = None if parsed.database in (None, "", ":memory:") else parsed.database
    # SQLite refuses a URL that is not its own before it creates a file.
    pool = {"pool_timeout": patience} if file else {}
    engine = create_engine(parsed, connect_args={"timeout": patience}, **pool)
    if file:
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Prompts are private to their callers; SQLite's other files get the permissions of the
        # first.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.execute("pragma journal_mode = wal")

    return engine
