import { aws_iam as iam } from 'aws-cdk-lib';
import { bucketArn, functionArn, networkArn, parameterArn, type Place } from './place.ts';
import { allow, through, type Rights } from './rights.ts';

/** Where runs are kept. */
export interface RunsPlace {
  readonly bucketArn: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
  readonly keyArn: string | undefined;
}

/** A run store reads, writes and lists; without the right to list, S3 does not tell what is missing from what is closed. */
export function runsRights(place: Place, runs: RunsPlace): Rights {
  const keys = runs.keyArn === undefined ? [] : [runs.keyArn];
  return [
    ...allow('Runs', ['s3:ListBucket'], [runs.bucketArn]),
    ...allow('RunFiles', ['s3:GetObject', 's3:PutObject'], [filesUnder(runs)]),
    ...allow('RunsKey', ['kms:Decrypt', 'kms:GenerateDataKey'], keys, through('s3', place.region)),
  ];
}

function filesUnder({ bucketArn: bucket, prefix }: RunsPlace): string {
  return prefix === '' ? `${bucket}/*` : `${bucket}/${prefix}/*`;
}

/** The configuration, where it is kept outside the bundle: s3://bucket/key, or ssm:/name; perhaps under keys of KMS. */
export function configRights(place: Place, reference: string | undefined, keyArns: readonly string[]): Rights {
  const key = (service: 's3' | 'ssm') =>
    allow('ConfigurationKey', ['kms:Decrypt'], keyArns, through(service, place.region));
  if (reference?.startsWith('s3://'))
    return [
      ...allow('Configuration', ['s3:GetObject'], [bucketArn(place, reference.slice('s3://'.length))]),
      ...key('s3'),
    ];
  if (reference?.startsWith('ssm:'))
    return [
      ...allow('Configuration', ['ssm:GetParameter'], [parameterArn(place, reference.slice('ssm:'.length))]),
      ...key('ssm'),
    ];
  return [];
}

/** A run that takes longer than one invocation goes on in the next; `check` looks at the time-out. */
export function selfRights(place: Place, name: string): Rights {
  return allow('GoOn', ['lambda:GetFunctionConfiguration', 'lambda:InvokeFunction'], [functionArn(place, name)]);
}

/** Somebody who refreshes by the command line: invokes, and follows what is written. */
export function useRights(place: Place, name: string, runs: RunsPlace | undefined): Rights {
  const invoke = allow(
    'Refresh',
    ['lambda:GetFunctionConfiguration', 'lambda:InvokeFunction'],
    [functionArn(place, name)],
  );
  if (!runs) return invoke;
  return [
    ...invoke,
    ...allow('Runs', ['s3:ListBucket'], [runs.bucketArn]),
    ...allow('RunFiles', ['s3:GetObject'], [filesUnder(runs)]),
    ...allow('RunsKey', ['kms:Decrypt'], runs.keyArn === undefined ? [] : [runs.keyArn], through('s3', place.region)),
  ];
}

/**
 * What Lambda itself needs of the role to stand in a VPC. EC2 knows no narrower resource for both Describes than all, and Lambda
 * wants DeleteNetworkInterface on every id; the last statement takes all of it from the code of the function again.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
export function networkRights(
  place: Place,
  name: string,
  { subnets, securityGroups }: { readonly subnets: readonly string[]; readonly securityGroups: readonly string[] },
): Rights {
  const attach = ['ec2:AssignPrivateIpAddresses', 'ec2:DeleteNetworkInterface', 'ec2:UnassignPrivateIpAddresses'];
  const look = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];
  return [
    ...allow(
      'LambdaMakesInterfaces',
      ['ec2:CreateNetworkInterface'],
      [
        networkArn(place, 'network-interface', '*'),
        ...subnets.map((id) => networkArn(place, 'subnet', id)),
        ...securityGroups.map((id) => networkArn(place, 'security-group', id)),
      ],
    ),
    ...allow('LambdaKeepsInterfaces', attach, [networkArn(place, '*', '*')]),
    ...allow('LambdaSeesInterfaces', look, ['*']),
    new iam.PolicyStatement({
      sid: 'ButNotTheCode',
      effect: iam.Effect.DENY,
      actions: ['ec2:CreateNetworkInterface', 'ec2:DetachNetworkInterface', ...attach, ...look].toSorted(),
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn(place, name) } },
    }),
  ];
}
