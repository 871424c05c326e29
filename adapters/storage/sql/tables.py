"""The database tables that hold jobs."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

__all__ = ["HEAD", "VERSION", "jobs", "metadata", "revisions", "versions"]

VERSION = 1
"""The version of the tables. This release refuses a higher one, which a newer release made."""

HEAD = "0001"
"""The last migration that this release has. Each has a number of four digits."""

# SQLite auto-increments INTEGER columns only.
_Large = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

versions = Table("job_schema_versions", metadata, Column("version", Integer, primary_key=True))

# alembic creates this table.
revisions = Table("alembic_version", MetaData(), Column("version_num", String(32)))

# Callers and ids are looked up by their SHA-256: databases differ in the longest text that they can
# index, and in which texts they consider equal.
jobs = Table(
    "jobs",
    metadata,
    Column("sequence", _Large, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("finished_at", Float(53)),
    # Bytes of the body, the images and their thumbnails; rows of older releases count the images
    # only.
    Column("bytes", _Large, nullable=False),
    Column("body", Text, nullable=False),
    Index("jobs_of_owner", "owner", "sequence"),
    Index("jobs_of_owner_by_status", "owner", "status", "sequence"),
    Index("jobs_by_status", "status", "finished_at"),
    # A number is never assigned twice.
    sqlite_autoincrement=True,
)
