import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { staging } from '../demo/sample.ts';
import { syncFunction } from '../demo/sync-function.ts';
import { json, type HistoryEntry, type Report, type RunState, type RunStore, type Status } from '../src/index.ts';
import { pausedReport } from './example-parts.ts';
import { type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { type Ended, type } from './store/command-line.ts';

// What a function keeps of its runs, asked for by a colleague: from a folder that has seen none of them, by keys that read S3.
let scene: LambdaScene;
let store: RunStore;
let elsewhere: string;
/** The run that the function really made. */
let made: string;

beforeAll(async () => {
  scene = await startLambdaScene();
  await scene.environment.deployFunction();
  store = await scene.openRuns();
  elsewhere = await mkdtemp(join(tmpdir(), 'restage-elsewhere-'));
  expect((await ask('runs')).stdout).toBe(`no run is kept under ${scene.runs}\n`);
  const none = await ask('report');
  expect([none.code, none.stderr.split('\n')[0]]).toEqual([2, `✗ no run is kept under ${scene.runs}`]);
  made = (await scene.sync('--on', 'lambda', '--only', 'database')).report.run;
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
  await rm(elsewhere, { recursive: true, force: true });
});

/** Types `restage … --on lambda` in that folder. */
function ask(command: string, ...args: readonly string[]): Promise<Ended> {
  const { configFile, variables } = scene.environment;
  const config = args.includes('--config') ? [] : ['--config', configFile];
  return type([command, '--on', 'lambda', ...args, ...config], elsewhere, variables).ended;
}

async function listed(...args: readonly string[]): Promise<readonly HistoryEntry[]> {
  return (JSON.parse((await ask('runs', '--json', ...args)).stdout) as { readonly runs: readonly HistoryEntry[] }).runs;
}

/** A run as its function tells how far it is. */
function stateOf(run: string, more: Partial<RunState> = {}): RunState {
  const now = new Date().toISOString();
  return {
    run,
    action: 'sync',
    target: 'staging',
    phase: 'running',
    part: 1,
    function: { name: syncFunction.name, requestId: 'r', memoryBytes: 1 },
    startedAt: now,
    updatedAt: now,
    deadline: new Date(Date.now() + 600_000).toISOString(),
    pieces: 0,
    ...more,
  };
}

const words = (part: string) => expect.stringContaining(part) as string;
/** Older than what was made, so that this stays the newest. */
const old = (number: number) => `20260101-0000${String(number).padStart(2, '0')}-0000`;
const later = '20990101-000000-0000';

test('a run that the function made is listed where nothing of it is kept, with what came of it', async () => {
  const [first, ...others] = await listed();
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    run: made,
    kind: 'sync',
    outcome: 'done',
    source: 'production',
    target: 'staging',
    tables: 14,
    function: syncFunction.name,
    begunBy: 'command',
    keptAt: `${scene.runs}/${made}`,
  });
  const { stdout, stderr } = await ask('runs');
  expect(stderr).toBe('');
  expect(stdout).toMatch(new RegExp(`^${made} +sync +done .* production → staging; 14 tables`, 'm'));
  expect(stdout).not.toContain('known from the database only');
});

test('its report is the same in each form, from where it is kept', async () => {
  const kept = JSON.parse((await store.files.fetch(made, 'report.json')) ?? '') as Report;
  const [text, markdown, html, asJson] = await Promise.all(
    ['text', 'md', 'html', 'json'].map((form) => ask('report', '--format', form)),
  );
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text?.stdout).toContain(`staging is refreshed from production  run ${made}`);
  expect(markdown?.stdout.trimEnd()).toBe((await store.files.fetch(made, 'report.md'))?.trimEnd());
  expect(html?.stdout).toMatch(/^<!doctype html>/);
  expect(JSON.parse(asJson?.stdout ?? '')).toEqual(kept);
  const named = await ask('report', made.slice(0, 15), '--format', 'md', '--out', 'there.md');
  expect([named.code, named.stdout]).toEqual([0, 'there.md\n']);
  expect(await readFile(join(elsewhere, 'there.md'), 'utf8')).toBe(markdown?.stdout);
  expect(await stat(join(elsewhere, '.restage')).catch(() => 'none')).toBe('none'); // only read
});

