"""Prices, which are exact

Revision ID: 5b7d0f26c9a2
Revises: 2e4c8a10b3f1
Create Date: 2025-10-20 17:40:12
"""
import sqlalchemy as sa
from alembic import op

revision = "5b7d0f26c9a2"
down_revision = "2e4c8a10b3f1"


def upgrade():
    op.add_column("books", sa.Column("price", sa.Numeric(12, 2)))
