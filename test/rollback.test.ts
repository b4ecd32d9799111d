import { afterAll, beforeAll, expect, test } from 'vitest';
import { appClient } from '../src/app/client.ts';
import { usualPlace } from '../src/app/version.ts';
import type { Ends, HistoryEntry, RollbackReport, Status } from '../src/index.ts';
import { checkApp, checkDatabase } from '../src/perform/check-restored.ts';
import { targetDatabase } from '../src/postgres/target.ts';
import { stagingOf } from './clone-faults.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';
import { startSmallApp } from './small-app.ts';

let scene: BackScene;

beforeAll(async () => {
  scene = await startBackScene();
  await scene.arrange(production('new', 'healthy'), production('old', 'healthy'));
});
afterAll(() => scene[Symbol.asyncDispose]());

test('what a refresh replaced is put back, and had again in the same way; status and runs tell of each', async () => {
  const config = await scene.withApp({ tables: { books: { where: 'id < 40' } } });
  const old = await stagingOf(scene);
  const { report } = await scene.sync(config);
  expect(report.failure).toBeUndefined();
  const refreshed = await stagingOf(scene);

  const told = await scene.restage(config, 'status', '--json');
  const { database } = JSON.parse(told.stdout) as Status;
  expect(database).toMatchObject({
    present: { state: 'accepted', made: { run: report.run, rules: ['only some rows: books'] }, now: { tables: 3 } },
    previous: [{ run: report.run, state: 'not-restage' }],
    rollsBack: report.run,
  });

  const back = await scene.restage(config, 'rollback', '--yes', '--json');
  expect(back.code).toBe(0);
  const first = JSON.parse(back.stdout) as RollbackReport;
  expect(first).toMatchObject({ outcome: 'done', swapped: true, back: { run: report.run } });
  expect(first.verified.map(({ what, ok }) => [what, ok])).toEqual([
    ['database', true],
    ['revision', true],
    ['health', true],
    ['version', true],
  ]);
  const restored = await stagingOf(scene);
  const isStaging = ({ name }: { readonly name?: string | null }) => name === 'staging';
  expect(restored.databases.find(isStaging)).toEqual(old.databases.find(isStaging)); // its number, too
  expect({ ...restored, databases: [] }).toEqual({ ...old, databases: [] });

  const again = await scene.restage(config, 'rollback', first.run, '--yes', '--json');
  expect(again.code).toBe(0);
  const { databases, ...contents } = await stagingOf(scene);
  expect(contents).toEqual({ ...refreshed, databases: undefined });
  expect(databases.find(isStaging)).toEqual(refreshed.databases.find(isStaging));

  const listed = await scene.restage(config, 'runs', '--json');
  const { runs } = JSON.parse(listed.stdout) as { readonly runs: readonly HistoryEntry[] };
  expect(runs.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['rollback', 'done'],
    ['rollback', 'done'],
    ['sync', 'done'],
  ]);
  expect(runs[2]).toMatchObject({ run: report.run, tables: 3, database: 'staging' });
});

test('another database under the name, none, and another revision are told after it', async () => {
  const { hostname, port, username, password } = new URL(scene.target.adminUrl());
  const reached = { host: hostname, port: Number(port), user: username, password, tls: 'disable' as const };
  const [{ number, head } = {}] = await scene.onTarget(
    'select oid as number, version_num as head from pg_database, alembic_version where datname = current_database()',
  );
  const look = async (database: string, oid: string, revision: string) => {
    const target = targetDatabase({ ...reached, database });
    await using session = await target.session({ label: 'a test', database: 'postgres' });
    const checks = await checkDatabase(() => Promise.resolve(session), { target, label: 'a test', oid, revision });
    return checks.map(({ what, ok, found }) => `${what} ${ok}: ${found}`);
  };
  expect(await look('staging', number ?? '', head ?? '')).toEqual([
    `database true: staging is the one from before, by its number ${number}`,
    `revision true: ${head}, as it was read before`,
  ]);
  expect(await look('staging', '1', 'x-head')).toEqual([
    `database false: staging is number ${number}, and was number 1`,
    `revision false: ${head}, and was x-head`,
  ]);
  expect(await look('stagin', number ?? '', head ?? '')).toEqual([
    `database false: stagin is not there, and was number ${number}`,
    expect.stringMatching(/^revision false: .*"stagin" does not exist/),
  ]);
});

test("of the applications only the target's is asked: one of another environment, or without a version, is told", async () => {
  let told: object = {};
  await using app = await startSmallApp(() => told);
  const end = (environment: string) => ({
    name: environment,
    account: undefined,
    database: undefined,
    buckets: new Map<string, never>(),
    app: appClient(app.url, {}, { version: usualPlace, environment }),
  });
  const ends: Ends = { source: end('production'), target: end('staging'), doubts: [], [Symbol.dispose]: () => {} };
  const step = {
    id: 'compare-versions',
    after: [],
    kind: 'compare-versions',
    policy: 'same',
    withinSeconds: 0,
  } as const;
  const say = async (answer: object) => {
    told = answer;
    return checkApp([step], ends, 'a test', new AbortController().signal);
  };
  const version = { version: '1.4.0', environment: 'staging' };
  expect(await say({ body: version })).toEqual([{ what: 'version', ok: true, found: '1.4.0' }]);
  expect(app.asked).toHaveLength(1);
  expect(await say({ body: { ...version, environment: 'demo' } })).toMatchObject([
    { what: 'version', ok: false, found: `${app.url} says that its environment is demo, not staging` },
  ]);
  expect(await say({ status: 404, body: {} })).toMatchObject([
    { what: 'version', ok: false, found: expect.stringMatching(/health\/version answered HTTP 404$/) as string },
  ]);
});
