import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Columns by name, every value as the server's own text. */
export type Row = Readonly<Record<string, string | null>>;

export interface Session extends AsyncDisposable {
  /** Of several statements, the last one's rows. */
  query(sql: string): Promise<Row[]>;
}

export async function openSession(url: string, name = 'a test'): Promise<Session> {
  const client = new Client({
    connectionString: url,
    application_name: name,
    options: '-c TimeZone=UTC',
    types: { getTypeParser: () => (value: unknown) => value },
  });
  client.on('error', () => undefined); // some are cut on purpose
  await client.connect();
  return {
    query: async (sql) => {
      const result: unknown = await client.query(sql); // an array where there were several statements
      return (Array.isArray(result) ? result.at(-1) : result).rows as Row[];
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  };
}

export async function query(url: string, sql: string): Promise<Row[]> {
  await using session = await openSession(url);
  return await session.query(sql);
}

/** Asks again and again until the statement gives a row; fails after half a minute: other tests may be at work. */
export async function until(session: Session, sql: string): Promise<Row> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(5)) {
    const [row] = await session.query(sql);
    if (row) return row;
  }
  throw new Error(`in half a minute no row came of ${sql}`);
}
