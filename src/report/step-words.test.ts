import { expect, test } from 'vitest';
import { done } from '../../test/built-report.ts';
import { hasDone } from './step-words.ts';

test('what is not as it should be, and no fault, is told of constraints and indexes', () => {
  const integrity = { constraints: 33, indexes: 32, sequences: 10, wrong: [] };
  const words = (told?: readonly string[]) =>
    hasDone(done({ kind: 'verify-integrity' }, { ...integrity, ...(told ? { told } : {}) }));
  expect(words()).toBe('33 constraints and 32 indexes valid, 10 sequences ahead');
  expect(words(['books_price_check of books is NOT VALID since the migration'])).toBe(
    '33 constraints and 32 indexes, 10 sequences; no fault: books_price_check of books is NOT VALID since the migration',
  );
});

test('of keys that neither bucket has those that must exist are told', () => {
  const none = { keys: 0, examples: [] };
  const check = { bucket: 'images', columns: ['books.cover'], named: 1828, missing: none, absent: none, unnamed: none };
  const step = {
    kind: 'verify-references' as const,
    bucket: 'images',
    columns: [{ column: 'books.cover', absent: 'fail' as const }],
  };
  const words = (more: object) => hasDone(done(step as never, { ...check, ...more }));
  expect(words({})).toBe('all 1,828 keys that rows name exist in images');
  expect(words({ missing: { keys: 2, examples: [] } })).toBe(
    "of 1,828 keys that rows name 2 missing in the target's images",
  );
  expect(words({ absent: { keys: 3, examples: [] }, mustExist: { keys: 1, examples: [] } })).toBe(
    'of 1,828 keys that rows name 3 in neither bucket, of which 1 must exist',
  );
});
