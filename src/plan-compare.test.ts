import { describe, expect, test } from 'vitest';
import { keepSecret, RestageError } from './errors.ts';
import { differencesOf, requireAsPlanned } from './plan-compare.ts';
import { readPlan } from './plan-saved.ts';
import type { Plan } from './plan.ts';
import type { PlannedBucket } from './plan-objects.ts';
import { json } from './report/json.ts';
import { everything } from './s3/selection.ts';
import type { Step } from './step.ts';

const amount = (objects: number, bytes = objects * 1_000_000) => ({ objects, bytes });
const schema = { columns: { objects: 4, hash: 'aa' }, tables: { objects: 2, hash: 'bb' } };
const database = (name: string) => ({
  origin: { host: `db.${name}`, port: 5432, database: name, user: 'restage', version: '16.14' },
  readAt: '2026-11-23T08:00:00.000Z',
  tables: 2,
  rows: 10_000,
  sizeBytes: 9_000_000,
  revision: 'aaa',
  schema,
  identity: `7001/${name}`,
});
const app = (name: string) => ({ url: `https://${name}.example`, version: '1', gitSha: 'a9fd309', environment: name });
const end = (name: string) => ({ name, account: `${name} account`, database: database(name), app: app(name) });
const copyTable = (name: string, rows: number): Step => ({
  id: `copy-table ${name}`,
  after: ['copy-schema'],
  kind: 'copy-table',
  table: { schema: 'public', name },
  rows,
  rowsAreEstimated: false,
  bytes: 100,
  parts: 1,
  partsReason: 'small',
  verify: 'content',
  mayBeEmpty: false,
});
const migrate: Step = {
  id: 'migrate',
  after: [],
  kind: 'migrate',
  method: 'POST',
  path: '/migrate',
  expect: { status: 'success' },
  timeoutSeconds: 120,
  headers: {},
  withinSeconds: 900,
  goal: [],
};
const verifyObjects: Step = {
  id: 'verify-objects images',
  after: [],
  kind: 'verify-objects',
  bucket: 'images',
  selection: everything,
  content: 'none',
  mayBeEmpty: false,
};
const deletion = {
  ...amount(100),
  percent: 1,
  prefixes: [],
  others: amount(0),
  samples: [],
  guard: { maxCount: 1000, maxPercent: 10 },
};
const images: PlannedBucket = {
  bucket: 'images',
  source: { bucket: 'shop', account: '1', endpoint: undefined, region: 'us-west-2' },
  target: { bucket: 'shop-staging', account: '2', endpoint: undefined, region: 'us-west-2' },
  selection: everything,
  totals: {
    source: amount(5000),
    target: amount(4000),
    missing: amount(1000),
    changed: amount(200),
    same: amount(3800),
    extra: amount(100),
    newer: amount(0),
    examples: [],
  },
  archived: amount(0),
  keeping: {},
  forced: false,
  deletion,
  versioning: 'enabled',
  plannedAt: '2026-11-23T08:00:00.000Z',
  unmatched: [],
  refusals: [],
  notes: [],
};
const plan: Plan = {
  version: 1,
  madeAt: '2026-11-23T08:00:00.000Z',
  source: end('production'),
  target: end('staging'),
  objects: [images],
  jobs: 4,
  steps: [copyTable('books', 1000), copyTable('tags', 8), verifyObjects, migrate],
  notes: [],
};

/** What is told between the plan, as it was written to a file, and a fresh one. */
function told(fresh: Plan, percent = 10): string[] {
  return differencesOf(readPlan(json(plan), 'p.json'), fresh, percent);
}

const withDatabase = (side: 'source' | 'target', change: object): Plan => ({
  ...plan,
  [side]: { ...plan[side], database: { ...plan[side].database, ...change } },
});
const withImages = (change: Partial<PlannedBucket>): Plan => ({ ...plan, objects: [{ ...images, ...change }] });
const withTotals = (change: Partial<PlannedBucket['totals']>) =>
  withImages({ totals: { ...images.totals, ...change } });
const withSteps = (...steps: Step[]): Plan => ({ ...plan, steps });

