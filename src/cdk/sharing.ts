import { aws_iam as iam } from 'aws-cdk-lib';
import { bucketArn, type Place } from './place.ts';
import { through } from './rights.ts';

/** Whom something of production is shared with: roles or users of staging's account, by ARN. */
export interface Sharing {
  readonly with: readonly string[];
}

/**
 * For the policy of a bucket of production: S3 copies its objects by itself (route: server) for these, who may read and do nothing
 * else. Without it they pass through restage, by the source's own keys.
 */
export function mayCopyFrom(place: Pick<Place, 'stack'>, bucket: string, sharing: Sharing): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RestageMayCopy',
    principals: principals(sharing),
    actions: ['s3:GetObject', 's3:GetObjectTagging'],
    resources: [`${bucketArn(place, bucket)}/*`],
  });
}

/** For the policy of a KMS key of production, under which a bucket or a secret is that these read from their own account. */
export function mayDecrypt(
  service: 's3' | 'secretsmanager',
  region: string,
  sharing: Sharing,
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RestageMayDecrypt',
    principals: principals(sharing),
    actions: ['kms:Decrypt'],
    // In the policy of a key it stands for this key.
    resources: ['*'],
    conditions: { ...through(service, region) },
  });
}

function principals(sharing: Sharing): iam.IPrincipal[] {
  return sharing.with.map((arn) => new iam.ArnPrincipal(arn));
}
