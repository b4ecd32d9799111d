"""Shelves, and an index over slugs

Revision ID: c0d17b58ef39
Revises: a94e6c02d5b8
Create Date: 2025-12-19 15:21:33
"""
import sqlalchemy as sa
from alembic import op

revision = "c0d17b58ef39"
down_revision = "a94e6c02d5b8"


def upgrade():
    op.create_table("shelves", sa.Column("id", sa.Integer, primary_key=True), sa.Column("room", sa.Text))
    op.create_index("books_slug", "books", ["slug"], unique=True)
