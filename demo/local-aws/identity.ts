import { createHash, randomBytes } from 'node:crypto';
import { currentTime } from './clock.ts';
import type { Account, Allowance, Keys, RoleSettings } from './settings.ts';

/** Who sent a request. */
export interface Caller {
  /** Empty for an anonymous caller. */
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
  /** Every form in which a policy may name this caller. */
  readonly principals: readonly string[];
  /** What its own policies allow it: everything, when not given. */
  readonly allows?: readonly Allowance[] | undefined;
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
  /** The users' present keys, by account. */
  readonly #users = new Map<string, Credential>();

  readonly #roles: ReadonlyMap<string, RoleSettings>;

  constructor(accounts: readonly Account[], roles: ReadonlyMap<string, RoleSettings> = new Map()) {
    this.#roles = roles;
    for (const account of accounts) this.#setUser(account.id, account, user(account));
  }

  #setUser(account: string, { accessKeyId, secretAccessKey, sessionToken }: Keys, caller: Caller): void {
    const token = sessionToken === undefined ? {} : { sessionToken };
    const credential = { accessKeyId, secretAccessKey, ...token, caller };
    this.#byKey.set(accessKeyId, credential);
    this.#users.set(account, credential);
  }

  /** The old keys stay known, as expired ones. */
  replaceKeys(account: string, keys: Keys): void {
    const old = this.#users.get(account);
    if (old === undefined) throw new Error(`there is no account ${account}`);
    this.#byKey.set(old.accessKeyId, { ...old, expiresAt: 0 });
    this.#setUser(account, keys, old.caller);
  }

  find(accessKeyId: string): Credential | undefined {
    return this.#byKey.get(accessKeyId);
  }

  hasAccount(id: string): boolean {
    return this.#users.has(id);
  }

  /** By its ARN. */
  hasRole(arn: string): boolean {
    return this.#roles.has(arn);
  }

  /** The present keys of an account's user. */
  ofUser(account: string): Keys {
    const found = this.#users.get(account);
    if (found === undefined) throw new Error(`there is no account ${account}`);
    return found;
  }

  issue(account: string, role: string, session: string, durationSeconds: number): Required<Credential> {
    const roleArn = `arn:aws:iam::${account}:role/${role}`;
    // The session's ARN leaves out the role's path.
    const roleName = role.slice(role.lastIndexOf('/') + 1);
    const arn = `arn:aws:sts::${account}:assumed-role/${roleName}/${session}`;
    const roles = this.#roles;
    const credential = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(180).toString('base64'),
      expiresAt: currentTime() + durationSeconds * 1000,
      caller: {
        account,
        arn,
        userId: `${uniqueId('AROA', roleArn)}:${session}`,
        principals: [arn, roleArn, account, `arn:aws:iam::${account}:root`],
        // The role's policies may change while its keys are in use.
        get allows() {
          return roles.get(roleArn)?.allows;
        },
      },
    };
    this.#byKey.set(credential.accessKeyId, credential);
    return credential;
  }
}
