import { aws_iam as iam, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { bucketArn } from './place.ts';
import { through } from './rights.ts';

/**
 * For the policy of a bucket of production: these roles or users of staging's account, by ARN, may have S3 copy its objects
 * (route: server). They may read, and do nothing else. Without it objects pass through restage, by the source's own keys.
 */
export function mayCopyFrom(scope: IConstruct, bucket: string, copiers: readonly string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RestageMayCopy',
    principals: copiers.map((arn) => new iam.ArnPrincipal(arn)),
    actions: ['s3:GetObject', 's3:GetObjectTagging'],
    resources: [`${bucketArn({ stack: Stack.of(scope) }, bucket)}/*`],
  });
}

/** For the policy of a KMS key of production: who reads what is under it by one service, from whichever account. */
export function mayDecrypt(
  scope: IConstruct,
  service: 's3' | 'secretsmanager',
  readers: readonly string[],
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RestageMayDecrypt',
    principals: readers.map((arn) => new iam.ArnPrincipal(arn)),
    actions: ['kms:Decrypt'],
    // In the policy of a key it stands for that key.
    resources: ['*'],
    conditions: { ...through(service, Stack.of(scope).region) },
  });
}
