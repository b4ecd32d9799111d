import { expect, test } from 'vitest';
import { databasePlan, joinedBy, joinedPlan, objectsPlan } from '../../test/example-passes.ts';
import { firstPass, joinPlans, passOf, secondPass } from './join.ts';

const ids = ({ steps }: { readonly steps: readonly { readonly id: string }[] }) => steps.map(({ id }) => id);

/** Everything that must be done before a step, near or far. */
function before(id: string): Set<string> {
  const found = new Set<string>();
  const look = (one: string) => {
    for (const earlier of joinedPlan.steps.find((step) => step.id === one)?.after ?? [])
      if (!found.has(earlier)) {
        found.add(earlier);
        look(earlier);
      }
  };
  look(id);
  return found;
}

test('objects are copied before the snapshot, and what came since when the new database is in place', () => {
  expect(before('take-snapshot')).toContain('copy-objects images');
  expect(before('copy-objects images again')).toContain('swap');
  expect(before('verify-objects images')).toContain('copy-objects images again');
  expect(before('delete-objects images')).toContain('verify-objects images');
  const last = new Set(['verify-references images', 'delete-objects images']);
  expect(before('verify-references images')).toEqual(new Set(ids(joinedPlan).filter((id) => !last.has(id))));
  // What is deleted cannot be put back.
  expect(before('delete-objects images')).toContain('verify-references images');
});

test('steps of a joined plan have ids of their own, and wait for steps that are there', () => {
  const all = ids(joinedPlan);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining([...ids(firstPass(objectsPlan)), ...ids(secondPass(objectsPlan))]));
  expect(all).toEqual(expect.arrayContaining(ids(databasePlan)));
  for (const { after } of joinedPlan.steps) expect(all).toEqual(expect.arrayContaining([...after]));
});

test('each step of a joined plan is of one part', () => {
  const of = (id: string) => joinedPlan.steps.flatMap((step) => (step.id === id ? [passOf(step, joinedPlan)] : []))[0];
  expect(of('copy-objects images')).toBe('first');
  expect(of('take-snapshot')).toBe('database');
  expect(of('copy-objects images again')).toBe('second');
  expect(of('delete-objects images')).toBe('second');
  expect(of('verify-references images')).toBe('references');
});

test('the first pass judges and deletes nothing', () => {
  expect(ids(firstPass(objectsPlan))).toEqual(['copy-objects images']);
});

test('a pair that needed nothing when it was planned is listed again when the database is in place', () => {
  const idle = { ...objectsPlan, steps: [] };
  expect(ids(firstPass(idle))).toEqual([]);
  expect(ids(secondPass(idle))).toEqual(['copy-objects images', 'verify-objects images']);
  expect(ids(joinPlans(databasePlan, idle)).filter((id) => id.includes('objects'))).toEqual([
    'copy-objects images',
    'verify-objects images',
  ]);
});

test('where only what rows name counts, nothing is copied before those rows are there', () => {
  const named = {
    ...objectsPlan,
    steps: objectsPlan.steps.map((step) =>
      step.kind === 'copy-objects' ? { ...step, selection: { ...step.selection, only: 'referenced' as const } } : step,
    ),
  };
  expect(ids(firstPass(named))).toEqual([]);
  expect(ids(secondPass(named))[0]).toBe('copy-objects images');
});

test('a joined plan has the ends, the figures and the notes of both', () => {
  const { only, source, target, objects, notes, onLambda, madeAt } = joinedPlan;
  expect(only).toBeUndefined();
  expect(source.database).toEqual(databasePlan.source.database);
  expect(target.app).toEqual(databasePlan.target.app);
  expect(objects).toEqual(objectsPlan.objects);
  expect(notes).toEqual(['staging is ahead', 'images: no key matches deploy/**']);
  expect(onLambda).toEqual({ ...joinedBy.on, objects: 'here' });
  expect(madeAt).toBe(databasePlan.madeAt);
});

test('what stands against either part stands against the whole', () => {
  const refusal = (message: string) => ({ code: 'table-empty' as const, message });
  const joined = joinPlans(
    { ...databasePlan, refusals: [refusal('of the database')] },
    { ...objectsPlan, refusals: [refusal('of the objects')] },
  );
  expect(joined.refusals?.map(({ message }) => message)).toEqual(['of the database', 'of the objects']);
  expect(joinPlans(databasePlan, objectsPlan).refusals).toBeUndefined();
});
