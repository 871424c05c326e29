"""The tables that jobs are kept in."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

__all__ = ["HEAD", "VERSION", "jobs", "metadata", "revisions", "versions"]

VERSION = 1
"""Of the layout. This release refuses a database of a higher one, which a newer release made."""

HEAD = "0001"
"""The last migration that this release has. Each has a number of four digits."""

_Large = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up in INTEGER columns only

metadata = MetaData()

versions = Table("job_schema_versions", metadata, Column("version", Integer, primary_key=True))

# alembic makes this one.
revisions = Table("alembic_version", MetaData(), Column("version_num", String(32)))

# Callers and ids are looked up by their SHA-256: databases differ in how long a text may be that
# they index, and in which texts are the same to them.
jobs = Table(
    "jobs",
    metadata,
    Column("sequence", _Large, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("finished_at", Float(53)),
    # Of the body, the pictures and their thumbnails; of rows of older releases the pictures alone.
    Column("bytes", _Large, nullable=False),
    Column("body", Text, nullable=False),
    Index("jobs_of_owner", "owner", "sequence"),
    Index("jobs_of_owner_by_status", "owner", "status", "sequence"),
    Index("jobs_by_status", "status", "finished_at"),
    # A number that was given is never given again.
    sqlite_autoincrement=True,
)
