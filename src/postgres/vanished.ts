import { Socket } from 'node:net';
import { DatabaseError, type Client } from 'pg';
import { RestageError, type ErrorCode } from '../errors.ts';

// What keeps a server that has vanished without a word from holding anybody up, here and there.

/**
 * Probes of TCP after half a minute without a byte: what stands in between forgets idle connections after minutes. Nine of
 * them, ten seconds apart, may be lost: Node's own way, ten within ten seconds, ends a session for a short outage.
 */
export function keepAlive(client: Client): void {
  const { stream } = client.connection;
  if (stream instanceof Socket) stream.setKeepAlive(true, 30_000, 10_000, 9); // older ones of Node take the first two only
}

/** The same for the server: a vanished run frees its lock and its snapshot within two minutes, not hours. */
export const serverKeepAlive = {
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '9',
} as const;

/** How long a server may take to answer a farewell. */
const farewellMs = 3_000;

/** Ends a connection; a server that is out of reach does not hold anybody up. */
export async function leave(client: Client): Promise<void> {
  const late = setTimeout(() => client.connection.stream.destroy(), farewellMs);
  await client.end().catch(() => {});
  clearTimeout(late);
}

/** A session's process at its server. */
export interface ServerProcess {
  readonly pid: string;
  /** When the server was started. */
  readonly started: string;
}

/**
 * What the server says of it, by another connection. Behind one address there may be several servers, and a pooler has
 * processes of its own: only the very server may say that it is gone.
 */
export async function askAbout(
  process: ServerProcess | undefined,
  another: () => Promise<Client>,
): Promise<'working' | 'gone' | Error> {
  let beside: Client | undefined;
  try {
    beside = await another();
    const { rows } = await beside.query<{ started: string; pid: string | null }>(
      `select pg_postmaster_start_time()::text as started, (select pid from pg_stat_activity where pid = $1) as pid`,
      [process?.pid ?? '0'],
    );
    return process && rows[0]?.started === process.started && rows[0].pid === null ? 'gone' : 'working';
  } catch (error) {
    if (!isAway(error)) return 'working';
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    beside?.connection.stream.destroy();
  }
}

const ofTheWay: ReadonlySet<ErrorCode> = new Set(['tunnel-failed', 'host-unknown', 'database-unreachable']);

/**
 * Whether a failure says that there is no way to the server. One that refuses a further session, for its number perhaps, is
 * there; and keys that have expired since, or a certificate that is not trusted any more, say nothing of those that are open.
 */
function isAway(error: unknown): boolean {
  if (error instanceof DatabaseError) return false;
  return !(error instanceof RestageError) || (ofTheWay.has(error.code) && !(error.cause instanceof DatabaseError));
}
