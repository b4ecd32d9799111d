import { expect, test } from 'vitest';
import { displayTable, quoteName, quoteTable, quoteText } from './names.ts';

test('identifiers are quoted whatever they hold', () => {
  expect(quoteName('Order "42"\n')).toBe('"Order ""42""\n"');
  expect(quoteTable({ schema: 'a.b', name: 'c"d' })).toBe('"a.b"."c""d"');
});

test('texts are quoted, backslashes included, whatever standard_conforming_strings is', () => {
  expect(quoteText(`it's`)).toBe(`'it''s'`);
  expect(quoteText(String.raw`C:\new 'x'`)).toBe(String.raw` E'C:\\new ''x'''`);
});

test('people read a table without its schema only where that is public', () => {
  expect([displayTable({ schema: 'public', name: 'books' }), displayTable({ schema: 'shop', name: 'books' })]).toEqual([
    'books',
    'shop.books',
  ]);
});
