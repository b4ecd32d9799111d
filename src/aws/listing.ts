import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { isDenied, unreachable, wordsOf } from './aws-error.ts';
import { clusterOf, instanceOf, type DatabaseServer } from './database-server.ts';
import { clientOf, type ServiceName } from './service.ts';

/** What an account has of a kind. */
export interface Listing<Item> {
  readonly found: readonly Item[];
  /** Why it is not all of them, in words: AWS has refused to tell, or there are too many. */
  readonly lacking: string | undefined;
}

export interface ListedSecret {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
}

export interface ListedFunction {
  readonly name: string;
  readonly timeoutSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** More than a person reads, in pages that AWS gives within a few seconds. */
const atMost = 1000;

/** The names of the account's secrets, none of their contents. Throws `interrupted` only. */
export async function listSecrets(account: Account, signal?: AbortSignal): Promise<Listing<ListedSecret>> {
  const { SecretsManagerClient, ListSecretsCommand } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient(clientOf(account, 'secretsmanager'));
  return collect(account, 'secretsmanager', 'secretsmanager:ListSecrets', client, signal, async (token, options) => {
    const page = await client.send(new ListSecretsCommand({ MaxResults: 100, NextToken: token }), options);
    const items = (page.SecretList ?? []).map(({ Name: name = '', ARN: arn = '', Description: description }) => ({
      name,
      arn,
      description,
    }));
    return { items, next: page.NextToken };
  });
}

/** The names of the account's parameters, none of their values. Throws `interrupted` only. */
export async function listParameters(account: Account, signal?: AbortSignal): Promise<Listing<string>> {
  const { SSMClient, DescribeParametersCommand } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(clientOf(account, 'ssm'));
  return collect(account, 'ssm', 'ssm:DescribeParameters', client, signal, async (token, options) => {
    const page = await client.send(new DescribeParametersCommand({ MaxResults: 50, NextToken: token }), options);
    return { items: (page.Parameters ?? []).map(({ Name: name = '' }) => name), next: page.NextToken };
  });
}

/** The account's RDS clusters and instances, each cluster before its instances. Throws `interrupted` only. */
export async function listDatabases(account: Account, signal?: AbortSignal): Promise<Listing<DatabaseServer>> {
  const rds = await import('@aws-sdk/client-rds');
  const client = new rds.RDSClient(clientOf(account, 'rds'));
  const clusters = await collect(
    account,
    'rds',
    'rds:DescribeDBClusters',
    undefined,
    signal,
    async (token, options) => {
      const page = await client.send(new rds.DescribeDBClustersCommand({ MaxRecords: 100, Marker: token }), options);
      return { items: (page.DBClusters ?? []).map(clusterOf), next: page.Marker };
    },
  );
  const instances = await collect(account, 'rds', 'rds:DescribeDBInstances', client, signal, async (token, options) => {
    const page = await client.send(new rds.DescribeDBInstancesCommand({ MaxRecords: 100, Marker: token }), options);
    return { items: (page.DBInstances ?? []).map(instanceOf), next: page.Marker };
  });
  return {
    found: [...clusters.found, ...instances.found],
    lacking: clusters.lacking ?? instances.lacking,
  };
}

/** The account's functions. Throws `interrupted` only. */
export async function listFunctions(account: Account, signal?: AbortSignal): Promise<Listing<ListedFunction>> {
  const { LambdaClient, ListFunctionsCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(clientOf(account, 'lambda'));
  return collect(account, 'lambda', 'lambda:ListFunctions', client, signal, async (token, options) => {
    const page = await client.send(new ListFunctionsCommand({ MaxItems: 50, Marker: token }), options);
    const items = (page.Functions ?? []).map(
      ({ FunctionName: name = '', Timeout: seconds, MemorySize: mebibytes }) => ({
        name,
        timeoutSeconds: seconds,
        memoryBytes: mebibytes === undefined ? undefined : mebibytes * 1024 * 1024,
      }),
    );
    return { items, next: page.NextMarker };
  });
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

async function collect<Item>(
  account: Account,
  service: ServiceName,
  action: string,
  client: { destroy(): void } | undefined,
  signal: AbortSignal | undefined,
  read: (token: string | undefined, options: { abortSignal?: AbortSignal }) => Promise<Page<Item>>,
): Promise<Listing<Item>> {
  const found: Item[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await read(token, signal ? { abortSignal: signal } : {});
      found.push(...page.items);
      token = page.next;
    } while (token && found.length < atMost);
    return { found, lacking: token ? `only the first ${found.length} are listed` : undefined };
  } catch (error) {
    if (signal?.aborted) throw new RestageError('interrupted', 'interrupted while AWS listed what there is');
    const silent = unreachable(error, account, service);
    const lacking = silent?.message ?? `${wordsOf(error)}${isDenied(error) ? `; it takes ${action}` : ''}`;
    return { found, lacking };
  } finally {
    client?.destroy();
  }
}
