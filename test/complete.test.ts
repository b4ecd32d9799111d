import { everyVersion, startNewest, type Newest } from './every-version.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlFile, startCloneScene, type CloneScene, type Ended } from './clone-scene.ts';
import { factsOf, type DatabaseFacts } from './database-facts.ts';
import {
  barerViews,
  comparableLines,
  noPublications,
  parentsFirst,
  publicOfAnother,
  schemaOf,
  type IntendedDifference,
} from './schema-of.ts';
import type { Report } from '../src/index.ts';

// A database that holds one of everything, cloned from each version to the newest. Every object that is not named as an
// intended difference must arrive as it was.
let newest: Newest;
beforeAll(async () => {
  newest = await startNewest();
});
afterAll(() => newest[Symbol.asyncDispose]());

/** What a clone leaves behind, and the plan says so: an index that no query uses and that promises nothing. */
const invalidIndex = 'invalid; one';

function intendedFor(version: number, publications: boolean): IntendedDifference[] {
  return [
    parentsFirst('joined_later'),
    ...(version < 15 ? [publicOfAnother] : []),
    ...(version < 16 ? [barerViews] : []),
    ...(publications ? [] : [noPublications]),
  ];
}

function withoutIntended(facts: DatabaseFacts, publications: boolean): DatabaseFacts {
  const left = ([subject, lines]: readonly [string, readonly string[]]) =>
    [
      subject,
      lines.filter(
        (line) =>
          !line.includes(invalidIndex) &&
          (publications || (subject !== 'publications' && !line.startsWith('publication '))),
      ),
    ] as const;
  return Object.fromEntries(Object.entries(facts).map(left));
}

async function arrange(scene: CloneScene, version: number): Promise<void> {
  const newer = [15, 16, 17, 18].filter((since) => since <= version).map((since) => `since-${since}`);
  const [roles = '', ...files] = await Promise.all(
    ['roles', 'types', 'tables', 'code', 'values', 'large-objects', ...newer].map((name) =>
      sqlFile(`complete/${name}.sql`),
    ),
  );
  await scene.arrange([roles, ...files], roles);
  await expect(
    scene.onSource(`create unique index concurrently "invalid; one" on shop.triggered ((1))`),
  ).rejects.toThrow('could not create unique index');
}

describe.each(everyVersion)('from PostgreSQL %i', (version, name) => {
  let scene: CloneScene;
  let sync: Ended & { readonly report: Report };
  beforeAll(async () => {
    scene = await startCloneScene({ source: name, target: newest.target });
    await arrange(scene, version);
    sync = await scene.sync(await scene.configure());
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('the run succeeds and its own verification finds every table equal', () => {
    expect(sync.report.failure).toBeUndefined();
    expect([sync.code, sync.report.outcome]).toEqual([0, 'done']);
    expect(sync.report.steps.filter(({ outcome }) => outcome.status !== 'done')).toEqual([]);
    const verified = sync.report.steps.find(({ kind }) => kind === 'verify-tables');
    expect(verified?.outcome).toMatchObject({ status: 'done', facts: { different: [] } });
  });

  test('every definition is the same', async () => {
    const intended = intendedFor(version, false);
    const [ours, theirs] = await Promise.all([
      schemaOf(scene.source.adminUrl('production')),
      schemaOf(scene.target.adminUrl('staging')),
    ]);
    expect(comparableLines(theirs, 'target', intended)).toEqual(comparableLines(ours, 'source', intended));
    expect(ours.length).toBeGreaterThan(400);
  });

  test('every object, state, comment, sequence and row is the same', async () => {
    const [ours, theirs] = await Promise.all([
      factsOf(scene.source.adminUrl('production')),
      factsOf(scene.target.adminUrl('staging')),
    ]);
    expect(theirs).toEqual(withoutIntended(ours, false));
    expect(ours['rows']?.length).toBeGreaterThan(60);
  });

  test('every table has statistics', async () => {
    const counted = await scene.onTarget(`
      select count(*) filter (where reltuples < 0) as without, count(*) > 60 as many
        from pg_class c
       where relkind in ('r', 'm') and relispopulated and oid >= 16384`);
    expect(counted).toEqual([{ without: '0', many: 't' }]);
  });

  test('the invalid index and the publications that stay behind are named', () => {
    const notes = sync.report.notes.join('\n');
    expect(notes).toContain('invalid; one');
    expect(notes).toContain('everything');
  });
});