test('the same world and config have no difference, whenever and wherever it was read', () => {
  const later = '2026-11-23T09:00:00.000Z';
  const [books, ...rest] = plan.steps;
  const fresh = {
    ...withDatabase('source', { readAt: later, sizeBytes: 1 }),
    madeAt: later,
    jobs: 8,
    notes: ['a note'],
    objects: [
      {
        ...images,
        plannedAt: later,
        versioning: 'enabled' as const,
        route: { kind: 'stream' as const, reason: 'other' },
      },
    ],
    steps: [{ ...books, parts: 4, partsReason: 'large', bytes: 1e9, rowsAreEstimated: true } as Step, ...rest],
  };
  expect(told(fresh)).toEqual([]);
});

test.each([
  ['name', { name: 'other' }, "the target's name is other; it was staging"],
  ['account', { account: '3' }, "the target's AWS account is 3; it was staging account"],
  [
    'application',
    { app: app('other') },
    "the target's application is https://other.example; it was https://staging.example",
  ],
  [
    'version',
    { app: { ...app('staging'), gitSha: '6575f61' } },
    "the target's application's git sha is 6575f61; it was a9fd309",
  ],
  [
    'environment',
    { app: { ...app('staging'), environment: 'production' } },
    "the target's application's environment is production; it was staging",
  ],
])('another %s of the target is told', (_what, change, words) => {
  expect(told({ ...plan, target: { ...plan.target, ...change } })).toContain(words);
});

describe('of a database', () => {
  const { origin } = database('staging');
  test.each([
    ['host', { origin: { ...origin, host: 'db.other' } }, "the target's host is db.other; it was db.staging"],
    ['port', { origin: { ...origin, port: 5433 } }, "the target's port is 5433; it was 5432"],
    ['name', { origin: { ...origin, database: 'other' } }, "the target's database is other; it was staging"],
    ['user', { origin: { ...origin, user: 'other' } }, "the target's user is other; it was restage"],
    ['server', { origin: { ...origin, version: '17.1' } }, "the target's PostgreSQL is 17; it was 16"],
    [
      'identity',
      { identity: '7002/staging' },
      "the target's database staging at db.staging:5432 is another one than in the plan",
    ],
    ['revision', { revision: 'bbb' }, "the target's revision is bbb; it was aaa"],
    [
      'schema',
      { schema: { ...schema, columns: { objects: 5, hash: 'cc' } } },
      "the schema of the target's database staging at db.staging:5432 has changed: columns (5, before 4)",
    ],
    [
      'number of rows',
      { rows: 8_999 },
      "the target's database staging at db.staging:5432 has 8,999 rows; it had 10,000",
    ],
  ])('another %s is told', (_what, change, words) => {
    expect(told(withDatabase('target', change))).toEqual([expect.stringContaining(words)]);
  });

  test('a further patch of the server, and an identity that may not be read any more, are not', () => {
    const { identity: _gone, ...rest } = database('staging');
    expect(
      told({ ...plan, target: { ...plan.target, database: { ...rest, origin: { ...origin, version: '16.15' } } } }),
    ).toEqual([]);
  });

  test('that is not planned any more is told', () => {
    const { database: _gone, ...rest } = plan.source;
    expect(told({ ...plan, source: rest })).toContain("the source's database is not given; it was planned");
  });
});

