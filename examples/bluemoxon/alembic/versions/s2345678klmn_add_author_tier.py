"""Add author tier

Revision ID: s2345678klmn
Revises: r1234567ghij
Create Date: 2025-12-21 09:00:00.000000

"""
from alembic import op

revision = 's2345678klmn'
down_revision = 'r1234567ghij'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""ALTER TABLE authors ADD COLUMN tier varchar(20) NOT NULL DEFAULT 'TIER_3';
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
