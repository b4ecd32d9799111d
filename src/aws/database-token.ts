import { keepSecret } from '../errors.ts';
import type { Account } from './account.ts';

/** What a token lets in, and where: it is good for nothing else. */
export interface TokenScope {
  /** RDS's own endpoint: another name for it makes a token that RDS refuses. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/**
 * What takes the place of a password under IAM, made anew with the account's present keys each time that it is asked for;
 * RDS takes each for 15 minutes. Nothing is sent. Rejects with `credentials-failed` where there are no keys any more.
 */
export function databaseToken(account: Account, { host, port, user }: TokenScope): () => Promise<string> {
  return async () => {
    const { Signer } = await import('@aws-sdk/rds-signer');
    const signer = new Signer({
      hostname: host,
      port,
      username: user,
      region: account.region,
      credentials: await account.keys(),
    });
    return keepSecret(await signer.getAuthToken());
  };
}
