import { expect, test } from 'vitest';
import type { PlannedBucket } from '../../plan-objects.ts';
import { everything } from '../../s3/selection.ts';
import type { Outcome, StepReport } from '../../step.ts';
import { objectLines } from './objects.ts';
import { figuresOf } from '../report.ts';

const at = { startedAt: '2026-11-22T23:15:00.900Z', durationMs: 1500 };
const amount = (objects: number) => ({ objects, bytes: objects * 10 });
const origin = { bucket: 'shop-staging', account: undefined, endpoint: undefined, region: 'us-west-2' };
const failure = { code: 'objects-failed', message: 'no' } as const;

interface Told {
  readonly planned?: Partial<PlannedBucket>;
  readonly copying?: Outcome<'copy-objects'>;
  readonly deleting?: Outcome<'delete-objects'>;
}

/** What the page says of a pair whose steps ended so. */
function page({ planned = {}, copying, deleting }: Told): string {
  const zero = amount(0);
  const selection = planned.selection ?? everything;
  const steps: StepReport[] = [];
  const step = { bucket: 'images', after: [], selection, objects: 9, bytes: 90 };
  if (copying)
    steps.push({
      ...step,
      id: 'copy-objects images',
      kind: 'copy-objects',
      keeping: {},
      route: 'stream',
      routeReason: 'as the config says',
      forced: false,
      outcome: copying,
    });
  if (deleting)
    steps.push({
      ...step,
      id: 'delete-objects images',
      kind: 'delete-objects',
      guard: { maxCount: 1000, maxPercent: 10 },
      sourceObjects: 9,
      plannedAt: at.startedAt,
      versioned: planned.versioning === 'enabled',
      outcome: deleting,
    });
  const report = {
    version: 1 as const,
    madeAt: at.startedAt,
    source: { name: 'production' },
    target: { name: 'staging' },
    objects: [
      {
        bucket: 'images',
        source: origin,
        target: origin,
        selection,
        totals: {
          source: zero,
          target: zero,
          missing: zero,
          changed: zero,
          same: zero,
          extra: zero,
          newer: zero,
          examples: [],
        },
        archived: zero,
        keeping: {},
        forced: false,
        plannedAt: at.startedAt,
        unmatched: [],
        refusals: [],
        notes: [],
        ...planned,
      },
    ],
    jobs: 4,
    notes: [],
    remarks: [],
    run: 'run-1',
    ...at,
    outcome: 'done' as const,
    steps,
    holds: 'nothing',
  };
  return objectLines({ ...report, figures: figuresOf(report) }, undefined).join('\n');
}

const copied = (objects: number, overwritten = 0, backedUp = 0, failed = 0): Outcome<'copy-objects'> => ({
  status: 'done',
  ...at,
  facts: {
    bucket: 'images',
    listedAt: at.startedAt,
    copied: amount(objects),
    overwritten: amount(overwritten),
    backedUp: amount(backedUp),
    unchanged: amount(7),
    onlyInTarget: amount(0),
    failed,
    failures: [],
    width: 32,
  },
});
const deleted = (objects: number): Outcome<'delete-objects'> => ({
  status: 'done',
  ...at,
  facts: { deleted: amount(objects), kept: 0, newer: 0, failed: 0, failures: [] },
});
const stopped = (objects?: number) => ({
  status: 'stopped' as const,
  ...at,
  ...(objects === undefined ? {} : { progress: { bytes: 0, objects, failed: 0 } }),
});
const kept: Partial<PlannedBucket> = { selection: { ...everything, backup: 'kept/' } };
const versioned = { versioning: 'enabled' as const };

test.each([
  [deleted(20), undefined, '20 objects deleted in shop-staging are kept under `kept/run-1/`. To bring them back, '],
  [deleted(1), undefined, '1 object deleted in shop-staging is kept under `kept/run-1/`. To bring it back, '],
  [deleted(1), copied(3, 2, 2), '1 object deleted and 2 objects overwritten in shop-staging are kept under '],
])('what is kept can be brought back', (deleting, copying, words) => {
  const text = page({ planned: kept, deleting, ...(copying ? { copying } : {}) });
  expect(text).toContain(words);
  expect(text).toContain(
    "with the target's profile:\n\n    aws s3 cp --recursive s3://shop-staging/kept/run-1/ s3://shop-staging/\n",
  );
  expect(text).toContain('Keys that end with a slash are skipped');
});

test('the delete markers of a run are those from its first second to its last', () => {
  const text = page({ planned: versioned, deleting: deleted(20) });
  expect(text).toContain('20 objects deleted in shop-staging, which is versioned.\n');
  expect(text).toContain("LastModified >= '2026-11-22T23:15:00' && LastModified <= '2026-11-22T23:15:03Z']");
  expect(text).toContain('more than a thousand, repeat until none is left:');
  expect(text).not.toContain('overwritten');
});

test('what was overwritten is an older version, or gone, or nobody could say', () => {
  const copying = copied(3, 2);
  expect(page({ planned: versioned, copying })).toContain('`aws s3api copy-object` with its `versionId`');
  expect(page({ planned: versioned, copying })).not.toContain('delete-markers');
  expect(page({ planned: { versioning: 'never' }, copying })).toContain(
    '2 objects overwritten in shop-staging, which keeps no older versions.',
  );
  expect(page({ planned: { versioning: 'unknown' }, copying })).toContain('could not be asked.');
});

test.each([
  ['nothing was overwritten', { planned: kept, copying: copied(3) }],
  ['nothing was deleted', { planned: versioned, deleting: deleted(0) }],
  ['a copy was stopped before its first object', { planned: kept, copying: stopped(0) }],
  ['a copy was stopped at once', { planned: kept, copying: stopped() }],
  ['a deletion was stopped before its first object', { planned: versioned, deleting: stopped(0) }],
  ['a deletion failed', { planned: kept, deleting: { status: 'failed', ...at, failure } }],
] satisfies [string, Told][])('where %s there is nothing to undo', (_what, told) => {
  expect(page(told)).not.toMatch(/aws s3|until the run was stopped/);
});

test('a step that was stopped on the way says how to undo what it did', () => {
  const words = 'What was deleted or overwritten in shop-staging until the run was stopped';
  expect(page({ planned: kept, copying: stopped(1) })).toContain(`${words} is kept under \`kept/run-1/\``);
  expect(page({ planned: versioned, deleting: stopped(1) })).toContain(`${words}, which is versioned`);
});

test('the route is told where something went by it', () => {
  const route = '- **images** through this process: as the config says.';
  for (const copying of [copied(1), copied(0, 0, 0, 1), stopped(1), { status: 'failed' as const, ...at, failure }])
    expect(page({ copying })).toContain(route);
  for (const copying of [copied(0), stopped(0), { status: 'not-run' as const }]) expect(page({ copying })).toBe('');
});

test('a selection is told, and no pattern breaks its line', () => {
  const selection = {
    prefix: 'photos/',
    include: ['**/*.jpg', '*`*'],
    exclude: ['tmp\n/**'],
    renames: { 'a/': 'b/' },
    backup: 'kept/',
  };
  expect(page({ planned: { selection } })).toContain(
    '- **images** prefix `photos/`; include `` **/*.jpg, *`* ``; exclude `"tmp\\n/**"`; renames `a/ → b/`\n',
  );
});