describe('counts within the tolerance pass, others are told', () => {
  test.each([
    [1100, 10, []],
    [900, 10, []],
    [1101, 10, ['books: 1,101 rows at the source; in the plan 1,000']],
    [899, 10, ['books: 899 rows at the source; in the plan 1,000']],
    [1101, 11, []],
    [1001, 0, ['books: 1,001 rows at the source; in the plan 1,000']],
  ])('%d rows of 1,000, with %d %%', (rows, percent, words) => {
    expect(told(withSteps(copyTable('books', rows), ...plan.steps.slice(1)), percent)).toEqual(words);
  });

  test('of few rows a share says nothing', () => {
    const [books, , ...rest] = plan.steps;
    expect(told(withSteps(books as Step, copyTable('tags', 18), ...rest))).toEqual([]);
    expect(told(withSteps(books as Step, copyTable('tags', 19), ...rest))).toHaveLength(1);
  });

  test('of objects and of their bytes', () => {
    expect(told(withTotals({ missing: amount(1100) }))).toEqual([]);
    expect(told(withTotals({ missing: amount(1101) }))).toEqual([
      'images: 1,101 objects to add, 1.1 GB; in the plan 1,000, 1.0 GB',
    ]);
    expect(told(withTotals({ changed: amount(221) }))).toEqual([
      'images: 221 objects to overwrite, 221 MB; in the plan 200, 200 MB',
    ]);
    expect(told(withTotals({ missing: amount(1000, 1_101_000_000) }))).toHaveLength(1);
  });

  test('more to delete is never within it, less is', () => {
    expect(told(withImages({ deletion: { ...deletion, ...amount(101, 100_000_000) } }), 100)).toEqual([
      'images: 101 objects to delete, 100 MB; in the plan 100, 100 MB',
    ]);
    expect(told(withImages({ deletion: { ...deletion, ...amount(100, 100_000_001) } }), 100)).toHaveLength(1);
    expect(told(withImages({ deletion: { ...deletion, ...amount(91) } }))).toEqual([]);
  });
});

test.each([
  [
    'bucket',
    { target: { ...images.target, bucket: 'other' } },
    'the target of images: bucket is other; it was shop-staging',
  ],
  [
    'endpoint',
    { source: { ...images.source, endpoint: 'http://store' } },
    'the source of images: endpoint is http://store; it was not given',
  ],
  ['prefix', { selection: { ...everything, prefix: 'a/' } }, 'images prefix is a/; it was not given'],
  ['exclude', { selection: { ...everything, exclude: ['a'] } }, 'images exclude is ["a"]; it was []'],
  ['storage class', { keeping: { storageClass: 'keep' as const } }, 'images storageClass is keep; it was not given'],
  ['forced route', { forced: true }, 'images route: server is true; it was false'],
  [
    'versioning',
    { versioning: 'suspended' as const },
    'what is overwritten or deleted in shop-staging is kept by nothing; in the plan by versions',
  ],
])('another %s is told', (_what, change, words) => {
  expect(told(withImages(change))).toContain(words);
});

test('a bucket that came or went is told', () => {
  expect(told({ ...plan, objects: [] })).toContain('the bucket images is not planned any more');
  expect(told({ ...plan, objects: [images, { ...images, bucket: 'more' }] })).toContain(
    'the bucket more was not planned',
  );
});

test('steps that came or went are told, and tables by their names', () => {
  const [books, tags, ...rest] = plan.steps as [Step, Step, ...Step[]];
  expect(told(withSteps(books, tags, verifyObjects))).toEqual(['the step migrate is not planned any more']);
  const health: Step = {
    id: 'check-health',
    after: [],
    kind: 'check-health',
    path: '/',
    expect: {},
    checks: 'checks',
    withinSeconds: 1,
  };
  expect(told(withSteps(...plan.steps, health))).toEqual(['the step check-health was not planned']);
  expect(told(withSteps(books, copyTable('new', 1), ...rest))).toEqual([
    'tables that were not planned: new',
    'tables that the source has no more: tags',
  ]);
  expect(told(withSteps(books, tags, migrate))).toEqual(['the step verify-objects images is not planned any more']);
});

test('a setting of a step that is another one is told once for all steps that have it', () => {
  const [books, tags, ...rest] = plan.steps as [Step, Step, ...Step[]];
  const onlyRows = (step: Step) => ({ ...step, verify: 'rows' }) as Step;
  expect(told(withSteps(onlyRows(books), onlyRows(tags), ...rest))).toEqual([
    'copy-table books, copy-table tags: verify is rows; it was content',
  ]);
  expect(told(withSteps(books, tags, verifyObjects, { ...migrate, path: '/other' }))).toEqual([
    'migrate: path is /other; it was /migrate',
  ]);
});

test('what is refused now is told beside the rest', () => {
  const refusals = [{ code: 'table-empty' as const, message: 'nothing to be read' }];
  expect(told({ ...plan, refusals })).toEqual(['it is refused now: nothing to be read']);
});

