import type { Account } from './aws/account.ts';
import type { DatabaseServer } from './aws/database-server.ts';
import { readCertificates } from './certificates.ts';
import type { Config, DatabaseConfig } from './config.ts';
import { keepSecret, RestageError } from './errors.ts';
import { isLoopback } from './loopback.ts';
import type { Address } from './postgres/session.ts';

/**
 * Where a database is and how to log in: from its secret, its URL, its identifier or its parts. No database is connected
 * to, and a tunnel, if it has one, begins with the first session; it is the caller's to dispose of.
 * Throws `config-invalid` for what the config does not hold, `database-unreachable` where RDS says that the server is
 * stopped or still being made, and what reading the secret and asking RDS throw.
 * @param end the end's name, for messages
 */
export async function addressOf(
  database: DatabaseConfig,
  end: string,
  account: Account | undefined,
  passwords: Config['passwords'],
  signal?: AbortSignal,
): Promise<Address> {
  const ca = database.ca === undefined ? undefined : await readCertificates(database.ca, `database.ca of ${end}`);
  const login =
    database.url === undefined
      ? await loginOf(database, end, account, passwords, signal)
      : loginOfUrl(database.url, end);
  return {
    ...login,
    // Who names a certificate, or sends a token, means TLS on loopback too.
    tls:
      database.tls ??
      (ca !== undefined || database.auth === 'iam' || !isLoopback(login.host) ? 'verify-full' : 'disable'),
    ...(ca === undefined ? {} : { ca }),
    ...(database.via === undefined
      ? {}
      : { tunnel: (await import('./postgres/tunnel.ts')).openTunnel(database.via, login) }),
  };
}

type Login = Omit<Address, 'tls' | 'ca' | 'tunnel'>;

async function loginOf(
  database: DatabaseConfig,
  end: string,
  account: Account | undefined,
  passwords: Config['passwords'],
  signal: AbortSignal | undefined,
): Promise<Login> {
  const secret =
    database.secret !== undefined && account
      ? await (await import('./aws/secret.ts')).readDatabaseSecret(account, database.secret, signal)
      : undefined;
  const given = database.host ?? (database.identifier === undefined ? secret?.host : undefined);
  const identifier = database.identifier ?? secret?.identifier;
  const server =
    given === undefined && identifier !== undefined && account
      ? await serverOf(account, identifier, signal)
      : undefined;
  const host = given ?? server?.host;
  const port = database.port ?? server?.port ?? secret?.port ?? 5432;
  const name = database.database ?? secret?.database;
  const user = database.user ?? secret?.user;
  for (const [key, value] of Object.entries({ host, database: name }))
    if (value === undefined)
      throw new RestageError(
        'config-invalid',
        `no ${key} is known for the database of ${end}: the secret ${database.secret} has none`,
        { hint: adviceFor(key, server) },
      );
  if (host === undefined || name === undefined || user === undefined)
    throw new RestageError('internal', 'an address without its parts');
  const place = { host, port, database: name, user };
  if (database.auth === 'iam' && account) {
    const { databaseToken } = await import('./aws/database-token.ts');
    return { ...place, password: databaseToken(account, place) };
  }
  const password =
    secret?.password ?? (database.passwordEnv === undefined ? undefined : passwords[database.passwordEnv]);
  if (password === undefined) throw new RestageError('internal', 'an address without its password');
  return { ...place, password: keepSecret(password) };
}

function adviceFor(key: string, server: DatabaseServer | undefined): string {
  if (key === 'host') return 'Add host beside secret in restage.yaml, or identifier: the name that RDS has for it.';
  const made = server?.database === undefined ? '' : ` RDS made ${server.identifier} with ${server.database}.`;
  return `Add ${key} beside secret in restage.yaml.${made}`;
}

/** The server of an identifier, of which RDS says that it can be connected to. */
async function serverOf(
  account: Account,
  identifier: string,
  signal: AbortSignal | undefined,
): Promise<DatabaseServer> {
  const { readDatabaseServer } = await import('./aws/rds.ts');
  const server = await readDatabaseServer(account, identifier, signal);
  const what = `the ${server.kind} ${server.identifier} of ${account.name}`;
  if (!server.engine.includes('postgres'))
    throw new RestageError('config-invalid', `${what} is of engine ${server.engine}, and no PostgreSQL`, {
      hint: 'Correct database.identifier.',
    });
  if (server.host !== undefined && !server.status.startsWith('stopp')) return server;
  throw new RestageError(
    'database-unreachable',
    `${what} cannot be connected to: RDS says that it is ${server.status}`,
    {
      hint: server.status.startsWith('stop')
        ? `Start it: aws rds start-db-${server.kind} ${account.flags} --db-${server.kind}-identifier ${server.identifier}`
        : 'Wait until RDS says that it is available.',
    },
  );
}

function loginOfUrl(text: string, end: string): Login {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [database, user, secret] = [url?.pathname.slice(1) ?? '', url?.username ?? '', url?.password ?? ''].map(
    (part) => decoded(part, end),
  ) as [string, string, string]; // as many as were given
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || !url.username || database === '')
    throw new RestageError(
      'config-invalid',
      `the database url of ${end} is not postgres://user:password@host:port/database`,
    );
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 5432),
    database,
    user,
    password: keepSecret(secret),
  };
}

/** A part of a URL as it was meant; the part itself may be a password, and is not told. */
function decoded(part: string, end: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RestageError(
      'config-invalid',
      `the database url of ${end} has a % that is not followed by two hex digits`,
      {
        hint: 'In user, password and database name a % is written %25, a @ %40, a / %2F.',
      },
    );
  }
}
