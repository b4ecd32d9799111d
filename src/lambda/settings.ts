import {
  fetchConfig,
  fetchVariables,
  loadConfig,
  onLambda,
  openAccount,
  printOfConfig,
  RestageError,
  type Account,
  type Config,
  type Invocation,
} from '../index.ts';

/** The configuration as it holds in this function. */
export interface Settings {
  readonly config: Config;
  /** As its file has it: the same on the machine of whoever asks, where it is the same configuration. */
  readonly print: string;
  /** Where it was read. */
  readonly reference: string;
  /** What programs that a run starts find in their environment. */
  readonly variables: Environment;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a configuration lies that nobody names. */
const usual = 'file:restage.yaml';

/**
 * The configuration that the event names, or the environment, or that lies beside the bundle; its variables from the environment and
 * from the secret that RESTAGE_VARIABLES names. Throws `config-missing`, `config-invalid` with every problem, `config-differs` where the
 * caller has another one, `event-invalid` for a bucket that is none of a configuration, and what AWS throws on the way there.
 */
export async function readSettings(
  { config: named, configPrint, action }: Pick<Invocation, 'config' | 'configPrint' | 'action'>,
  {
    environment,
    functionName,
    signal,
  }: { readonly environment: Environment; readonly functionName: string; readonly signal: AbortSignal },
): Promise<Settings> {
  const own = environment['RESTAGE_CONFIG'] || usual;
  const reference = named ?? own;
  requireOwnBucket(reference, own);
  let opened: Promise<Account> | undefined;
  const ownAccount = () => (opened ??= openAccount({ ambient: true, endpoints: endpointsOf(environment) }, {}, signal));
  // AWS says where the bundle is; elsewhere it is where this runs from.
  const folder = environment['LAMBDA_TASK_ROOT'] || import.meta.dirname;
  const { text, file } = await fetchConfig(reference, { folder, account: ownAccount, signal });
  const print = await printOfConfig(text, file);
  if (configPrint !== undefined && configPrint !== print)
    throw new RestageError(
      'config-differs',
      `its configuration, ${reference}, is another than the caller's: print ${print}, and not ${configPrint}; nothing was changed`,
      {
        hint: `Give the function ${functionName} the same file (${reference.startsWith('s3://') ? `aws s3 cp FILE ${reference}` : reference.startsWith('ssm:') ? `write it to ${reference}` : 'deploy it again'}), or take the one that it has, by --config FILE.`,
      },
    );
  const secret = environment['RESTAGE_VARIABLES'];
  const variables = secret
    ? { ...(await fetchVariables(secret, await ownAccount(), signal)), ...environment }
    : environment;
  const only = action === 'status' || action === 'rollback' ? { only: 'target' as const } : {};
  const config = onLambda(loadConfig(text, { file, variables, ...only }));
  return { config, print, reference, variables };
}

/**
 * A configuration says what is masked, and where rows go. Of the buckets that a function may read, others may write to some, as to those
 * of objects: an event names none but the bucket that the function's own configuration is in. Throws `event-invalid`.
 */
function requireOwnBucket(reference: string, own: string): void {
  const bucketOf = (text: string) => /^s3:\/\/([^/]+)\//.exec(text)?.[1];
  const bucket = bucketOf(reference);
  if (bucket === undefined || bucket === bucketOf(own)) return;
  throw new RestageError(
    'event-invalid',
    `config: ${reference} is in the bucket ${bucket}, and the function's own configuration is ${own}: of no other bucket is known who may write to it`,
    { hint: `Put it into the bundle (file:name); or let RESTAGE_CONFIG of the function name one in ${bucket}.` },
  );
}

/** Where AWS's own variables say that its services are, as on a machine that stands in for it. */
function endpointsOf(environment: Environment): Record<string, string> {
  const names = {
    s3: 'AWS_ENDPOINT_URL_S3',
    secretsManager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    ssm: 'AWS_ENDPOINT_URL_SSM',
    sts: 'AWS_ENDPOINT_URL_STS',
    lambda: 'AWS_ENDPOINT_URL_LAMBDA',
  } as const;
  return Object.fromEntries(
    Object.entries(names).flatMap(([service, name]) => {
      const url = environment[name] || environment['AWS_ENDPOINT_URL'];
      return url ? [[service, url]] : [];
    }),
  );
}
