import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { appClient, type App } from './client.ts';
import { askToMigrate, awaitMigrated, type MigrateRequest } from './migrate.ts';

type Answer = (response: ServerResponse, request: IncomingMessage, body: string) => void;

const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

/** An application that answers so, one after the other, the last again and again; and what it was asked. */
async function application(...answers: readonly Answer[]): Promise<{ app: App; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.once('end', () => {
      asked.push(`${request.method} ${request.url}`);
      answers[Math.min(asked.length, answers.length) - 1]?.(response, request, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { app: appClient(`http://127.0.0.1:${port}/api`, { 'X-API-Key': 'k-123456' }), asked };
}

const json =
  (status: number, body: unknown): Answer =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
const page =
  (status: number): Answer =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'text/html' }).end('<html>Bad gateway</html>');
  };

const request: MigrateRequest = { method: 'POST', path: '/migrate', expect: { status: 'success' }, timeoutSeconds: 5 };

test('a request has its verb, its headers beside those of the end, and its body as JSON', async () => {
  const seen: unknown[] = [];
  const { app } = await application((response, { method, url, headers }, body) => {
    seen.push([method, url, headers['x-api-key'], headers['x-more'], headers['content-type'], JSON.parse(body)]);
    json(200, { status: 'success', new_version: 'b' })(response, {} as IncomingMessage, '');
  });
  const asked = await askToMigrate(app, {
    ...request,
    method: 'PUT',
    headers: { 'X-More': 'm' },
    body: { to: 'head' },
  });
  expect(asked).toEqual({ kind: 'succeeded', answer: { status: 'success', new_version: 'b' } });
  expect(seen).toEqual([['PUT', '/api/migrate', 'k-123456', 'm', 'application/json', { to: 'head' }]]);
});

test.each<[string, number, unknown, RegExp]>([
  [
    'partial',
    200,
    { status: 'partial', errors: ['r1: 42701 column exists'] },
    /status is "partial", "success" expected: r1: 42701 column exists$/,
  ],
  [
    'failed with two errors',
    200,
    { status: 'failed', errors: ['one', 'two\n  lines'] },
    /expected:\n {2}one\n {2}two \/ lines$/,
  ],
  [
    'failed with a map',
    200,
    { status: 'failed', errors: { r1: 'one', r2: ['two'] } },
    /:\n {2}r1: one\n {2}r2: \["two"\]$/,
  ],
  [
    'failed with maps',
    200,
    { status: 'failed', errors: [{ message: 'one', revision: 'r1' }] },
    /: one \(revision: r1\)$/,
  ],
  ['failed with one text', 200, { status: 'failed', error: 'one' }, /expected: one$/],
  ['failed without a word', 200, { status: 'failed', errors: null }, /"success" expected$/],
  ['refused', 401, { detail: 'Invalid API key' }, /answered HTTP 401: Invalid API key$/],
  ['broken', 500, { detail: 'x'.repeat(5000) }, /answered HTTP 500: x{1998}…$/],
  ['its own 503', 503, { status: 'failed', errors: ['no database'] }, /HTTP 503: no database$/],
  ['a list', 200, ['no'], /status is missing, "success" expected$/],
])('an answer that is %s is a failure, with the errors of the server', async (_name, status, body, said) => {
  const { app, asked } = await application(json(status, body));
  const found = await askToMigrate(app, request);
  expect(found).toMatchObject({ kind: 'failed', answer: body, failure: { code: 'migrate-failed' } });
  expect('failure' in found && found.failure.message).toMatch(said);
  expect(asked).toEqual(['POST /api/migrate']);
});

test('a page instead of JSON is a failure', async () => {
  const { app } = await application(page(200));
  expect(await askToMigrate(app, request)).toMatchObject({
    kind: 'failed',
    failure: { message: expect.stringMatching(/answered HTTP 200 without JSON: <html>/) },
  });
});

test.each<[string, Answer, RegExp]>([
  ['504 with a page', page(504), /^answered HTTP 504 after 0 s$/],
  ['502', page(502), /^answered HTTP 502/],
  ['503 with the JSON of a gateway', json(503, { message: 'Service Unavailable' }), /^answered HTTP 503/],
  ['504 with the JSON of a gateway', json(504, { message: 'Endpoint request timed out' }), /^answered HTTP 504/],
  ['that it has begun', json(202, { status: 'running' }), /^answered HTTP 202: it has only begun$/],
  ['nothing, and cuts', (response) => response.destroy(), /^was cut off after it was sent: /],
  [
    'half an answer, and cuts',
    (response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"status"', () => response.destroy());
    },
    /^was cut off after it was sent: /,
  ],
  ['nothing', () => undefined, /^gave no answer within 1 s$/],
])('who answers %s has said nothing of the migration, and is not asked again', async (_name, answer, reason) => {
  const { app, asked } = await application(answer);
  expect(await askToMigrate(app, { ...request, timeoutSeconds: 1 })).toEqual({
    kind: 'unknown',
    reason: expect.stringMatching(reason),
  });
  expect(asked).toEqual(['POST /api/migrate']);
});

test.each([
  ['refuses the connection', 'http://127.0.0.1:2', 'ECONNREFUSED'],
  ['has a port that is none of HTTP', 'http://127.0.0.1:1', 'bad port'],
  ['has no address', 'http://nowhere.invalid', 'nowhere.invalid'],
])('a server that %s was sent nothing', async (_name, url, reason) => {
  const asking = askToMigrate(appClient(url, {}), request);
  await expect(asking).rejects.toMatchObject({
    code: 'app-unreachable',
    message: expect.stringMatching(new RegExp(`${reason}.*; nothing was sent$`)),
  });
});

test('a header that cannot be sent was not sent', async () => {
  const { app, asked } = await application(json(200, {}));
  await expect(askToMigrate(app, { ...request, headers: { 'X-Bad': 'a\nb' } })).rejects.toMatchObject({
    code: 'app-unreachable',
  });
  expect(asked).toEqual([]);
});

const poll = { path: '/status', expect: { state: 'done' } };
const never = new AbortController().signal;

test('who is at work is asked until it has ended, through pages and cut connections', async () => {
  const { app, asked } = await application(
    page(502),
    (response) => response.destroy(),
    json(200, { state: 'running' }),
    json(200, { state: 'done' }),
  );
  expect(await awaitMigrated(app, poll, 20_000, never)).toEqual({ kind: 'succeeded', answer: { state: 'done' } });
  expect(asked).toEqual(Array.from({ length: 4 }, () => 'GET /api/status'));
});

test('who says that it has failed is not waited for', async () => {
  const { app } = await application(json(200, { state: 'failed', error: 'r1 does not fit' }));
  const clock = performance.now();
  expect(await awaitMigrated(app, poll, 20_000, never)).toMatchObject({
    kind: 'failed',
    failure: { message: expect.stringMatching(/state is "failed", "done" expected: r1 does not fit$/) },
  });
  expect(performance.now() - clock).toBeLessThan(2000);
});

test('who never ends is told by its last word', async () => {
  const { app } = await application(json(200, { state: 'running' }));
  expect(await awaitMigrated(app, poll, 1000, never)).toEqual({
    kind: 'unknown',
    reason: expect.stringMatching(/^GET .*\/status answered HTTP 200, and state is "running", "done" expected$/),
  });
});

test('an interrupt ends the waiting', async () => {
  const { app } = await application(json(200, { state: 'running' }));
  const controller = new AbortController();
  const waiting = awaitMigrated(app, poll, 60_000, controller.signal);
  setTimeout(() => controller.abort(), 100);
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
});
