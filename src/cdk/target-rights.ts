import type { Config } from '../index.ts';
import { bucketArn, type Place } from './place.ts';
import { allow, through, type Rights } from './rights.ts';
import { bucketUse, type EndKeys } from './source-rights.ts';

/** Staging's buckets: written to where objects are copied, listed where keys that rows name are looked for. */
export function bucketRights(place: Place, config: Config, keys: EndKeys, objects: boolean): Rights {
  const { copied, listed } = bucketUse(config, 'target', objects);
  const arns = copied.map((bucket) => bucketArn(place, bucket));
  const objectsOf = (names: readonly string[]) => names.map((name) => `${bucketArn(place, name)}/*`);
  const { buckets } = config.target;
  const having = (test: (settings: Config['objects'][string]) => unknown) =>
    objects ? Object.entries(config.objects).flatMap(([name, of]) => (test(of) ? (buckets[name] ?? []) : [])) : [];
  return [
    ...allow(
      'TargetBuckets',
      ['s3:ListBucket'],
      [...copied, ...listed].map((bucket) => bucketArn(place, bucket)),
    ),
    ...allow(
      'TargetBucketSettings',
      ['s3:GetBucketOwnershipControls', 's3:GetBucketTagging', 's3:GetBucketVersioning'],
      arns,
    ),
    ...allow(
      'TargetObjects',
      ['s3:AbortMultipartUpload', 's3:GetObject', 's3:GetObjectTagging', 's3:PutObject', 's3:PutObjectTagging'],
      objectsOf(copied),
    ),
    ...allow('TargetObjectsDeleted', ['s3:DeleteObject'], objectsOf(having((of) => of.delete))),
    ...allow('TargetObjectAcls', ['s3:PutObjectAcl'], objectsOf(having((of) => of.acl))),
    ...allow(
      'TargetBucketKeys',
      ['kms:Decrypt', 'kms:GenerateDataKey'],
      arns.length === 0 ? [] : keys.bucketKeys,
      through('s3', place.region),
    ),
  ];
}

/** What the store copies by itself is read by the target's principal, which the source's bucket and key must admit too. */
export function copyRights(place: Place, { source }: Config, sourceBucketKeys: readonly string[] = []): Rights {
  const arns = Object.values(source.buckets).map((bucket) => `${bucketArn(place, bucket)}/*`);
  return [
    ...allow('SourceObjectsCopied', ['s3:GetObject', 's3:GetObjectTagging'], arns),
    ...allow(
      'SourceBucketKeys',
      ['kms:Decrypt'],
      arns.length === 0 ? [] : sourceBucketKeys,
      through('s3', place.region),
    ),
  ];
}
