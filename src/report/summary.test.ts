import { expect, test } from 'vitest';
import { markdown } from './markdown/document.ts';
import { figuresOf, type Report } from './report.ts';
import { plain } from './style.ts';
import { everything } from '../s3/selection.ts';
import { summary } from './summary.ts';
import type { Outcome, StepReport } from '../step.ts';

const at = { startedAt: '2026-11-22T23:15:00.500Z', durationMs: 1500 };
const readAt = '2026-11-22T23:14:00.000Z';
const origin = { host: 'db.prod', port: 5432, database: 'shop', user: 'restage', version: '16.14' };
const amount = (objects: number, bytes: number) => ({ objects, bytes });
const totals = {
  source: amount(10, 1000),
  target: amount(9, 900),
  missing: amount(2, 200),
  changed: amount(1, 100),
  same: amount(7, 700),
  extra: amount(1, 50),
  newer: amount(0, 0),
  examples: [],
};
const digest = { rows: 153, content: '77' };

const copyTable = {
  id: 'copy-table books',
  after: [],
  kind: 'copy-table',
  table: { schema: 'public', name: 'books' },
  rows: 153,
  rowsAreEstimated: false,
  parts: 1,
  partsReason: 'small',
  verify: 'content',
  mayBeEmpty: false,
  bytes: 8192,
} as const;
const copied = { table: copyTable.table, rows: 153, bytes: 9000, copyMs: 20, indexMs: 10, analyzeMs: 1, digestMs: 5 };
const migrate = {
  id: 'migrate /health/migrate',
  after: [],
  kind: 'migrate',
  method: 'POST',
  path: '/health/migrate',
  expect: { status: 'success' },
  headers: {},
  withinSeconds: 900,
  goal: [],
  timeoutSeconds: 120,
} as const;

const done: readonly StepReport[] = [
  { ...copyTable, outcome: { status: 'done', ...at, facts: { ...copied, source: digest, target: digest } } },
  {
    id: 'verify-tables',
    after: [],
    kind: 'verify-tables',
    tables: 1,
    verify: 'content',
    outcome: { status: 'done', ...at, facts: { tables: 1, rows: 153, different: [] } },
  },
  {
    id: 'copy-objects images',
    after: [],
    kind: 'copy-objects',
    bucket: 'images',
    objects: 3,
    bytes: 300,
    selection: everything,
    keeping: {},
    route: 'stream',
    routeReason: "the target's keys may not read the source (AccessDenied)",
    forced: false,
    outcome: {
      status: 'done',
      ...at,
      facts: {
        copied: amount(3, 300),
        unchanged: amount(7, 700),
        onlyInTarget: amount(1, 50),
        failed: 0,
        listedAt: '2026-11-22T23:15:00.000Z',
        failures: [],
        bucket: 'images',
        backedUp: amount(0, 0),
        overwritten: amount(1, 100),
        width: 32,
      },
    },
  },
  {
    id: 'verify-objects images',
    after: [],
    kind: 'verify-objects',
    bucket: 'images',
    selection: everything,
    mayBeEmpty: false,
    content: 'none',
    outcome: {
      status: 'done',
      ...at,
      facts: { ...totals, missing: amount(0, 0), changed: amount(0, 0), same: amount(10, 1000) },
    },
  },
  {
    id: 'swap',
    after: [],
    kind: 'swap',
    database: 'shop_staging',
    sessions: 2,
    outcome: {
      status: 'done',
      ...at,
      facts: { database: 'shop_staging', previous: 'shop_staging__previous_1', sessionsEnded: 2 },
    },
  },
  {
    ...migrate,
    outcome: {
      status: 'done',
      ...at,
      facts: { answer: { status: 'success' }, revisionBefore: 'aaa', revisionAfter: 'ccc' },
    },
  },
  {
    id: 'drop-previous',
    after: [],
    kind: 'drop-previous',
    database: 'shop_staging',
    keep: 2,
    outcome: {
      status: 'done',
      ...at,
      facts: { dropped: ['shop_staging__previous_0'], kept: ['shop_staging__previous_0b', 'shop_staging__previous_1'] },
    },
  },
];

