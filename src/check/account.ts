import type { Account, AccountSettings } from '../aws/account.ts';
import { failureOf, RestageError } from '../errors.ts';
import { duration } from '../report/format.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { after, begun, lookIn, NotTried, within, type Finding, type Seen } from './finding.ts';

/** The SDK has time-outs of its own for each try; this is for all of them together. */
const patienceMs = 20_000;

export function openAccountOf(
  settings: AccountSettings,
  { connection: { profileFiles }, signal }: CheckContext,
): Promise<Account> {
  const open = async (ended: AbortSignal) =>
    (await import('../aws/account.ts')).openAccount(settings, profileFiles, ended);
  return begun(within('AWS', signal, open, patienceMs));
}

/** Profile or ambient keys, the role that they take on, the account that it turns out to be, and how long that lasts. */
export function accountRows(end: CheckedEnd, context: CheckContext): Promise<Finding>[] {
  const { side, account } = end;
  const settings = end.config.aws;
  if (!settings || !account) return [];
  const look = lookIn(side);
  const { profile, assumeRole } = settings;
  const who = `${side}.aws.${profile === undefined ? 'ambient' : 'profile'}`;
  // The keys by themselves: where a role is taken on, a refusal must not be laid at their door.
  const own = assumeRole ? openAccountOf({ ...settings, assumeRole: undefined, account: undefined }, context) : account;
  const reached = (opened: Account) => opened.arn ?? 'keys found; the store has no STS to ask for the account';
  return [
    look(who, profile ?? 'true', async () => {
      try {
        return reached(await own);
      } catch (error) {
        // The keys are good, and lead somewhere else: that is the account's row.
        if (error instanceof RestageError && error.code === 'account-mismatch') return 'its keys are accepted';
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
        throw new NotTried(`${assumeRole ? `${side}.aws.assumeRole or ${who}` : who} is wrong`);
      }
    }),
    look(`${side}.aws session`, '', async () => {
      const { expiration } = await (await after(`${side}.aws.account`, account)).keys();
      return sessionSeen(expiration, Date.now(), profile);
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

const hourMs = 3_600_000;

export function sessionSeen(expiration: Date | undefined, now: number, profile: string | undefined): Seen {
  if (!expiration) return 'the keys do not expire';
  const leftMs = expiration.getTime() - now;
  const found = `the keys are good for ${duration(leftMs)}, until ${expiration.toISOString()}`;
  if (leftMs >= hourMs) return found;
  return {
    found,
    verdict: 'note',
    fix: `A run that takes longer needs keys that are renewed meanwhile: log in again before it${profile === undefined ? '' : `, e.g. aws sso login --profile ${profile}`}.`,
  };
}
