"""Add tracking status fields

Revision ID: p8901234yzab
Revises: o7890123wxyz
Create Date: 2025-12-18 09:00:00.000000

"""
from alembic import op

revision = 'p8901234yzab'
down_revision = 'o7890123wxyz'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""
      ALTER TABLE books ADD COLUMN tracking_number varchar(100);
      ALTER TABLE books ADD COLUMN tracking_status varchar(50);
      ALTER TABLE books ADD COLUMN tracking_last_checked timestamptz;
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
