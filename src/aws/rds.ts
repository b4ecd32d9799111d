import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { clusterOf, instanceOf, type DatabaseServer } from './database-server.ts';
import { describeAccount } from './describe-account.ts';
import { listDatabases } from './listing.ts';
import { clientOf } from './service.ts';

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
    const { found: known } = await listDatabases(account, signal);
    const near = nearest(
      identifier,
      known.map((one) => one.identifier),
    );
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
