import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { News } from '../src/index.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { type Ended, type } from './store/command-line.ts';

// What others hear of a run: GitHub Actions, and the addressees of `notify`.
let scene: CloneScene;
let server: Server;
let heard: News[];
let answer: (response: ServerResponse) => void;
let page: string;

beforeAll(async () => {
  scene = await startCloneScene();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push(JSON.parse(Buffer.concat(chunks).toString()) as News); // each field is looked at by itself
      answer(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  page = join(scene.folder, 'summary.md');
  await scene.arrange(`create table books (id int primary key, title text);
    insert into books select n, 'book ' || n from generate_series(1, 40) n`);
});
afterAll(async () => {
  server.close();
  await scene[Symbol.asyncDispose]();
});
beforeEach(async () => {
  heard = [];
  answer = (response) => response.end();
  await rm(page, { force: true });
});

const secretPath = '/hooks/vErYsEcReTpAtH';

async function configure(on = 'always', text = ''): Promise<string> {
  const file = await scene.configure();
  const place = server.address();
  const port = typeof place === 'object' && place ? place.port : 0;
  const told = `notify: [{ webhook: "http://127.0.0.1:${port}${secretPath}", on: ${on} }]\n`;
  await writeFile(file, `${await readFile(file, 'utf8')}${told}${text}`);
  return file;
}

/** Types it as a job of GitHub Actions does. */
async function onGitHub(config: string, ...args: readonly string[]): Promise<Ended & { readonly page: string }> {
  const variables = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: page };
  const ended = await type([...args, '--config', config], scene.folder, variables).ended;
  const written = await readFile(page, 'utf8').catch(() => '');
  expect(ended.stdout + ended.stderr + written).not.toContain(secretPath);
  return { ...ended, page: written };
}

test('a refresh is told to both, once, with its report', async () => {
  const { code, stdout, page: written } = await onGitHub(await configure(), 'sync', '--yes');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^::notice title=restage sync::staging is refreshed from production: 1 table with 40 rows/m);
  expect(written).toMatch(/^# production to staging, \d{4}-\d\d-\d\d: refreshed\n/);
  expect(written).toContain('| Synced (1) | books |');
  expect(heard).toMatchObject([{ event: 'success', command: 'sync', report: { outcome: 'done' } }]);
});

test('a rollback is told to both as well, and one that is refused', async () => {
  const config = await configure();
  const { code, stdout, page: written } = await onGitHub(config, 'rollback', '--yes');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^::notice title=restage rollback::staging holds the database again that the run /m);
  expect(written).toMatch(/^# staging is back on its previous database\n/);
  const refused = await onGitHub(config, 'rollback', '20200101-000000-abcd', '--yes');
  expect(refused.code).toBe(2);
  expect(heard).toMatchObject([
    { event: 'success', command: 'rollback', target: 'staging', holds: expect.stringContaining('again') as string },
    { event: 'failure', command: 'rollback', failure: { code: 'previous-missing' } },
  ]);
  expect((await onGitHub(config, 'rollback', '--yes')).code).toBe(0); // and back again
});

test('a plan and a dry run are shown, and nobody is told', async () => {
  const config = await configure();
  const planned = await onGitHub(config, 'plan');
  expect(planned.page).toMatch(/^## production to staging: the plan\n[\s\S]*\n```\nproduction → staging\n/);
  await onGitHub(config, 'sync', '--dry-run');
  expect((await onGitHub(config, 'rollback', '20200101-000000-abcd', '--dry-run')).code).toBe(2);
  expect(heard).toEqual([]);
});

test('a difference that verify finds is an error line of its own', async () => {
  await scene.onTarget(`update books set title = 'other' where id = 7`);
  const { code, stdout, stderr, page: written } = await onGitHub(await configure(), 'verify', '--json');
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({ differences: [expect.stringContaining('books')] });
  expect(stderr).toMatch(
    /^::error title=restage verify::table books has the same 40 rows by number, but not by content$/m,
  );
  expect(written).toMatch(/^## staging compared with production: one difference\n\n- table books/);
});

test('a refresh that a guard refuses is heard by whoever wants to hear of failures, and changes no exit code', async () => {
  await scene.onSource('delete from books where id > 5');
  const failure = await onGitHub(await configure('failure'), 'sync', '--yes', '--json');
  await onGitHub(await configure('success'), 'sync', '--yes');
  answer = (response) => response.writeHead(404).end(`no ${secretPath}`);
  const deaf = await onGitHub(await configure(), 'sync', '--yes');
  await scene.onSource(`insert into books select n, 'book ' || n from generate_series(6, 40) n`);
  expect([failure.code, deaf.code]).toEqual([3, 3]);
  expect(JSON.parse(failure.stdout)).toMatchObject({ error: { code: 'source-shrunk' } });
  expect(failure.stderr).toMatch(/^::error title=restage sync::.*books/m);
  expect(failure.page).toMatch(/^## restage sync: `source-shrunk`\n/);
  expect(heard).toMatchObject([
    { event: 'failure', source: 'production', target: 'staging', failure: { code: 'source-shrunk' } },
    { event: 'failure' },
  ]);
  expect(heard[0]).not.toHaveProperty('report');
  expect(deaf.stderr).toMatch(/the webhook at 127\.0\.0\.1:\d+ could not be told: HTTP 404$/m);
});

test('a run that nobody is there to confirm is heard too', async () => {
  const { code } = await onGitHub(await configure(), 'sync');
  expect(code).toBe(3);
  expect(heard).toMatchObject([{ event: 'failure', failure: { code: 'not-confirmed' } }]);
});

test('a configuration that cannot be read is an error line, and check shows its rows', async () => {
  const broken = await onGitHub(await configure('always', 'surprise: 1\n'), 'sync', '--yes');
  expect(broken.stdout).toMatch(/^::error title=restage sync::.*%0A.*surprise: unknown key/m);
  await rm(page, { force: true });
  const checked = await onGitHub(await configure(), 'check');
  expect(checked.page).toMatch(/^## restage check: nothing is wrong\n/);
  expect(checked.page).toMatch(/\| ✓ \| notify\.0\.webhook \| 127\.0\.0\.1:\d+, after every run \| well-formed/);
  expect(heard).toEqual([]);
});
