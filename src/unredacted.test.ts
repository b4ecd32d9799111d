import { expect, test } from 'vitest';
import { keepSecret, RestageError } from './errors.ts';
import { json } from './report/json.ts';
import type { Plan } from './plan.ts';
import { unredacted } from './unredacted.ts';

const key = keepSecret('k-4f9a8b7c6d5e');
const other = keepSecret('t-0a1b2c3d4e5f');

/** A plan with these steps' settings, as it is kept. */
function kept(...settings: readonly object[]): Plan {
  const steps = settings.map((one, index) => ({ id: `step ${index}`, ...one }));
  return JSON.parse(json({ version: 1, steps })) as Plan;
}

test('what was blotted out of a plan that was kept comes from the configuration again', () => {
  const plan = kept(
    { headers: { 'X-API-Key': key, 'X-Token': other }, path: '/migrate' },
    { rule: { columns: { salt: { kind: 'set', sql: `md5('${key}' || id)` } } } },
  );
  expect(JSON.stringify(plan)).not.toContain(key);
  const config = {
    migrate: [{ http: { headers: { 'X-API-Key': key, 'X-Token': other } } }],
    tables: { users: { set: { salt: `md5('${key}' || id)`, plain: '1' } } },
  };
  expect(unredacted(plan, config).steps).toEqual([
    { id: 'step 0', headers: { 'X-API-Key': key, 'X-Token': other }, path: '/migrate' },
    { id: 'step 1', rule: { columns: { salt: { kind: 'set', sql: `md5('${key}' || id)` } } } },
  ]);
});

test('a text that the configuration does not hold, or holds twice, is not guessed', () => {
  const plan = kept({ headers: { 'X-API-Key': key } });
  const refused = (config: object) => {
    try {
      return unredacted(plan, config);
    } catch (error) {
      return error instanceof RestageError && [error.code, error.message];
    }
  };
  expect(refused({})).toEqual(['pause-lost', expect.stringContaining('step 0: the configuration does not say')]);
  expect(refused([{ 'X-API-Key': key }, { 'X-API-Key': other }])).toEqual(['pause-lost', expect.any(String)]);
});

test('a plan without secrets stays as it is, stars of its own included', () => {
  const plan = kept({ rule: { columns: { name: { kind: 'set', sql: `'***'` } } } });
  expect(unredacted(plan, { set: { name: `'***'` } })).toEqual(plan);
});
