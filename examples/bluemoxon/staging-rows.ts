import { stagingRevision } from './migrations.ts';
import { type Row, type TableRows, productionRows } from './production-rows.ts';
import { seeded } from './random.ts';

/** Staging has what production had some weeks ago: fewer books, and these columns with the values of that time. */
const refreshedBooks = 120;
const older: Readonly<Record<string, (row: Row, position: number) => Row>> = {
  books: (row, position) => ({
    ...row,
    value_mid: position % 3 === 0 ? '75.00' : (row['value_mid'] ?? null),
    notes: position % 4 === 0 ? 'Old staging note' : (row['notes'] ?? null),
    updated_at: '2025-11-02 08:00:00.5+00',
  }),
  authors: (row, position) => ({ ...row, priority_score: position % 2 === 0 ? '0' : (row['priority_score'] ?? null) }),
  admin_config: (row, position) => ({ ...row, value: position % 2 === 0 ? '0' : (row['value'] ?? null) }),
};

/** What exists only on staging, or differs there by nature: users sign in against staging's own Cognito pool. */
const own: Readonly<Record<string, (rows: readonly Row[]) => readonly Row[]>> = {
  alembic_version: () => [{ version_num: stagingRevision }],
  users: ownUsers,
  api_keys: ownApiKeys,
  analysis_jobs: ownAnalysisJobs,
  eval_runbook_jobs: () => [],
  books: (rows) => [...rows, ...rows.slice(0, 1).map(testBook)],
};

/** Staging's rows before the refresh, for the schema at `stagingRevision`. */
export function stagingRows(): readonly TableRows[] {
  const production = productionRows();
  const books = new Set(idsOf(production, 'books').slice(0, refreshedBooks));
  const runbooks = new Set(
    rowsOf(production, 'eval_runbooks')
      .filter((row) => books.has(row['book_id'] ?? null))
      .map((row) => row['id'] ?? null),
  );
  return production.map(({ table, rows, sequence }) => {
    const kept = rows
      .filter((row) => !('book_id' in row) || books.has(row['book_id'] ?? null))
      .filter((row) => !('eval_runbook_id' in row) || runbooks.has(row['eval_runbook_id'] ?? null))
      .filter((row) => table !== 'books' || books.has(row['id'] ?? null))
      .filter((_, position) => table !== 'book_images' || position % 9 !== 0)
      .map((row, position) => older[table]?.(row, position) ?? row);
    const next = sequence === undefined ? {} : { sequence: sequence + 9000 };
    return { table, rows: own[table]?.(kept) ?? kept, ...next };
  });
}

function rowsOf(tables: readonly TableRows[], name: string): readonly Row[] {
  return tables.find(({ table }) => table === name)?.rows ?? [];
}

function idsOf(tables: readonly TableRows[], name: string): readonly (string | null)[] {
  return rowsOf(tables, name).map((row) => row['id'] ?? null);
}

function ownUsers(rows: readonly Row[]): readonly Row[] {
  const random = seeded(6575);
  const withSub = (row: Row): Row => ({ ...row, cognito_sub: `us-west-2_staging:${random.uuid()}` });
  const testers = rows.slice(0, 2).map((row, i) => ({
    ...row,
    id: String(900 + i),
    email: `tester${i + 1}@staging.bluemoxon.com`,
    first_name: 'Staging',
    last_name: `Tester ${i + 1}`,
    role: 'admin',
    preferences: '{"theme": "light"}',
  }));
  return [...rows.slice(0, 4), ...testers].map(withSub);
}

function ownApiKeys(rows: readonly Row[]): readonly Row[] {
  const random = seeded(6576);
  return rows.slice(0, 2).map((row, i) => ({
    ...row,
    id: String(900 + i),
    name: `staging ${i === 0 ? 'deploy' : 'smoke test'}`,
    key_hash: random.uuid().replaceAll('-', '').repeat(2),
    created_by_id: '900',
  }));
}

/** One of them is active: production's pending job of the same book would collide with it. */
function ownAnalysisJobs(rows: readonly Row[]): readonly Row[] {
  const random = seeded(6577);
  return rows.slice(0, 12).map((row, i) => ({
    ...row,
    id: random.uuid(),
    status: i === 0 ? 'pending' : 'completed',
    error_message: null,
    completed_at: i === 0 ? null : '2025-11-02 08:00:00.5+00',
  }));
}

function testBook(row: Row): Row {
  return { ...row, id: '9001', title: 'STAGING TEST BOOK', notes: 'Made by the smoke test', source_url: null };
}
