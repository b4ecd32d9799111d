import { expect, test } from 'vitest';
import { alike } from './expression.ts';

// Left: as first stored. Right: as the same server prints it once it was restored from its own words.
test.each([
  [
    `CHECK (((state)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[])))`,
    `CHECK (((state)::text = ANY (ARRAY[('new'::character varying)::text, ('paid'::character varying)::text])))`,
  ],
  [`(id = ANY ((ARRAY[1, 2])::bigint[]))`, `(id = ANY (ARRAY[(1)::bigint, (2)::bigint]))`],
  [
    `(x = ANY ((ARRAY[a, b])::"My Schema"."odd ][ type"[]))`,
    `(x = ANY (ARRAY[(a)::"My Schema"."odd ][ type", (b)::"My Schema"."odd ][ type"]))`,
  ],
  [`(((a >= 1) AND (a <= 2)) AND (b > 0))`, `((a >= 1) AND (a <= 2) AND (b > 0))`],
  [`((a OR b) OR (c OR d))`, `(a OR b OR c OR d)`],
  [`CHECK ((a > 0))`, `CHECK (a > 0)`],
  [`SELECT   a\n  FROM\tb`, `SELECT a FROM b`],
])('%s means the same as %s', (stored, restored) => {
  expect(alike(stored)).toBe(alike(restored));
});

test.each([
  [`((a OR b) AND c)`, `(a OR (b AND c))`],
  [`(a AND (b OR c))`, `(a AND b OR c)`],
  [`NOT (a AND b) AND c`, `NOT a AND b AND c`],
  [`('a b' = x)`, `('ab' = x)`],
  [`('A' = x)`, `('a' = x)`],
  [`(x = ANY ((ARRAY['a', 'b'])::text[]))`, `(x = ANY ((ARRAY['a', 'c'])::text[]))`],
  [`(x = ANY ((ARRAY['a'])::text[]))`, `(x = ANY ((ARRAY['a'])::varchar[]))`],
  [
    `sum(a) OVER (ROWS BETWEEN (a) PRECEDING AND (b) FOLLOWING)`,
    `sum(a) OVER (ROWS BETWEEN (b) PRECEDING AND (a) FOLLOWING)`,
  ],
  [`a = '('`, `a = '(('`],
  [`"a" = 1`, `"A" = 1`],
])('%s is another thing than %s', (one, other) => {
  expect(alike(one)).not.toBe(alike(other));
});

test('what does not end is taken as it is', () => {
  expect(alike(`CHECK ((a = 'x`)).toBe(`CHECK (a = 'x)`);
});
