import type { Socket } from 'node:net';
import { Query, type Client, type QueryConfig } from 'pg';
import { RestageError } from '../errors.ts';
import { connectError, databaseNames, nearestDatabase } from './connect-error.ts';
import { dial, streamOf, type DialOptions } from './connection.ts';
import { pin, type Server } from './pinned-settings.ts';
import { findPooler, secondSessionSeconds } from './pooler.ts';
import { connectionLost, lockNotAvailable, sqlState, statementError, withLockHolders } from './session-error.ts';
import { watchSilence } from './silence.ts';
import { refusesOptions, settle } from './session-settings.ts';
import { askAbout, leave } from './vanished.ts';
import { takeStream, type Wire } from './wire.ts';

/** Where a figure was read: goes with every figure. */
export interface Origin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Server version, e.g. 16.14. Empty before the first connection. */
  readonly version: string;
  /** It replays what its primary does, and ends those who are in the way of that. */
  readonly standby?: true;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** A function is asked for each connection: a token of IAM holds for a quarter of an hour. */
  readonly password: string | (() => Promise<string>);
  readonly tls: 'verify-full' | 'disable';
  /** Certificates to trust, PEM, beside those that Node brings along and RDS's. */
  readonly ca?: string | undefined;
  /**
   * Settings of each session that no statement may show, such as the pads of the masks' key: they go in the startup packet,
   * as the text of statements and what is bound to them both reach the server's log.
   */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** What forwards a port of this machine there. The address stays the database's own, which TLS verifies. */
  readonly tunnel?: Tunnel | undefined;
}

/** A forwarder of a port, started when it is first used, and again when it has ended. */
export interface Tunnel extends Disposable {
  /** The program that forwards, for messages. */
  readonly program: string;
  /** Where it listens on 127.0.0.1. Throws `tunnel-failed`. */
  port(signal?: AbortSignal): Promise<number>;
  /** The last that it has said on stderr; empty where it said nothing. */
  lastWords(): string;
}

export interface SessionOptions {
  readonly access: 'read-only' | 'read-write';
  /** Shown in pg_stat_activity and the server's log as `restage <label>`. */
  readonly label: string;
  /** Ends the session at once: its statement fails and nothing more is sent. */
  readonly signal?: AbortSignal | undefined;
}

/** A session that can only read: the server refuses anything else in it. */
export interface ReadSession extends AsyncDisposable {
  readonly origin: Origin;
  /** Whether a connection pooler stands in between, which leaves this session a process of its own. */
  readonly pooled: boolean;
  /** The rows of one statement, which cannot hide a second one; every value as the server's text (or null). */
  rows<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** The wire itself, for frames that must not be decoded. */
  readonly wire: Wire;
}

export interface Session extends ReadSession {
  /** Runs one or more statements; the answer's row count, of the last. */
  execute(sql: string): Promise<number>;
  /** Runs any number of statements; the row count of each, zero where it has none. Rows that they give are let go. */
  executeEach(sql: string): Promise<readonly number[]>;
}

/**
 * Opens a session with everything pinned. Throws what names the hop that failed, with host, port, database and user:
 * `tunnel-failed`, `host-unknown`, `database-unreachable`, `tls-failed`, `database-login`, `database-missing`;
 * `database-unfit` where the role may not connect, a pooler stands in between, or it did not get the address's settings;
 * `interrupted`; and what the address's function for the password throws.
 */
export async function openSession(address: Address, options: SessionOptions): Promise<Session> {
  try {
    return await open(address, { ...options, settings: address.settings });
  } catch (error) {
    if (!address.settings || !refusesOptions(error)) throw error;
    return await open(address, options); // which then hands them over
  }
}

