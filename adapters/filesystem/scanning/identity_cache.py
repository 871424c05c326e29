"""Identities of files, stored from one run to the next."""

import contextlib
import dataclasses
import json
import logging
import os
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.classification.optional import gguf_is_installed, spandrel_is_installed
from adapters.filesystem.scanning.identity import Identity
from adapters.filesystem.scanning.rebuilding import rebuilt
from domain.models.record import FileStamp

__all__ = ["IdentityCache"]

_VERSION = 4 * 19 + 2 * gguf_is_installed() + spandrel_is_installed()
"""Version of the table and of `classify`; another version recreates the cache. It differs where
libraries are installed that decide what can be used."""

_PATIENCE = 5.0
"""Seconds to wait for another process that writes; each writes one row at a time."""

_NO_DATABASE = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})

_COLUMNS = "path, inode, size, modified_ns, changed_ns"
_TABLE = f"""
create table if not exists identities (
  path blob, inode integer, size integer, modified_ns integer, changed_ns integer,
  digest text not null, classification text not null,
  primary key ({_COLUMNS})
) without rowid
"""

_log = logging.getLogger(__name__)


class IdentityCache:
    """Identities by path and stamp, in an SQLite file that is created when there is one to store.

    The stamp's device does not count, because network folders, btrfs and overlays get another
    number with each mount. This trusts everybody who may mount: a file system that replaces
    another, with a file of the same path, inode, size and times to the nanosecond but other bytes
    (a clone, or an image with made-up times), is not noticed.

    A cache that cannot be read or written stops nothing: it is logged once, and files are hashed
    again. Several services may share the file. `_lock` protects the one connection, which the
    hashing threads share.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._disabled = False

    def get(self, path: str, stamp: FileStamp) -> Identity | None:
        """Return the identity of a file at this path with this stamp, whatever its device."""
        with self._lock:
            if self._connection is None and not self._path.exists():
                return None
            row = self._run(
                "select digest, classification from identities "
                "where path = ? and inode = ? and size = ? and modified_ns = ? "
                "and changed_ns = ?",
                _key(path, stamp),
            )
        if row is None:
            return None
        digest, told = row
        try:
            return Identity(digest, rebuilt(Classification, json.loads(told)))
        except (ValueError, TypeError):  # a kind or family of another version of this service
            return None

    def put(self, path: str, stamp: FileStamp, identity: Identity) -> None:
        """Store the identity of a file at this path with this stamp."""
        told = json.dumps(dataclasses.asdict(identity.classification))
        with self._lock:
            self._run(
                "insert or replace into identities values (?, ?, ?, ?, ?, ?, ?)",
                (*_key(path, stamp), identity.digest, told),
            )

    def close(self) -> None:
        """Close the file; from now on nothing is found or stored."""
        with self._lock:
            self._disabled = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        if self._disabled:
            return None
        try:
            if self._connection is None:
                self._connection = self._opened()
            row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
            return row
        except (sqlite3.Error, OSError) as error:
            _log.warning("no hashes are kept in %s: %s", self._path, error)
            self._disabled = True
            return None

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            # The lowest byte of an extended error code is the plain code.
            if error.sqlite_errorcode & 0xFF not in _NO_DATABASE:
                raise
        # The file is not a database, or a damaged one; everything in it can be computed again.
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        # Names of models are private; SQLite's other files get the same permissions.
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError):
            os.fchmod(file, 0o600)  # an older release created it for everybody
        os.close(file)
        connection = sqlite3.connect(
            self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            # In one transaction, because a process that starts at the same time could see half of
            # it.
            connection.execute("begin immediate")
            if connection.execute("pragma user_version").fetchone()[0] != _VERSION:
                connection.execute("drop table if exists identities")
                connection.execute(f"pragma user_version = {_VERSION}")
            connection.execute(_TABLE)
            connection.execute("commit")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _key(path: str, stamp: FileStamp) -> tuple[object, ...]:
    # SQLite's integers are signed; inodes may use all 64 bits. A name need not be UTF-8.
    numbers = (stamp.inode, stamp.size, stamp.modified_ns, stamp.changed_ns)
    signed = (number - (1 << 64) if number >= 1 << 63 else number for number in numbers)
    return (os.fsencode(os.path.abspath(path)), *signed)
