import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig, request } from '../src/index.ts';
import { startSmallApp, type SmallApp } from './small-app.ts';
import { type Ended, type } from './store/command-line.ts';

let source: SmallApp;
let target: SmallApp;
let folder: string;

const key = 'the-key-of-staging';
// Nobody listens there, and no profile is called so: what connects to a database or to AWS fails.
const settings = () => ({
  version: 1,
  source: {
    name: 'production',
    aws: { profile: 'nobody' },
    database: { secret: 'nowhere' },
    app: { url: source.url },
  },
  target: {
    name: 'staging',
    database: { url: 'postgres://u@127.0.0.1:1/d' },
    app: { url: `${target.url}/`, headers: { 'X-API-Key': key } },
  },
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-api-'));
  [source, target] = await Promise.all([startSmallApp(), startSmallApp()]);
  await writeFile(join(folder, 'restage.yaml'), JSON.stringify(settings()));
});
beforeEach(() => {
  for (const app of [source, target]) app.asked.splice(0);
});
afterAll(async () => {
  await Promise.all([source, target].map((app) => app[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

function api(...args: readonly string[]): Promise<Ended> {
  return type(['api', ...args], folder, {}).ended;
}

test('one value of the answer is printed: bmx-api GET … | jq .total', async () => {
  target.answer = () => ({ body: { items: [{ title: 'A “B”' }], total: 153, id: 12345678901234567890n.toString() } });
  const [total, title, missing] = await Promise.all([
    api('GET', '/books?limit=5', '--read', 'total'),
    api('get', '/books?limit=5', '--read', 'items[0].title'),
    api('GET', '/books?limit=5', '--read', 'count'),
  ]);
  expect(total).toEqual({ code: 0, stdout: '153\n', stderr: '' });
  expect(title).toEqual({ code: 0, stdout: 'A “B”\n', stderr: '' });
  expect([missing.code, missing.stdout]).toEqual([1, '']);
  expect(missing.stderr).toMatch(/answered HTTP 200 without count\n {2}It has items, total, id\.\n$/);
  expect(target.asked.map(({ method, path, headers }) => [method, path, headers['x-api-key']])).toEqual(
    Array.from({ length: 3 }, () => ['GET', '/api/books?limit=5', key]),
  );
  expect(source.asked).toEqual([]);
});

test('a body is printed as it came, its numbers too, but never the key', async () => {
  const body = `{ "id": 12345678901234567890, "price": 1.10,\n "seen": "${key}" }\n`;
  target.answer = () => ({ body });
  const [plain, json] = await Promise.all([api('GET', '/one'), api('GET', '/one', '--json')]);
  expect(plain).toEqual({ code: 0, stdout: body.replace(key, '***'), stderr: '' });
  expect(json.stdout.replaceAll(/\s+/g, '')).toBe(
    '{"status":200,"body":{"id":12345678901234567890,"price":1.10,"seen":"***"}}',
  );
});

test('data is sent as it is, and an error answer is printed with its status on stderr', async () => {
  target.answer = ({ body }) => ({ status: 422, body: `got ${body}` });
  const ended = await api('POST', '/books', '--data', '{"id": 12345678901234567890}');
  expect(ended).toEqual({
    code: 1,
    stdout: 'got {"id": 12345678901234567890}\n',
    stderr: `✗ POST ${target.url}/books answered HTTP 422\n`,
  });
  expect(target.asked[0]?.headers['content-type']).toBe('application/json');
});

test('of the source nothing but GET and HEAD is sent', async () => {
  const [post, head] = await Promise.all([
    api('--end', 'source', 'delete', '/books/1', '--json'),
    api('--end', 'source', 'HEAD', '/books'),
  ]);
  expect([post.code, JSON.parse(post.stdout)]).toMatchObject([3, { error: { code: 'source-readonly' } }]);
  expect(post.stderr).toContain(`DELETE ${source.url}/books/1 was not sent: the source is only read`);
  expect(head.code).toBe(0);
  expect(source.asked.map(({ method }) => method)).toEqual(['HEAD']);
});

test('HEAD prints the status and the headers, without those that are secrets', async () => {
  target.answer = () => ({ headers: { ETag: '"7"', 'Set-Cookie': 'session=abcdef' }, body: '' });
  const { code, stdout } = await api('HEAD', '/books');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^HTTP 200\n/);
  expect(stdout).toMatch(/^etag: "7"$/m);
  expect(stdout).toMatch(/^set-cookie: \*\*\*$/m);
});

test('a redirection is told and not followed', async () => {
  source.answer = () => ({ body: 'somewhere else' });
  target.answer = () => ({ status: 301, headers: { Location: `${source.url}/books` }, body: '' });
  const { code, stdout, stderr } = await api('GET', '/books');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe(
    `✗ GET ${target.url}/books answered HTTP 301\n  It points to ${source.url}/books, which was not asked.\n`,
  );
  expect(source.asked).toEqual([]);
});

const ask = (more: object, config: object = settings()) =>
  request(loadConfig(config), { method: 'GET', path: '/books', ...more });

test.each([
  'books',
  '@evil.example/books',
  'https://evil.example/books',
  '//evil.example/books',
  '/\\evil.example',
  '/../admin',
  '/%2e%2e/admin',
  '/a/..%2f..%2fadmin',
  '/%252e%252e/admin',
  '/..;/admin',
  '/./../api2/x',
  '/two words',
  '/line\nbreak',
])('the path %j leads nowhere', async (path) => {
  await expect(ask({ path })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('nothing was sent'),
  });
  expect(target.asked).toEqual([]);
});

test.each(['/users/me@example.com', '/a//b', '/%5Cevil', '/?url=https://evil.example/', '/'])(
  'the path %j stays behind the address',
  async (path) => {
    target.answer = () => ({ body: {} });
    expect((await ask({ path })).status).toBe(200);
    expect(target.asked[0]?.path).toBe(`/api${path}`);
  },
);

test('what cannot be meant is refused before anything is sent', async () => {
  await expect(ask({ method: 'TRACE' })).rejects.toMatchObject({ code: 'usage' });
  await expect(ask({ data: '{}' })).rejects.toThrow('GET sends no data');
  await expect(ask({ method: 'POST', data: '{' })).rejects.toMatchObject({ code: 'usage' });
  const { target: to, ...rest } = settings();
  await expect(ask({}, { ...rest, target: { name: 'staging', database: to.database } })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('the target has no application'),
  });
  expect(target.asked).toEqual([]);
});

test('nothing is written to what is called production, nor to an application of both ends', async () => {
  const { target: to, ...rest } = settings();
  const post = (changed: object) => ask({ method: 'POST' }, { ...rest, target: { ...to, ...changed } });
  await expect(post({ name: 'Prod' })).rejects.toMatchObject({ code: 'ends-swapped' });
  await expect(post({ app: { url: `${source.url}//` } })).rejects.toMatchObject({ code: 'target-is-source' });
  await expect(post({ app: { ...to.app, environment: 'production' } })).rejects.toMatchObject({ code: 'ends-swapped' });
  expect([...target.asked, ...source.asked]).toEqual([]);
});

test('an answer of more than 16 MiB is not read to its end', async () => {
  target.answer = () => ({ body: 'x'.repeat(17 * 1024 * 1024) });
  await expect(ask({})).rejects.toMatchObject({
    code: 'app-unexpected',
    message: expect.stringMatching(/answered more than 16 MiB$/),
  });
});

test('data goes with no reading, of either end', async () => {
  for (const end of ['source', 'target'] as const)
    await expect(ask({ end, method: 'GET', path: '/books', data: '{}' })).rejects.toMatchObject({
      code: 'usage',
      message: 'GET sends no data',
    });
});
