"""The database tables that hold jobs, and what is known of pictures."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "HEAD",
    "NAMED",
    "VERSION",
    "job_pictures",
    "jobs",
    "metadata",
    "pictures",
    "revisions",
    "versions",
]

VERSION = 1
"""The version of the tables. This release refuses a higher one, which a newer release made."""

HEAD = "0002"
"""The last migration of this release. Each has a number of four digits."""

NAMED = -1
"""The number, in `job_pictures`, of a picture that the request of a job names."""

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

# A row for each caller and each picture that has a file of its own.
pictures = Table(
    "pictures",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("media_type", String(32), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", _Large, nullable=False),
    Column("last_use", Float(53), nullable=False),
    # Whether the caller sent the bytes. Else they were drawn for it, and a request named them.
    Column("is_sent", Boolean, nullable=False),
    Index("pictures_by_id", "id"),
    Index("pictures_by_use", "last_use"),
)

# A row for each picture that a job names or has drawn. The sequence of a job is never assigned
# twice, so a row whose job is gone means nothing.
job_pictures = Table(
    "job_pictures",
    metadata,
    Column("job", _Large, primary_key=True, autoincrement=False),
    # The number of a drawn picture, from 0, or NAMED.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String(64), primary_key=True),
    Index("job_pictures_by_id", "id"),
)
