import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCodes, type Finding, type Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
  await mkdir(join(scene.folder, 'versions'));
  const revisions = [
    ['q0', null, 'Add provenance', '2025-12-19'],
    ['r1', 'q0', 'Add extraction status', '2025-12-19'],
    ['s2', 'r1', 'Add author tier', '2025-12-21'],
  ] as const;
  for (const [id, parent, what, date] of revisions)
    await writeFile(
      join(scene.folder, 'versions', `${id}.py`),
      `"""${what}\n\nRevision ID: ${id}\nCreate Date: ${date} 10:00:00\n"""\nrevision: str = "${id}"\ndown_revision = ${parent === null ? 'None' : `'${parent}'`}\n`,
    );
});
afterAll(() => scene[Symbol.asyncDispose]());

const at = (revision: string) => `
  create table alembic_version (version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num));
  insert into alembic_version values ('${revision}');
  create table books (id int primary key);
  insert into books values (1);`;
const prisma = (...names: readonly string[]) => `
  create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0);
  ${names.map((name) => `insert into _prisma_migrations values ('${name}', 'c', now(), '${name}');`).join('\n')}`;

async function planned(migrate?: unknown): Promise<{ readonly code: number | null; readonly plan: Plan }> {
  const ended = await scene.restage(await scene.configure({ migrate }), 'plan', '--json');
  return { code: ended.code, plan: JSON.parse(ended.stdout) as Plan }; // the tests look at each field that they use
}

test('staging that is ahead is said to be, with what lies between: migration, description and date', async () => {
  await scene.arrange(at('q0'), at('s2'));
  const { code, plan } = await planned({ versions: 'versions' });
  expect(code).toBe(0);
  expect(plan.migrations).toEqual([
    {
      tool: 'Alembic',
      table: { schema: 'public', name: 'alembic_version' },
      source: ['q0'],
      target: ['s2'],
      goal: ['s2'],
      goalFrom: 'files',
      relation: 'target-ahead',
      between: [
        { id: 's2', description: 'Add author tier', date: '2025-12-21T10:00:00' },
        { id: 'r1', description: 'Add extraction status', date: '2025-12-19T10:00:00' },
      ],
      beyond: [],
      readFrom: 'the files of versions',
      problems: [],
    },
  ]);
  expect(plan.notes).toContainEqual(
    expect.stringMatching(
      /^alembic_version: the target is ahead of the source by 2 migrations, from q0 to s2, as is usual/,
    ),
  );
  expect(plan.target.database).toMatchObject({ revision: 's2', versions: [{ tool: 'Alembic', heads: ['s2'] }] });
});

test("production that is ahead of staging's code stops the run, unless the config only warns", async () => {
  await scene.arrange(at('t3'), at('s2'));
  const { code, plan } = await planned({ versions: 'versions' });
  expect([code, plan.refusals?.map((one) => one.code)]).toEqual([exitCodes['source-ahead'], ['source-ahead']]);
  expect(code).toBe(3);
  expect(plan.refusals?.[0]?.message).toMatch(/alembic_version of the source has t3, which is none of the files of /);
  const refused = await scene.restage(await scene.configure({ migrate: { versions: 'versions' } }), 'sync', '--yes');
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('migrate.policy: warn')]);
  expect(await scene.onTarget('select * from alembic_version')).toEqual([{ version_num: 's2' }]);

  const warned = await planned({ versions: 'versions', policy: 'warn' });
  expect([warned.code, warned.plan.refusals]).toEqual([0, undefined]);
  expect(warned.plan.notes).toContainEqual(expect.stringMatching(/^the source is ahead .*; migrate\.policy is warn$/));
  const { code: synced } = await scene.sync(
    await scene.configure({ migrate: { versions: 'versions', policy: 'warn' } }),
  );
  expect(synced).toBe(0);
});

test('without files other heads are unknown, and a history says which is ahead', async () => {
  await scene.arrange(at('q0'), at('s2'));
  const unknown = await planned();
  expect([unknown.code, unknown.plan.migrations?.[0]?.relation]).toEqual([0, 'unknown']);
  expect(unknown.plan.notes).toContainEqual(expect.stringContaining('only the files tell: migrate.versions'));

  await scene.arrange(prisma('1_init', '2_tier'), prisma('1_init'));
  const ahead = await planned();
  expect([ahead.code, ahead.plan.refusals?.[0]?.code]).toEqual([3, 'source-ahead']);
  await scene.arrange(prisma('1_init'), prisma('1_init', '2_tier'));
  const behind = await planned();
  expect([behind.code, behind.plan.migrations?.[0]?.between]).toEqual([
    0,
    [{ id: '2_tier', description: 'Tier', date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) }],
  ]);
});