test('its page is opened from a folder of its own, beside a report that was kept here before', async () => {
  const bin = join(elsewhere, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'xdg-open'), '#!/bin/sh\n:\n');
  await chmod(join(bin, 'xdg-open'), 0o755);
  const { configFile, variables } = scene.environment;
  const args = ['report', '--on', 'lambda', '--open', '--config', configFile];
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
  const place = join('.restage', 'runs', made);
  const opened = await type(args, elsewhere, { ...variables, PATH }).ended;
  expect(opened).toMatchObject({ code: 0, stdout: `${join(place, 'report.html')}\n`, stderr: '' });
  expect((await stat(join(elsewhere, place, 'report.html'))).mode & 0o777).toBe(0o600);
  // From then on it is a run of this folder too.
  expect((await type(['report', made], elsewhere, {}).ended).stdout).toContain(`run ${made}`);
  await writeFile(join(elsewhere, place, 'report.html'), 'what was kept when the run was followed');
  const again = await type(args, elsewhere, { ...variables, PATH }).ended;
  expect(again.stdout).toBe(`${join(place, 'function.html')}\n`);
  expect(await readFile(join(elsewhere, place, 'report.html'), 'utf8')).toMatch(/^what was kept/);
});

test('status shows how the newest run there ended, whoever has begun it', async () => {
  const shown = await ask('status');
  expect(shown.code).toBe(0);
  expect(shown.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    new RegExp(
      `newest run the run ${made} in the function ${syncFunction.name} has ended well, .*; restage report ${made} --on lambda shows its report`,
    ),
  );
  const status = JSON.parse((await ask('status', '--json')).stdout) as Status & { readonly newestInFunction: RunState };
  expect(status.newestInFunction).toMatchObject({ run: made, phase: 'ended', outcome: 'done' });
});

