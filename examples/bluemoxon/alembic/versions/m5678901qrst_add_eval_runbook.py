"""Add eval runbook

Revision ID: m5678901qrst
Revises: l4567890opqr
Create Date: 2025-12-17 09:00:00.000000

"""
from alembic import op

revision = 'm5678901qrst'
down_revision = 'l4567890opqr'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""
      CREATE TABLE eval_runbooks (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        book_id integer NOT NULL UNIQUE REFERENCES books (id) ON DELETE CASCADE,
        total_score integer NOT NULL,
        score_breakdown jsonb NOT NULL,
        recommendation varchar(20) NOT NULL,
        original_asking_price numeric(10,2),
        current_asking_price numeric(10,2),
        condition_grade varchar(20),
        condition_positives jsonb,
        condition_negatives jsonb,
        critical_issues jsonb,
        item_identification json,
        ebay_comparables json,
        abebooks_comparables json,
        analysis_narrative text,
        generated_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE eval_price_history (
        id serial PRIMARY KEY,
        eval_runbook_id integer NOT NULL REFERENCES eval_runbooks (id) ON DELETE CASCADE,
        previous_price numeric(10,2),
        new_price numeric,
        discount_code varchar(100),
        notes text,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX eval_price_history_eval_runbook_id_idx ON eval_price_history (eval_runbook_id);
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
