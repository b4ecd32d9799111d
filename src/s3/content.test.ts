import { expect, test } from 'vitest';
import { memoryBucket, object, type Call } from '../../test/memory-buckets.ts';
import { RestageError } from '../errors.ts';
import { checkContent } from './content.ts';
import { noteOutage } from './retry.ts';
import { everything } from './selection.ts';
import type { ObjectOutcome } from './transfer.ts';

const many = Array.from({ length: 200 }, (_, index) => object(`k${String(index).padStart(4, '0')}`));

test.each([
  ['a store that is out of reach', noteOutage(new RestageError('bucket-denied', 'no way')), 'objects-failed'],
  ['a login that has expired', new RestageError('credentials-failed', 'log in again'), 'credentials-failed'],
])('%s ends the reading back at once, and no object is called different for it', async (_what, error, code) => {
  const away = ({ act }: Call) => {
    if (act === 'get') throw error;
  };
  const target = memoryBucket(many, { before: away, pageSize: 50 });
  const outcomes: ObjectOutcome[] = [];
  const pair = { source: memoryBucket(many, { pageSize: 50 }), target, selection: everything };
  await expect(checkContent(pair, { onObject: (one) => outcomes.push(one) })).rejects.toMatchObject({ code });
  expect(outcomes).toEqual([]);
  expect(target.asked('get').length).toBeLessThanOrEqual(32);
});
