"""A database that is opened at its first use, and its transactions."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from adapters.storage.sql.engine import new_engine
from adapters.storage.sql.schema import bring_up_to_date
from domain.errors import StorageUnavailable

__all__ = ["SqlDatabase"]

_log = logging.getLogger(__name__)


class SqlDatabase:
    """The database behind an SQLAlchemy URL. A change is on disk when its transaction has ended.

    The tables are created, or brought up to date, at the first use. SQLite keeps a write-ahead log.
    Any thread may call any method.

    Args:
        url: An SQLAlchemy URL, such as `sqlite:///data/jobs.sqlite`.
        patience: Seconds that SQLite waits for another writer (its busy timeout) while a caller
            waits.
        long_patience: The same if no caller waits.
        before_commit: Called before changes are committed. If it raises, the changes are dropped.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: float = 1.0,
        long_patience: float = 5.0,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._before_commit = before_commit
        self._url = url
        self._patience = patience
        self._long_patience = long_patience
        self._opening = Lock()
        self._engine: Engine | None = None

    def close(self) -> None:
        """Close files and connections. The next use opens them again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def transaction(self, *, durable: bool = True, patiently: bool = False) -> Iterator[Connection]:
        """Run the block in a transaction, which is committed at its end.

        Args:
            durable: Whether the changes must survive a power failure (SQLite's `synchronous=FULL`).
                They survive the end of the process in any case.
            patiently: Whether to wait longer for other writers.

        Raises:
            StorageUnavailable: The database cannot be reached, or is locked or full. Nothing was
                changed.
        """
        patience = self._long_patience if patiently else self._patience
        try:
            engine = self._opened(patience)
            pool = engine.pool
            try:
                with engine.begin() as connection:
                    if engine.dialect.name == "sqlite":
                        level = "full" if durable else "normal"
                        connection.exec_driver_sql(f"pragma synchronous = {level}")
                        connection.exec_driver_sql(
                            f"pragma busy_timeout = {round(patience * 1000)}"
                        )
                    yield connection
                    self._before_commit()
            finally:
                if engine is not self._engine:
                    # The store was closed in the meantime. Closing gives the engine a new pool, and
                    # the connection of this call has gone back to the old one.
                    pool.dispose()
        except (SQLAlchemyError, OSError) as error:
            # The library's message contains the statement, and the URL's credentials.
            _log.error("the job store failed: %s", _cause(error))
            raise StorageUnavailable(
                "jobs cannot be stored or read now, because the database does not answer or is "
                "locked, full or broken"
            ) from error

    def _opened(self, patience: float) -> Engine:
        if (engine := self._engine) is not None:
            return engine
        if not self._opening.acquire(timeout=patience):
            raise StorageUnavailable("the job database is being opened")
        try:
            if self._engine is None:
                engine = new_engine(self._url, self._patience)
                try:
                    bring_up_to_date(engine, patience=self._long_patience)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine
        finally:
            self._opening.release()


def _cause(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}"
