import { aws_iam as iam } from 'aws-cdk-lib';

/** What a role may do, as statements of its policy. */
export type Rights = readonly iam.PolicyStatement[];

/** One statement that allows; none where there is nothing to allow it on. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions?: object,
): Rights {
  if (resources.length === 0) return [];
  return [
    new iam.PolicyStatement({
      sid,
      actions: [...actions],
      resources: [...new Set(resources)],
      ...(conditions === undefined ? {} : { conditions: { ...conditions } }),
    }),
  ];
}

/** A key of KMS may be used through one service only: what it has encrypted elsewhere stays closed. */
export function through(service: 's3' | 'secretsmanager' | 'ssm', region: string): object {
  return { StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } };
}
