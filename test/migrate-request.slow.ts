import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { productionRevision, stagingRevision } from '../examples/bluemoxon/migrations.ts';
import type { Report } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Scene, startScene } from './scene.ts';

// Staging's application behind a gateway that gives up on it: whatever it answers, it is asked to migrate once.
let scene: Scene;
let before: Contents;
let front: Front;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
  front = await startFront(scene.environment.target.app.url);
});
afterAll(async () => {
  await front?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

/** What the gateway does with a POST, when it has passed it on. */
type How = 'passes' | 'gives up' | 'cuts' | 'is silent' | 'begins';

interface Front extends AsyncDisposable {
  readonly url: string;
  how: How;
  readonly posts: string[];
}

async function startFront(application: string): Promise<Front> {
  const to = new URL(application);
  const server = createServer((request, response) => {
    const isPost = request.method === 'POST';
    if (isPost) state.posts.push(request.url ?? '');
    const passed = send(
      { host: to.hostname, port: to.port, path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        if (isPost && state.how !== 'passes') return void answer.resume();
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on('error', () => response.destroy());
    request.pipe(passed);
    if (isPost) passed.once('finish', () => answerFor(state.how, request, response));
  });
  const state: Front = {
    url: '',
    how: 'passes',
    posts: [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  return Object.assign(state, { url: `http://127.0.0.1:${port}${to.pathname}` });
}

function answerFor(how: How, request: IncomingMessage, response: ServerResponse): void {
  if (how === 'gives up') response.writeHead(504, { 'Content-Type': 'text/html' }).end('<h1>Gateway Time-out</h1>');
  if (how === 'begins') response.writeHead(202).end('{"status":"running"}');
  if (how === 'cuts') setTimeout(() => request.socket.destroy(), 50);
}

async function refresh(how: How, http: Readonly<Record<string, unknown>> = {}) {
  front.how = how;
  front.posts.length = 0;
  const config = await scene.configure((document) => {
    document.setIn(['target', 'app', 'url'], front.url);
    for (const [key, value] of Object.entries(http))
      document.setIn(['migrate', 'steps', 0, 'http', key], document.createNode(value));
  });
  return scene.sync('--only', 'database', '--config', config);
}

const migrated = (report: Report) => stepsOf(report, 'migrate').map(factsOf)[0];

test.each<[How, RegExp, Readonly<Record<string, unknown>>]>([
  ['gives up', /^answered HTTP 504 after \d s$/, {}],
  ['cuts', /^was cut off after it was sent: /, {}],
  ['is silent', /^gave no answer within 1 s$/, { timeoutSeconds: 1 }],
  ['begins', /^answered HTTP 202/, {}],
])('a gateway that %s while the application migrates: the database tells when it has', async (how, reason, http) => {
  const { code, report, stderr } = await withObstacle(scene, obstacles.slowMigration, () => refresh(how, http));
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(front.posts).toEqual(['/api/v1/health/migrate']);
  expect(migrated(report)).toMatchObject({
    polled: { reason: expect.stringMatching(reason) },
    revisionBefore: productionRevision,
    revisionAfter: stagingRevision,
  });
  expect(migrated(report)?.polled?.seconds).toBeGreaterThan(0);
  expect(stderr).toMatch(/waiting up to 900 s until the database is at s2345678klmn/);
});

test('a gateway that gives up: what the application tells of itself can be waited for instead', async () => {
  const poll = { path: '/health/deep', expect: { status: 'healthy' } };
  const { code, report } = await withObstacle(scene, obstacles.slowMigration, () => refresh('gives up', { poll }));
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(front.posts).toHaveLength(1);
  expect(migrated(report)).toMatchObject({
    polled: { reason: expect.stringContaining('504') },
    answer: { status: 'healthy' },
  });
});

/** The run has failed in this step, and staging is to the digest what it was before it. */
async function requirePutBack(was: Contents, { code, report }: Awaited<ReturnType<typeof refresh>>): Promise<void> {
  expect([code, report.outcome, report.failure]).toMatchObject([
    1,
    'failed',
    { step: 'migrate', code: 'migrate-failed' },
  ]);
  expect(report.recovery).toMatchObject({ swappedBack: true });
  expect(report.holds).toContain('staging holds its previous database again');
  expect(await scene.staging()).toEqual(was);
}

test('a migration that does not end in time is a failure, and the previous database is back', async () => {
  before = await scene.staging();
  const ended = await withObstacle(scene, obstacles.migratedByHand, () => refresh('gives up', { withinSeconds: 2 }));
  expect(front.posts).toHaveLength(1);
  expect(ended.report.failure?.message).toMatch(
    /answered HTTP 504 after 0 s; 2 s later the database is at q0123456cdef, not at s2345678klmn$/,
  );
  expect(ended.report.failure?.hint).toContain('raise withinSeconds');
  await requirePutBack(before, ended);
});

test('an answer of partial is a failure with the errors of the server, and the previous database is back', async () => {
  const ended = await withObstacle(scene, obstacles.migratedByHand, () => refresh('passes'));
  expect(front.posts).toHaveLength(1);
  expect(ended.report.failure?.message).toMatch(/status is "partial", "success" expected: .*42701/);
  expect(migrated(ended.report)).toMatchObject({ answer: { status: 'partial', errors: [expect.any(String)] } });
  await requirePutBack(before, ended);
});

test('a key that the application does not take is told as such', async () => {
  const ended = await refresh('passes', { headers: { 'X-API-Key': 'another key' } });
  expect(front.posts).toHaveLength(1);
  expect(ended.report.failure?.message).toContain('answered HTTP 401: Invalid or missing API key');
  expect(ended.report.failure?.hint).toContain('headers');
  await requirePutBack(before, ended);
});