/** A run from production to staging; by default one where all went well. */
function report(given: Partial<Report> = {}): Report {
  const told = {
    version: 1 as const,
    jobs: 4,
    remarks: [],
    madeAt: at.startedAt,
    source: {
      name: 'production',
      account: '111111111111',
      database: { origin, readAt, tables: 1, rows: 153, sizeBytes: 8192, revision: 'aaa', schema: {} },
    },
    target: {
      name: 'staging',
      account: '222222222222',
      database: {
        origin: { ...origin, host: 'db.staging', database: 'shop_staging' },
        readAt,
        tables: 1,
        rows: 12,
        sizeBytes: 8192,
        revision: 'bbb',
        schema: {},
      },
    },
    objects: [
      {
        bucket: 'images',
        source: { bucket: 'shop-images', account: '111111111111', endpoint: undefined, region: 'us-west-2' },
        target: { bucket: 'shop-images-staging', account: '222222222222', endpoint: undefined, region: 'us-west-2' },
        totals,
        selection: everything,
        archived: amount(0, 0),
        keeping: {},
        forced: false,
        plannedAt: at.startedAt,
        unmatched: [],
        refusals: [],
        notes: [],
      },
    ],
    notes: ['1 publications of the source are not carried over'],
    run: '20261122-231500-ab12',
    startedAt: at.startedAt,
    durationMs: 4200,
    outcome: 'done' as const,
    steps: done,
    holds: 'staging holds the new database',
    ...given,
  };
  return { ...told, figures: figuresOf(told) };
}

/** The steps as they are when the named one went otherwise, and those after it were not reached. */
function steps(id: string, outcome: Outcome): readonly StepReport[] {
  const broken = done.findIndex((step) => step.id === id);
  return done.map((step, index) => {
    if (index < broken) return step;
    return { ...step, outcome: index === broken ? outcome : { status: 'not-run' } } as StepReport; // none has facts
  });
}

const refused = {
  code: 'migrate-failed',
  message: 'it answered\nstatus: failed | twice',
  hint: 'See its log.',
} as const;
const failed = report({
  outcome: 'failed',
  steps: steps(migrate.id, { status: 'failed', ...at, failure: refused }),
  failure: { ...refused, step: migrate.id },
  recovery: { swappedBack: true, dropped: ['shop_staging__incoming_1'] },
  holds: 'staging holds its previous database again, as it was before the run',
});

const interruption = { code: 'interrupted', message: 'the run was interrupted' } as const;
const interrupted = report({
  outcome: 'interrupted',
  steps: steps('copy-table books', { status: 'stopped', ...at }),
  failure: { ...interruption, step: 'copy-table books' },
  holds: 'staging holds its database as it was before the run',
});

test('the summary of a refresh says what was copied, that it is equal, and what staging holds', () => {
  const text = summary(report(), plain);
  expect(text).toMatch(/^✓ staging is refreshed from production {2}run 20261122-231500-ab12, 4\.2 s$/m);
  expect(text).toMatch(
    /^ {2}objects images +3 objects copied, 1 of them over another, 300 bytes; 7 unchanged; 1 only in the target, left there$/m,
  );
  expect(text).toMatch(/^ +10 of 10 equal, 1\.0 kB at the source$/m);
  expect(text).toMatch(/^ {2}tables +1 of 1 copied; 153 rows from shop at db\.prod:5432$/m);
  expect(text).toMatch(/^ {2}digests +taken while copying: all 1 equal$/m);
  expect(text).toMatch(/^ {2}revision +production aaa; staging bbb before, aaa as copied, ccc now$/m);
  expect(text).toMatch(/^ {2}previous +kept: shop_staging__previous_0b, shop_staging__previous_1$/m);
  expect(text).toMatch(/staging holds the new database\.$/);
});

test('the summary of a failed run names the step, the cause, what to do and what staging holds', () => {
  const text = summary(failed, plain);
  expect(text).toMatch(
    /^✗ staging was not refreshed {2}run .*\n\nfailed migrate \/health\/migrate: it answered\nstatus: failed \| twice\n {2}See its log\.\n\n {2}objects/,
  );
  expect(text).toMatch(/^ {2}tables +1 of 1 copied, then discarded; 153 rows/m);
  expect(text).toMatch(/^ {2}revision +production aaa; staging bbb before and now$/m);
  expect(text).toContain('3 objects were copied before that; they stay.');
  expect(text).not.toContain('previous  ');
  expect(text).toMatch(/\nstaging holds its previous database again, as it was before the run\.$/);
});

test('the summary of an interrupted run claims nothing that was not done', () => {
  const text = summary(interrupted, plain);
  expect(text).toMatch(/^✗ staging was not refreshed: interrupted {2}run /);
  expect(text).toMatch(/\n\ninterrupted at copy-table books\n\n/);
  expect(text).not.toMatch(/the run was interrupted|discarded|stay/);
  expect(text).toMatch(/^ {2}tables +0 of 1 copied; 0 rows from/m);
  expect(text).toMatch(/^ {2}objects images +not copied$/m);
  expect(text).not.toMatch(/equal|digests/);
});

