import type { Report } from '../src/index.ts';
import { figuresOf } from '../src/report/report.ts';
import type { Act, Outcome, StepReport } from '../src/step.ts';

/** Names that a page must show as text: each one stands for a table, a column, a key, an object of the schema. */
export const hostileNames = [
  '<script>document.title = "run"</script>',
  '"><img src=x onerror=alert(1)>',
  "O'Brien & sons",
  'two\nlines',
  'a|b %s {{x}}',
  '\u202egnp.exe',
  'Tabelle mit Leerzeichen',
  'a'.repeat(63),
] as const;

const begin = Date.parse('2026-11-23T15:00:00.000Z');

/**
 * A report with something of every kind of step, and so many tables, copied by four sessions side by side: made by hand, as no
 * run has all of this. `ended` is how it ended.
 */
export function exampleReport(tables: number, ended: 'done' | 'failed' = 'done'): Report {
  const steps: StepReport[] = [];
  let clock = 0;
  const step = (id: string, act: Act, outcome: Outcome) => {
    steps.push({ id, after: [], ...act, outcome } as unknown as StepReport); // an outcome of its kind is what is given
  };
  const done = (facts: object, durationMs = 40): Outcome => {
    const startedAt = new Date(begin + clock).toISOString();
    clock += durationMs;
    return { status: 'done', startedAt, durationMs, facts } as Outcome;
  };
  const origin = (database: string, version: string) => ({
    host: `${database}.example.internal`,
    port: 5432,
    database,
    user: 'owner',
    version,
  });
  const selection = { include: [], exclude: ['deploy/**'], renames: {} };
  const source = origin('books', '16.14');
  const target = origin('books_staging', '18.4');

  step(
    'take-snapshot',
    { kind: 'take-snapshot', database: 'books' },
    done({ origin: source, takenAt: new Date(begin).toISOString() }),
  );
  step(
    'create-database',
    { kind: 'create-database', database: 'books_staging' },
    done({ origin: target, database: 'books_staging__incoming_20261123-150000-abcd', reclaimed: [] }),
  );
  step(
    'copy-schema',
    {
      kind: 'copy-schema',
      tables,
      columnsPrint: 'x',
      skip: [{ schema: 'public', name: 'legacy_log' }],
      largeObjects: 0,
      publications: false,
      skipExtensions: [],
      roles: {},
    },
    done({ objects: tables * 3, refused: [] }, 400),
  );
  const lanes = [clock, clock, clock, clock];
  for (let index = 0; index < tables; index += 1) {
    const name = hostileNames[index] ?? `table_${String(index).padStart(5, '0')}`;
    const rows = (index * 7919) % 100_003;
    const durationMs = 2 + (rows % 97);
    const lane = index % lanes.length;
    const started = lanes[lane] ?? 0;
    lanes[lane] = started + durationMs;
    const fails = ended === 'failed' && index === 3;
    const different = ended === 'failed' && index === 5;
    const digest = { rows, content: `crc32:${rows}` };
    const facts = {
      table: { schema: 'public', name },
      rows,
      bytes: rows * 131,
      copyMs: Math.floor(durationMs / 2),
      indexMs: Math.floor(durationMs / 3),
      analyzeMs: 1,
      digestMs: 1,
      source: digest,
      target: different ? { rows, content: 'crc32:other' } : digest,
    };
    const startedAt = new Date(begin + started).toISOString();
    step(
      `copy-table ${name}`,
      {
        kind: 'copy-table',
        table: { schema: 'public', name },
        rows,
        rowsAreEstimated: false,
        bytes: rows * 131,
        parts: 1,
        partsReason: 'one stream',
        verify: 'content',
        mayBeEmpty: true,
        ...(index % 10 === 0
          ? {
              rule: {
                rows: 'copy',
                onCollision: 'fail',
                onOrphan: 'fail',
                columns: {
                  email: { kind: 'mask', mask: 'email' },
                  [name]: { kind: 'mask', mask: 'name', by: 'users.name' },
                },
                rewrite: [],
                allow: [],
              } as const,
            }
          : {}),
      },
      fails
        ? {
            status: 'failed',
            startedAt,
            durationMs,
            failure: {
              code: 'statement-failed',
              message: `cannot copy ${name}\ninvalid byte sequence (SQLSTATE 22021)`,
            },
          }
        : { status: 'done', startedAt, durationMs, facts },
    );
  }
  clock = Math.max(...lanes);
  const rest = ended === 'failed' ? (): Outcome => ({ status: 'not-run' }) : done;
  step(
    'scan-leaks',
    {
      kind: 'scan-leaks',
      columns: [{ table: { schema: 'public', name: 'users' }, column: 'email', mask: 'email' }],
      except: [],
    },
    rest({ values: 1200, rows: 90_000, leaks: [] }),
  );
  step(
    'verify-tables',
    { kind: 'verify-tables', tables, verify: 'content' },
    rest({ tables, rows: tables * 1000, different: [] }),
  );
  step(
    'migrate-incoming',
    {
      kind: 'migrate-incoming',
      command: ['alembic', 'upgrade', 'head'],
      cwd: 'backend',
      env: {},
      timeoutSeconds: 600,
      goal: ['c3'],
    },
    rest({ revisionBefore: 'a1', revisionAfter: 'c3', exitCode: 0, output: ['Running upgrade a1 -> c3'] }, 900),
  );
  step(
    'verify-integrity',
    { kind: 'verify-integrity' },
    rest({ constraints: 331, indexes: 402, sequences: 12, wrong: [] }),
  );
  step(
    'verify-references images',
    {
      kind: 'verify-references',
      bucket: 'images',
      columns: [{ column: 'book_images.s3_key', absent: 'warn' }],
      selection,
    },
    rest({
      bucket: 'images',
      columns: ['book_images.s3_key'],
      named: 4709,
      missing: { keys: 0, examples: [] },
      absent: { keys: 1, examples: [hostileNames[0]] },
      unnamed: { keys: 2, examples: ['old/1.jpg'] },
    }),
  );
  const nothing = { objects: 0, bytes: 0 };
  step(
    'copy-objects images',
    {
      kind: 'copy-objects',
      bucket: 'images',
      objects: 40,
      bytes: 40_000_000,
      routeReason: 'both ends are one store',
      route: 'server',
      forced: false,
      selection,
      keeping: {},
    },
    rest(
      {
        bucket: 'images',
        listedAt: new Date(begin).toISOString(),
        copied: { objects: 39, bytes: 39_000_000 },
        overwritten: { objects: 4, bytes: 4_000_000 },
        unchanged: { objects: 4669, bytes: 1_660_000_000 },
        onlyInTarget: { objects: 61, bytes: 153_000 },
        backedUp: nothing,
        failed: 0,
        failures: [],
        width: 32,
      },
      700,
    ),
  );
  step(
    'swap',
    { kind: 'swap', database: 'books_staging', sessions: 2 },
    rest({
      database: 'books_staging',
      previous: 'books_staging__previous_20261123-150000-abcd',
      sessionsEnded: 2,
    }),
  );
  step(
    'check-health',
    { kind: 'check-health', path: '/health/deep', expect: { status: 'healthy' }, checks: 'checks', withinSeconds: 20 },
    rest({
      answer: { status: 'healthy' },
      checks: [
        { name: 'database', healthy: true, status: 'healthy', detail: 'book_count 153' },
        { name: 's3', healthy: true, status: 'skipped' },
      ],
    }),
  );
  step(
    'compare-versions',
    { kind: 'compare-versions', policy: 'ahead', withinSeconds: 20 },
    rest({
      source: { version: '1.3.0', gitSha: 'a9fd309' },
      target: { version: '1.4.0', gitSha: '6575f61' },
      relation: 'ahead',
    }),
  );
  step(
    'compare-total /books?limit=5 total',
    { kind: 'compare-total', path: '/books?limit=5', read: 'total', withinSeconds: 20 },
    rest({ source: 153, target: 153 }),
  );
  step(
    'check-value target /settings mail',
    {
      kind: 'check-value',
      end: 'target',
      path: '/settings',
      read: 'mail.enabled',
      equals: false,
      withinSeconds: 20,
    },
    rest({ value: false }),
  );
  step(
    'delete-objects images',
    {
      kind: 'delete-objects',
      bucket: 'images',
      selection,
      guard: { maxCount: 100, maxPercent: 5 },
      bytes: 153_000,
      versioned: true,
      objects: 61,
      sourceObjects: 4709,
      plannedAt: new Date(begin).toISOString(),
    },
    rest({ deleted: { objects: 61, bytes: 153_000 }, kept: 0, newer: 0, failed: 0, failures: [] }),
  );

  const end = (name: string, database: typeof source, revision: string): Report['source'] => ({
    name,
    account: name === 'production' ? '111111111111' : '222222222222',
    database: {
      origin: database,
      readAt: new Date(begin).toISOString(),
      tables,
      rows: tables * 1000,
      sizeBytes: 4_000_000_000,
      revision,
      schema: {},
    },
    app: { url: `https://${name}.example.com/api/v1`, version: '1.4.0', gitSha: '6575f61', environment: name },
  });
  const bucketOrigin = (bucket: string) => ({
    bucket,
    account: '111111111111',
    endpoint: undefined,
    region: 'eu-west-1',
  });
  const failed = steps.find(({ outcome }) => outcome.status === 'failed');
  const told: Omit<Report, 'figures'> = {
    version: 1,
    madeAt: new Date(begin - 5000).toISOString(),
    source: end('production', source, 'a1'),
    target: end('staging', target, 'b2'),
    objects: [
      {
        bucket: 'images',
        source: bucketOrigin('books-images'),
        target: bucketOrigin('books-images-staging'),
        selection,
        totals: {
          source: { objects: 4709, bytes: 1_700_000_000 },
          target: { objects: 4731, bytes: 1_660_153_000 },
          missing: { objects: 36, bytes: 36_000_000 },
          changed: { objects: 4, bytes: 4_000_000 },
          same: { objects: 4669, bytes: 1_660_000_000 },
          extra: { objects: 61, bytes: 153_000 },
          newer: nothing,
          examples: ['books/1/cover.jpg'],
        },
        toCopy: {
          prefixes: [
            { prefix: 'books/', objects: 36, bytes: 36_000_000 },
            { prefix: '', objects: 3, bytes: 3_000_000 },
          ],
          others: { objects: 1, bytes: 1_000_000 },
        },
        archived: nothing,
        keeping: {},
        forced: false,
        deletion: {
          objects: 61,
          bytes: 153_000,
          percent: 1.3,
          prefixes: [
            { prefix: 'tmp/', objects: 40, bytes: 100_000 },
            { prefix: hostileNames[1], objects: 20, bytes: 50_000 },
          ],
          others: { objects: 1, bytes: 3000 },
          samples: ['tmp/1.jpg', hostileNames[0]],
          guard: { maxCount: 100, maxPercent: 5 },
        },
        versioning: 'enabled',
        plannedAt: new Date(begin - 4000).toISOString(),
        unmatched: [],
        notes: [],
        refusals: [],
      },
    ],
    jobs: 4,
    onFailure: 'rollback',
    migrations: [
      {
        tool: 'Alembic',
        table: { schema: 'public', name: 'alembic_version' },
        goalFrom: 'files',
        source: ['a1'],
        target: ['b2'],
        goal: ['c3'],
        relation: 'target-ahead',
        between: [
          { id: 'c3', description: 'Add author tier', date: '2025-12-21T09:00:00Z' },
          { id: 'b2', description: hostileNames[0], date: '2025-12-19' },
        ],
        beyond: [],
        readFrom: 'backend/alembic/versions',
        problems: ['the id b2 is there twice: b2_one.py, b2_two.py'],
      },
    ],
    drift: {
      objects: 900,
      differences: [
        { kind: 'column', name: 'authors.tier', target: 'character varying(20)' },
        { kind: 'index', name: 'books_title', source: 'CREATE INDEX books_title ON books (title)' },
        ...hostileNames.map((name) => ({
          kind: 'table' as const,
          name,
          source: 'table',
          target: `table, ${name}`,
        })),
      ],
    },
    unmasked: [{ table: { schema: 'public', name: 'visitors' }, column: 'phone', reason: 'its name: contact data' }],
    notes: ['staging’s own revision b2 is ahead of production’s a1'],
    remarks: ['a note with <b>marks</b> & “quotes”'],
    run: '20261123-150000-abcd',
    restage: '0.1.0',
    startedAt: new Date(begin).toISOString(),
    durationMs: clock,
    outcome: ended,
    steps,
    holds: ended === 'done' ? 'staging holds the new database' : 'staging holds its database as it was before the run',
    ...(failed && failed.outcome.status === 'failed'
      ? {
          failure: { ...failed.outcome.failure, hint: 'Look at the encoding of both databases.', step: failed.id },
          recovery: { swappedBack: false, dropped: ['books_staging__incoming_20261123-150000-abcd'] },
        }
      : {}),
  };
  return { ...told, figures: figuresOf(told) };
}
