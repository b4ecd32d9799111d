import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { requireNoSessions, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import type { Failure } from '../src/index.ts';

// A server that lets restage have fewer sessions than it wants: it goes on with those it has, or says which limit it is.
let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
  const tables = Array.from(
    { length: 12 },
    (_, number) => `
      create table t${number} (id integer primary key, page text);
      insert into t${number} select id, repeat(md5(id::text), 10) from generate_series(1, 4000) id;`,
  );
  await scene.arrange(`${tables.join('')} analyze`, `create table kept (id integer); insert into kept values (1)`);
  await scene.onSource(`create role reader login password 'of the reader' in role pg_read_all_data`);
  await scene.onTarget(`
    create role builder login password 'of the builder' createdb;
    alter database staging owner to builder;
    alter table kept owner to builder`);
});
afterAll(() => scene[Symbol.asyncDispose]());
beforeEach(async () => {
  await scene.onSource(`alter role reader connection limit -1; alter database production connection limit -1`);
  await scene.onTarget(`alter role builder connection limit -1; alter database staging connection limit -1`);
});

function as(url: string, user: string, password: string): string {
  const other = new URL(url);
  other.username = user;
  other.password = password;
  return other.href;
}

async function configure(): Promise<string> {
  return scene.configure({
    source: as(scene.source.adminUrl('production'), 'reader', 'of the reader'),
    target: as(scene.target.adminUrl('staging'), 'builder', 'of the builder'),
    database: { jobs: 4, keepPrevious: 0 },
  });
}

const limits = [
  {
    end: 'source',
    whose: 'role',
    sql: 'alter role reader connection limit 4',
    words: 'too many connections for role "reader"',
  },
  {
    end: 'source',
    whose: 'database',
    sql: 'alter database production connection limit 4',
    words: 'too many connections for database "production"',
  },
  {
    end: 'target',
    whose: 'role',
    sql: 'alter role builder connection limit 4',
    words: 'too many connections for role "builder"',
  },
] as const;

test.each(limits)(
  'a $whose of the $end that may have four sessions is copied in fewer lanes, and that is said',
  async ({ end, sql, words }) => {
    await (end === 'source' ? scene.onSource(sql) : scene.onTarget(sql));
    const { code, stderr, report } = await scene.sync(await configure());
    expect([code, stderr]).toEqual([0, expect.stringContaining('✓ swap')]);
    expect(report.figures.tables).toMatchObject({ copied: 12, equal: 12 });
    const note = report.remarks.find((one) => one.includes(words));
    expect(note ?? report.remarks).toMatch(/[23] .*4/); // how many there were instead of how many
    await requireNoSessions(scene.source, scene.target);
  },
);

test.each(limits)(
  'a $whose of the $end that may have one session is refused by the name of the limit',
  async ({ end, sql, words }) => {
    const before = await stagingOf(scene);
    await (end === 'source' ? scene.onSource : scene.onTarget)(sql.replace('limit 4', 'limit 1'));
    const { code, stdout } = await scene.restage(await configure(), 'sync', '--yes', '--json');
    // Before the first step, or in it.
    const { error, failure = error } = JSON.parse(stdout) as { readonly error?: Failure; readonly failure?: Failure };
    expect([code, failure]).toMatchObject([1, { code: 'database-unreachable' }]);
    expect(failure?.message).toContain(`127.0.0.1:${scene[end].port}`);
    expect(failure?.message).toMatch(`${words} (SQLSTATE 53300)`);
    expect(failure?.hint).toMatch(/Raise the limit: alter .*connection limit/);
    await (end === 'source' ? scene.onSource : scene.onTarget)(sql.replace('limit 4', 'limit -1'));
    expect((await stagingOf(scene)).tables).toEqual(before.tables);
    await requireNoSessions(scene.source, scene.target);
  },
);
