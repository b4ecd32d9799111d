import { expect, test } from 'vitest';
import { historyDifferences, migrationDifferences } from './plan-compare-migrations.ts';
import type { DatabaseFigures } from './plan-database.ts';
import type { VersionTable } from './postgres/version-tables.ts';
import type { PlannedMigrations } from './revisions/planned-migrations.ts';

const table = { schema: 'public', name: 'knex_migrations' };
const figures = (...versions: readonly VersionTable[]) => ({ versions }) as unknown as DatabaseFigures; // all that is looked at
const knex = (...applied: VersionTable['applied']): VersionTable => ({ tool: 'Knex', table, heads: ['9'], applied });
const differences = (then: DatabaseFigures, now: DatabaseFigures) => historyDifferences('source', then, now);

test('a history that is the same is no difference, and each migration that came, went, failed or was mended is one', () => {
  const [one, two] = [{ id: '1' }, { id: '2' }];
  const then = figures(knex(one, two));
  expect(differences(then, figures(knex(one, two)))).toEqual([]);
  expect(differences(then, figures(knex(one)))).toEqual([
    'knex_migrations of the source says otherwise than in the plan of 2',
  ]);
  expect(differences(then, figures(knex(one, two, { id: '0' })))).toEqual([expect.stringMatching(/ of 0$/)]);
  const failed = figures(knex(one, { ...two, failed: true }));
  expect(differences(then, failed)).toEqual([expect.stringMatching(/ of 2$/)]);
  expect(differences(failed, then)).toEqual([expect.stringMatching(/ of 2$/)]);
});

test('a version table that came or went is told', () => {
  expect(differences(figures(), figures(knex()))).toEqual([
    "the source's database has the version table knex_migrations of Knex",
  ]);
  expect(differences(figures(knex()), figures())).toEqual([
    "the source's database has no more the version table knex_migrations of Knex",
  ]);
});

test('what is to come otherwise than planned is told, and how both stand where that alone has changed', () => {
  const planned = (relation: PlannedMigrations['relation'], ...ids: readonly string[]) => [
    { tool: 'Knex', table, relation, between: ids.map((id) => ({ id })) } as unknown as PlannedMigrations, // all that is looked at
  ];
  const then = planned('target-ahead', 'a', 'b');
  expect(migrationDifferences(then, planned('target-ahead', 'a', 'b'))).toEqual([]);
  expect(migrationDifferences(then, planned('target-ahead', 'b', 'c'))).toEqual([
    'knex_migrations: migrations that were not planned: c',
    'knex_migrations: migrations that are not to come any more: a',
  ]);
  expect(migrationDifferences(planned('unknown'), planned('source-ahead'))).toEqual([
    'knex_migrations: how both stand is source-ahead; it was unknown',
  ]);
});