test('a secret that a name happens to be is no difference', () => {
  const named = { ...plan, target: { ...plan.target, name: 'staging-password-4711' } };
  keepSecret('staging-password-4711');
  expect(differencesOf(readPlan(json(named), 'p.json'), named, 0)).toEqual([]);
});

test("a plan that holds a total of the application against a table's rows is read back", () => {
  const total: Step = {
    id: 'compare-total /books?limit=1 total',
    after: [],
    kind: 'compare-total',
    path: '/books?limit=1',
    read: 'total',
    table: 'books',
    withinSeconds: 60,
  };
  const totalled = withSteps(...plan.steps, total);
  expect(differencesOf(readPlan(json(totalled), 'p.json'), totalled, 0)).toEqual([]);
});

test('all of it is one refusal, with the file and what to do', () => {
  const fresh = { ...withDatabase('target', { revision: 'bbb' }), source: { ...plan.source, name: 'other' } };
  expect(() => requireAsPlanned({ plan, file: 'p.json', tolerancePercent: 10 }, fresh)).toThrow(
    expect.objectContaining({
      code: 'plan-outdated',
      message: `p.json, made 2026-11-23 08:00:00 UTC, does not hold any more; nothing was changed:
  the source's name is other; it was production
  the target's revision is bbb; it was aaa`,
      hint: expect.stringContaining('restage plan --out p.json'),
    }),
  );
});

test.each([
  ['no JSON', '{', 'p.json is not JSON'],
  ['nothing', '', 'p.json is not JSON'],
  ['a list', '[]', 'p.json is no plan of this restage'],
  ['null', 'null', 'p.json is no plan'],
  ['something else', '{"version": 1}', 'p.json is no plan of this restage'],
  [
    'a plan of another version',
    json({ ...plan, version: 2 }),
    'p.json is a plan of version 2, and this restage reads version 1',
  ],
  ['a report', json({ ...plan, run: 'x', outcome: 'done' }), 'p.json is the report of a run, not a plan'],
  [
    'a plan without a part',
    json({ ...plan, objects: undefined }),
    'p.json is no plan of this restage: objects is not as a plan has it',
  ],
  [
    'a plan from before schemas had prints',
    json(withDatabase('source', { schema: undefined })),
    'p.json is no plan of this restage: source.database.schema is not as a plan has it',
  ],
])('%s is no plan', (_what, text, words) => {
  expect(() => readPlan(text, 'p.json')).toThrow(
    expect.objectContaining({
      code: 'plan-invalid',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('restage plan --out'),
    }),
  );
});

test('a plan that was edited by hand in any one place is refused or compared, and breaks nothing', () => {
  const faults: string[] = [];
  const tryAll = (parent: Record<string, unknown>, whole: unknown, path: string) => {
    for (const key of Object.keys(parent)) {
      const kept = parent[key];
      for (const value of [undefined, null, 'x', -1, [], {}]) {
        parent[key] = value;
        try {
          requireAsPlanned(
            { plan: readPlan(JSON.stringify(whole), 'p.json'), file: 'p.json', tolerancePercent: 10 },
            plan,
          );
        } catch (error) {
          if (!(error instanceof RestageError))
            faults.push(`${path}${key} = ${JSON.stringify(value)}: ${String(error)}`);
        }
      }
      parent[key] = kept;
      if (typeof kept === 'object' && kept !== null) tryAll(kept as Record<string, unknown>, whole, `${path}${key}.`);
    }
  };
  const whole = JSON.parse(json(plan)) as Record<string, unknown>;
  tryAll(whole, whole, '');
  expect(faults).toEqual([]);
});

test('masks by another key are told, whatever else stays', () => {
  const swap = (maskKey?: string): Step => ({
    id: 'swap',
    after: [],
    kind: 'swap',
    database: 'staging',
    sessions: 0,
    ...(maskKey === undefined ? {} : { maskKey }),
  });
  const by = (...keys: readonly [string?, string?]) =>
    differencesOf({ ...plan, steps: [swap(keys[0])] }, { ...plan, steps: [swap(keys[1])] }, 10);
  expect(by('1a2b3c4d', '1a2b3c4d')).toEqual([]);
  expect(by('1a2b3c4d', '5e6f7a8b')).toEqual(['database.masks.key is another one than in the plan']);
});
