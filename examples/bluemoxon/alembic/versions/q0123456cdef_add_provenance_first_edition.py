"""Add provenance, first edition

Revision ID: q0123456cdef
Revises: p8901234yzab
Create Date: 2025-12-19 09:00:00.000000

"""
from alembic import op

revision = 'q0123456cdef'
down_revision = 'p8901234yzab'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""
      ALTER TABLE books ADD COLUMN is_first_edition boolean;
      ALTER TABLE books ADD COLUMN has_provenance boolean NOT NULL DEFAULT false;
      ALTER TABLE books ADD COLUMN provenance_tier varchar(20);
      CREATE INDEX books_provenance_tier_idx ON books (provenance_tier);
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
