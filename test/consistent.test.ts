import { afterAll, beforeAll, expect, test } from 'vitest';
import { endSession, inParts, requireNoSessions, requireWhole, runChanged, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { copyAmongWriters, requireConsistent } from './consistent.ts';
import { bank } from './transfers.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(bank, `create table kept (id integer); insert into kept values (1)`);
});
afterAll(() => scene[Symbol.asyncDispose]());

test('a copy that is made while others write holds one moment of the source, in every table', async () => {
  const config = await scene.configure({ database: { jobs: 4, keepPrevious: 0 } });
  const made = await copyAmongWriters(scene, async () => (await scene.sync(config)).report);
  await requireConsistent(scene, made);
});

test('a table that is read in parts by several sessions is of that one moment too', async () => {
  const config = await scene.configure({ database: { jobs: 4, keepPrevious: 0 } });
  const made = await copyAmongWriters(scene, () => runChanged(config, inParts(4)));
  await requireConsistent(scene, made);
  const parts = made.queries.filter((sql) => /copy .*"book"/i.test(sql) && sql.includes('ctid'));
  expect(parts.length).toBeGreaterThanOrEqual(3); // each is seen for a moment; one may be too short for that
});

const holder = `pid = (select pid from pg_stat_activity
                        where application_name ~ '^restage 2' and datname = 'production'
                        order by backend_start limit 1)`;

test('the loss of the session that holds the snapshot, before the others share it, fails the run by name', async () => {
  const before = await stagingOf(scene);
  const config = await scene.configure();
  const syncing = scene.sync(config);
  await endSession(scene.source, `${holder} and backend_xmin is not null`); // it has the snapshot
  const { said } = await requireWhole(scene, before, await syncing);
  expect(said).toContain(`production at 127.0.0.1:${scene.source.port}`);
  expect(said).not.toContain('pooler'); // nothing stands in between: the session was ended
});

test('the loss of the session that holds the snapshot, while tables are copied, leaves either a whole copy or none', async () => {
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { keepPrevious: 0 } });
  const made = await copyAmongWriters(scene, async () => {
    const syncing = scene.sync(config);
    await endSession(
      scene.source,
      `${holder} and exists (select from pg_stat_activity where application_name like 'restage %' and query like '%copy %"book"%' and state = 'active')`,
    );
    const ended = await syncing;
    if (ended.code === 0) return ended.report;
    const { said } = await requireWhole(scene, before, ended);
    expect(said).toMatch(/the connection to production at .* was lost/);
    return undefined;
  });
  await requireNoSessions(scene.source, scene.target);
  if (made.report) await requireConsistent(scene, made);
});
