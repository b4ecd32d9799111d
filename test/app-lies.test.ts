import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { appClient, type App } from '../src/app/client.ts';
import { awaitValue } from '../src/app/expected-value.ts';
import { awaitHealth } from '../src/app/health.ts';
import { compareTotals } from '../src/app/total.ts';
import { usualPlace } from '../src/app/version.ts';
import { askVersions } from '../src/ask-apps.ts';
import { startSmallApp, type SmallApp } from './small-app.ts';

let small: SmallApp;
let app: App;

beforeAll(async () => {
  small = await startSmallApp();
  app = appClient(small.url, { 'X-API-Key': 'the-key-of-staging' });
});
beforeEach(() => void small.asked.splice(0));
afterAll(() => small[Symbol.asyncDispose]());

const healthy = { status: 'healthy', checks: { database: { status: 'healthy', book_count: 153 } } };
const health = (withinSeconds = 0) =>
  awaitHealth(app, { path: '/health', expect: { status: 'healthy' }, checks: 'checks', withinSeconds });

describe('the health', () => {
  test('is what the body says, with each single check', async () => {
    small.answer = () => ({ body: healthy });
    expect(await health()).toEqual({
      found: {
        answer: healthy,
        checks: [{ name: 'database', healthy: true, status: 'healthy', detail: 'book_count 153' }],
      },
    });
    expect(small.asked[0]?.headers['x-api-key']).toBe('the-key-of-staging');
  });

  test('of an HTTP 200 that says unhealthy is unhealthy, and the checks are told with it', async () => {
    const checks = { database: { status: 'unhealthy', error: 'no column authors.tier' }, s3: { status: 'skipped' } };
    small.answer = () => ({ body: { status: 'unhealthy', checks } });
    const { found, wrong } = await health(0.6);
    expect(wrong?.code).toBe('app-unexpected');
    expect(wrong?.message).toBe(
      `GET ${small.url}/health: status is "unhealthy", "healthy" expected; database: unhealthy, error no column authors.tier (still so after 1 s)`,
    );
    expect(found.checks.map(({ healthy: well }) => well)).toEqual([false, true]);
    expect(small.asked.length).toBeGreaterThan(1);
  });

  test('is asked again while the application restarts: cut off, 502, 503, 504, a page in HTML', async () => {
    const page = '<html><body>Bad Gateway</body></html>';
    const lies = [
      'cut',
      { status: 502, body: page },
      { status: 503, body: { status: 'healthy' } },
      { status: 504, body: page },
      { body: page, headers: { 'Content-Type': 'text/html' } },
    ] as const;
    small.answer = (_, times) => lies[times - 1] ?? { body: healthy };
    expect((await health(20)).wrong).toBeUndefined();
    expect(small.asked).toHaveLength(6);
  });

  test('is asked again while nobody listens', async () => {
    small.answer = () => ({ body: healthy });
    await small.down();
    const asking = health(20);
    await sleep(300);
    await small.up();
    expect((await asking).wrong).toBeUndefined();
  });

  test('that never comes is told by the last word, and after how long', async () => {
    small.answer = () => ({
      status: 502,
      body: '<html>\n<b>Bad\tGateway</b></html>',
      headers: { 'Content-Type': 'text/html' },
    });
    await expect(health(0.6)).rejects.toMatchObject({
      code: 'app-unexpected',
      message: `GET ${small.url}/health answered HTTP 502 without JSON, but text/html: <html> <b>Bad Gateway</b></html> (still so after 1 s)`,
    });
    await small.down();
    await expect(health()).rejects.toMatchObject({
      code: 'app-unreachable',
      message: expect.stringMatching(/health cannot be reached: [^(]+$/),
    });
    await small.up();
  });

  test('that stops at once when it is interrupted', async () => {
    small.answer = () => ({ body: { status: 'unhealthy' } });
    const controller = new AbortController();
    const question = { path: '/health', expect: { status: 'healthy' }, checks: 'checks', withinSeconds: 60 };
    const asking = awaitHealth(app, question, controller.signal);
    setTimeout(() => controller.abort(), 100);
    await expect(asking).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('of many pages is kept in short, and one of 5 MB is not read', async () => {
    const rows = Array.from({ length: 5000 }, (_, id) => ({ id, email: `reader${id}@example.com` }));
    small.answer = () => ({ body: { ...healthy, version: 'x'.repeat(5000), rows } });
    const { found } = await health();
    expect(found.answer).toEqual({ status: 'healthy', version: `${'x'.repeat(1000)}…` });
    small.answer = () => ({ body: { ...healthy, filler: 'x'.repeat(5_000_000) } });
    await expect(health()).rejects.toMatchObject({
      code: 'app-unexpected',
      message: `GET ${small.url}/health answered more than 1 MiB`,
      hint: expect.stringContaining('Ask for less'),
    });
  });

  test('is not fetched from where a redirection points to', async () => {
    await using other = await startSmallApp(() => ({ body: healthy }));
    small.answer = () => ({
      status: 302,
      headers: { Location: `${other.url}/health?key=the-key-of-staging` },
      body: '',
    });
    await expect(health()).rejects.toMatchObject({
      message: `GET ${small.url}/health answered HTTP 302, and points to ${other.url}/health?key=***`,
      hint: expect.stringContaining('not followed'),
    });
    expect(other.asked).toEqual([]);
  });

  test('that comes too late is no answer', async () => {
    small.answer = async () => {
      await sleep(800);
      return { body: healthy };
    };
    await expect(app.send({ method: 'GET', path: '/slow', timeoutSeconds: 0.2 })).rejects.toMatchObject({
      code: 'app-unreachable',
      message: expect.stringContaining('gave no answer within 0.2 s'),
    });
  });
});

describe('a total', () => {
  const place = { path: '/books?limit=5', read: 'total' };
  const now = { withinSeconds: 0 };
  const compare = (source: () => unknown, more: object = {}) =>
    compareTotals({ ...place, ...more }, app, async () => source(), now);

  test('is the same as a number and as text', async () => {
    small.answer = () => ({ body: { total: '153' } });
    expect(await compare(() => 153)).toEqual({ found: { source: 153, target: '153' } });
  });

  test('may lie between what the source says before and after it', async () => {
    small.answer = () => ({ body: { total: 154 } });
    const told = [153, 155];
    expect((await compare(() => told.shift())).wrong).toBeUndefined();
  });

  test('that differs is told with both figures, or with those of the table', async () => {
    small.answer = () => ({ body: { total: 152 } });
    expect((await compare(() => 153)).wrong?.message).toBe(
      'total of GET /books?limit=5 is 153 at the source and 152 at the target',
    );
    expect(await compare(() => 153, { table: 'books' })).toMatchObject({
      found: { source: 153, target: 152 },
      wrong: {
        code: 'data-differs',
        message: 'total of GET /books?limit=5 is 152 at the target, and books has 153 rows there',
      },
    });
  });

  test('that is null at both ends, or not there, is none', async () => {
    small.answer = () => ({ body: { total: null } });
    expect((await compare(() => null)).wrong?.code).toBe('data-differs');
    small.answer = () => ({ body: { count: 153 } });
    await expect(compare(() => 153)).rejects.toThrow(`GET ${small.url}/books?limit=5 answered HTTP 200 without total`);
    small.answer = () => ({ status: 500, body: { total: 153, detail: 'broken' } });
    await expect(compare(() => 153)).rejects.toThrow(/answered HTTP 500: \{"total":153,"detail":"broken"\}$/);
  });
});

test('a value is asked for until it is right, and told where it never is', async () => {
  const expected = { end: 'target', path: '/jobs', read: 'pending', atMost: 0 } as const;
  small.answer = (_, times) => ({ body: { pending: 3 - times } });
  expect(await awaitValue(app, expected, { withinSeconds: 20 })).toEqual({ found: 0 });
  small.answer = () => ({ status: 500, body: { pending: 0 } });
  const { found, wrong } = await awaitValue(app, expected, { withinSeconds: 0 });
  expect([found, wrong?.code, wrong?.message]).toEqual([
    0,
    'data-differs',
    `pending of GET ${small.url}/jobs: HTTP 500, is 0`,
  ]);
});

describe('the versions', () => {
  const told = { version: '1.4.0', environment: 'staging', git_sha: '6575f61' };
  const ends = (source: App | undefined) => ({
    source: { ...nothing, app: source },
    target: { ...nothing, app: appClient(small.url, {}, { version: usualPlace, environment: 'staging' }) },
  });
  const nothing = { name: '', account: undefined, database: undefined, buckets: new Map() };

  test('of a target that another environment stands behind by now are refused', async () => {
    small.answer = () => ({ body: { ...told, environment: 'production' } });
    const { found, wrong } = await askVersions(ends(undefined), 'any', { withinSeconds: 0 });
    expect(found).toMatchObject({ target: { environment: 'production' }, relation: 'unknown' });
    expect(wrong).toMatchObject({
      code: 'app-unexpected',
      message: `${small.url} says that its environment is production, not staging`,
    });
  });

  test('of one that calls itself production are refused, whatever the config says', async () => {
    small.answer = () => ({ body: { ...told, environment: 'production' } });
    const target = { ...nothing, app: appClient(small.url, {}, { version: usualPlace }) };
    const { wrong } = await askVersions({ ...ends(undefined), target }, 'any', { withinSeconds: 0 });
    expect(wrong?.code).toBe('ends-swapped');
  });

  test('are told where any will do, though the source tells none; where one must be the same, that is no proof', async () => {
    await using source = await startSmallApp(() => ({ status: 404, body: {} }));
    const from = appClient(source.url, {}, { version: usualPlace, readOnly: true });
    small.answer = () => ({ body: told });
    expect(await askVersions(ends(from), 'any', { withinSeconds: 0 })).toEqual({
      found: { target: { version: '1.4.0', environment: 'staging', gitSha: '6575f61' }, relation: 'unknown' },
    });
    await expect(askVersions(ends(from), 'ahead', { withinSeconds: 0 })).rejects.toThrow(/answered HTTP 404/);
    source.answer = () => ({ body: { version: '1.5.0' } });
    expect((await askVersions(ends(from), 'ahead', { withinSeconds: 0 })).wrong?.code).toBe('data-differs');
    expect(await askVersions(ends(from), 'any', { withinSeconds: 0 })).toMatchObject({ found: { relation: 'behind' } });
  });
});

test('the source is only read: what would write is refused before anything is sent', async () => {
  const source = appClient(small.url, {}, { readOnly: true });
  await expect(source.send({ method: 'POST', path: '/books', body: {} })).rejects.toMatchObject({
    code: 'source-readonly',
  });
  expect(small.asked).toEqual([]);
});