test('a first refresh is not stopped, for an empty staging does not say what its code knows', async () => {
  await scene.arrange(prisma('1_init'));
  const { code, plan } = await planned();
  expect([code, plan.migrations?.[0]?.relation, plan.migrations?.[0]?.goal]).toEqual([0, 'unknown', []]);
});

test('a folder that is not there, and files of another tool, are errors of the config', async () => {
  await scene.arrange(prisma('1_init'), prisma('1_init'));
  for (const [versions, words] of [
    ['nowhere', 'cannot be read'],
    ['versions', 'holds migrations of Alembic, and the databases have version tables of Prisma'],
  ]) {
    const ended = await scene.restage(await scene.configure({ migrate: { versions } }), 'plan');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(new RegExp(`migrate\\.versions: \\S*${versions} ${words}`));
  }
});

test('a plan does not hold where migrations were applied since, or a file came', async () => {
  await scene.arrange(prisma('1_init', '3_notes'), prisma('1_init', '3_notes', '4_tier'));
  const config = await scene.configure();
  await scene.restage(config, 'plan', '--out', 'plan.json');
  await scene.onSource(`insert into _prisma_migrations values ('2', 'c', now(), '2_late')`);
  await scene.onTarget(
    `insert into _prisma_migrations values ('2', 'c', now(), '2_late'), ('5', 'c', now(), '5_more')`,
  );
  const ended = await scene.restage(config, 'sync', '--yes', '--plan', 'plan.json');
  expect(ended.code).toBe(exitCodes['plan-outdated']);
  expect(ended.stderr).toContain('_prisma_migrations of the source says otherwise than in the plan of 2_late');
  expect(ended.stderr).toContain("the target's revision is 5_more; it was 4_tier");
  expect(ended.stderr).toContain('_prisma_migrations: migrations that were not planned: 5_more');
});

test('the check tells the same before any plan', async () => {
  const row = async (migrate: unknown) => {
    const { stdout } = await scene.restage(await scene.configure({ migrate }), 'check', '--json');
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] }; // looked at below
    return findings.find(({ setting }) => setting === 'migrate');
  };
  await scene.arrange(at('t3'), at('s2'));
  expect(await row({ versions: 'versions' })).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining("the source is ahead of the target's code"),
    fix: expect.stringContaining('migrate.policy: warn'),
  });
  expect(await row({ versions: 'versions', policy: 'warn' })).toMatchObject({
    verdict: 'note',
    found: expect.stringMatching(/^production t3, staging s2; the source is ahead/),
  });
  await scene.arrange(at('q0'), at('s2'));
  expect(await row({ versions: 'versions' })).toMatchObject({
    verdict: 'note',
    found:
      'production q0, staging s2, 2 migrations between; afterwards staging is at q0, and nothing brings it forward',
  });
});

test("a comparison leaves version tables out, and none of somebody's own that is only called like one", async () => {
  const birds = (name: string) => `
    create table migrations (id int primary key, "timestamp" bigint not null, name varchar not null);
    insert into migrations values (1, 1761984000000, '${name}');`;
  await scene.arrange(at('q0') + birds('Arctic tern'), at('s2') + birds('Swift'));
  const ended = await scene.restage(await scene.configure(), 'verify', '--json');
  expect(ended.code).toBe(4);
  const { database } = JSON.parse(ended.stdout) as {
    readonly database: {
      readonly leftOut: unknown;
      readonly tables: readonly { readonly table: { readonly name: string }; readonly equal: boolean }[];
    };
  }; // looked at below
  expect(database.leftOut).toEqual([
    { table: { schema: 'public', name: 'alembic_version' }, reason: 'for it holds the revision' },
  ]);
  expect(database.tables.map(({ table, equal }) => [table.name, equal])).toEqual([
    ['books', true],
    ['migrations', false],
  ]);
  expect(database).toMatchObject({ sourceRevision: 'q0', targetRevision: 's2' });
});
