import type { DBCluster, DBInstance, RDSClient } from '@aws-sdk/client-rds';
import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { describeAccount } from './describe-account.ts';
import { clientOf } from './service.ts';

/** What RDS says of a database server: an instance, or a cluster with the instance that takes the writes. */
export interface DatabaseServer {
  readonly identifier: string;
  readonly kind: 'instance' | 'cluster';
  /** The one that writes; undefined while RDS is still making it. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** As RDS calls it: postgres, aurora-postgresql, … */
  readonly engine: string;
  readonly engineVersion: string | undefined;
  /** available, stopped, modifying, … */
  readonly status: string;
  readonly isAurora: boolean;
  /** Undefined where storage grows by itself, as Aurora's does. */
  readonly allocatedBytes: number | undefined;
  /** It replays another one's writes, and takes none. */
  readonly isReplica: boolean;
  /** The database that was made with it. */
  readonly database: string | undefined;
  readonly hasIamLogin: boolean;
}

/**
 * A cluster or instance by its identifier or ARN; a cluster where both have the name.
 * Throws `identifier-missing` with the near name, `rds-denied` with the action that is lacking, `aws-unreachable`.
 */
export async function readDatabaseServer(
  account: Account,
  identifier: string,
  signal?: AbortSignal,
): Promise<DatabaseServer> {
  const rds = await import('@aws-sdk/client-rds');
  const client = new rds.RDSClient(clientOf(account, 'rds'));
  const options = signal ? { abortSignal: signal } : {};
  const where = `${identifier} (${describeAccount(account)})`;
  try {
    // Refused the one kind, it may well be the other.
    const cluster = await client
      .send(new rds.DescribeDBClustersCommand({ DBClusterIdentifier: identifier }), options)
      .catch((error: unknown) => (isDenied(error) ? error : missing(error, 'DBClusterNotFoundFault')));
    const found = cluster instanceof Error ? undefined : cluster?.DBClusters?.[0];
    if (found) return clusterOf(found);
    const instance = await client
      .send(new rds.DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }), options)
      .catch((error: unknown) => missing(error, 'DBInstanceNotFound', 'DBInstanceNotFoundFault'));
    if (instance?.DBInstances?.[0]) return instanceOf(instance.DBInstances[0]);
    if (cluster instanceof Error) throw cluster;
    const near = nearest(identifier, await identifiers(client, rds).catch(() => []));
    throw new RestageError('identifier-missing', `RDS has no instance and no cluster ${where}`, {
      hint: near
        ? `The account has ${near}: is that the one?`
        : 'Check database.identifier, and that the region is right.',
    });
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', `interrupted while RDS was asked for ${where}`);
    const silent = unreachable(error, account, 'rds');
    if (silent) throw silent;
    throw new RestageError('rds-denied', `RDS does not tell where ${where} is: ${wordsOf(error)}`, {
      cause: error,
      hint: isDenied(error)
        ? `Allow rds:DescribeDBInstances and rds:DescribeDBClusters to ${account.arn ?? account.name}; or give host and port instead of identifier.`
        : undefined,
    });
  } finally {
    client.destroy();
  }
}

/** Undefined for the errors of these names; any other is thrown. */
function missing(error: unknown, ...names: readonly string[]): undefined {
  if (!isNamed(error, ...names)) throw error;
}

async function identifiers(client: RDSClient, rds: typeof import('@aws-sdk/client-rds')): Promise<string[]> {
  const [clusters, instances] = await Promise.all([
    client.send(new rds.DescribeDBClustersCommand({ MaxRecords: 100 })),
    client.send(new rds.DescribeDBInstancesCommand({ MaxRecords: 100 })),
  ]);
  return [
    ...(clusters.DBClusters ?? []).flatMap(({ DBClusterIdentifier: name }) => name ?? []),
    ...(instances.DBInstances ?? []).flatMap(({ DBInstanceIdentifier: name }) => name ?? []),
  ];
}

const gibibyte = 1024 ** 3;

export function clusterOf(cluster: DBCluster): DatabaseServer {
  const isAurora = cluster.Engine?.startsWith('aurora') ?? false;
  return {
    identifier: cluster.DBClusterIdentifier ?? '',
    kind: 'cluster',
    host: cluster.Endpoint,
    port: cluster.Port,
    engine: cluster.Engine ?? 'unknown',
    engineVersion: cluster.EngineVersion,
    status: cluster.Status ?? 'unknown',
    isAurora,
    allocatedBytes: isAurora ? undefined : bytes(cluster.AllocatedStorage),
    isReplica: Boolean(cluster.ReplicationSourceIdentifier),
    database: cluster.DatabaseName,
    hasIamLogin: cluster.IAMDatabaseAuthenticationEnabled ?? false,
  };
}

export function instanceOf(instance: DBInstance): DatabaseServer {
  const isAurora = instance.Engine?.startsWith('aurora') ?? false;
  return {
    identifier: instance.DBInstanceIdentifier ?? '',
    kind: 'instance',
    host: instance.Endpoint?.Address,
    port: instance.Endpoint?.Port,
    engine: instance.Engine ?? 'unknown',
    engineVersion: instance.EngineVersion,
    status: instance.DBInstanceStatus ?? 'unknown',
    isAurora,
    allocatedBytes: isAurora ? undefined : bytes(instance.AllocatedStorage),
    isReplica: Boolean(instance.ReadReplicaSourceDBInstanceIdentifier ?? instance.ReadReplicaSourceDBClusterIdentifier),
    database: instance.DBName,
    hasIamLogin: instance.IAMDatabaseAuthenticationEnabled ?? false,
  };
}

function bytes(gibibytes: number | undefined): number | undefined {
  return gibibytes === undefined ? undefined : gibibytes * gibibyte;
}
