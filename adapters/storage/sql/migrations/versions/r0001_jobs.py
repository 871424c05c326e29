"""The tables of the first release. A database that has them stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Large = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and indexes that are not there."""
    op.create_table(
        "job_schema_versions",
        sa.Column("version", sa.Integer, primary_key=True),
        if_not_exists=True,
    )
    op.create_table(
        "jobs",
        sa.Column("sequence", _Large, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("finished_at", sa.Float(53)),
        sa.Column("bytes", _Large, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    for name, columns in {
        "jobs_of_owner": ["owner", "sequence"],
        "jobs_of_owner_by_status": ["owner", "status", "sequence"],
        "jobs_by_status": ["status", "finished_at"],
    }.items():
        op.create_index(name, "jobs", columns, if_not_exists=True)
    # The releases that know no migrations refuse what has a higher number than this.
    op.execute(
        "insert into job_schema_versions (version) "
        "select 1 where not exists (select 1 from job_schema_versions)"
    )
