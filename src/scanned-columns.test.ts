import { expect, test } from 'vitest';
import { quoteTable } from './postgres/names.ts';
import { plainRule, type ColumnRule, type Mask, type TableRule } from './postgres/rules/table-rule.ts';
import { scannedColumns } from './scanned-columns.ts';

const users = { schema: 'public', name: 'users' };
const books = { schema: 'public', name: 'books' };
const tables = [{ table: users }, { table: books }];
const mask = (one: Mask): ColumnRule => ({ kind: 'mask', mask: one });

function scanned(rule: Partial<TableRule>) {
  return scannedColumns(tables, new Map([[quoteTable(users), { ...plainRule, ...rule }]]));
}

test('every masked column is scanned for, of json each path by its own mask', () => {
  const columns = {
    email: mask('email'),
    born: mask({ date: { shiftDays: 3 } }),
    plan: { kind: 'set', sql: `'free'` } as const,
    details: mask({ json: { 'contact.email': 'email', 'orders[*].iban': 'iban' } }),
  };
  expect(scanned({ columns }).columns).toEqual([
    { table: users, column: 'email', mask: 'email' },
    { table: users, column: 'born', mask: 'date' },
    { table: users, column: 'details', mask: 'email', path: 'contact.email' },
    { table: users, column: 'details', mask: 'iban', path: 'orders[*].iban' },
  ]);
});

test('what a rule allows is left out, and where nothing is masked there is nothing to scan for', () => {
  expect(scanned({ allow: ['email'] })).toEqual({ columns: [], except: [{ table: users, column: 'email' }] });
  expect(scannedColumns(tables, new Map())).toEqual({ columns: [], except: [] });
});