/** With those settings at the login; all that the address has are there in the end. */
async function open(address: Address, options: SessionOptions & Pick<DialOptions, 'settings'>): Promise<Session> {
  const { signal } = options;
  const where = `${address.database} at ${address.host}:${address.port} as ${address.user}`;
  if (signal?.aborted) throw interrupted(signal);
  const { client, hop } = await dial(address, options);
  let lost: Error | undefined;
  client.on('error', (error) => (lost ??= error)); // the first says why
  const abort = () => streamOf(client).destroy(new RestageError('interrupted', `the session with ${where} was ended`));
  signal?.addEventListener('abort', abort, { once: true });
  let server: Server | undefined;
  let pooled: boolean | undefined;
  /** Answers that are waited for. */
  let awaited = 1;
  const watch = watchSilence({
    isWaiting: () => awaited > 0 && !streamOf(client).destroyed,
    moved: () => bytesThrough(client),
    ask: () => {
      const at = (streamOf(client) as Socket).remoteAddress; // one of TLS is one too
      return askAbout(pooled === false ? server : undefined, () => connectAnother(address, { ...options, at }));
    },
    end: (reason) => streamOf(client).destroy(reason),
  });
  try {
    if (signal?.aborted) throw interrupted(signal);
    await client.connect();
    pooled = await findPooler(client, () => connectAnother(address, options), where);
    server = await pin(client, options.access);
    if (address.settings) await settle(client, address.settings, where);
  } catch (error) {
    signal?.removeEventListener('abort', abort);
    watch[Symbol.dispose]();
    const failedAt = hop();
    await leave(client);
    if (signal?.aborted) throw interrupted(signal);
    throw await withNearDatabase(connectError(error, address, failedAt), address, options);
  }
  awaited = 0;
  const origin: Origin = {
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    version: server.version.split(' ', 1)[0] ?? server.version,
    ...(server.standby === 'true' ? { standby: true } : {}),
  };
  const askBeside = async (sql: string) => {
    await using beside = await openSession(address, { ...options, access: 'read-only' });
    return await beside.rows<{ holder: string }>(sql);
  };
  const asked = async <T>(sql: string, ask: () => Promise<T>): Promise<T> => {
    awaited += 1;
    try {
      return await ask();
    } catch (error) {
      if (options.signal?.aborted) throw interrupted(options.signal);
      // Once the connection is gone the driver says only that, and not why.
      if (lost) throw connectionLost(origin, lost);
      const told = statementError(error, origin, sql);
      throw sqlState(told) === lockNotAvailable ? await withLockHolders(told, askBeside) : told;
    } finally {
      awaited -= 1;
    }
  };
  const run = (sql: string, parameters?: readonly unknown[]) =>
    asked(sql, () => client.query<never>(parameters ? single(sql, parameters) : sql));
  return {
    origin,
    pooled,
    rows: async (sql, parameters = []) => (await run(sql, parameters)).rows,
    execute: async (sql) => {
      const result: unknown = await run(sql); // an array when there were several statements, which pg's types do not say
      const last = (Array.isArray(result) ? result.at(-1) : result) as { rowCount: number | null };
      return last.rowCount ?? 0;
    },
    executeEach: (sql) => asked(sql, () => countEach(client, sql)),
    wire: {
      get lost() {
        return lost;
      },
      take: (receiver) => {
        const stream = streamOf(client);
        // Its end would not be told a second time: whoever waited for a message would wait for ever.
        if (lost || stream.destroyed) throw connectionLost(origin, lost);
        const taken = takeStream(stream, receiver);
        awaited += 1; // as long as somebody has it; once it is destroyed nobody waits
        return {
          ...taken,
          release: () => {
            awaited -= 1;
            taken.release();
          },
        };
      },
    },
    [Symbol.asyncDispose]: async () => {
      options.signal?.removeEventListener('abort', abort);
      watch[Symbol.dispose]();
      if (lost || streamOf(client).destroyed) return;
      await leave(client);
    },
  };
}

/** A second connection, for a question or two: nobody waits long for it. Throws as `openSession`. */
async function connectAnother(address: Address, options: SessionOptions & Pick<DialOptions, 'at'>): Promise<Client> {
  const { client, hop } = await dial(address, { ...options, queryTimeoutMs: secondSessionSeconds * 1000 });
  client.on('error', () => {}); // its statements tell
  try {
    await client.connect();
  } catch (error) {
    throw connectError(error, address, hop());
  }
  return client;
}

/** A missing database's error with the names that are there, as far as the role may ask for them. */
async function withNearDatabase(told: RestageError, address: Address, options: SessionOptions): Promise<RestageError> {
  const beside = 'postgres';
  if (told.code !== 'database-missing' || address.database === beside) return told;
  try {
    await using session = await openSession({ ...address, database: beside }, { ...options, access: 'read-only' });
    const rows = await session.rows<{ name: string }>(databaseNames);
    return nearestDatabase(
      told,
      address.database,
      rows.map(({ name }) => name),
    );
  } catch {
    return told; // better without them than not at all
  }
}

/**
 * A query by the extended protocol, which takes one statement only: SQL that was put into another cannot end it and begin
 * one of its own. (pg's types do not know its `queryMode` yet.)
 */
function single(text: string, values: readonly unknown[]): QueryConfig & { readonly queryMode: 'extended' } {
  return { text, values: [...values], queryMode: 'extended' };
}

/** The row count of each statement. With somebody who listens for them, the driver does not gather the rows. */
function countEach(client: Client, sql: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const query = new Query(sql);
    query.on('row', () => {});
    query.on('error', reject);
    query.on('end', (result: unknown) => {
      const results = [result].flat() as { readonly command: string | null; readonly rowCount: number | null }[]; // one, or several
      resolve(results.filter(({ command }) => command !== null).map(({ rowCount }) => rowCount ?? 0));
    });
    client.query(query);
  });
}

/** The error of an interrupted run, whatever the abort gave as its reason. */
export function interrupted(signal: AbortSignal): RestageError {
  return signal.reason instanceof RestageError
    ? signal.reason
    : new RestageError('interrupted', 'the run was interrupted');
}

function bytesThrough(client: Client): number {
  const { bytesRead, bytesWritten } = streamOf(client) as Socket; // one of TLS is one too
  return bytesRead + bytesWritten;
}
