import { createHash, randomUUID } from 'node:crypto';
import { currentTime } from './clock.ts';
import { keyArn } from './s3/encryption.ts';
import type { SecretSettings } from './settings.ts';

/** A secret and the other accounts that its resource policy lets read it. */
export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly account: string;
  readonly value: string | Uint8Array;
  readonly sharedWith: readonly string[];
  readonly kmsKey?: string;
  readonly markedForDeletion?: boolean;
  readonly versionId: string;
  readonly createdAt: number;
}

export type Secrets = Map<string, Secret>;

/** The same name in the same account has the same ARN, however often the secret is put. */
export function makeSecret(region: string, settings: SecretSettings): Secret {
  const { account, name, value, sharedWith = [], kmsKey, markedForDeletion = false } = settings;
  const secret = { account, name, value, sharedWith, markedForDeletion };
  const suffix = createHash('sha256').update(`${secret.account} ${secret.name}`).digest('base64').replace(/\W/g, '');
  return {
    ...secret,
    ...(kmsKey === undefined ? {} : { kmsKey: keyArn(kmsKey, region, account) }),
    arn: `arn:aws:secretsmanager:${region}:${secret.account}:secret:${secret.name}-${suffix.slice(0, 6)}`,
    versionId: randomUUID(),
    createdAt: Math.floor(currentTime() / 1000),
  };
}
