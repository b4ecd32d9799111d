import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireNoSessions, runChanged, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import type { Contents } from './contents.ts';
import { openSession, type Session } from './sql.ts';

// A migration at the source holds a lock that excludes readers, for longer than restage waits: half a minute.
let scene: CloneScene;
let before: Contents;
let migration: Session;

beforeAll(async () => {
  scene = await startCloneScene();
  const tables = Array.from({ length: 30 }, (_, number) => `create table other_${number} (id integer);`);
  await scene.arrange(
    `${tables.join('')} create table books (id integer); insert into books select generate_series(1, 1000)`,
    `create table kept (id integer); insert into kept values (1)`,
  );
  before = await stagingOf(scene);
  migration = await openSession(scene.source.adminUrl('production'), 'alembic');
});
afterAll(async () => {
  await migration[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

const longest = 60_000;

test('a table that is locked while it plans ends the plan by the name of the table and of who locks it', async () => {
  await migration.query(`begin; lock table books in access exclusive mode`);
  const clock = performance.now();
  const { code, stdout, stderr } = await scene.restage(await scene.configure(), 'sync', '--yes', '--json');
  expect(performance.now() - clock).toBeLessThan(longest);
  await migration.query('rollback');
  expect([code, stdout]).toEqual([1, expect.stringContaining('55P03')]);
  expect(stderr).toMatch(/books is locked by pid \d+ \(user postgres, alembic\)/);
  expect(stderr).toContain('excludes even readers');
  expect(await stagingOf(scene)).toEqual(before);
  await requireNoSessions(scene.source, scene.target);
});

test('a table that is locked after the snapshot was taken does not keep a run waiting for ever', async () => {
  let locking: Promise<unknown> | undefined;
  const clock = performance.now();
  const report = await runChanged(
    await scene.configure(),
    (made) => made,
    (event) => {
      if (event.kind === 'step-ended' && event.step.kind === 'take-snapshot')
        locking = migration.query(`begin; lock table books in access exclusive mode`);
    },
  );
  expect(performance.now() - clock).toBeLessThan(longest);
  await locking;
  await migration.query('rollback');
  expect(report.outcome).toBe('failed');
  expect(report.failure?.step).toMatch(/^copy-/);
  expect(report.failure?.message).toMatch(/\bbooks\b/);
  expect(await stagingOf(scene)).toEqual(before);
  await requireNoSessions(scene.source, scene.target);
});

test('a refresh after the migration ends well', async () => {
  const { code, report } = await scene.sync(await scene.configure());
  expect([code, report.failure]).toEqual([0, undefined]);
});
