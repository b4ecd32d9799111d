import type { Account, AccountSettings, Keys } from '../aws/account.ts';
import { failureOf, RestageError } from '../errors.ts';
import { duration } from '../report/format.ts';
import type { CheckContext, CheckedEnd, Side } from './context.ts';
import { after, begun, lookIn, NotTried, within, type Finding, type Seen } from './finding.ts';

/** The SDK has time-outs of its own for each try; this is for all of them together. */
const patienceMs = 15_000;

/** Opens the account of an end. */
export function openEnd(side: Side, context: CheckContext): CheckedEnd {
  const config = context.config[side];
  const account = config.aws && openAccountOf(config.aws, context);
  // The keys by themselves: where a role is taken on, a refusal must not be laid at their door.
  const own = config.aws?.assumeRole
    ? openAccountOf({ ...config.aws, assumeRole: undefined, account: undefined }, context)
    : account;
  return { side, config, own, account };
}

/** The account of an end, for what relies on it: where it is not to be had, the row that tells why is named. */
export async function accountOf({ side, config, own, account }: CheckedEnd): Promise<Account> {
  if (!own || !account) throw new RestageError('internal', `no account of ${side}`);
  try {
    return await account;
  } catch (error) {
    if (failureOf(error).code === 'account-mismatch') throw new NotTried(`${side}.aws.account is wrong`);
    if (config.aws?.assumeRole) {
      await after(keysRow(side, config.aws), own);
      throw new NotTried(`${side}.aws.assumeRole is wrong`);
    }
    throw new NotTried(`${keysRow(side, config.aws)} is wrong`);
  }
}

function keysRow(side: Side, settings: AccountSettings | undefined): string {
  return `${side}.aws.${settings?.profile === undefined ? 'ambient' : 'profile'}`;
}

function openAccountOf(
  settings: AccountSettings,
  { connection: { profileFiles }, signal }: CheckContext,
): Promise<Account> {
  const open = async (ended: AbortSignal) =>
    (await import('../aws/account.ts')).openAccount(settings, profileFiles, ended);
  const { sts } = settings.endpoints ?? {};
  return begun(within(sts === undefined ? 'AWS' : `the STS at ${sts}`, signal, open, patienceMs));
}

/** Profile or ambient keys, the role that they take on, the account that it turns out to be, and how long that lasts. */
export function accountRows(end: CheckedEnd, { inFunction }: Pick<CheckContext, 'inFunction'>): Promise<Finding>[] {
  const { side, own, account } = end;
  const settings = end.config.aws;
  if (!settings || !own || !account) return [];
  const look = lookIn(side);
  const { profile, assumeRole } = settings;
  const who = keysRow(side, settings);
  const reached = (opened: Account) => opened.arn ?? 'keys found; the store has no STS to ask for the account';
  return [
    look(who, profile ?? 'true', async () => {
      try {
        return reached(await own);
      } catch (error) {
        // The keys are good, and lead somewhere else: that is the account's row.
        if (failureOf(error).code === 'account-mismatch') return 'its keys are accepted';
        throw error;
      }
    }),
    ...(assumeRole
      ? [
          look(`${side}.aws.assumeRole`, assumeRole.role, async () => {
            await after(who, own);
            try {
              return reached(await account);
            } catch (error) {
              if (failureOf(error).code === 'account-mismatch') return 'it can be taken on';
              throw error;
            }
          }),
        ]
      : []),
    look(`${side}.aws.account`, settings.account ?? '', async () => {
      try {
        return accountSeen(await account, settings.account, who);
      } catch (error) {
        if (failureOf(error).code === 'account-mismatch') throw error;
        return accountSeen(await accountOf(end), settings.account, who);
      }
    }),
    look(`${side}.aws session`, '', async () => {
      const opened = await accountOf(end);
      const keys = await opened.keys();
      if (inFunction && !keys.expiration) return "the keys of the function's role, which AWS keeps good";
      return sessionSeen(keys, Date.now(), opened.renewal);
    }),
  ];
}

export function accountSeen({ id }: Pick<Account, 'id'>, configured: string | undefined, who: string): Seen {
  if (id === undefined)
    return configured === undefined
      ? 'not known: the store has no STS'
      : { found: 'not known: the store has no STS, so that it was not compared', verdict: 'note' };
  if (configured !== undefined) return id;
  return {
    found: `${id}; the config does not say that it must be`,
    verdict: 'note',
    fix: `Beside ${who}: account: "${id}". A profile that later leads elsewhere is refused then.`,
  };
}

/** Whoever gives keys for an hour gives new ones for the asking; what is this short is the rest of a session. */
const shortMs = 10 * 60_000;

/** `renewal`: what to do where there are no new keys. */
export function sessionSeen(
  { expiration, sessionToken }: Pick<Keys, 'expiration' | 'sessionToken'>,
  now: number,
  renewal: string,
): Seen {
  if (!expiration && sessionToken === undefined) return 'the keys do not expire';
  if (!expiration)
    return {
      found: 'the keys are temporary, and nothing says until when',
      verdict: 'note',
      fix: `A run that outlasts them stops. ${renewal} Or name a profile whose keys are renewed: of SSO, a role, or a credential_process.`,
    };
  const leftMs = expiration.getTime() - now;
  const found = `the keys are good for ${duration(leftMs)}, until ${expiration.toISOString()}`;
  if (leftMs >= shortMs) return `${found}; new ones are asked for before that`;
  return { found, verdict: 'note', fix: `If there are no new ones then, a run stops. ${renewal}` };
}
