import type { PlannedMigrations } from '../../revisions/planned-migrations.ts';
import { estimateNote } from '../../estimate.ts';
import { expect, test } from 'vitest';
import { builtReport, copied, done, failed, notRun, swapped } from '../../../test/built-report.ts';
import { plainRule } from '../../postgres/rules/table-rule.ts';
import { everything } from '../../s3/selection.ts';
import { markdown } from './document.ts';
import { escaped } from './text.ts';

/** The lines from a heading to the next one. */
function section(page: string, heading: string): string {
  const begin = page.indexOf(`\n${heading}`);
  if (begin < 0) throw new Error(`there is no ${heading} in:\n${page}`);
  const [text = ''] = page.slice(begin + 1).split(/\n(?=##)/);
  return text.trim();
}

const schema = done(
  {
    kind: 'copy-schema',
    tables: 5,
    columnsPrint: '',
    skip: [{ schema: 'public', name: 'legacy_a' }],
    largeObjects: 0,
    publications: false,
    skipExtensions: [],
    roles: {},
  },
  { objects: 9, refused: [] },
);
const keep = { ...plainRule, rows: 'keep' } as const;
const empty = { ...plainRule, rows: 'empty' } as const;

test('tables are told as a review does: synced, failed with the reason, not copied by which rule, and the rows', () => {
  const page = markdown(
    builtReport([
      schema,
      copied('books', 153),
      copied('authors', 1_500),
      copied('jobs', 9, { there: { rows: 8, content: '7' } }),
      copied('api_keys', 0, { rule: keep }),
      copied('audit_log', 0, { rule: empty }),
      swapped,
    ]),
  );
  expect(section(page, '### Database').split('\n').slice(2)).toEqual([
    'shop at db.prod:5432 → shop_staging at db.staging:5432',
    '',
    '| Status | Tables |',
    '| --- | --- |',
    '| Synced (2) | authors, books |',
    '| Failed (1) | jobs (different: 9 rows were read, 8 are there) |',
    '| Not copied (3) | api_keys (keep: rows of its own stay), audit_log (empty), legacy_a (skip: not made) |',
    '',
    '**Total rows synced:** 1,653',
  ]);
});

test('of a run that put the previous database back nothing is called synced', () => {
  const page = markdown(
    builtReport([copied('books', 153), swapped], {
      outcome: 'failed',
      failure: { code: 'app-unexpected', message: 'no', step: 'check-health' },
      recovery: { swappedBack: true, dropped: ['shop_staging__incoming_1'] },
    }),
  );
  expect(page).toContain('| Copied, then discarded (1) | books |');
  expect(page).not.toMatch(/synced/i);
});

test('of a run whose database was kept all the same nothing is called synced or discarded', () => {
  const page = markdown(
    builtReport([copied('books', 153), swapped], {
      outcome: 'failed',
      failure: { code: 'app-unexpected', message: 'no', step: 'check-health' },
      recovery: {
        swappedBack: false,
        dropped: [],
        kept: { database: 'shop_staging', previous: 'shop_staging__previous_1' },
      },
    }),
  );
  expect(page).toContain('| Copied (1) | books |');
  expect(page).not.toMatch(/synced|discarded/i);
});

test('schemas that differed are told by the names of both ends, a bullet each', () => {
  const drift = {
    objects: 5,
    differences: [{ kind: 'column' as const, name: 'books.tier', table: 'books', target: 'text' }],
  };
  const page = markdown(builtReport([copied('books', 153), swapped], { drift }));
  expect(page).toContain('- 1 of 5 objects differs: 1 column\n- only in staging: column books.tier\n');
});

const between = [
  { id: 's2345678klmn', description: 'Add author tier', date: '2025-12-21T09:00:00' },
  { id: 'r1|2`3', description: 'Add <b> | status', date: '2025-12-19' },
];
const migrations: PlannedMigrations = {
  tool: 'Alembic' as const,
  source: ['q01'],
  target: ['s2345678klmn'],
  goal: ['s2345678klmn'],
  goalFrom: 'files',
  table: { schema: 'public', name: 'alembic_version' },
  relation: 'target-ahead' as const,
  between,
  beyond: [],
  readFrom: 'alembic/versions',
  problems: [],
};

test('migrations between both ends are a table with description and date, and no name breaks it', () => {
  const page = markdown(builtReport([copied('books', 153), swapped], { migrations: [migrations] }));
  expect(section(page, '## Schema changes').split('\n').slice(2)).toEqual([
    'Staging is ahead of production by 2: normal.',
    '',
    '| Migration | Description | Date |',
    '| --- | --- | --- |',
    '| `s2345678klmn` | Add author tier | 2025-12-21 |',
    '| `` r1\\|2`3 `` | Add \\<b> \\| status | 2025-12-19 |',
  ]);
});

const total = { kind: 'compare-total', path: '/books?limit=5', read: 'total', withinSeconds: 20 } as const;
const health = {
  kind: 'check-health',
  path: '/health/deep',
  expect: { status: 'healthy' },
  checks: 'checks',
  withinSeconds: 20,
} as const;
const versions = { kind: 'compare-versions', policy: 'ahead', withinSeconds: 20 } as const;

test('what was verified is a table, and the commands that verify it again can be pasted', () => {
  const page = markdown(
    builtReport([
      copied('books', 153),
      swapped,
      done(health, {
        answer: { status: 'healthy' },
        checks: [
          { name: 'database', healthy: true, status: 'healthy', detail: 'book_count 153' },
          { name: 's3', healthy: true, status: 'skipped' },
        ],
      }),
      done(versions, {
        source: { version: '1.3.0', gitSha: 'a9fd309' },
        target: { version: '1.4.0', gitSha: '6575f61' },
        relation: 'ahead',
      }),
      done(total, { source: 153, target: 153 }),
      done(
        { kind: 'drop-previous', database: 'shop_staging', keep: 1 },
        { dropped: [], kept: ['shop_staging__previous_1'] },
      ),
    ]),
  );
  expect(section(page, '## Verification')).toContain(
    '| Health | healthy; database healthy (book_count 153), s3 skipped |',
  );
  expect(page).toContain('| total of /books?limit=5 | 153 (matches production) |');
  expect(section(page, '### Verification checklist').split('\n')).toEqual(
    expect.arrayContaining([
      'restage verify',
      'restage api GET /health/deep',
      "restage api GET '/books?limit=5' --read total",
      "restage api --end source GET '/books?limit=5' --read total",
      'restage rollback',
    ]),
  );
  expect(section(page, '## Version comparison')).toContain('Staging is ahead of production, which is normal.');
  expect(page).toContain('| Commit | a9fd309 | 6575f61 |');
});

test('what is known of a failed check is told, and nothing of one that was not reached', () => {
  const checks = [
    { name: 's3', healthy: true, status: 'healthy' },
    { name: 'queue', healthy: false, status: 'degraded', detail: 'no consumer' },
  ];
  const page = markdown(
    builtReport(
      [swapped, failed(health, 'status is degraded', { answer: { status: 'degraded' }, checks }), notRun(total)],
      {
        outcome: 'failed',
      },
    ),
  );
  expect(page).toContain('| Health | not as expected; queue degraded (no consumer), s3 healthy |');
  expect(section(page, '## Known issues')).toContain('- the health check queue says degraded: no consumer');
  expect(page).not.toContain('| Total of');
});

test('keys that rows name and no bucket has are known issues, with some of them', () => {
  const page = markdown(
    builtReport(
      [
        done(
          {
            kind: 'verify-references',
            bucket: 'images',
            selection: everything,
            columns: [{ column: 'pages.key', absent: 'warn' }],
          },
          {
            bucket: 'images',
            columns: ['pages.key'],
            named: 1_828,
            missing: { keys: 0, examples: [] },
            absent: { keys: 2, examples: ['a/1.jpg', 'b|2.jpg'] },
            unnamed: { keys: 5, examples: [] },
          },
        ),
      ],
      {
        remarks: ['the server refused\n  two things'],
        notes: [
          'exclude lambda/**, deploy/** match nothing',
          estimateNote(undefined, { ms: 60_000, mayPause: false, whose: 'the function' }),
        ],
      },
    ),
  );
  expect(section(page, '## Known issues').split('\n').slice(2)).toEqual([
    '- 2 keys that rows name in pages.key are in neither bucket of images, e.g. "a/1.jpg", "b|2.jpg"',
    '- the server refused; two things',
    '- exclude lambda/\\*\\*, deploy/\\*\\* match nothing',
  ]);
  expect(page).toContain(
    '| References | images: 1,828 keys that rows name in pages.key |\n|  | 2 in neither bucket, e.g. "a/1.jpg", "b\\|2.jpg" |',
  );
});

test('sections that have nothing to say are left out', () => {
  const page = markdown(builtReport([copied('books', 153), swapped]));
  for (const heading of ['Known issues', 'Schema changes', 'Failure', 'Data rules', 'Objects', 'Replaced'])
    expect(page).not.toContain(`# ${heading}`);
});

test.each([
  ['alembic_version', 'alembic_version'],
  ['_prisma_migrations_', '\\_prisma_migrations\\_'],
  ['a*b`c<d>', 'a\\*b\\`c\\<d>'],
  ['[text](http://x)', '[text]\\(http://x)'],
  ['C:\\*.sql &amp;', 'C:\\\\\\*.sql \\&amp;'],
])('%j is told as it is', (text, words) => {
  expect(escaped(text)).toBe(words);
});
