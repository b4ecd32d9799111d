import { expect, test } from 'vitest';
import { keepSecret } from '../errors.ts';
import { readChecks } from './health.ts';

test('a map of maps tells each check with its own word and the rest in a line', () => {
  const told = {
    database: { status: 'healthy', book_count: 153, schema_validated: true },
    s3: { status: 'skipped' },
    search: { status: 'degraded', error: 'index\n is stale', nodes: { up: 1 } },
  };
  expect(readChecks(told)).toEqual([
    { name: 'database', healthy: true, status: 'healthy', detail: 'book_count 153, schema_validated true' },
    { name: 's3', healthy: true, status: 'skipped' },
    { name: 'search', healthy: false, status: 'degraded', detail: 'error index is stale, nodes {"up":1}' },
  ]);
});

test('a map of words or of true and false is one of checks too', () => {
  expect(
    readChecks({ db: 'ok', cache: false, mail: true, queue: 'DOWN', disk: null, search: { healthy: true } }),
  ).toEqual([
    { name: 'db', healthy: true, status: 'ok' },
    { name: 'cache', healthy: false, status: 'false' },
    { name: 'mail', healthy: true, status: 'true' },
    { name: 'queue', healthy: false, status: 'DOWN' },
    { name: 'disk', healthy: false, status: 'missing' },
    { name: 'search', healthy: true, status: 'true' },
  ]);
});

test('a list is, by their names, and one under a name is several of it', () => {
  expect(readChecks([{ name: 'db', status: 'UP' }, { status: 'down' }, 'ok'])).toEqual([
    { name: 'db', healthy: true, status: 'UP' },
    { name: '2', healthy: false, status: 'down' },
    { name: '3', healthy: true, status: 'ok' },
  ]);
  expect(readChecks({ 'db:time': [{ status: 'pass' }, { status: 'fail', output: 'slow' }] })).toEqual([
    { name: 'db:time', healthy: true, status: 'pass' },
    { name: 'db:time', healthy: false, status: 'fail', detail: 'output slow' },
  ]);
});

test('without a status a check is not healthy', () => {
  expect(readChecks({ db: {}, list: [[]] })).toEqual([
    { name: 'db', healthy: false, status: 'missing' },
    { name: 'list', healthy: false, status: '[]' },
  ]);
});

test('what is neither map nor list has no checks', () => {
  for (const told of [undefined, null, 'ok', 3, true]) expect(readChecks(told)).toEqual([]);
});

test('what they say stays short, is one line, and holds no secret', () => {
  keepSecret('the-password-of-all');
  const [check] = readChecks({
    ['n'.repeat(300)]: { status: `s${'\n'.repeat(300)}\u001b[31m`, error: `the-password-of-all ${'e'.repeat(5000)}` },
  });
  expect(check?.name).toMatch(/^n{100}…$/);
  expect(check?.status).toBe('s [31m');
  expect(check?.detail).toMatch(/^error \*\*\* e{190}…$/);
  expect(readChecks(Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`c${at}`, 'ok'])))).toHaveLength(100);
});
