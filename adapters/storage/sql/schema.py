"""Migrations that bring the tables to the layout of this release.

Two marks in a database describe its content. `alembic_version` names the last migration. The
highest number in `job_schema_versions` is that of the layout. It grows only if a migration makes
the tables unreadable for earlier releases. So a release works with a database to which a newer one
only added, and refuses any other.
"""

import logging
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, func, inspect, select
from sqlalchemy.exc import DBAPIError

from adapters.storage.sql.tables import HEAD, VERSION, revisions, versions
from domain.errors import StorageFault, StorageUnavailable

__all__ = ["bring_up_to_date"]

_MIGRATIONS = Path(__file__).parent / "migrations"

_upgrading = Lock()
"""alembic keeps what it works on in a module."""

_log = logging.getLogger(__name__)


def bring_up_to_date(engine: Engine, *, patience: float) -> None:
    """Create or change the tables as this release needs them. Two processes may do so at once.

    Args:
        engine: The database. Without tables it is a new one.
        patience: Seconds that SQLite waits for another process that writes.

    Raises:
        StorageUnavailable: a newer release has changed the tables so that this one cannot use them.
    """
    if _is_up_to_date(engine):
        return
    try:
        _upgrade(engine, patience)
    except DBAPIError:
        # A database server lets two processes define the same table at once. One of them fails
        # when the other commits.
        if not _is_up_to_date(engine):
            raise


def _is_up_to_date(engine: Engine) -> bool:
    with engine.connect() as connection:
        return _is_usable(connection)


def _upgrade(engine: Engine, patience: float) -> None:
    # Importing it takes a fifth of a second. Only a new or an old database costs that.
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs its own import
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"pragma busy_timeout = {round(patience * 1000)}")
            # Python's sqlite3 starts no transaction for a statement that defines a table.
            connection.exec_driver_sql("begin immediate")
        if not _is_usable(connection):  # another process may have been first
            config.attributes["connection"] = connection
            try:
                with _upgrading:
                    command.upgrade(config, "head")
            except CommandError as error:
                _log.error("the job database cannot be brought up to date: %s", error)
                raise StorageUnavailable(
                    "the job database has a revision that this release does not know",
                    StorageFault.NEWER,
                ) from error
            _log.info("the job database is of revision %s now", HEAD)
        connection.commit()


def _is_usable(connection: Connection) -> bool:
    """Return True if the tables are those of this release, or of a newer one that only added to
    them.
    """
    tables = inspect(connection)
    version = 0
    if tables.has_table(versions.name):
        version = connection.execute(select(func.max(versions.c.version))).scalar() or 0
    if version > VERSION:
        raise StorageUnavailable(
            f"the job database is of version {version}, made by a newer release; this one "
            f"knows version {VERSION}",
            StorageFault.NEWER,
        )
    if not version or not tables.has_table(revisions.name):
        return False
    revision = connection.execute(select(revisions.c.version_num)).scalar()
    if revision is not None and revision > HEAD:
        _log.info("the job database is of revision %s, of a newer release", revision)
        return True
    return revision == HEAD
