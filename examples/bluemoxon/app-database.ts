import { DatabaseError, Pool, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';

/** The application's connections: they may be cut, and the database renamed away and back; the next request goes on. */
export interface Database extends AsyncDisposable {
  query<R extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
  /** Runs `work` in one transaction: all of it is kept or, when it throws, nothing. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
}

export function openDatabase(url: string): Database {
  const pool = new Pool({
    connectionString: url,
    application_name: 'bluemoxon app',
    max: 3,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 10_000,
  });
  // A connection was cut: while it lay idle, which the pool has noticed already, or before anybody listens to it. Without
  // a listener the process would end.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    query: (sql, values = []) => onceMore(() => pool.query(sql, [...values])),
    transaction: (work) => onceMore(() => transact(pool, work)),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

async function transact<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: unknown;
  const onError = (error: Error): void => void (broken = error);
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => (broken = cause));
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken !== undefined);
  }
}

/** A connection that was cut while it lay in the pool is only noticed when it is used: the second one is fresh. */
async function onceMore<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!wasCut(error)) throw error;
    return await act();
  }
}

function wasCut(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '57P01';
  return error instanceof Error && /terminated|ECONNRESET|EPIPE|not queryable/.test(error.message);
}
