import { DatabaseError, type Client } from 'pg';
import { RestageError } from '../errors.ts';
import { streamOf } from './connection.ts';
import { takeStream } from './wire.ts';

// Settings that no log may show. A server that logs everything writes the text of each statement and what is bound to it. It
// writes neither the options of the startup packet nor, of a call by the protocol's FunctionCall, more than the function's name.

type Settings = Readonly<Record<string, string>>;

/** Whether a login failed because what stands before the server takes no options: PgBouncer's words, or RDS Proxy's. */
export function refusesOptions(error: unknown): boolean {
  const cause = error instanceof RestageError ? error.cause : error;
  return cause instanceof DatabaseError && (cause.code === '08P01' || cause.code === '0A000');
}

/**
 * Sees to it that a session, which is idle, has its settings: those that did not come with the login are handed over by the
 * protocol's FunctionCall. Throws `database-unfit`.
 */
export async function settle(client: Client, settings: Settings, where: string): Promise<void> {
  if (await hasAll(client, settings)) return;
  try {
    for (const [name, value] of Object.entries(settings)) await setByCall(client, name, value);
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

/** The number of set_config(text, text, boolean) in every catalog since PostgreSQL 7.3. */
const setConfig = 2078;

/** Calls set_config for the rest of the session. */
async function setByCall(client: Client, name: string, value: string): Promise<void> {
  const answered = Promise.withResolvers<void>();
  let received = Buffer.alloc(0);
  let failed = false;
  const wire = takeStream(streamOf(client), {
    onChunk: (chunk, done) => {
      received = Buffer.concat([received, chunk]);
      done();
      // Until the server is ready for a query: the answer, or an error, and notices perhaps.
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const kind = String.fromCharCode(received[0] ?? 0);
        received = received.subarray(1 + received.readInt32BE(1));
        failed ||= kind === 'E';
        if (kind === 'Z') answered.resolve();
      }
    },
    onClose: (cause) => answered.reject(cause ?? new Error('the connection ended')),
  });
  try {
    wire.write(functionCall(setConfig, [name, value, 'false']));
    await answered.promise;
  } finally {
    wire.release();
  }
  // Its own words may quote what it was given.
  if (failed) throw new Error('the server refused the call of set_config');
}

/** The message FunctionCall: arguments and answer as text. */
function functionCall(oid: number, texts: readonly string[]): Buffer {
  const parts = [int32(oid), int16(0), int16(texts.length)];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    parts.push(int32(bytes.length), bytes);
  }
  parts.push(int16(0));
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from('F'), int32(4 + body.length), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