test('a copy that was stopped says how far it came, and how much may have arrived beside that', () => {
  const stopped = (progress: object) =>
    summary(
      report({
        outcome: 'interrupted',
        steps: done.map((step) =>
          step.kind === 'copy-objects'
            ? { ...step, objects: 9012, outcome: { status: 'stopped', ...at, ...progress } }
            : step,
        ),
        failure: { ...interruption, step: 'copy-objects images' },
      }),
      plain,
    );
  const text = (objects: number, wrong = 0) => stopped({ progress: { bytes: 5, objects, failed: wrong } });
  expect(text(1387)).toMatch(
    /^ {2}objects images +stopped: 1,387 of 9,012 objects copied; they stay; up to 32 more were under way$/m,
  );
  expect(text(9010, 1)).toMatch(/9,010 of 9,012 objects copied; they stay; 1 failed; up to 1 more was under way$/m);
  expect(text(0)).toMatch(/stopped: 0 of 9,012 objects copied; up to 32 more were under way$/m);
  expect(text(9500)).toMatch(/stopped: 9,500 objects copied; they stay; up to 32 more were under way$/m);
  expect(stopped({})).toMatch(/stopped; what was copied until then stays$/m);
});

const deletion: Extract<StepReport, { kind: 'delete-objects' }> = {
  id: 'delete-objects images',
  after: [],
  kind: 'delete-objects',
  bucket: 'images',
  selection: everything,
  guard: { maxCount: 1000, maxPercent: 10 },
  objects: 2000,
  bytes: 50,
  sourceObjects: 10,
  plannedAt: at.startedAt,
  versioned: false,
  outcome: { status: 'not-run' },
};
const deleted = { deleted: amount(20, 900), kept: 0, newer: 0, failed: 0, failures: [] };

test.each<[string, Outcome<'delete-objects'>, string]>([
  ['was not reached', { status: 'not-run' }, 'nothing'],
  [
    'was refused',
    { status: 'failed', ...at, failure: { code: 'deletion-refused', message: 'too many' } },
    'nothing: refused',
  ],
  [
    'could not list',
    { status: 'failed', ...at, failure: { code: 'bucket-denied', message: 'no' } },
    'nothing: it failed before that',
  ],
  [
    'was stopped',
    { status: 'stopped', ...at, progress: { bytes: 0, objects: 1500 } },
    'stopped: 1,500 of 2,000 objects deleted; up to 500 more were under way',
  ],
  ['is done', { status: 'done', ...at, facts: deleted }, '20 objects that only the target had, 900 bytes'],
])('a deletion that %s is told', (_what, outcome, words) => {
  const text = summary(report({ steps: [...done, { ...deletion, outcome }] }), plain);
  expect(text.split('\n').find((line) => line.startsWith('  deleted images'))).toMatch(new RegExp(` {2}${words}$`));
});

test('a deletion says where what was deleted is kept, and what was left', () => {
  const step = { ...deletion, selection: { ...everything, backup: 'kept/' } };
  const facts = { ...deleted, newer: 2 };
  const text = summary(report({ steps: [...done, { ...step, outcome: { status: 'done', ...at, facts } }] }), plain);
  expect(text).toContain(
    '20 objects that only the target had, 900 bytes; kept under kept/20261122-231500-ab12/; 2 left, as they were written since the plan',
  );
});

test('a pair of which nothing was to be copied says what only the target has', () => {
  expect(summary(report({ steps: [] }), plain)).toMatch(
    /^ {2}objects images +nothing to copy when planned: 7 of 10 equal, 1\.0 kB at the source; 1 only in the target, left there$/m,
  );
  expect(summary(report({ steps: [deletion] }), plain)).toMatch(/1\.0 kB at the source$/m);
});

test.each([
  [5, 5, '5 objects copied, all of them over others, '],
  [40, 14, '40 objects copied, 14 of them over others, '],
  [1, 1, '1 object copied, over another, '],
  [2, 0, '2 objects copied, 300 bytes'],
])('of %i copied objects %i took the place of others', (objects, overwritten, words) => {
  const list = done.map((step): StepReport => {
    if (step.kind !== 'copy-objects' || step.outcome.status !== 'done') return step;
    const facts = { ...step.outcome.facts, copied: amount(objects, 300), overwritten: amount(overwritten, 100) };
    return { ...step, outcome: { ...step.outcome, facts } };
  });
  expect(summary(report({ steps: list }), plain)).toContain(words);
});

