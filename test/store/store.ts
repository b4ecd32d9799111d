import type { ObjectOwnership, S3Client } from '@aws-sdk/client-s3';
import type { LocalAws } from '../../demo/local-aws/local-aws.ts';
import type { Ability } from './abilities.ts';

/** An S3 store with two owners, whichever server stands behind it. */
export interface Store extends AsyncDisposable {
  readonly name: StoreName;
  readonly source: StoreEnd;
  readonly target: StoreEnd;
  /** What it cannot do, and what it answers instead: tests that need it are skipped, saying so. */
  readonly lacks: Lacks;
  /** Faults and counts: the local AWS only. */
  readonly aws: LocalAws | undefined;
  /** For whatever the tests write; removed with the store. */
  readonly folder: string;
}

export type StoreName = 'the local AWS' | "Ceph's gateway";
export type Lacks = Readonly<Partial<Record<Ability, string>>>;

/** One owner of buckets. */
export interface StoreEnd {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Absent where the store has no accounts. */
  readonly account: string | undefined;
  /** How a bucket policy names this owner. */
  readonly principal: string;
  /** The SDK's, to arrange and to look: independent of restage's own client. */
  readonly client: S3Client;
  /** Its name, new for each. */
  createBucket(settings?: StoreBucket): Promise<string>;
}

export interface StoreBucket {
  readonly versioned?: boolean;
  /** A bucket policy lets this owner list the bucket, and read its objects and their tags. */
  readonly readableBy?: StoreEnd;
  /** The default is AWS's, without ACLs; needs the ability `ownership-controls`. */
  readonly ownership?: ObjectOwnership;
  /** Encrypted with this key unless a request says otherwise; needs the ability `kms`. */
  readonly kmsKey?: string;
}
