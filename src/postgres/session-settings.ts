import { DatabaseError, type Client } from 'pg';
import { RestageError } from '../errors.ts';
import { streamOf } from './connection.ts';
import { setByCall } from './function-call.ts';
import { takeStream } from './wire.ts';

// Settings that no log may show go in the startup packet's options, which no server logs.

type Settings = Readonly<Record<string, string>>;

/** Whether a login failed because what stands before the server takes no options: PgBouncer's words, or RDS Proxy's. */
export function refusesOptions(error: unknown): boolean {
  const cause = error instanceof RestageError ? error.cause : error;
  return cause instanceof DatabaseError && (cause.code === '08P01' || cause.code === '0A000');
}

/**
 * Sees to it that a session, which is idle, has its settings: those that did not come with the login are handed over by a call
 * of the protocol. Throws `database-unfit`.
 */
export async function settle(client: Client, settings: Settings, where: string): Promise<void> {
  if (await hasAll(client, settings)) return;
  try {
    await setByCall((receiver) => takeStream(streamOf(client), receiver), settings);
    if (await hasAll(client, settings)) return;
  } catch (error) {
    throw unfit(where, error);
  }
  throw unfit(where, undefined);
}

function unfit(where: string, cause: unknown): RestageError {
  return new RestageError(
    'database-unfit',
    `the masks' key could not be given to ${where}: what stands before the server took neither options at the login nor a call of set_config by the protocol`,
    { cause, hint: 'Give the host and port of the PostgreSQL server itself.' },
  );
}

async function hasAll(client: Client, settings: Settings): Promise<boolean> {
  const names = Object.keys(settings);
  const { rows } = await client.query<{ value: string | null }>(
    `select current_setting(name, true) as value from unnest($1::text[]) with ordinality as of(name, place) order by place`,
    [names],
  );
  return names.every((name, index) => rows[index]?.value === settings[name]);
}
