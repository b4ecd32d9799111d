import { createHash, randomUUID } from 'node:crypto';
import { currentTime } from './clock.ts';

/** A secret and the other accounts that its resource policy lets read it. */
export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly account: string;
  readonly value: string;
  readonly sharedWith: readonly string[];
  readonly versionId: string;
  readonly createdAt: number;
}

export type Secrets = Map<string, Secret>;

/** The same name in the same account has the same ARN, however often the secret is put. */
export function makeSecret(region: string, secret: Pick<Secret, 'name' | 'account' | 'value' | 'sharedWith'>): Secret {
  const suffix = createHash('sha256').update(`${secret.account} ${secret.name}`).digest('base64').replace(/\W/g, '');
  return {
    ...secret,
    arn: `arn:aws:secretsmanager:${region}:${secret.account}:secret:${secret.name}-${suffix.slice(0, 6)}`,
    versionId: randomUUID(),
    createdAt: Math.floor(currentTime() / 1000),
  };
}
