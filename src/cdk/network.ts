import { aws_ec2 as ec2 } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../index.ts';

/** A database, or its network, that the function may open connections to. */
export interface AllowedTo {
  /** The database's construct or security group; `ec2.Peer.ipv4('10.1.0.0/16')` for one behind a peering. */
  readonly peer: ec2.IConnectable;
  /** Default: what the construct says, else 5432. */
  readonly port?: number;
}

/**
 * The function's own security group. Where its databases are named it reaches nothing else, but HTTPS: AWS and the applications.
 */
export function ownSecurityGroup(
  scope: Construct,
  vpc: ec2.IVpc,
  config: Config,
  allowTo: readonly AllowedTo[] | undefined,
): ec2.SecurityGroup {
  const group = new ec2.SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'restage: to the databases of both ends, AWS and the applications',
    allowAllOutbound: allowTo === undefined,
  });
  if (allowTo === undefined) return group;
  for (const { peer, port } of allowTo) {
    const to = port === undefined ? (peer.connections.defaultPort ?? ec2.Port.tcp(5432)) : ec2.Port.tcp(port);
    group.connections.allowTo(peer, to, 'restage: PostgreSQL');
  }
  for (const port of webPorts(config)) group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'AWS, applications');
  return group;
}

/** HTTPS, and whatever other ports the applications have. */
function webPorts({ source, target }: Config): readonly number[] {
  const ports = [source.app?.url, target.app?.url].flatMap((url) => {
    if (url === undefined || !URL.canParse(url)) return [];
    const { port, protocol } = new URL(url);
    return Number(port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : port);
  });
  return [...new Set([443, ...ports])];
}
