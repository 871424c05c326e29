"""The tables of pictures, which earlier releases do not need."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Large = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables and their indexes. The service fills them at its start."""
    op.create_table(
        "pictures",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("size", _Large, nullable=False),
        sa.Column("last_use", sa.Float(53), nullable=False),
        sa.Column("is_sent", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_index("pictures_by_id", "pictures", ["id"], if_not_exists=True)
    op.create_index("pictures_by_use", "pictures", ["last_use"], if_not_exists=True)
    op.create_table(
        "job_pictures",
        sa.Column("job", _Large, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(64), primary_key=True),
        if_not_exists=True,
    )
    op.create_index("job_pictures_by_id", "job_pictures", ["id"], if_not_exists=True)
