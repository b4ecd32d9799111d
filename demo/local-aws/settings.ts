import type { Ownership } from './s3/bucket.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys only. */
  readonly sessionToken?: string;
}

export interface Account extends Keys {
  /** 12 digits. */
  readonly id: string;
  /** The name of the account's only user, who may do everything in it. */
  readonly user: string;
}

export interface LocalAwsSettings {
  readonly accounts: readonly Account[];
  /** An existing temporary folder; bodies above 64 KiB are kept there. Its owner removes it. */
  readonly folder: string;
  /** When given, signatures for other regions are refused; buckets are in it, or in us-east-1. */
  readonly region?: string;
}

export interface BucketSettings {
  readonly name: string;
  /** The owner's account id. */
  readonly account: string;
  /** A bucket policy document. */
  readonly policy?: object;
  readonly versioned?: boolean;
  /** BucketOwnerEnforced, that is without ACLs, when not given. */
  readonly ownership?: Ownership;
  /** For what is seeded, and for uploads that do not say: AES256, when not given. */
  readonly encryption?: EncryptionSettings;
  /** Makes a bucket that nobody can write to, with keys that are computed whenever they are asked for. */
  readonly synthesized?: SynthesizedKeys;
}

/** A KMS key is named by its ARN, or by an id in the bucket owner's account. */
export type EncryptionSettings = 'AES256' | { readonly kmsKey: string };

/**
 * Keys of numbered files in a few hundred folders, some deep, some of names beyond ASCII, a few much larger than the
 * others. Two buckets of the same `objects` have the same keys and objects, but for what the other settings say.
 */
export interface SynthesizedKeys {
  readonly objects: number;
  /** Of every so many objects one has other content, of the same size. */
  readonly differEvery?: number;
  /** Of every so many objects one is missing: it never is one of those that differ, if both settings are the same. */
  readonly missingEvery?: number;
}

interface SeedFacts {
  readonly key: string;
  readonly contentType?: string;
  /** cache-control, content-disposition and the like. */
  readonly headers?: Readonly<Record<string, string>>;
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  /** Of an archived object: it can be read for the time being. */
  readonly restored?: boolean;
  /** A canned ACL, where ACLs are on; private, when not given. */
  readonly acl?: string;
  /** It came by a multipart upload: the sizes of its parts, in order. */
  readonly partSizes?: readonly number[];
  /** ISO 8601; now, when not given. */
  readonly lastModified?: string;
}

/** Content is given, or made from a seed whenever it is read: always the same, and never held in memory. */
export type SeedObject = SeedFacts &
  ({ readonly body: Uint8Array | string } | { readonly sizeBytes: number; readonly seed: number });

export interface SecretSettings {
  readonly name: string;
  readonly account: string;
  /** Text, or bytes. */
  readonly value: string | Uint8Array;
  /** Ids of the other accounts that its resource policy lets read it. */
  readonly sharedWith?: readonly string[];
  /** By its ARN, or an id in the secret's account. The account's default key, when not given: no other can use that. */
  readonly kmsKey?: string;
  readonly markedForDeletion?: boolean;
}

/** Patterns, in which `*` stands for any characters: of actions such as s3:GetObject, and of the ARNs of what they are done to. */
export interface Allowance {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

export interface ParameterSettings {
  readonly account: string;
  /** Often a path: /app/staging/setting. */
  readonly name: string;
  readonly value: string;
  /** String, when not given. */
  readonly type?: 'String' | 'StringList' | 'SecureString';
  /** Of a SecureString, by its ARN or an id in the account. The account's default key, when not given. */
  readonly kmsKey?: string;
}

export interface RoleSettings {
  readonly account: string;
  /** With its path, if it has one. */
  readonly name: string;
  /** ARNs of users and roles, or account ids. */
  readonly trusts: readonly string[];
  /** What its trust policy wants besides. */
  readonly externalId?: string;
  /** How long its keys may last. */
  readonly maxSeconds?: number;
  /** When given, anything else is denied; when not, all is allowed that its account may do. */
  readonly allows?: readonly Allowance[];
}

export interface DatabaseServerSettings {
  readonly account: string;
  /** In small letters, as RDS keeps it. */
  readonly identifier: string;
  readonly kind: 'cluster' | 'instance';
  /** None, while it is being made. */
  readonly host?: string;
  readonly port?: number;
  readonly engine?: string;
  readonly engineVersion?: string;
  readonly status?: string;
  readonly allocatedGibibytes?: number;
  readonly database?: string;
  /** The identifier of the one that it replays. */
  readonly replicaOf?: string;
  readonly iamLogin?: boolean;
}

export interface FunctionSettings {
  readonly account: string;
  readonly name: string;
  readonly timeoutSeconds?: number;
  readonly memoryMebibytes?: number;
  readonly runtime?: string;
  readonly state?: string;
  readonly vpcId?: string;
  /** Where it writes its log; /aws/lambda/NAME, when not given. */
  readonly logGroup?: string;
  /** The folder that holds its index.mjs, as it would be zipped; without it the function can be looked at, and not invoked. */
  readonly code?: string;
  /** `file.function`; index.handler, when not given. */
  readonly handler?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The ARN of the role whose keys it has; the account's user's, when not given. */
  readonly role?: string;
  /** How many of it may run at once; 1, when not given. */
  readonly reservedConcurrency?: number;
  /** How often an asynchronous event is tried again that has failed: 0, when not given; 2 is what AWS does of itself. */
  readonly maximumRetryAttempts?: number;
}
