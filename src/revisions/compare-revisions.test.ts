import { describe, expect, test } from 'vitest';
import type { AppliedMigration, MigrationTool, VersionTable } from '../postgres/version-tables.ts';
import { compareRevisions } from './compare-revisions.ts';
import type { RevisionFile, RevisionFiles } from './revision-files.ts';

/** A history of these, the last one its head. */
function history(tool: MigrationTool, ...ids: readonly (string | AppliedMigration)[]): VersionTable {
  const applied = ids.map((id) => (typeof id === 'string' ? { id } : id));
  return { tool, table: { schema: 'public', name: 'versions' }, heads: applied.slice(-1).map(({ id }) => id), applied };
}

function heads(tool: MigrationTool, ...ids: readonly string[]): VersionTable {
  return { tool, table: { schema: 'public', name: 'versions' }, heads: ids, applied: [] };
}

function filesOf(
  tool: MigrationTool,
  ...list: readonly (string | (Partial<RevisionFile> & { id: string }))[]
): RevisionFiles {
  const migrations = list.map((one): RevisionFile => {
    const more = typeof one === 'string' ? { id: one } : one;
    return { file: `${more.id}.x`, ...more };
  });
  const followed = new Set(migrations.flatMap(({ parents = [] }) => parents));
  const isGraph = tool === 'Alembic' || tool === 'Django';
  const ends = isGraph ? migrations.filter(({ id }) => !followed.has(id)) : migrations.slice(-1);
  return { tools: [tool], folder: '/app/versions', migrations, heads: ends.map(({ id }) => id), problems: [] };
}

const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id);

