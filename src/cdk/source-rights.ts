import type { Config } from '../index.ts';
import { bucketArn, databaseArns, databaseUserArn, secretArn, type Place } from './place.ts';
import { allow, through, type Rights } from './rights.ts';

/** What reading an end takes beside what its configuration says. */
export interface EndKeys {
  /** ARNs of the KMS keys of secrets that are not under the account's default key. */
  readonly secretKeys: readonly string[];
  /** ARNs of the KMS keys of buckets. */
  readonly bucketKeys: readonly string[];
  /** RDS's own id of the server, db-… or cluster-…, for auth: iam. */
  readonly databaseResourceId: string | undefined;
}

/** What is done with the buckets of an end. */
export interface BucketUse {
  /** Objects are copied from, or to. */
  readonly copied: readonly string[];
  /** Keys that rows name are looked for. */
  readonly listed: readonly string[];
}

/** The buckets of an end, by what the configuration does with them. */
export function bucketUse(config: Config, side: 'source' | 'target', objects: boolean): BucketUse {
  const { buckets } = config[side];
  const named = new Set(config.verify.references.map(({ bucket }) => bucket));
  const listed = Object.entries(buckets).flatMap(([name, bucket]) => (named.has(name) ? bucket : []));
  return { copied: objects ? Object.values(buckets) : [], listed };
}

/** The way to a database: its secret, RDS, a token of IAM. */
export function databaseRights(
  place: Place,
  end: 'Source' | 'Target',
  database: Config['source']['database'],
  { secretKeys, databaseResourceId }: EndKeys,
): Rights {
  const { secret, identifier, auth, user } = database ?? {};
  return [
    ...allow(`${end}Secret`, ['secretsmanager:GetSecretValue'], secret === undefined ? [] : [secretArn(place, secret)]),
    ...allow(
      `${end}SecretKey`,
      ['kms:Decrypt'],
      secret === undefined ? [] : secretKeys,
      through('secretsmanager', place.region),
    ),
    ...allow(
      `${end}Database`,
      ['rds:DescribeDBClusters', 'rds:DescribeDBInstances'],
      identifier === undefined ? [] : databaseArns(place, identifier),
    ),
    ...allow(
      `${end}Login`,
      ['rds-db:connect'],
      auth === undefined || databaseResourceId === undefined || user === undefined
        ? []
        : [databaseUserArn(place, databaseResourceId, user)],
    ),
  ];
}

/** All that reading production takes: nothing in it can write. */
export function sourceRights(place: Place, config: Config, keys: EndKeys, objects: boolean): Rights {
  const { copied, listed } = bucketUse(config, 'source', objects);
  const arns = copied.map((bucket) => bucketArn(place, bucket));
  return [
    ...databaseRights(place, 'Source', config.source.database, keys),
    ...allow(
      'SourceBuckets',
      ['s3:ListBucket'],
      [...copied, ...listed].map((bucket) => bucketArn(place, bucket)),
    ),
    ...allow(
      'SourceObjects',
      ['s3:GetObject', 's3:GetObjectTagging'],
      arns.map((arn) => `${arn}/*`),
    ),
    ...allow(
      'SourceBucketKeys',
      ['kms:Decrypt'],
      arns.length === 0 ? [] : keys.bucketKeys,
      through('s3', place.region),
    ),
  ];
}
