import { expect, test } from 'vitest';
import { productionObjects, stagingObjects } from './objects.ts';
import { productionRows, type TableRows } from './production-rows.ts';
import { stagingRows } from './staging-rows.ts';

test('the objects of the sample add up to 1.7 GB at its full size', () => {
  const bytes = productionObjects({ full: true }).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(Math.abs(bytes / 1.7e9 - 1)).toBeLessThan(0.01);
});

test('the sample is the same at every call', () => {
  expect(productionRows()).toEqual(productionRows());
  expect(stagingObjects()).toEqual(stagingObjects());
});

test('staging has users of production under logins of its own, testers, and keys of the testers', () => {
  const rowsOf = (tables: readonly TableRows[], name: string) => tables.find(({ table }) => table === name)?.rows ?? [];
  const [theirs, own] = [rowsOf(productionRows(), 'users'), rowsOf(stagingRows(), 'users')];
  const shared = own.filter((user) => theirs.some(({ email }) => email === user['email']));
  const testers = own.filter(({ email }) => email?.endsWith('@staging.bluemoxon.com'));
  expect([theirs.length, shared.length, testers.length]).toEqual([5, 4, 2]);
  for (const user of own) expect(theirs.map((one) => one['cognito_sub'])).not.toContain(user['cognito_sub']);
  const owners = rowsOf(stagingRows(), 'api_keys').map((key) => key['created_by_id']);
  for (const owner of owners) expect(testers.map(({ id }) => id)).toContain(owner);
});

test('the rows name only images that production has', () => {
  const keys = new Set(productionObjects().map(({ key }) => key));
  const images = productionRows().find(({ table }) => table === 'book_images');
  expect(images?.rows.filter((row) => !keys.has(row['s3_key'] ?? ''))).toEqual([]);
});

test('staging has most objects, some older, some missing and some of its own', () => {
  const mine = new Map(productionObjects().map((object) => [object.key, object]));
  const theirs = stagingObjects();
  const shared = theirs.filter(({ key }) => mine.has(key));
  const changed = shared.filter(({ key, seed }) => mine.get(key)?.seed !== seed);
  const sameSize = changed.filter(({ key, sizeBytes }) => mine.get(key)?.sizeBytes === sizeBytes);
  expect(mine.size - shared.length).toBeGreaterThan(100);
  expect(changed.length).toBeGreaterThan(sameSize.length);
  expect(sameSize.length).toBeGreaterThan(50);
  expect(theirs.length - shared.length).toBe(61);
});
