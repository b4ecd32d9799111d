import { describe, expect, test } from 'vitest';
import type { AppliedMigration, MigrationTool, VersionTable } from '../postgres/version-tables.ts';
import { planMigrations, type EndVersions, type MigrationChoices } from './plan-migrations.ts';
import type { RevisionFiles } from './revision-files.ts';

const origin = (database: string) => ({ host: 'db.example', port: 5432, database, user: 'reader', version: '16.4' });
const table = (tool: MigrationTool, heads: readonly string[], more: Partial<VersionTable> = {}): VersionTable => ({
  tool,
  table: { schema: 'public', name: 'alembic_version' },
  heads,
  applied: [],
  ...more,
});
const end = (database: string, ...tables: readonly VersionTable[]): EndVersions => ({
  tables,
  closed: [],
  origin: origin(database),
});
const files = (tool: MigrationTool, ...ids: readonly string[]): RevisionFiles => ({
  tools: [tool],
  folder: '/app/versions',
  migrations: ids.map((id, index) => ({ id, file: `${id}.py`, parents: ids.slice(Math.max(0, index - 1), index) })),
  heads: ids.slice(-1),
  problems: [],
});
const choices = (more: Partial<MigrationChoices> = {}): MigrationChoices => ({
  policy: 'refuse',
  files: [],
  migrates: true,
  ...more,
});

describe('a source that is ahead', () => {
  const [source, target] = [end('shop', table('Alembic', ['x'])), end('staging', table('Alembic', ['b']))];
  const known = { files: [files('Alembic', 'a', 'b')] };

  test('is refused with what the code does not know, and with what to do', () => {
    const { refusals, notes } = planMigrations(source, target, choices(known));
    expect(refusals).toEqual([
      {
        code: 'source-ahead',
        message:
          "the source is ahead of the target's code: alembic_version of the source has x, which is none of the files of /app/versions",
        hint: expect.stringContaining('migrate.policy: warn'),
      },
    ]);
    expect(notes).toEqual([]);
  });

  test('is a note where the policy is to warn', () => {
    const { refusals, notes } = planMigrations(source, target, choices({ ...known, policy: 'warn' }));
    expect(refusals).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(/^the source is ahead of the target's code: .*; migrate\.policy is warn$/),
    ]);
  });

  test('by both histories alone is told with what a folder of files would tell', () => {
    const of = (...ids: readonly string[]) =>
      table('Knex', ids.slice(-1), { applied: ids.map((id): AppliedMigration => ({ id })) });
    const { refusals } = planMigrations(
      end('shop', of('1_init.js', '2_tier.js')),
      end('staging', of('1_init.js')),
      choices(),
    );
    expect(refusals[0]?.message).toBe(
      "the source is ahead of the target: alembic_version of the source has 2_tier.js (Tier), which the target's has not",
    );
    expect(refusals[0]?.hint).toContain('migrate.versions');
  });
});

describe('a target that is ahead', () => {
  const [source, target] = [end('shop', table('Alembic', ['a'])), end('staging', table('Alembic', ['b']))];
  const known = { files: [files('Alembic', 'a', 'b')] };

  test('is usual: the plan has it, and no note', () => {
    const { planned, notes } = planMigrations(source, target, choices(known));
    expect(planned).toMatchObject([{ relation: 'target-ahead', between: [{ id: 'b' }] }]);
    expect(notes).toEqual([]);
  });

  test('and nothing that migrates is told', () => {
    expect(planMigrations(source, target, choices({ ...known, migrates: false })).notes[0]).toMatch(
      /as is usual, and nothing in migrate brings the copy there: it stays at a$/,
    );
  });
});

test('heads that only files could tell apart say so, once for all tables', () => {
  const at = (schema: string, head: string) => table('Alembic', [head], { table: { schema, name: 'alembic_version' } });
  const { notes } = planMigrations(
    end('shop', at('one', 'a'), at('two', 'a')),
    end('staging', at('one', 'b'), at('two', 'b')),
    choices(),
  );
  expect(notes).toEqual([
    'one.alembic_version, two.alembic_version: a at the source and b at the target: which is newer, and what lies between, only the files tell: migrate.versions',
  ]);
});

test('of several tables of one tool the files are those of the ones that they know', () => {
  const at = (schema: string, head: string) => table('Alembic', [head], { table: { schema, name: 'alembic_version' } });
  const { planned, refusals } = planMigrations(
    end('shop', at('one', 'a'), at('two', 'z')),
    end('staging', at('one', 'b'), at('two', 'z')),
    choices({ files: [files('Alembic', 'a', 'b')] }),
  );
  expect(planned.map(({ goalFrom, relation }) => [goalFrom, relation])).toEqual([
    ['files', 'target-ahead'],
    ['target', 'same'],
  ]);
  expect(refusals).toEqual([]);
});

test('a table that only one database has is planned too', () => {
  const found = planMigrations(end('shop', table('Knex', ['a'])), end('staging', table('Rails', ['1'])), choices());
  expect(found.planned.map(({ tool, relation }) => [tool, relation])).toEqual([
    ['Knex', 'unknown'],
    ['Rails', 'unknown'],
  ]);
  expect(found.notes).toEqual([
    expect.stringContaining('the target has been through none'),
    expect.stringContaining('the source has no such table'),
  ]);
});

test('what did not end well is a note of either end, and no refusal', () => {
  const failed = table('Prisma', [], { applied: [{ id: 'half', failed: true }] });
  const { notes, refusals } = planMigrations(end('shop', failed), end('staging', failed), choices());
  expect(notes).toEqual([
    "alembic_version of the source says that half did not end well: so will the copy's, and Prisma may refuse to go on until that is mended in the source",
    "alembic_version of the target says that half did not end well: that is gone with the target's present database",
  ]);
  expect(refusals).toEqual([]);
});

test('a table that may not be read is named with the grant that opens it', () => {
  const closed = [{ schema: 'app', name: 'SequelizeMeta' }];
  const ours = table('Sequelize', ['a'], { table: { schema: 'app', name: 'SequelizeMeta' } });
  const { notes } = planMigrations(end('shop', ours), { ...end('staging'), closed }, choices());
  expect(notes).toEqual([
    'reader may not read app.SequelizeMeta of staging at db.example:5432, which version tables are called: what was applied is not known. To let it: grant select on "app"."SequelizeMeta" to "reader"',
  ]);
});

test('files of another tool than the databases go by are an error of the config', () => {
  const some = choices({ files: [files('Django', 'a')] });
  expect(() => planMigrations(end('shop', table('Alembic', ['a'])), end('staging'), some)).toThrow(
    'migrate.versions: /app/versions holds migrations of Django, and the databases have version tables of Alembic',
  );
  expect(planMigrations(end('shop'), end('staging'), some).notes).toEqual([
    'neither database has a version table that restage knows: migrate.versions says nothing of them',
  ]);
});
