"""A slug for every book, made of its title

Revision ID: 81f3a95d7e44
Revises: 5b7d0f26c9a2
Create Date: 2025-11-30 11:02:45
"""
import sqlalchemy as sa
from alembic import op

revision = "81f3a95d7e44"
down_revision = "5b7d0f26c9a2"


def upgrade():
    op.add_column("books", sa.Column("slug", sa.Text))
    op.execute("update books set slug = lower(regexp_replace(title, '[^[:alnum:]]+', '-', 'g')) || '-' || id")
    op.alter_column("books", "slug", nullable=False)
