import { expect, test } from 'vitest';
import { judgeDeclared, type Declared } from './integrity.ts';

type States = Readonly<Record<string, boolean>>;

function declared(
  constraints: States,
  indexes: Readonly<Record<string, 'valid' | 'failed' | 'parted' | 'building'>> = {},
): Declared {
  return {
    constraints: new Map(
      Object.entries(constraints).map(([called, isValid]) => [called, { called, isValid, mend: `mend ${called}` }]),
    ),
    indexes: new Map(
      Object.entries(indexes).map(([called, state]) => [
        called,
        {
          called,
          mend: `mend ${called}`,
          isValid: state === 'valid',
          isPartitioned: state === 'parted',
          isBeingBuilt: state === 'building',
        },
      ]),
    ),
  };
}

test('a constraint that is not valid is a fault where the source has proven it, and no migration made it so', () => {
  const now = declared({ a: false, b: false, c: false, d: true });
  const source = declared({ a: true, b: false, d: true });
  expect(judgeDeclared(now, source)).toEqual({
    faults: [{ words: "a is not valid, and the source's is: rows may break it", mend: 'mend a' }],
    told: ['c is NOT VALID; the source has none of that name'],
  });
  const proven = declared({ a: true, b: false, d: true });
  expect(judgeDeclared(now, source, proven)).toEqual({
    faults: [],
    told: ['a is NOT VALID since the migration', 'c is NOT VALID; the source has none of that name'],
  });
  expect(judgeDeclared(now, source, now).faults).toHaveLength(1);
});

test('an index that is not valid is a fault, whoever made it; one that is being built, or lacks parts, is told', () => {
  const now = declared({}, { a: 'failed', b: 'valid', c: 'parted', d: 'building', e: 'parted' });
  const source = declared({}, { a: 'failed', c: 'parted' });
  expect(judgeDeclared(now, source, now)).toEqual({
    faults: [{ words: 'a is not valid: its build failed, and no query uses it', mend: 'mend a' }],
    told: ['d is being built at this moment', 'e is not valid: not every part of the table has one of its own'],
  });
});
