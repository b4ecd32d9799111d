import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keepSecret, RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { clientOf } from './service.ts';

/** A database's login as a secret holds it. RDS's own secrets have user and password only. */
export interface DatabaseSecret {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user: string;
  readonly password: string;
}

/**
 * Reads a database's login from Secrets Manager: JSON with username and password, perhaps host, port, and dbname or
 * database. Throws `secret-missing` with the near name, `secret-denied`, `secret-invalid`.
 */
export async function readDatabaseSecret(
  account: Account,
  name: string,
  signal?: AbortSignal,
): Promise<DatabaseSecret> {
  const { region } = account;
  const client = new SecretsManagerClient(clientOf(account, 'secretsmanager'));
  const where = `the secret ${name} (account ${account.id ?? 'unknown'}, ${region})`;
  try {
    const { SecretString: text } = await client.send(
      new GetSecretValueCommand({ SecretId: name }),
      signal ? { abortSignal: signal } : {},
    );
    return parseSecret(text, where);
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', `interrupted while ${where} was read`);
    const words = error instanceof Error ? error.message : String(error);
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      const near = await nearSecret(client, name).catch(() => undefined);
      throw new RestageError('secret-missing', `${where} does not exist`, {
        cause: error,
        hint: near
          ? `The account has a secret ${near}: is that the one?`
          : 'Check its name, and that the region is right.',
      });
    }
    if (error instanceof Error && error.name === 'AccessDeniedException')
      throw new RestageError('secret-denied', `${where} may not be read: ${words}`, {
        cause: error,
        hint: `${account.arn ?? account.name} needs secretsmanager:GetSecretValue on it.`,
      });
    throw new RestageError('secret-denied', `${where} could not be read: ${words}`, { cause: error });
  } finally {
    client.destroy();
  }
}

async function nearSecret(client: SecretsManagerClient, name: string): Promise<string | undefined> {
  const { SecretList: list } = await client.send(new ListSecretsCommand({ MaxResults: 100 }));
  return nearest(
    name,
    (list ?? []).flatMap((secret) => secret.Name ?? []),
  );
}

function parseSecret(text: string | undefined, where: string): DatabaseSecret {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    throw new RestageError('secret-invalid', `${where} is not JSON`, {
      hint: 'restage reads {"host", "port", "username", "password", "dbname"}.',
    });
  }
  const field = (key: string): string | undefined => {
    const found =
      typeof value === 'object' && value !== null && key in value ? (value as Record<string, unknown>)[key] : undefined;
    return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
  };
  const user = field('username') ?? field('user');
  const password = field('password');
  if (user === undefined || password === undefined)
    throw new RestageError('secret-invalid', `${where} holds no ${user === undefined ? 'username' : 'password'}`, {
      hint: 'restage reads {"host", "port", "username", "password", "dbname"}.',
    });
  keepSecret(password);
  const host = field('host');
  const port = field('port');
  const database = field('dbname') ?? field('database');
  return {
    user,
    password,
    ...(host ? { host } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...(database ? { database } : {}),
  };
}