describe('by the files of Alembic', () => {
  const graph = filesOf(
    'Alembic',
    { id: 'a', parents: [] },
    { id: 'b', parents: ['a'], description: 'Tier', date: '2025-12-21' },
    { id: 'c', parents: ['a'] },
    { id: 'd', parents: ['b', 'c'] },
  );

  test('what the source has not been through lies between, newest first, with what it does and its date', () => {
    const planned = compareRevisions(heads('Alembic', 'a'), heads('Alembic', 'b'), graph);
    expect(planned).toMatchObject({
      relation: 'target-ahead',
      goal: ['d'],
      goalFrom: 'files',
      beyond: [],
      problems: [],
    });
    expect(ids(planned.between)).toEqual(['d', 'c', 'b']);
    expect(planned.between[2]).toEqual({ id: 'b', description: 'Tier', date: '2025-12-21' });
    expect(planned.readFrom).toBe('the files of /app/versions');
  });

  test('of several heads each counts', () => {
    expect(ids(compareRevisions(heads('Alembic', 'b', 'c'), undefined, graph).between)).toEqual(['d']);
    expect(ids(compareRevisions(heads('Alembic', 'c'), undefined, graph).between)).toEqual(['d', 'b']);
  });

  test('a source at the end of them has nothing to come', () => {
    expect(compareRevisions(heads('Alembic', 'd'), heads('Alembic', 'a'), graph)).toMatchObject({
      relation: 'same',
      between: [],
    });
  });

  test('a head that no file is means that the source is ahead, even where the target has it too', () => {
    for (const target of ['a', 'x'])
      expect(compareRevisions(heads('Alembic', 'x', 'd'), heads('Alembic', target), graph)).toMatchObject({
        relation: 'source-ahead',
        beyond: [{ id: 'x' }],
      });
  });

  test("a head of the target that no file is may mean that it is another code's folder", () => {
    const { relation, problems } = compareRevisions(heads('Alembic', 'a'), heads('Alembic', 'x'), graph);
    expect(relation).toBe('target-ahead');
    expect(problems).toEqual(['no file is x, in versions of the target: is this the code that it runs?']);
  });

  test('a source without the table has everything to come', () => {
    expect(ids(compareRevisions(undefined, heads('Alembic', 'd'), graph).between)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('by the files of a tool that keeps a history', () => {
  const rails = filesOf('Rails', '20250101000000', '20250201000000', '20250301000000');

  test('what was applied out of turn is not between, and what was left out is', () => {
    const planned = compareRevisions(history('Rails', '20250101000000', '20250301000000'), undefined, rails);
    expect(ids(planned.between)).toEqual(['20250201000000']);
    expect(planned).toMatchObject({ relation: 'target-ahead', goal: ['20250301000000'] });
  });

  test('what no file is, and only the source has been through, puts it ahead, or apart', () => {
    const all = ['20250101000000', '20250201000000', '20250301000000'];
    const hotfix = '20250215000000';
    expect(compareRevisions(history('Rails', ...all, hotfix), history('Rails', ...all), rails)).toMatchObject({
      relation: 'source-ahead',
      beyond: [{ id: hotfix, date: '2025-02-15T00:00:00' }],
    });
    expect(compareRevisions(history('Rails', '20250101000000', hotfix), history('Rails', ...all), rails)).toMatchObject(
      {
        relation: 'diverged',
      },
    );
  });

  test('files that were put away, or that both databases have left behind, put nobody ahead', () => {
    const old = history('Rails', '20240101000000', '20250101000000', '20250210000000', '20250301000000');
    const { relation, between, problems } = compareRevisions(old, old, rails);
    expect([relation, ids(between)]).toEqual(['target-ahead', ['20250201000000']]);
    expect(problems).toEqual(['no file is 20250210000000, in versions of both databases']);
  });

  test('numbers, versions and names are the same however they are written', () => {
    expect(
      compareRevisions(heads('golang-migrate', '9'), undefined, filesOf('golang-migrate', '000009', '000010')),
    ).toMatchObject({
      relation: 'target-ahead',
      between: [{ id: '000010' }],
    });
    expect(
      compareRevisions(history('Flyway', '1.0', '01.2'), undefined, filesOf('Flyway', '1', '1.2', '1.10')),
    ).toMatchObject({ between: [{ id: '1.10' }], beyond: [] });
    expect(compareRevisions(history('Knex', '1_a.js'), undefined, filesOf('Knex', '1_a'))).toMatchObject({
      relation: 'same',
    });
    expect(
      compareRevisions(
        history('Liquibase', 'classpath:db/changes/a.sql::1::ann'),
        undefined,
        filesOf('Liquibase', 'changes/a.sql::1::ann', 'changes/b.sql::1::ann'),
      ),
    ).toMatchObject({ relation: 'target-ahead', between: [{ id: 'changes/b.sql::1::ann' }], beyond: [] });
  });

  test('what is older than a baseline counts as applied, and what failed does not', () => {
    const flyway = history('Flyway', { id: '5', baseline: true }, '6', { id: '7', failed: true });
    expect(ids(compareRevisions(flyway, undefined, filesOf('Flyway', '1', '5', '6', '7', 'R__views')).between)).toEqual(
      ['R__views', '7'],
    );
  });

  test('of Django what was squashed counts where all of it was applied; apps without files are compared with the target', () => {
    const files = filesOf('Django', { id: 'b.0001_squashed', app: 'b', parents: [], replaces: ['b.0001', 'b.0002'] });
    const of = (...names: readonly string[]) =>
      history('Django', ...names.map((id) => ({ id, app: id.split('.')[0] ?? '' })));
    expect(compareRevisions(of('b.0001', 'b.0002', 'auth.0001'), of('auth.0001'), files).relation).toBe('same');
    expect(compareRevisions(of('b.0001', 'auth.0001'), of('auth.0001'), files).relation).toBe('target-ahead');
    expect(compareRevisions(of('b.0001', 'b.0002', 'auth.0002'), of('auth.0001'), files)).toMatchObject({
      relation: 'source-ahead',
      beyond: [{ id: 'auth.0002' }],
    });
    expect(compareRevisions(of('b.0001', 'b.0002', 'auth.0002'), undefined, files).relation).toBe('same');
  });
});

describe('without files', () => {
  test('histories say what each has been through', () => {
    const [one, two, three] = [
      { id: '20250101000000_init' },
      { id: '20250201000000_add_tier', appliedAt: '2025-02-03T00:00:00Z' },
      { id: '20250301000000_notes' },
    ];
    const of = (...list: readonly AppliedMigration[]) => history('Prisma', ...list);
    expect(compareRevisions(of(one), of(one, two), undefined)).toEqual({
      tool: 'Prisma',
      table: { schema: 'public', name: 'versions' },
      source: [one.id],
      target: [two.id],
      goal: [two.id],
      goalFrom: 'target',
      relation: 'target-ahead',
      between: [{ id: two.id, description: 'Add tier', date: '2025-02-01T00:00:00' }],
      beyond: [],
      readFrom: 'versions of both databases',
      problems: [],
    });
    expect(compareRevisions(of(one, two), of(one, two))).toMatchObject({ relation: 'same', goal: [two.id] });
    expect(compareRevisions(of(one, two), of(one))).toMatchObject({
      relation: 'source-ahead',
      goal: [],
      beyond: [{ id: two.id }],
    });
    expect(compareRevisions(of(one, three), of(one, two))).toMatchObject({
      relation: 'diverged',
      between: [{ id: two.id }],
      beyond: [{ id: three.id }],
      goal: [],
    });
  });

  test('other heads of Alembic say nothing of which is newer, but whoever has all of the other is', () => {
    const of = (...list: readonly string[]) => heads('Alembic', ...list);
    expect(compareRevisions(of('a'), of('b'))).toMatchObject({ relation: 'unknown', goal: ['b'], goalFrom: 'target' });
    expect(compareRevisions(of('a', 'b'), of('b', 'a')).relation).toBe('same');
    expect(compareRevisions(of('a'), of('a', 'b')).relation).toBe('target-ahead');
    expect(compareRevisions(of('a', 'b'), of('a')).relation).toBe('source-ahead');
  });

  test('numbers of golang-migrate say which is newer', () => {
    const of = (number: string) => heads('golang-migrate', number);
    expect(compareRevisions(of('9'), of('10')).relation).toBe('target-ahead');
    expect(compareRevisions(of('10'), of('9'))).toMatchObject({ relation: 'source-ahead', beyond: [{ id: '10' }] });
    expect(compareRevisions(of('9'), of('9')).relation).toBe('same');
  });

  test('a target that has been through nothing does not say what its code knows', () => {
    expect(compareRevisions(history('Knex', 'a'), undefined)).toMatchObject({ relation: 'unknown', goal: [] });
    expect(compareRevisions(history('Knex', 'a'), history('Knex'))).toMatchObject({ relation: 'unknown', goal: [] });
    expect(compareRevisions(undefined, history('Knex', 'a'))).toMatchObject({ relation: 'unknown', goal: ['a'] });
  });

  test('a baseline stands for everything that is older', () => {
    const baseline = history('Flyway', { id: '5', baseline: true }, '6');
    expect(compareRevisions(baseline, history('Flyway', '1', '2', '5', '6')).relation).toBe('same');
    expect(compareRevisions(history('Flyway', '1', '5', '6'), baseline).relation).toBe('same');
  });
});