test('the page of a run in which nothing was to be done says so', () => {
  const page = markdown(report({ steps: [], holds: 'nothing was touched' }));
  expect(page).toMatch(/^# production to staging, 2026-11-22: nothing to do\n/);
  expect(page).toContain('**Outcome:** Nothing was to be done. Nothing was touched.\n');
  expect(page).not.toContain('\n## Objects');
});

test('what could not be put back is the last thing said, with the statements that do it, once', () => {
  const hint = 'shop_staging holds the new data. To put the old back: alter database "x" rename to "y"';
  const holds = `staging could not be put back completely: the server is gone. ${hint}`;
  const text = summary(
    {
      ...failed,
      recovery: { swappedBack: false, dropped: [], failure: { ...refused, message: 'the server is gone', hint } },
      holds,
    },
    plain,
  );
  expect(text.split('To put the old back')).toHaveLength(2);
});

test('no sentence of a summary ends in two full stops', () => {
  const holds = 'staging could not be put back completely: gone. shop_staging is as it was; the next run drops it.';
  expect(summary({ ...failed, holds }, plain)).not.toMatch(/[^.]\.\.(?!\.)/);
});

test('a failure after the new database was accepted does not say that staging was not refreshed', () => {
  const failure = { code: 'statement-failed', message: 'must be owner', step: 'drop-previous' } as const;
  const text = summary(report({ outcome: 'failed', failure }), plain);
  expect(text).toContain('staging holds the new database.');
  expect(text).not.toContain('staging was not refreshed');
});

test('the page of a refresh has the verdict, both ends, each table and each step', () => {
  const page = markdown(report());
  expect(page).toMatch(/^# production to staging, 2026-11-22: refreshed\n/);
  expect(page).toContain('**Date:** 2026-11-22 23:15:00 UTC');
  expect(page).toContain('**Outcome:** Refreshed. Staging holds the new database.\n');
  expect(page).toContain('| AWS account | 111111111111 | 222222222222 |');
  expect(page).toContain(
    '| Database | shop at db.prod:5432 as restage, PostgreSQL 16.14 | shop_staging at db.staging:5432 as restage, PostgreSQL 16.14 |',
  );
  expect(page).toContain('| Objects before | 10 objects, 1.0 kB | 9 objects, 900 bytes |');
  expect(page).toContain('| books | 153 | 9.0 kB | 30 ms | equal |');
  expect(page).toContain('| migrate /health/migrate | done | 1.5 s | aaa → ccc |');
  expect(page).toContain('- 1 publications of the source are not carried over');
  expect(page).not.toContain('## Failure');
});

test('the page of a failed run tells the failure before the results, and every step that was not run', () => {
  const page = markdown(failed);
  expect(page).toMatch(/^# production to staging, 2026-11-22: failed\n/);
  expect(page).toContain(
    '## Failure\n\n**migrate /health/migrate** (migrate-failed)\n\n    it answered\n    status: failed | twice\n\nSee its log.\n',
  );
  expect(page.indexOf('## Failure')).toBeLessThan(page.indexOf('## Results (2026-11-22)'));
  expect(page).toContain('as it was before the run. 3 objects were copied before that; they stay.\n');
  const stopped = markdown(interrupted);
  expect(stopped).toContain('## Interruption\n\nAt **copy-table books**.\n\n## Results (2026-11-22)');
  expect(stopped).toContain('| books |  |  |  | stopped |');
  expect(stopped).toContain('| swap | not-run |  |  |');
});

test('a page names the table whose content differs, and no cell breaks its row', () => {
  const [table, ...others] = done;
  if (table?.kind !== 'copy-table' || table.outcome.status !== 'done') throw new Error('the first step copies a table');
  const facts = { ...table.outcome.facts, target: { rows: 153, content: '78' } };
  const different = { ...table, outcome: { ...table.outcome, facts } };
  expect(markdown(report({ steps: [different, ...others] }))).toContain('| books | 153 | 9.0 kB | 30 ms | different |');
  const broken = { ...table, outcome: { status: 'failed' as const, ...at, failure: refused } };
  expect(markdown(report({ steps: [broken, ...others] }))).toContain(
    '| books |  |  |  | it answered<br>status: failed \\| twice |',
  );
});
