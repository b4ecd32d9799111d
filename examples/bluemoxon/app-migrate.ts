import { DatabaseError, type PoolClient } from 'pg';
import type { Database } from './app-database.ts';
import { type Migration, pendingMigrations } from './migrations.ts';

/** The body of `POST /health/migrate`; `partial` means that a migration did not fit and nothing was applied. */
export interface Migrated {
  readonly status: 'success' | 'partial' | 'failed';
  readonly previous_version: string | null;
  readonly new_version: string | null;
  readonly results: readonly { readonly revision: string; readonly description: string; readonly status: string }[];
  readonly errors: readonly string[] | null;
}

/** Brings the database from the revision that it is at to `head`, in one transaction. Answers, never throws. */
export async function migrate(database: Database, head: string): Promise<Migrated> {
  let previous: string | null = null;
  try {
    return await database.transaction(async (client) => {
      previous = await readRevision(client);
      const pending = pendingMigrations(previous, head);
      if (!pending) return failed(previous, `Can't locate revision identified by '${previous}'`);
      for (const migration of pending) await apply(client, migration);
      const results = pending.map(({ revision, description }) => ({ revision, description, status: 'applied' }));
      return { status: 'success', previous_version: previous, new_version: head, results, errors: null };
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof MigrationError)) return failed(previous, message);
    const results = [
      { revision: error.migration.revision, description: error.migration.description, status: 'failed' },
    ];
    return { ...failed(previous, message), status: 'partial', results };
  }
}

function failed(previous: string | null, message: string): Migrated {
  return { status: 'failed', previous_version: previous, new_version: previous, results: [], errors: [message] };
}

/** Waits for whoever migrates at the same time. */
async function readRevision(client: PoolClient): Promise<string> {
  await client.query(`LOCK TABLE public.alembic_version IN SHARE ROW EXCLUSIVE MODE`);
  const { rows } = await client.query<{ revision: string }>(
    `SELECT version_num AS revision FROM public.alembic_version`,
  );
  const [row] = rows;
  if (!row) throw new Error('alembic_version is empty');
  return row.revision;
}

class MigrationError extends Error {
  readonly migration: Migration;

  constructor(migration: Migration, cause: DatabaseError) {
    super(`${migration.revision} (${migration.description}): ${cause.code ?? ''} ${cause.message}`, { cause });
    this.migration = migration;
  }
}

async function apply(client: PoolClient, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql);
    await client.query(`UPDATE public.alembic_version SET version_num = $1`, [migration.revision]);
  } catch (error) {
    throw error instanceof DatabaseError ? new MigrationError(migration, error) : error;
  }
}
