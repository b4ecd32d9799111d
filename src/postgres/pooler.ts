import type { Client } from 'pg';
import { RestageError } from '../errors.ts';

const rounds = 3;

/**
 * Whether a connection pooler stands between this connection and the server: the process that the login named is not the
 * one that answers. One that gives a connection a server session of its own for as long as it lasts may stay; one that
 * gives it one for each transaction is refused, here and before any setting is made: what restage pins for itself would
 * stay behind in sessions of the application.
 * `another`: opens a second connection to the same place. Throws `database-unfit`.
 */
export async function findPooler(client: Client, another: () => Promise<Client>, where: string): Promise<boolean> {
  const own = await backendOf(client);
  if (own === named(client)) return false;
  const second = await another();
  try {
    await backendOf(second).catch((error: unknown) => {
      throw noSecondSession(where, error);
    });
    // Both are idle: whoever is given the same process, or another one than before, shares it with others. One of them
    // asks twice, or a pooler that goes round two processes would seem to keep one for each.
    for (let round = 0; round < rounds; round++)
      if ((await backendOf(second)) === own || (await backendOf(client)) !== own || (await backendOf(client)) !== own)
        throw sharedSessions(where);
    return true;
  } finally {
    await second.end().catch(() => {});
  }
}

/** How long a pooler may take to find a session for a second connection. */
export const secondSessionSeconds = 10;

function noSecondSession(where: string, cause: unknown): RestageError {
  return new RestageError(
    'database-unfit',
    `a connection pooler is between restage and ${where}, and it gave no second session within ${secondSessionSeconds} seconds`,
    {
      cause,
      hint: "Give the host and port of the PostgreSQL server itself, or let the pooler's pool have as many sessions as database.jobs and ten more.",
    },
  );
}

function sharedSessions(where: string): RestageError {
  return new RestageError(
    'database-unfit',
    `a connection pooler in transaction mode, such as PgBouncer, is between restage and ${where}: two idle connections share one session of the server`,
    {
      hint: 'Give the host and port of the PostgreSQL server itself, or of the pooler in session mode. A snapshot, a lock and session settings need a session of their own.',
    },
  );
}

/** The process that the server, or the pooler in its place, named at login for cancel requests. */
function named(client: Client): number | undefined {
  return (client as Client & { readonly processID?: number }).processID; // pg has it, its types do not
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: string }>('select pg_backend_pid() as pid');
  return Number(rows[0]?.pid);
}
