"""Add eval runbook jobs

Revision ID: n6789012uvwx
Revises: m5678901qrst
Create Date: 2025-12-17 09:00:00.000000

"""
from alembic import op

revision = 'n6789012uvwx'
down_revision = 'm5678901qrst'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""
      CREATE TABLE eval_runbook_jobs (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        book_id integer NOT NULL REFERENCES books (id) ON DELETE CASCADE,
        status varchar(20) NOT NULL DEFAULT 'pending',
        error_message text,
        created_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
      );
      CREATE UNIQUE INDEX eval_runbook_jobs_one_active_per_book ON eval_runbook_jobs (book_id)
        WHERE status IN ('pending', 'running');
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
