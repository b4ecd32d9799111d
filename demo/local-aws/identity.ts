import { createHash, randomBytes } from 'node:crypto';
import type { Account } from './local-aws.ts';

/** Who sent a request. */
export interface Caller {
  /** Empty for an anonymous caller. */
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
  /** Every form in which a policy may name this caller. */
  readonly principals: readonly string[];
}

export const anonymous: Caller = { account: '', arn: '', userId: '', principals: [] };

export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiresAt?: number;
  readonly caller: Caller;
}

/** A stable identifier in AWS's alphabet for something named by us. */
function uniqueId(prefix: string, name: string): string {
  return prefix + createHash('sha256').update(name).digest('hex').toUpperCase().slice(0, 17);
}

/** S3 names an owner by a 64-digit canonical id. */
export function canonicalId(account: string): string {
  return createHash('sha256').update(`canonical ${account}`).digest('hex');
}

function user(account: Account): Caller {
  const arn = `arn:aws:iam::${account.id}:user/${account.user}`;
  return {
    account: account.id,
    arn,
    userId: uniqueId('AIDA', arn),
    principals: [arn, account.id, `arn:aws:iam::${account.id}:root`],
  };
}

/** The keys this AWS knows: the users' own, and the temporary ones it has issued. */
export class Credentials {
  readonly #byKey = new Map<string, Credential>();
  readonly #accounts: ReadonlySet<string>;

  constructor(accounts: readonly Account[]) {
    this.#accounts = new Set(accounts.map((account) => account.id));
    for (const account of accounts) {
      const { accessKeyId, secretAccessKey } = account;
      this.#byKey.set(accessKeyId, { accessKeyId, secretAccessKey, caller: user(account) });
    }
  }

  find(accessKeyId: string): Credential | undefined {
    return this.#byKey.get(accessKeyId);
  }

  hasAccount(id: string): boolean {
    return this.#accounts.has(id);
  }

  issue(account: string, role: string, session: string, durationSeconds: number): Required<Credential> {
    const roleArn = `arn:aws:iam::${account}:role/${role}`;
    // The session's ARN leaves out the role's path.
    const roleName = role.slice(role.lastIndexOf('/') + 1);
    const arn = `arn:aws:sts::${account}:assumed-role/${roleName}/${session}`;
    const credential = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(180).toString('base64'),
      expiresAt: Date.now() + durationSeconds * 1000,
      caller: {
        account,
        arn,
        userId: `${uniqueId('AROA', roleArn)}:${session}`,
        principals: [arn, roleArn, account, `arn:aws:iam::${account}:root`],
      },
    };
    this.#byKey.set(credential.accessKeyId, credential);
    return credential;
  }
}
