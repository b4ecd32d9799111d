import { RestageError } from '../errors.ts';
import type { TableName } from './names.ts';
import type { SchemaDumper } from './schema-dump.ts';
import { parseDump, type SchemaDump } from './schema-entries.ts';
import { connectionLost } from './session-error.ts';
import { readSkipped, withoutSkipped } from './rules/skip.ts';
import { interrupted, openSession, type Address, type Origin, type ReadSession } from './session.ts';

export interface SourceOptions {
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
}

/** Production's database. No write method exists: it cannot be written to, by type; and its sessions are read only. */
export interface SourceDatabase {
  readonly address: Address;
  /** One moment of the database, kept until disposed of. */
  snapshot(options: SourceOptions): Promise<Snapshot>;
}

/** A moment of the database, held by one transaction that any number of readers share. */
export interface Snapshot extends AsyncDisposable {
  readonly id: string;
  readonly origin: Origin;
  /** When it was taken, by the server's clock, ISO 8601. */
  readonly takenAt: string;
  /** The session that holds it, for the catalog. */
  readonly session: ReadSession;
  /** One more session that sees this very moment. */
  reader(): Promise<ReadSession>;
  /** The schema at this moment, as pg_dump gives it. `skip`: tables that are left out, with all that is theirs. */
  schema(dumper: SchemaDumper, skip?: readonly TableName[]): Promise<SchemaDump>;
}

export function sourceDatabase(address: Address): SourceDatabase {
  return { address, snapshot: (options) => takeSnapshot(address, options) };
}

async function takeSnapshot(address: Address, options: SourceOptions): Promise<Snapshot> {
  const open = () => openSession(address, { access: 'read-only', ...options });
  const holder = await open();
  try {
    await holder.execute('begin transaction isolation level repeatable read, read only');
    const [row] = await holder.rows<{ id: string; taken: string }>(`
      select pg_export_snapshot() as id, to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as taken`);
    const id = String(row?.id);
    return {
      id,
      origin: holder.origin,
      takenAt: String(row?.taken),
      session: holder,
      reader: async () => {
        const session = await open();
        try {
          await session.execute(
            `begin transaction isolation level repeatable read, read only; set transaction snapshot '${id}'`,
          );
        } catch (error) {
          await session[Symbol.asyncDispose]();
          if (options.signal?.aborted) throw interrupted(options.signal);
          await requireHolder(holder);
          throw new RestageError(
            'database-unfit',
            `a second session cannot share the snapshot of ${address.database} at ${address.host}: ${error instanceof Error ? error.message : String(error)}`,
            {
              cause: error,
              hint: 'A connection pooler or a reader endpoint with several instances is in between: name the instance itself.',
            },
          );
        }
        return session;
      },
      schema: async (dumper, skip = []) => {
        await using session = await open();
        const left = await readSkipped(holder, skip);
        try {
          const dump = parseDump(await dumper.dump(session, id, { ...options, skip: left.map(({ oid }) => oid) }));
          return withoutSkipped(dump, left);
        } catch (error) {
          if (!options.signal?.aborted) await requireHolder(holder);
          throw error;
        }
      },
      [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
    };
  } catch (error) {
    await holder[Symbol.asyncDispose]();
    throw error;
  }
}

/** A snapshot goes with the session that holds it: where that one was lost, its loss is the reason, and nothing else. */
async function requireHolder(holder: ReadSession): Promise<void> {
  try {
    await holder.rows('select 1');
  } catch {
    if (holder.wire.lost) throw connectionLost(holder.origin, holder.wire.lost);
  }
}
