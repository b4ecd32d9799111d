import type { Database } from './app-database.ts';
import { migrationsUpTo } from './migrations.ts';

export interface Health {
  readonly status: 'healthy' | 'unhealthy';
  readonly checks: Readonly<Record<string, Check>>;
}

interface Check {
  readonly status: Health['status'] | 'skipped';
  readonly book_count?: number;
  readonly schema_validated?: boolean;
  readonly error?: string;
}

/** The deep check. The verdict is in the body: the answer is HTTP 200 also when the database is gone. */
export async function checkHealth(database: Database, head: string): Promise<Health> {
  const check = await checkDatabase(database, head).catch((error: unknown) => ({
    status: 'unhealthy' as const,
    error: error instanceof Error ? error.message : String(error),
  }));
  // The sample serves no images itself; the reference application, too, skips what is not configured.
  return {
    status: check.status,
    checks: { database: check, s3: { status: 'skipped' }, cognito: { status: 'skipped' } },
  };
}

async function checkDatabase(database: Database, head: string): Promise<Check & { readonly status: Health['status'] }> {
  const books = await countBooks(database);
  const missing = await missingFromSchema(database, head);
  const valid = missing.length === 0;
  return {
    status: valid ? 'healthy' : 'unhealthy',
    book_count: books,
    schema_validated: valid,
    ...(!valid && { error: `schema validation failed: ${missing.join(', ')}` }),
  };
}

async function countBooks(database: Database): Promise<number> {
  const { rows } = await database.query<{ books: number }>(`SELECT count(*)::integer AS books FROM public.books`);
  return rows[0]?.books ?? 0;
}

/** The columns that the code of revision `head` reads and the database lacks, and a revision that the code does not know. */
async function missingFromSchema(database: Database, head: string): Promise<readonly string[]> {
  const carried = migrationsUpTo(head);
  const { rows: columns } = await database.query<{ missing: string }>(
    `
      SELECT needed AS missing
      FROM unnest($1::text[]) AS needed
      WHERE NOT EXISTS (
        SELECT FROM information_schema.columns
        WHERE table_schema = 'public' AND needed = table_name || '.' || column_name
      )
    `,
    [carried.flatMap((migration) => migration.needs)],
  );
  const { rows: versions } = await database.query<{ revision: string }>(
    `SELECT version_num AS revision FROM public.alembic_version`,
  );
  const revision = versions[0]?.revision ?? 'none';
  const known = carried.some((migration) => migration.revision === revision);
  return [...columns.map(({ missing }) => missing), ...(known ? [] : [`revision ${revision} is unknown`])];
}
