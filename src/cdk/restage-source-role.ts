import { aws_iam as iam, CfnOutput, Duration, Stack, type aws_kms as kms } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { differ, placeOf } from './place.ts';
import { namesOf, readConfig, requireClear, unknownNames, type Obstacle, type ReadConfig } from './read-config.ts';
import { sourceRights } from './source-rights.ts';

export interface RestageSourceRoleProps {
  /** The same restage.yaml as the function's: the role's name, secret, buckets and external id come from it. */
  readonly config: string;
  /** Who may take the role on, each by the ARN of a role: the function's, and its task's. They must be there already. */
  readonly readers: readonly string[];
  /** Variables that stand in names, as the function has them. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the function copies objects too. Default: no. */
  readonly objects?: boolean;
  /** KMS keys of the secret, where it is not under the account's default key. */
  readonly secretKeys?: readonly kms.IKey[];
  /** KMS keys of the buckets, where `objects` are copied. */
  readonly bucketKeys?: readonly kms.IKey[];
  /** For `source.database.auth: iam`: RDS's own id of the server, db-… or cluster-…. */
  readonly databaseResourceId?: string;
}

/**
 * The role in production's account by which the function reads: what the source of restage.yaml needs, and nothing that writes.
 * Throws `config-missing`; `config-invalid` with all that is in the way.
 */
export class RestageSourceRole extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: RestageSourceRoleProps) {
    super(scope, id);
    const read = readConfig(props.config, props.environment);
    requireClear(props.config, `${this.node.path} (RestageSourceRole)`, obstacles(this, read, props));
    const { config } = read;
    const { role = '', externalId } = read.sourceRole ?? {};
    const [, path, name = ''] = /:role(\/(?:.+\/)?)([^/]+)$/.exec(role) ?? [];
    const readers = props.readers.map((arn) => new iam.ArnPrincipal(arn));
    const [reader] = readers;
    this.role = new iam.Role(this, 'Role', {
      roleName: name,
      ...(path === undefined || path === '/' ? {} : { path }),
      description: `Reads ${config.source.name} to refresh ${config.target.name}; can write nothing`,
      assumedBy: readers.length === 1 && reader ? reader : new iam.CompositePrincipal(...readers),
      ...(externalId === undefined ? {} : { externalIds: [externalId] }),
      // One role that takes on another has its keys for an hour at most.
      maxSessionDuration: Duration.hours(1),
      inlinePolicies: {
        restage: new iam.PolicyDocument({
          statements: [
            ...sourceRights(
              placeOf(this, config.source.aws),
              config,
              {
                secretKeys: (props.secretKeys ?? []).map((key) => key.keyArn),
                bucketKeys: (props.bucketKeys ?? []).map((key) => key.keyArn),
                databaseResourceId: props.databaseResourceId,
              },
              props.objects ?? false,
            ),
          ],
        }),
      },
    });
    new CfnOutput(this, 'Arn', { value: this.role.roleArn, description: 'source.aws.onLambda.assumeRole.role' });
  }
}

function obstacles(scope: Construct, read: ReadConfig, props: RestageSourceRoleProps): readonly Obstacle[] {
  const { sourceRole } = read;
  const { source } = read.config;
  const { account } = Stack.of(scope);
  const role = sourceRole?.role;
  const found: Obstacle[] = [];
  const id = /::(\d{12}):/.exec(role ?? '')?.[1];
  const own = source.aws?.account ?? '…';
  if (role === undefined)
    found.push({
      message: 'source.aws.onLambda.assumeRole is missing: the function does not know that it is to take on a role',
      fix: `Under source.aws add: onLambda: { assumeRole: { role: "arn:aws:iam::${own}:role/restage-source", externalId: ${read.config.target.name} } }`,
    });
  else if (differ(id, account))
    found.push({
      message: `source.aws.onLambda.assumeRole.role is of account ${id}, and the stack is for ${account}: the role belongs into the source's account`,
      fix: `Give the stack env: { account: '${id}', region: '${source.aws?.region ?? '…'}' }.`,
    });
  if (differ(source.aws?.account, id))
    found.push({
      message: `source.aws.account is ${source.aws?.account}, and the role of source.aws.onLambda is of account ${id}`,
      fix: 'Correct either.',
    });
  if (props.readers.length === 0)
    found.push({
      message: 'readers is empty: nobody may take the role on',
      fix: "Name the function's role, by its ARN.",
    });
  if (source.database?.auth === 'iam' && props.databaseResourceId === undefined)
    found.push({
      message: 'source.database.auth is iam: the policy must name the server by an id of its own, which only RDS knows',
      fix: 'Give databaseResourceId: the DbiResourceId or DbClusterResourceId of `aws rds describe-db-instances` or `describe-db-clusters`.',
    });
  return [
    ...found,
    ...unknownNames({
      'source.aws.onLambda.assumeRole.role': role,
      'source.aws.onLambda.assumeRole.externalId': sourceRole?.externalId,
      ...namesOf(read, 'source'),
    }),
  ];
}
