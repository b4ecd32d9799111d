import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exampleReport } from '../test/example-report.ts';
import { loadConfig } from './config.ts';
import { keepSecret } from './errors.ts';
import { newsOf, type News } from './news.ts';
import { notify } from './notify.ts';
import type { Report } from './report/report.ts';

const secretPath = '/services/T000/B000/zWkV9secretOfSlack';
const news: News = {
  event: 'failure',
  command: 'sync',
  source: 'production',
  target: 'staging',
  at: '2026-11-22T23:15:00.500Z',
  failure: { code: 'source-shrunk', message: 'books has lost more than half', hint: 'Look at it.' },
};

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly at: number;
}
type Behave = (response: ServerResponse, time: number) => void;

let server: Server;
let received: Received[];
let behave: Behave;

beforeEach(async () => {
  received = [];
  behave = (response) => response.end('ok');
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), at: performance.now() });
      behave(response, received.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function address(path = secretPath): string {
  const place = server.address();
  if (typeof place !== 'object' || place === null) throw new Error('it does not listen');
  return `http://127.0.0.1:${place.port}${path}`;
}

const slack = (on: 'success' | 'failure' | 'always' = 'always') => [{ slack: address(), headers: {}, on }];
const hook = (headers = {}) => [{ webhook: address(), headers, on: 'always' as const }];
const soon = { pauseMs: 5, withinMs: 3000 };

test('a server that asks for patience is told at the second try, when it said', async () => {
  behave = (response, time) => {
    if (time === 1) response.writeHead(429, { 'Retry-After': '1' }).end();
    else response.end('ok');
  };
  expect(await notify(slack(), news, soon)).toEqual([]);
  expect(received).toHaveLength(2);
  expect((received[1]?.at ?? 0) - (received[0]?.at ?? 0)).toBeGreaterThan(900);
});

test('it is tried three times, and no more; what is said of it names the host and not the path', async () => {
  behave = (response) => response.writeHead(503).end(`Cannot POST ${secretPath}`);
  const [problem = '', ...others] = await notify(slack(), news, soon);
  expect([received.length, others]).toEqual([3, []]);
  expect(problem).toBe(`Slack at ${new URL(address()).host} could not be told: HTTP 503`);
});

test('a patience that is longer than there is time for is not waited for', async () => {
  behave = (response) => response.writeHead(429, { 'Retry-After': '3600' }).end();
  const begun = performance.now();
  expect(await notify(hook(), news, soon)).toEqual([expect.stringMatching(/could not be told: HTTP 429$/)]);
  expect([received.length, performance.now() - begun < 1000]).toEqual([1, true]);
});

test('a refusal is not repeated, and a word that the server gives for it is told', async () => {
  behave = (response) => response.writeHead(404).end('no_service');
  expect(await notify(slack(), news, soon)).toEqual([expect.stringMatching(/HTTP 404, no_service$/)]);
  expect(received).toHaveLength(1);
});

test('a redirection is not followed: the message would go where nobody said', async () => {
  behave = (response) => response.writeHead(302, { Location: address('/elsewhere') }).end();
  expect(await notify(hook({ Authorization: 'x' }), news, soon)).toEqual([
    expect.stringMatching(/HTTP 302, which leads elsewhere and is not followed$/),
  ]);
  expect(received).toHaveLength(1);
});

test('a server that never answers is given up in time', async () => {
  behave = () => {};
  const begun = performance.now();
  expect(await notify(slack(), news, { pauseMs: 5, withinMs: 300 })).toEqual([
    expect.stringMatching(/no answer within 1 s$/),
  ]);
  expect(performance.now() - begun).toBeLessThan(1500);
});

test('nobody at the address is a warning with the host only', async () => {
  const url = address();
  server.closeAllConnections();
  server.close();
  const [problem] = await notify([{ slack: url, headers: {}, on: 'always' }], news, soon);
  expect(problem).toMatch(/^Slack at 127\.0\.0\.1:\d+ could not be told: connect ECONNREFUSED/);
  expect(problem).not.toContain('secretOfSlack');
});

test('only those are told who asked for that end of a run', async () => {
  expect(await notify([...slack('success'), ...slack('failure'), ...slack('always')], news, soon)).toEqual([]);
  expect(received).toHaveLength(2);
  await notify(slack('failure'), { ...news, event: 'success' }, soon);
  expect(received).toHaveLength(2);
});

test('a webhook gets the news as JSON with its headers, and no secret', async () => {
  keepSecret('a-password-of-a-server');
  const message = 'the server said a-password-of-a-server';
  await notify(hook({ Authorization: 'Bearer of mine' }), { ...news, failure: { code: 'internal', message } }, soon);
  expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer of mine', 'content-type': 'application/json' });
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
    event: 'failure',
    target: 'staging',
    failure: { message: 'the server said ***' },
  });
});

test('of a report of more than 1 MB it gets the verdict and what failed, in less', async () => {
  const whole = exampleReport(8000, 'failed');
  const versions = [
    {
      tool: 'Knex' as const,
      table: { schema: 'public', name: 'knex_migrations' },
      heads: ['9'],
      applied: Array.from({ length: 20_000 }, (_, n) => ({ id: `${n}_${'x'.repeat(60)}.js` })),
    },
  ];
  const { database } = whole.target;
  const report = {
    ...whole,
    ...(database ? { target: { ...whole.target, database: { ...database, versions } } } : {}),
    remarks: Array.from({ length: 5000 }, (_, n) => `remark ${n} ${'x'.repeat(300)}`),
  };
  expect(JSON.stringify(report).length).toBeGreaterThan(3_000_000);
  await notify(hook(), newsOf(report), soon);
  const body = received[0]?.body ?? '';
  expect(body.length).toBeLessThan(500_000);
  const told = JSON.parse(body) as { readonly report: Report };
  expect(told).toMatchObject({
    event: 'failure',
    run: report.run,
    holds: report.holds,
    failure: { step: report.failure?.step },
    report: { shortened: true, outcome: 'failed', figures: report.figures, notes: report.notes },
  });
  expect(told.report.steps.map(({ outcome }) => outcome.status)).toEqual(['failed']);
  await notify(hook(), newsOf(exampleReport(3)), soon);
  expect(JSON.parse(received[1]?.body ?? '')).not.toHaveProperty('report.shortened');
});

test('nothing is sent to an address, or with a header, of which a variable is not set where a command does without', async () => {
  const config = loadConfig(
    {
      version: 1,
      source: { name: 'production', database: { url: 'postgres://${NOBODY}@db.example/shop' } },
      target: { name: 'staging', database: { url: 'postgres://shop@staging-db.example/shop' } },
      notify: [
        { slack: '${NO_WEBHOOK}' },
        { webhook: address(), headers: { Authorization: 'Bearer ${NO_BEARER}' } },
        { webhook: address('/set') },
      ],
    },
    { only: 'target' },
  );
  expect(await notify(config.notify, news, soon)).toEqual([
    'Slack of notify could not be told: a variable that it uses is not set',
    'the webhook of notify could not be told: a variable that it uses is not set',
  ]);
  expect(received).toHaveLength(1);
});

test('one that is called off is not waited for', async () => {
  behave = (response) => response.writeHead(503).end();
  const stop = new AbortController();
  const begun = performance.now();
  const told = notify(slack(), news, { pauseMs: 10_000, withinMs: 20_000, signal: stop.signal });
  setTimeout(() => stop.abort(), 100);
  expect(await told).toHaveLength(1);
  expect([received.length, performance.now() - begun < 3000]).toEqual([1, true]);
});
