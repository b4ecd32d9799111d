import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { requireAllowed } from './permissions.ts';
import { serveQuery, type PerformQuery, type QueryService } from './query.ts';
import type { Reply } from './reply.ts';
import type { DatabaseServerSettings } from './settings.ts';
import { element } from './xml.ts';

type Kind = DatabaseServerSettings['kind'];

const words = {
  cluster: { parameter: 'DBClusterIdentifier', missing: 'DBClusterNotFoundFault', noun: 'DBCluster' },
  instance: { parameter: 'DBInstanceIdentifier', missing: 'DBInstanceNotFound', noun: 'DBInstance' },
} as const;

/** The servers of a kind in the caller's account, or the one that is asked for; in pages as large as wanted. */
function describe(kind: Kind, world: World, caller: Caller, parameters: URLSearchParams): string {
  const { parameter, missing, noun } = words[kind];
  const asked = parameters.get(parameter)?.toLowerCase();
  const wanted = `arn:aws:rds:${world.region}:${caller.account}:${kind === 'cluster' ? 'cluster' : 'db'}:${asked ?? '*'}`;
  requireAllowed(caller, `rds:Describe${noun}s`, wanted, [403, 'AccessDenied']);
  const own = [...world.databaseServers.values()].filter(
    (server) => server.kind === kind && server.account === caller.account,
  );
  const found = asked === undefined ? own : own.filter(({ identifier }) => identifier === asked);
  if (asked !== undefined && found.length === 0) throw new AwsError(404, missing, `${noun} ${asked} not found.`);
  const start = Number(parameters.get('Marker') ?? 0);
  const end = start + Number(parameters.get('MaxRecords') ?? 100);
  const page = found.slice(start, end).map((server) => nested(noun, render(server, world.region)));
  return nested(`${noun}s`, page.join('')) + element('Marker', end < found.length ? end : undefined);
}

/** An element of elements. */
function nested(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function render(server: DatabaseServerSettings, region: string): string {
  const { kind, identifier, account, host, port = 5432, status = 'available', engine = 'postgres' } = server;
  const common =
    element('Engine', engine) +
    element('EngineVersion', server.engineVersion) +
    element('AllocatedStorage', server.allocatedGibibytes ?? 1) +
    element('IAMDatabaseAuthenticationEnabled', server.iamLogin === true);
  const arn = `arn:aws:rds:${region}:${account}:${kind === 'cluster' ? 'cluster' : 'db'}:${identifier}`;
  if (kind === 'cluster')
    return (
      common +
      element('DBClusterIdentifier', identifier) +
      element('DBClusterArn', arn) +
      element('Status', status) +
      element('Endpoint', host) +
      element('ReaderEndpoint', host === undefined ? undefined : `reader.${host}`) +
      element('Port', port) +
      element('DatabaseName', server.database) +
      element('ReplicationSourceIdentifier', server.replicaOf)
    );
  const endpoint = host === undefined ? '' : nested('Endpoint', element('Address', host) + element('Port', port));
  return (
    common +
    element('DBInstanceIdentifier', identifier) +
    element('DBInstanceArn', arn) +
    element('DBInstanceStatus', status) +
    endpoint +
    element('DBName', server.database) +
    element('ReadReplicaSourceDBInstanceIdentifier', server.replicaOf)
  );
}

const service: QueryService = {
  version: '2014-10-31',
  namespace: 'http://rds.amazonaws.com/doc/2014-10-31/',
  operations: new Map<string, PerformQuery>([
    ['DescribeDBClusters', (...call) => describe('cluster', ...call)],
    ['DescribeDBInstances', (...call) => describe('instance', ...call)],
  ]),
};

export function serveRds(world: World, exchange: Exchange, requestId: string): Promise<Reply> {
  return serveQuery(service, world, exchange, requestId);
}
