"""Add FMV notes and confidence

Revision ID: o7890123wxyz
Revises: n6789012uvwx
Create Date: 2025-12-17 09:00:00.000000

"""
from alembic import op

revision = 'o7890123wxyz'
down_revision = 'n6789012uvwx'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""
      ALTER TABLE eval_runbooks ADD COLUMN fmv_notes text;
      ALTER TABLE eval_runbooks ADD COLUMN fmv_confidence varchar(20);
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
