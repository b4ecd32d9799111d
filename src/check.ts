import { appClient, readPath, type App } from './app/client.ts';
import { readVersion } from './app/version.ts';
import type { Account } from './aws/account.ts';
import type { Config, EndConfig } from './config.ts';
import { addressOf } from './address.ts';
import type { ConnectOptions } from './connect.ts';
import { failureOf, RestageError } from './errors.ts';

/** One thing looked at: what the config says, what is there, and what to do about it. */
export interface Finding {
  /** Where it stands in the config, e.g. source.aws.profile. */
  readonly setting: string;
  readonly configured: string;
  readonly found: string;
  readonly ok: boolean;
  /** False where something else that is wrong kept it from being looked at; then it is not ok either. */
  readonly tried: boolean;
  readonly fix?: string;
}

type Look = () => Promise<string>;

/**
 * Tries every name, login and permission that the config relies on, both ends side by side. Writes nothing.
 * What is wrong is a finding; throws `interrupted` only, at once.
 */
export async function check(config: Config, options: ConnectOptions = {}): Promise<readonly Finding[]> {
  const { signal } = options;
  const ends = Promise.all([
    checkEnd('source', config.source, config, options),
    checkEnd('target', config.target, config, options),
  ]);
  const { promise: aborted, resolve: abort } = Promise.withResolvers<undefined>();
  const end = () => abort(undefined);
  signal?.addEventListener('abort', end, { once: true });
  const found = signal?.aborted ? undefined : await Promise.race([ends, aborted]);
  signal?.removeEventListener('abort', end);
  if (!found || signal?.aborted) throw new RestageError('interrupted', 'the check was interrupted');
  return found.flat();
}

/** Thrown for what cannot be looked at because of something before it. */
class NotTried extends RestageError {
  constructor(because: string) {
    super('credentials-failed', `not tried: ${because}`);
  }
}

async function checkEnd(
  side: 'source' | 'target',
  end: EndConfig,
  config: Config,
  options: ConnectOptions,
): Promise<Finding[]> {
  const { signal } = options;
  const findings: Finding[] = [];
  const lookAt = async (setting: string, configured: string, find: Look): Promise<void> => {
    try {
      findings.push({ setting, configured, found: await find(), ok: true, tried: true });
    } catch (error) {
      const { message, hint } = failureOf(error);
      const tried = !(error instanceof NotTried);
      findings.push({ setting, configured, found: message, ok: false, tried, ...(hint ? { fix: hint } : {}) });
    }
  };
  const look = (setting: string, configured: string, find: Look) => lookAt(`${side}.${setting}`, configured, find);
  let account: Account | undefined;
  const { aws, database, buckets, app } = end;
  if (aws)
    await look('aws.profile', aws.profile ?? 'ambient', async () => {
      account = await (await import('./aws/account.ts')).openAccount(aws, options.profileFiles, signal);
      return account.id
        ? `account ${account.id}, ${account.arn}`
        : 'keys found; the store has no STS to ask for the account';
    });
  if (database)
    await look('database', database.secret ?? database.host ?? 'url', async () => {
      if (database.secret !== undefined && !account) throw new NotTried('the profile is not right');
      const address = await addressOf(database, end.name, account, config.passwords, signal);
      using _tunnel = address.tunnel;
      const [{ openSession }, { requireSwappable }] = await Promise.all([
        import('./postgres/session.ts'),
        import('./postgres/target.ts'),
      ]);
      await using session = await openSession(address, {
        access: side === 'source' ? 'read-only' : 'read-write',
        label: 'check',
        signal,
      });
      if (side === 'target') await requireSwappable(session);
      const { origin } = session;
      return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}, PostgreSQL ${origin.version}`;
    });
  for (const [name, bucket] of Object.entries(buckets))
    await look(`buckets.${name}`, bucket, async () => {
      if (!account) throw new NotTried('the profile is not right');
      const { sourceBucket } = await import('./s3/bucket.ts');
      using listed = sourceBucket({
        bucket,
        region: account.region,
        endpoint: account.endpoints.s3,
        credentials: account.keys,
        account: account.id,
      });
      const more = side === 'target' ? '; writing is tried by sync' : '';
      const { lastKey } = await listed.list({ limit: 1 }, undefined, signal);
      return `it can be listed${lastKey === undefined ? ', and is empty' : ''}${more}`;
    });
  if (app) {
    const client = appClient(app.url, app.headers);
    let isRight = false;
    await look('app.url', app.url, async () => {
      const version = await readVersion(client, app.version, signal);
      if (app.environment !== undefined && version.environment !== app.environment)
        throw new RestageError(
          'app-unexpected',
          `it says that its environment is ${version.environment ?? 'unknown'}, not ${app.environment}`,
          { hint: 'The URL leads to another environment, or app.environment is wrong.' },
        );
      isRight = true;
      return [
        `environment ${version.environment ?? 'unknown'}`,
        version.version && `version ${version.version}`,
        version.gitSha && `git ${version.gitSha}`,
      ]
        .filter(Boolean)
        .join(', ');
    });
    const { health, totals } = config.verify;
    const fields = async (path: string, names: readonly string[]) => {
      if (!isRight) throw new NotTried('the application is not right');
      return readFields(client, path, names, signal);
    };
    // What the fields say now is the business of verify: staging may be unwell before it is refreshed.
    if (side === 'target' && health)
      await lookAt('verify.health.path', `GET ${health.path}`, () => fields(health.path, Object.keys(health.expect)));
    for (const [index, { path, read }] of totals.entries())
      await lookAt(`verify.totals.${index} at ${side}`, `GET ${path}`, () => fields(path, [read]));
  }
  return findings;
}

/** The HTTP status and what the fields of the answer hold. Throws `app-unexpected` where one is not there. */
async function readFields(
  app: App,
  path: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  const lacking = names.filter((name) => readPath(body, name) === undefined);
  if (lacking.length > 0)
    throw new RestageError('app-unexpected', `HTTP ${status} without ${lacking.join(' and ')}`, {
      hint: `GET ${app.url}${path} must answer JSON with ${lacking.join(' and ')}: correct the path or the field.`,
    });
  return [`HTTP ${status}`, ...names.map((name) => `${name} is ${JSON.stringify(readPath(body, name))}`)].join(', ');
}
