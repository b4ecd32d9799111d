"""The status is one of three

Revision ID: a94e6c02d5b8
Revises: 81f3a95d7e44
Create Date: 2025-12-08 08:00:00
"""
import sqlalchemy as sa
from alembic import op

revision = "a94e6c02d5b8"
down_revision = "81f3a95d7e44"

state = sa.Enum("wanted", "owned", "sold", name="book_state")


def upgrade():
    state.create(op.get_bind())
    op.alter_column(
        "books", "status", type_=state, postgresql_using="coalesce(status, 'wanted')::book_state", nullable=False
    )
