"""Add extraction status

Revision ID: r1234567ghij
Revises: q0123456cdef
Create Date: 2025-12-19 09:00:00.000000

"""
from alembic import op

revision = 'r1234567ghij'
down_revision = 'q0123456cdef'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""ALTER TABLE book_analyses ADD COLUMN extraction_status varchar(20) NOT NULL DEFAULT 'unknown';
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
