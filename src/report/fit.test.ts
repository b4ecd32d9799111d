import { styleText } from 'node:util';
import { expect, test } from 'vitest';
import { fit } from './fit.ts';

test('a long line goes on below the column that its text begins in, broken between words', () => {
  expect(fit('  database  bluemoxon at host:5432 as reader\nshort', 30)).toBe(
    '  database  bluemoxon at\n            host:5432 as\n            reader\nshort',
  );
  expect(fit('  ✓ objects one and two', 16)).toBe('  ✓ objects one\n    and two');
  expect(fit('one two three', 8)).toBe('one two\nthree');
  expect(fit('done 1.3 MB', 8)).toBe('done\n1.3 MB');
});

test('a column that begins late is none to go on below, and a long word is left whole', () => {
  expect(fit('  a  b c d          12.1 MB  236 missing, 242 new', 40)).toBe(
    '  a  b c d          12.1 MB  236\n                    missing, 242 new',
  );
  const command = 'x'.repeat(30);
  expect(fit(`do  this ${command}`, 20)).toBe(`do  this\n    ${command}`);
});

test('a name that its column has no room for begins further left, and stays whole', () => {
  expect(fit('  previous    kept: shop__previous_1', 24)).toBe('  previous    kept:\n        shop__previous_1');
  expect(fit('  previous  a shop__previous_1', 24)).toBe('  previous  a\n        shop__previous_1');
});

test('colours take no room, and without a width nothing is changed', () => {
  const red = styleText('red', 'a wide word', { validateStream: false });
  expect(fit(`${red} here`, 16)).toBe(`${red} here`);
  expect(fit('many words '.repeat(50), undefined)).toBe('many words '.repeat(50));
});
