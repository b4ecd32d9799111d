import { expect, test } from 'vitest';
import type { Column } from '../catalog.ts';
import type { Mask } from '../rules/table-rule.ts';
import { maskBits, maskFits, maskSql, usesUserSql } from './mask-sql.ts';

function column(type: string, more: Partial<Column> = {}): Column {
  return { name: 'c', type, base: type, nature: 'exact', generated: false, required: false, ...more };
}

const short = (maxLength: number) =>
  column(`character varying(${maxLength})`, { base: 'character varying', maxLength });

function fits(mask: Mask, one: Column, primaryKey: readonly string[] = ['id']): string | undefined {
  return maskFits(mask, one, {
    table: { schema: 'public', name: 't' },
    primaryKey,
    columns: [column('bigint', { name: 'id' }), one],
  });
}

test.each<readonly [Mask, Column, string]>([
  ['email', column('integer'), 'it is not for integer'],
  ['email', short(10), 'it makes 16 characters, which character varying(10) does not hold'],
  ['uuid', short(35), 'it makes 36 characters, which character varying(35) does not hold'],
  ['card', column('integer'), 'it is not for integer'],
  ['redact', column('point'), 'it is not for point'],
  ['null', column('text', { required: true }), 'it takes no null'],
  ['name', column('text', { generated: true }), 'the server itself makes its values, out of other columns'],
  [{ date: { shiftDays: 9, by: 'user_id' } }, column('date'), 'by: there is no column user_id'],
  [{ date: { shiftDays: 99_999 } }, column('date'), 'shiftDays is 36500 at most'],
  [{ constant: 'unknown' }, short(5), 'the constant is longer than character varying(5)'],
  [
    { json: { 'a..b': 'name' } },
    column('jsonb'),
    'the path a..b is none: write it like contact.email, orders[*].iban or [*]',
  ],
  [{ json: { a: 'name', 'a.b': 'email' } }, column('jsonb'), 'a has a mask, and so has something inside of it'],
  [{ json: { a: { sql: 'b' } } }, column('jsonb'), 'at a: sql is not for values within JSON'],
  [{ json: { a: 'name' } }, column('text'), 'it is not for text'],
])('%j on %o does not fit', (mask, one, reason) => {
  expect(fits(mask, one)).toBe(reason);
  expect(maskBits(mask, one)).toBeLessThanOrEqual(Infinity);
});

test('dates without a primary key want a column to move by', () => {
  expect(fits({ date: { shiftDays: 9 } }, column('date'), [])).toContain('no primary key');
  expect(fits({ date: { shiftDays: 9, by: 'id' } }, column('date'), [])).toBeUndefined();
});

test('a mask that does not fit is refused by table and column', () => {
  const table = { table: { schema: 'app', name: 'people' }, primaryKey: [], columns: [column('integer')] };
  expect(() => maskSql('email', column('integer'), table)).toThrow(
    'the mask email cannot be used on app.people.c: it is not for integer',
  );
});

test.each<readonly [Mask, Column, number]>([
  ['email', column('text'), 80],
  ['email', short(20), 32],
  ['uuid', column('uuid'), 122],
  ['token', short(10), 40],
  ['hash', column('bytea'), 256],
  ['hash', column('integer'), 31],
  ['redact', column('text'), 0],
  [{ constant: 1 }, column('integer'), 0],
  ['null', column('text'), Infinity],
  ['phone', short(10), 6 * Math.log2(10)],
])('%j on %o leaves so many bits: %d', (mask, one, bits) => {
  expect(maskBits(mask, one)).toBeCloseTo(bits);
});

test('hashes are called alike for the same column and kind, and never as a column', () => {
  const one = column('date', { name: 'born' });
  const other = column('timestamp without time zone', { name: 'seen' });
  const mask: Mask = { date: { shiftDays: 9, by: 'id' } };
  const id = column('bigint', { name: 'id' });
  const plain = { table: { schema: 'public', name: 't' }, primaryKey: ['id'], columns: [id, one, other] };
  const names = [one, other].map((each) => Object.keys(maskSql(mask, each, plain).hashes));
  expect(names).toEqual([['restage date 1'], ['restage date 1']]);
  const taken = { ...plain, columns: [...plain.columns, column('text', { name: 'restage date 1' })] };
  expect(Object.keys(maskSql(mask, one, taken).hashes)).toEqual(['restage date 1+']);
  const many = Array.from({ length: 32 }, (_, index) => column('bigint', { name: `key ${index}` }));
  const wide = { ...plain, primaryKey: many.map(({ name }) => name), columns: [...many, one] };
  const [long = ''] = Object.keys(maskSql({ date: { shiftDays: 9 } }, one, wide).hashes);
  expect(long).toMatch(/^restage [0-9a-f]{32}$/); // longer names are cut by the server, and might meet
});

test('only sql is SQL of the user', () => {
  expect([usesUserSql({ sql: 'now()' }), usesUserSql('email'), usesUserSql({ json: { a: 'email' } })]).toEqual([
    true,
    false,
    false,
  ]);
});
