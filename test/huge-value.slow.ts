import { readdir, readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireWhole, stagingOf } from './clone-faults.ts';
import { type CloneScene, type Ended, startCloneScene } from './clone-scene.ts';
import type { Report } from '../src/index.ts';

// The largest value that a server takes is 1 GB less a byte; a COPY, a text form and a digest need it whole, each for itself.
const megabyte = 1024 * 1024;
const enough = process.platform === 'linux' && freemem() > 8 * 1024 * megabyte;

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({}, { max_wal_size: '4GB', wal_level: 'minimal', max_wal_senders: '0' });
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A refresh, and the most memory that its process had at any time, in bytes. */
async function syncMeasured(config: string): Promise<Ended & { readonly report: Report; readonly peakBytes: number }> {
  const running = scene.begin(config, 'sync', '--yes', '--json');
  const pid = await processOf(config);
  const run = { over: false };
  let peakBytes = 0;
  const measuring = (async () => {
    for (; !run.over; await sleep(20)) peakBytes = Math.max(peakBytes, await peakOf(pid));
  })();
  const ended = await running.ended;
  run.over = true;
  await measuring;
  return { ...ended, report: JSON.parse(ended.stdout) as Report, peakBytes };
}

/** The process whose arguments name that file. */
async function processOf(file: string): Promise<string> {
  for (;;)
    for (const pid of await readdir('/proc'))
      if (/^\d+$/.test(pid) && pid !== String(process.pid)) {
        const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (words.includes(file)) return pid;
      }
}

/** Its high-water mark, as Linux tells it; 0 once it has ended. */
async function peakOf(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

test.runIf(enough)('a single value of 900 MB, text or bytea, passes through in little memory', async () => {
  await scene.arrange(`
    create table letters (id integer, body text);
    create table scans (id integer, body bytea);
    alter table letters alter column body set storage external;
    alter table scans alter column body set storage external;
    insert into letters values (1, repeat('0123456789', 90 * ${megabyte}));
    insert into scans values (1, convert_to(repeat('0123456789', 90 * ${megabyte}), 'UTF8'))`);
  const { code, report, peakBytes } = await syncMeasured(await scene.configure());
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.figures.tables).toMatchObject({ copied: 2, equal: 2 });
  const sizes = await scene.onTarget(`select length(l.body) as letter, length(s.body) as scan from letters l, scans s`);
  expect(sizes).toEqual([{ letter: String(900 * megabyte), scan: String(900 * megabyte) }]);
  // The sources, which Node strips of their types first, take 20 MB more than the package; pg_dump alone takes 80 MB.
  expect(peakBytes / megabyte).toBeLessThan(250);
});

test.runIf(enough)('a row that no server can send in one piece names its table and the reason', async () => {
  await scene.arrange(
    `
    create table letters (id integer, body text, copy text);
    alter table letters alter column body set storage external, alter column copy set storage external;
    insert into letters values (1, repeat('0123456789', 60 * ${megabyte}));
    update letters set copy = body`,
    `create table kept (id integer); insert into kept values (1)`,
  );
  const before = await stagingOf(scene);
  const { step, said } = await requireWhole(scene, before, await scene.sync(await scene.configure()));
  expect(step).toBe('copy-table letters');
  expect(said).toContain('larger than the server can handle in one piece');
});
