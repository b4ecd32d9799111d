import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../src/index.ts';
import { exampleReport } from './example-report.ts';
import { type Ended, type } from './store/command-line.ts';

let folder: string;

const older = '20261101-080000-aaaa';
const newer = '20261102-080000-bbbb';
const killed = '20261103-080000-cccc';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-report-'));
  await keep(older, exampleReport(3, 'failed'));
  await keep(newer, exampleReport(3));
  await mkdir(join(folder, '.restage', 'runs', killed), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function keep(run: string, content: object): Promise<void> {
  const place = join(folder, '.restage', 'runs', run);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'report.json'), json({ ...content, run }));
}

/** Types `restage report …` in that folder. */
function report(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return type(['report', ...args], folder, { PATH: process.env['PATH'] ?? '', ...variables }).ended;
}

test('tells the newest run that has a report, and the one whose id begins so', async () => {
  expect(await report([])).toMatchObject({ code: 0, stdout: expect.stringContaining(`run ${newer}`) as string });
  expect(await report(['20261101'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`run ${older}`) as string,
  });
});

test('prints each form, and --json is that of programs', async () => {
  const forms = await Promise.all(['text', 'md', 'html', 'json'].map((form) => report([newer, '--format', form])));
  expect(forms.map(({ code, stdout }) => [code, stdout.split('\n')[0]?.replace(/, [\d.]+ s$/, '')])).toEqual([
    [0, `✓ staging is refreshed from production  run ${newer}`],
    [0, '# production to staging, 2026-11-23: refreshed'],
    [0, '<!doctype html>'],
    [0, '{'],
  ]);
  const { stdout } = await report([newer, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ run: newer, outcome: 'done' });
});

test('writes where it is told to, for its owner only', async () => {
  const { code, stdout } = await report([older, '--format', 'html', '--out', 'page.html']);
  expect([code, stdout.trim()]).toEqual([0, 'page.html']);
  expect(await readFile(join(folder, 'page.html'), 'utf8')).toContain('staging was not refreshed');
  expect((await stat(join(folder, 'page.html'))).mode & 0o777).toBe(0o600);
  const refused = await report([older, '--out', 'there/is/no.html']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('there/is/no.html') as string });
});

test('a run that is not there, not one, or without a report is told with what is', async () => {
  const none = await report(['20261101-080000-aaab']);
  expect([none.code, none.stderr]).toEqual([
    2,
    `✗ there is no run 20261101-080000-aaab under .restage/runs\n  Did you mean ${older}?\n`,
  ]);
  const two = await report(['202611', '--json']);
  expect([two.code, JSON.parse(two.stdout)]).toMatchObject([2, { error: { code: 'run-missing' } }]);
  expect(two.stderr).toContain(`3 runs under .restage/runs begin with 202611`);
  expect(await report([killed])).toMatchObject({ code: 2, stderr: expect.stringContaining('has no report') as string });
});

test('what is not the id of a run, nor the beginning of one, is refused with its form', async () => {
  for (const [command, name, ...more] of [
    ['report', '../../x'],
    ['report', ''],
    ['report', 'newest'],
    ['report', `${newer}0`],
    ['report', '../../x', '--on', 'lambda'],
    ['rollback', 'foo'],
    ['rollback', '20261101'],
    ['rollback', '../../x', '--on', 'lambda'],
  ] as const) {
    const { code, stdout, stderr } = await type([command, name, '--json', ...more], folder, {}).ended;
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('is like 20260131-031500-4f2a') as string },
    });
    expect(stderr).toContain(`'${name}' is invalid for argument 'run'`);
  }
});

test('a report of another version, of something else, or that is damaged is refused by name', async () => {
  const run = '20261001-080000-dddd';
  const told = async (content: object) => {
    await keep(run, content);
    const { code, stderr } = await report([run]);
    expect(code).toBe(2);
    return stderr;
  };
  const whole = exampleReport(1);
  expect(await told({ ...whole, version: 2, restage: '3.1.0' })).toMatch(
    /is a report of version 2, and this restage reads version 1\n {2}restage 3\.1\.0 has made it, and can show it/,
  );
  expect(await told({ ...whole, kind: 'survey' })).toContain(
    'is the report of a survey, which this restage does not know',
  );
  expect(await told({ ...whole, kind: 'rollback' })).toContain('is no whole report: swapped is not');
  expect(await told({ ...whole, steps: [{ ...whole.steps[0], kind: 'copy-stars' }] })).toContain('a step copy-stars');
  expect(await told({ ...whole, holds: undefined })).toContain('is no whole report: holds is not as a report has it');
  await writeFile(join(folder, '.restage', 'runs', run, 'report.json'), '{"version": 1');
  expect((await report([run])).stderr).toContain('is not JSON');
  await rm(join(folder, '.restage', 'runs', run), { recursive: true });
});

test('opens the page with what the system opens files with, and names it where that fails', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const opener = async (script: string) => {
    await writeFile(join(bin, 'xdg-open'), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, 'xdg-open'), 0o755);
  };
  const page = join('.restage', 'runs', newer, 'report.html');
  const variables = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  await opener('printf %s "$1" > opened');
  expect(await report(['--open'], variables)).toMatchObject({ code: 0, stdout: `${page}\n`, stderr: '' });
  expect(await readFile(join(folder, 'opened'), 'utf8')).toBe(page);
  expect(await readFile(join(folder, page), 'utf8')).toMatch(/^<!doctype html>/);
  await opener('exit 3');
  const failed = await report(['--open'], variables);
  expect(failed).toMatchObject({ code: 0, stdout: `${page}\n` });
  expect(failed.stderr).toContain('could not be opened (xdg-open ended with 3)');
});

test('options that say two things are refused', async () => {
  expect(await report(['--open', '--format', 'text'])).toMatchObject({ code: 2 });
  expect(await report(['--json', '--format', 'md'])).toMatchObject({ code: 2 });
});
