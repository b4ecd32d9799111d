import { execFile } from 'node:child_process';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PostgresPackage, serverUser } from '../demo/postgres-binaries.ts';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { openSession, until } from './sql.ts';

/** A server and its hot standby, which streams from it. Disposing ends both. */
export interface StandbyPair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Waits until the standby has replayed all that the primary has written. */
  caughtUp(): Promise<void>;
}

export interface StandbyOptions {
  readonly package: PostgresPackage;
  readonly folder: string;
  /** Parameters of the standby, e.g. how long it lets its readers hold up the replay. */
  readonly standby?: Readonly<Record<string, string>>;
}

/**
 * Makes a primary and a hot standby of it, with the servers' own functions only: a base backup is a copy of the data
 * folder between pg_backup_start and pg_backup_stop, which has the label that goes with it (PostgreSQL 15 and later).
 */
export async function startStandbyPair({ package: name, folder, standby = {} }: StandbyOptions): Promise<StandbyPair> {
  const at = join(folder, 'primary');
  const primary = await startPostgres({
    package: name,
    folder: at,
    settings: { wal_level: 'replica', max_wal_senders: '4', wal_keep_size: '1GB' },
  });
  try {
    const copy = await startPostgres({
      package: name,
      folder: join(folder, 'standby'),
      settings: {
        hot_standby: 'on',
        primary_conninfo: `host=${primary.host} port=${primary.port} user=postgres password=${passwordOf(primary)}`,
        wal_retrieve_retry_interval: '100ms',
        ...standby,
      },
      fill: async (data) => {
        await backUp(primary, join(at, 'data'), data);
        return { password: passwordOf(primary) };
      },
    });
    return {
      primary,
      standby: copy,
      caughtUp: async () => {
        await using first = await openSession(primary.adminUrl());
        await using second = await openSession(copy.adminUrl());
        const [written] = await first.query(`select pg_current_wal_lsn() as lsn`);
        await until(second, `select where pg_last_wal_replay_lsn() >= '${written?.['lsn']}'`);
      },
      [Symbol.asyncDispose]: async () => {
        await copy[Symbol.asyncDispose]();
        await primary[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await primary[Symbol.asyncDispose]();
    throw error;
  }
}

async function backUp(primary: PostgresServer, from: string, to: string): Promise<void> {
  await using session = await openSession(primary.adminUrl());
  await session.query(`select pg_backup_start('a standby', true)`);
  // With its owner: the server's user is not the caller's where that one is root.
  await promisify(execFile)('cp', ['-a', from, to]);
  const [label] = await session.query(`select labelfile from pg_backup_stop(false)`);
  await rm(join(to, 'postmaster.pid'));
  await rm(join(to, 'postmaster.opts'), { force: true });
  const user = await serverUser();
  for (const [name, text] of [
    ['backup_label', label?.['labelfile'] ?? ''],
    ['standby.signal', ''],
  ] as const) {
    await writeFile(join(to, name), text);
    if (user) await chown(join(to, name), user.uid, user.gid);
  }
}

function passwordOf(server: PostgresServer): string {
  return new URL(server.adminUrl()).password;
}