test('runs that go on, have paused, were killed or have no report are listed with how far they came', async () => {
  const paused = pausedReport();
  await store.states.begin(stateOf(old(1), { steps: ['copy-table books', 'copy-table authors'] }));
  await store.states.begin(stateOf(old(2), { phase: 'paused', part: 1 }));
  await store.files.keep(old(2), 'paused.json', json({ ...paused, run: old(2) }));
  await store.states.begin(stateOf(old(3), { part: 2, steps: ['copy-table reviews'] }));
  await store.files.keep(old(3), 'paused.json', json({ ...paused, run: old(3) }));
  await store.states.begin(stateOf(old(4), { deadline: '2026-01-01T00:15:00.000Z' }));
  const failure = { code: 'time-short', message: 'it cannot fit' } as const;
  await store.states.begin(stateOf(old(5), { phase: 'ended', outcome: 'failed', failure }));
  await store.files.keep(old(6), 'plan.json', '{}'); // planned, and never begun
  await store.states.begin(stateOf(old(7)));
  await store.files.keep(old(7), 'report.json', '{}');
  const damaged = { ...stateOf(old(8)), phase: 'asleep' } as unknown as RunState; // as something else may have written it
  await store.states.begin(damaged);
  const runs = await listed();
  expect(runs.map(({ run }) => run)).toEqual([made, ...[8, 7, 5, 4, 3, 2, 1].map(old)]);
  const found = Object.fromEntries(runs.map((entry) => [entry.run, entry]));
  expect(found[old(1)]).toMatchObject({ outcome: 'running', steps: ['copy-table books', 'copy-table authors'] });
  expect(found[old(2)]).toMatchObject({ outcome: 'paused', tables: 8, rows: paused.figures.tables.rows });
  expect(found[old(3)]).toMatchObject({ outcome: 'running', parts: 2, tables: 8 });
  expect(found[old(4)]).toMatchObject({ outcome: 'unfinished', failed: words('its invocation was over by') });
  expect(found[old(5)]).toMatchObject({ outcome: 'failed', failed: 'it cannot fit' });
  expect(found[old(8)]).toMatchObject({ outcome: 'unreadable', failed: words(`${old(8)}/state.json is not what`) });
  const { stdout } = await ask('runs');
  expect(stdout).toMatch(new RegExp(`^${old(1)} +sync +running .*at copy-table books, copy-table authors`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${old(3)} +sync +running .*8 tables.*in 2 parts.*at copy-table reviews`, 'm'));
  expect((await listed('--limit', '2')).map(({ run }) => run)).toEqual([made, old(8)]);
});

test('a run without a report is told with what became of it, and one that is not there with those that are', async () => {
  const told = async (...args: readonly string[]) => {
    const { code, stderr } = await ask('report', ...args);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await told(old(1))).toMatch(
    /there is no report of it yet: the run \S+ in the function \S+ goes on.*\n {2}restage status --on lambda/,
  );
  expect(await told(old(5))).toMatch(
    /there is no report of it: the run \S+ .* has failed: time-short.*\n {2}it cannot/,
  );
  expect(await told(old(6))).toContain('it was planned, and never begun');
  expect(await told('20260101-000009')).toContain(`there is no run 20260101-000009 under ${scene.runs}`);
  expect(await told('20260101')).toContain(`8 runs under ${scene.runs} begin with 20260101`);
  expect((await ask('report', old(2))).stdout).toContain('has paused');
});

test('a run says who has begun it', async () => {
  await using lambda = await scene.startFunction();
  const begun = new Map<string, string>([[made, 'command']]);
  for (const [event, who] of [
    [{ begunBy: 'schedule' }, 'schedule'],
    [{}, 'event'],
    [{ action: 'rollback' }, 'event'],
  ] as const) {
    await sleep(1100); // an id is of a second
    const { response } = await lambda.invoke(event);
    expect(response.statusCode).toBe(200);
    begun.set(response.runId ?? '', who);
  }
  const runs = await listed('--limit', '4');
  expect(new Map(runs.map(({ run, begunBy }) => [run, begunBy]))).toEqual(begun);
  expect(runs.map(({ kind }) => kind)).toEqual(['rollback', 'sync', 'sync', 'sync']);
  const { stdout } = await ask('runs', '--limit', '4');
  for (const who of ['a command', 'a schedule', 'an event']) expect(stdout).toContain(`; begun by ${who}`);
  made = runs.find(({ kind }) => kind === 'rollback')?.run ?? '';
});

test('where the newest run has no report, the newest that has one is shown, and that it is not the newest', async () => {
  await store.states.begin(stateOf(later));
  await store.states.begin(stateOf('20990101-000001-0000', { target: 'the staging of others' }));
  const { code, stdout, stderr } = await ask('report');
  expect([code, stdout]).toEqual([0, words(`run ${made}`)]);
  expect(stderr).toMatch(new RegExp(`note: a newer run has no report: the run ${later} in the function \\S+ goes on`));
  expect((await ask('status')).stdout.replaceAll(/\s+/g, ' ')).toContain(`newest run the run ${later} in the function`);
});

test('a configuration without a function, or without a place for its runs, is told what to add', async () => {
  for (const [path, message, hint] of [
    [['target', 'lambda', 'runs'], 'target.lambda.runs is not set', 'runs: s3://BUCKET/PREFIX'],
    [['target', 'lambda'], '--on lambda needs a function', 'target: { lambda:'],
  ] as const) {
    const config = await scene.configure((file) => file.deleteIn(path));
    for (const command of ['runs', 'report']) {
      const ended = await ask(command, '--json', '--config', config);
      expect(ended.code).toBe(2);
      expect(JSON.parse(ended.stdout)).toMatchObject({
        error: { code: 'usage', message: words(message), hint: words(hint) },
      });
    }
  }
});

test('who may not list the bucket is told so, and status tells the rest', async () => {
  const role = 'restage-blind';
  await scene.environment.aws.putRole({
    account: staging.account,
    name: role,
    trusts: [`arn:aws:iam::${staging.account}:user/${staging.profile}`],
    allows: [{ actions: ['lambda:*', 's3:GetObject'], resources: ['*'] }],
  });
  const config = await scene.configure((file) =>
    file.setIn(['target', 'aws', 'assumeRole'], { role: `arn:aws:iam::${staging.account}:role/${role}` }),
  );
  for (const command of ['runs', 'report'])
    expect(await ask(command, '--config', config)).toMatchObject({
      stderr: words('Allow s3:ListBucket on arn:aws:s3'),
    });
  await scene.environment.deployFunction({ configFile: config });
  const status = await ask('status', '--config', config);
  expect([status.code, status.stderr]).toEqual([0, '']);
  expect(status.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /newest run that of the function is not known: .* cannot be listed/,
  );
  expect(status.stdout).toMatch(/made by +run /);
});
