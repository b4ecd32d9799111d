import { appClient } from './app/client.ts';
import { readVersion } from './app/version.ts';
import { openAccount, type Account } from './aws/account.ts';
import type { Config, EndConfig } from './config.ts';
import { addressOf, type ConnectOptions } from './connect.ts';
import { failureOf, RestageError } from './errors.ts';
import { openSession } from './postgres/session.ts';
import { requireSwappable } from './postgres/target.ts';
import { sourceBucket } from './s3/bucket.ts';

/** One thing looked at: what the config says, what is there, and what to do about it. */
export interface Finding {
  /** Where it stands in the config, e.g. source.aws.profile. */
  readonly setting: string;
  readonly configured: string;
  readonly found: string;
  readonly ok: boolean;
  readonly fix?: string;
}

type Look = () => Promise<string>;

/** Tries every name, login and permission that the config relies on, both ends side by side. Writes nothing. Never throws. */
export async function check(config: Config, options: ConnectOptions = {}): Promise<readonly Finding[]> {
  const ends = await Promise.all([
    checkEnd('source', config.source, config, options),
    checkEnd('target', config.target, config, options),
  ]);
  return ends.flat();
}

async function checkEnd(
  side: 'source' | 'target',
  end: EndConfig,
  config: Config,
  options: ConnectOptions,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const look = async (setting: string, configured: string, find: Look): Promise<void> => {
    try {
      findings.push({ setting: `${side}.${setting}`, configured, found: await find(), ok: true });
    } catch (error) {
      const { message, hint } = failureOf(error);
      findings.push({
        setting: `${side}.${setting}`,
        configured,
        found: message,
        ok: false,
        ...(hint ? { fix: hint } : {}),
      });
    }
  };
  let account: Account | undefined;
  const { aws, database, buckets, app } = end;
  if (aws)
    await look('aws.profile', aws.profile, async () => {
      account = await openAccount(aws, options.profileFiles);
      return account.id
        ? `account ${account.id}, ${account.arn}`
        : 'keys found; the store has no STS to ask for the account';
    });
  if (database)
    await look('database', database.secret ?? database.host ?? 'url', async () => {
      if (database.secret !== undefined && !account)
        throw new RestageError('credentials-failed', 'not tried: the profile gives no keys');
      const address = await addressOf(database, end.name, account, config.passwords);
      await using session = await openSession(address, {
        access: side === 'source' ? 'read-only' : 'read-write',
        label: 'check',
      });
      if (side === 'target') await requireSwappable(session);
      const { origin } = session;
      return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}, PostgreSQL ${origin.version}`;
    });
  for (const [name, bucket] of Object.entries(buckets))
    await look(`buckets.${name}`, bucket, async () => {
      if (!account) throw new RestageError('credentials-failed', 'not tried: the profile gives no keys');
      using listed = sourceBucket({
        bucket,
        region: account.region,
        endpoint: account.endpoints.s3,
        credentials: account.keys,
        account: account.id,
        sockets: 1,
      });
      for await (const page of listed.list())
        return page.length === 0 ? 'it can be listed; it is empty' : 'it can be listed';
      return 'it can be listed; it is empty';
    });
  if (app)
    await look('app.url', app.url, async () => {
      const version = await readVersion(appClient(app.url, app.headers), app.version);
      if (app.environment !== undefined && version.environment !== app.environment)
        throw new RestageError(
          'app-unexpected',
          `it says that its environment is ${version.environment ?? 'unknown'}, not ${app.environment}`,
          { hint: 'The URL leads to another environment, or app.environment is wrong.' },
        );
      return [
        `environment ${version.environment ?? 'unknown'}`,
        version.version && `version ${version.version}`,
        version.gitSha && `git ${version.gitSha}`,
      ]
        .filter(Boolean)
        .join(', ');
    });
  return findings;
}
