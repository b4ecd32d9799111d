"""Authors and books

Revision ID: 2e4c8a10b3f1
Revises:
Create Date: 2025-10-02 09:15:00
"""
import sqlalchemy as sa
from alembic import op

revision = "2e4c8a10b3f1"
down_revision = None


def upgrade():
    op.create_table(
        "authors",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "books",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("authors.id")),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("status", sa.Text),
    )
