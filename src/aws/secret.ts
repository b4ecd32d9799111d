import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keepSecret, RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { describeAccount } from './describe-account.ts';
import { secretError } from './secret-error.ts';
import { clientOf } from './service.ts';

/** A database's login as a secret holds it. RDS's own secrets have user and password only. */
export interface DatabaseSecret {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  /** Of the RDS cluster or instance that it is for, whose endpoint RDS knows. */
  readonly identifier?: string;
  readonly user: string;
  readonly password: string;
}

/**
 * Reads a database's login from Secrets Manager: JSON with username and password, perhaps host, port, dbname or database,
 * engine, dbClusterIdentifier or dbInstanceIdentifier.
 * Throws `secret-missing` with the near name, `secret-denied` with the policy to add, `secret-invalid`, `aws-unreachable`.
 */
export async function readDatabaseSecret(
  account: Account,
  name: string,
  signal?: AbortSignal,
): Promise<DatabaseSecret> {
  const { text, where } = await readSecretText(account, name, shape, signal);
  return parseSecret(text, where);
}

/**
 * The text of a secret, with what it is called in messages. Throws `secret-missing`, `secret-denied`, `secret-invalid`,
 * `aws-unreachable`, `interrupted`.
 * @param wanted what it should hold, in a sentence
 */
export async function readSecretText(
  account: Account,
  name: string,
  wanted: string,
  signal?: AbortSignal,
): Promise<{ readonly text: string | undefined; readonly where: string }> {
  const client = new SecretsManagerClient(clientOf(account, 'secretsmanager'));
  const where = `the secret ${name} (${describeAccount(account)})`;
  try {
    const { SecretString: text, SecretBinary: binary } = await client.send(
      new GetSecretValueCommand({ SecretId: name }),
      signal ? { abortSignal: signal } : {},
    );
    if (text === undefined && binary !== undefined)
      throw new RestageError('secret-invalid', `${where} holds bytes (SecretBinary), and not text`, { hint: wanted });
    return { text, where };
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', `interrupted while ${where} was read`);
    throw await secretError(error, account, name, where, client);
  } finally {
    client.destroy();
  }
}

const shape = 'restage reads text, {"host", "port", "username", "password", "dbname"} as JSON.';

/** Databases that RDS writes secrets for too. */
const others = /mysql|mariadb|oracle|sqlserver|db2|docdb|mongo|redshift/i;

function parseSecret(text: string | undefined, where: string): DatabaseSecret {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    throw new RestageError('secret-invalid', `${where} is not JSON`, { hint: shape });
  }
  const field = (...keys: readonly string[]): string | undefined => {
    for (const key of keys) {
      const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
      if (typeof found === 'string' || typeof found === 'number') return String(found);
    }
    return undefined;
  };
  const [user, password, engine, port] = [field('username', 'user'), field('password'), field('engine'), field('port')];
  if (password !== undefined) keepSecret(password);
  const wrong = (message: string, hint = shape) => new RestageError('secret-invalid', `${where} ${message}`, { hint });
  if (engine !== undefined && others.test(engine))
    throw wrong(`is for a database of ${engine}`, 'restage copies PostgreSQL: name the secret of that.');
  for (const [key, found] of Object.entries({ username: user, password })) {
    if (found === undefined) throw wrong(`holds no ${key}`);
    if (found === '') throw wrong(`holds an empty ${key}`, `Put the ${key} there, or name another secret.`);
  }
  if (port !== undefined && port !== '' && !isPort(port)) throw wrong('holds a port that is no number from 1 to 65535');
  const [host, database] = [field('host'), field('dbname', 'database')];
  const identifier = field('dbClusterIdentifier', 'dbInstanceIdentifier');
  return {
    user: user ?? '',
    password: password ?? '',
    ...(host ? { host } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...(database ? { database } : {}),
    ...(identifier ? { identifier } : {}),
  };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
