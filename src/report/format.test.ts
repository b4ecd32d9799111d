import { styleText } from 'node:util';
import { expect, test } from 'vitest';
import { bytes, columns, count, counted, duration, moment, timeOut } from './format.ts';

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [99_949, '99.9 kB'],
  [99_950, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [1_700_000_000, '1.7 GB'],
  [5e18, '5000 PB'],
  [100 / 3, '33 bytes'],
])('%d bytes are read as %s', (number, text) => {
  expect(bytes(number)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [999.7, '1.0 s'],
  [1000, '1.0 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [3_599_499, '59 min 59 s'],
  [3_599_500, '1 h 0 min'],
  [3_900_000, '1 h 5 min'],
])('%d ms are read as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [29, '29 s'],
  [60, '1 min'],
  [90, '1 min 30 s'],
  [900, '15 min'],
  [3600, '1 h'],
])('a time-out of %d s is read as %s', (seconds, text) => {
  expect(timeOut(seconds)).toBe(text);
});

test('numbers are told with their thousands apart, and one thing is one thing', () => {
  expect([count(4709), counted(1, 'object'), counted(0, 'object'), counted(4709, 'query', 'queries')]).toEqual([
    '4,709',
    '1 object',
    '0 objects',
    '4,709 queries',
  ]);
});

test('a moment is told to the second, in UTC', () => {
  expect(moment('2025-12-22T14:03:11.123Z')).toBe('2025-12-22 14:03:11 UTC');
});

test('columns line up, colours or not, and no line ends in blanks', () => {
  const red = styleText('red', 'bad', { validateStream: false });
  const rows = [
    ['name', 'rows', ''],
    [red, '5', 'x'],
    ['longest', '1,000', ''],
  ];
  const lines = columns(rows, ['left', 'right', 'left'], '> ');
  expect(lines).toEqual(['> name      rows', `> ${red}          5  x`, '> longest  1,000']);
});
