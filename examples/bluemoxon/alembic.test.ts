import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { migrationsUpTo, stagingRevision } from './migrations.ts';

test("the application runs every file of staging's migrations, one after the other, and reads what each brings", () => {
  const migrations = migrationsUpTo(stagingRevision);
  expect(migrations).toHaveLength(readdirSync(new URL('alembic/versions/', import.meta.url)).length);
  expect(migrations.filter(({ needs }) => needs.length === 0)).toEqual([]);
  expect(migrations.at(-1)).toMatchObject({ description: 'Add author tier', parent: 'r1234567ghij' });
});
