import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { migrationsUpTo, stagingRevision, type Migration } from './migrations.ts';

const folder = new URL('alembic/versions/', import.meta.url);

/** A migration as the team has it: a file of Alembic's. */
function fileOf({ revision, description, date, sql }: Migration, parent: Migration | undefined): string {
  return `"""${description}

Revision ID: ${revision}
Revises: ${parent?.revision ?? ''}
Create Date: ${date} 09:00:00.000000

"""
from alembic import op

revision = '${revision}'
down_revision = ${parent === undefined ? 'None' : `'${parent.revision}'`}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(r"""${sql.trimEnd()}
    """)


def downgrade() -> None:
    raise NotImplementedError('the sample only goes forward')
`.replaceAll(/ +$/gm, '');
}

test("the files of staging's code are the migrations that its application runs", () => {
  const migrations = migrationsUpTo(stagingRevision);
  const expected = migrations.map((migration, index): [string, string] => [
    `${migration.revision}_${migration.description.toLowerCase().replaceAll(/\W+/g, '_')}.py`,
    fileOf(migration, migrations[index - 1]),
  ]);
  const found = readdirSync(folder).map((name): [string, string] => [
    name,
    readFileSync(new URL(name, folder), 'utf8'),
  ]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
});
