import type { DBCluster, DBInstance } from '@aws-sdk/client-rds';

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
