import { failureOf, RestageError } from '../errors.ts';

export type FindingGroup = 'source' | 'target' | 'data' | 'objects' | 'app' | 'lambda' | 'notify';

/**
 * `note` is worth knowing and does not fail; `not-tried` is what something else that is wrong kept from being looked at,
 * and fails too.
 */
export type Verdict = 'right' | 'note' | 'wrong' | 'not-tried';

/** One thing looked at: what the config says, what is there, and what to do about it. */
export interface Finding {
  readonly group: FindingGroup;
  /** Where it stands in the config, e.g. `source.aws.profile`; or whose what it is, e.g. `source.database version`. */
  readonly setting: string;
  /** Empty for what no setting says. */
  readonly configured: string;
  readonly found: string;
  readonly verdict: Verdict;
  readonly fix?: string;
}

/** What a look found; a text alone is right. What is thrown is wrong, with its hint for the fix. */
export type Seen =
  | string
  | { readonly found: string; readonly verdict: 'right' | 'note' | 'wrong'; readonly fix?: string | undefined };

export type Look = (setting: string, configured: string, find: () => Promise<Seen>) => Promise<Finding>;

/** Looks whose findings belong to one group. */
export function lookIn(group: FindingGroup): Look {
  return async (setting, configured, find) => {
    const row = { group, setting, configured };
    try {
      const seen = await find();
      if (typeof seen === 'string') return { ...row, found: seen, verdict: 'right' };
      const { found, verdict, fix } = seen;
      return { ...row, found, verdict, ...(fix === undefined ? {} : { fix }) };
    } catch (error) {
      if (error instanceof NotTried) return { ...row, found: error.message, verdict: 'not-tried' };
      const { message, hint } = failureOf(error);
      return { ...row, found: message, verdict: 'wrong', ...(hint === undefined ? {} : { fix: hint }) };
    }
  };
}

/** Thrown for what cannot be looked at because of something else. */
export class NotTried extends Error {
  constructor(because: string) {
    super(`not tried: ${because}`);
  }
}

/** Begins what rows wait for: its failure is told by the row that is about it, and is no other's business. */
export function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** What another row is about. Where that is wrong, whoever waits for it is not tried. */
export async function after<T>(setting: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof NotTried ? error : new NotTried(`${setting} is wrong`);
  }
}

/** How long what has no time-out of its own may take: a check that hangs is no answer. */
const patienceMs = 8000;

/**
 * Gives up on what does not answer, and ends it. `who`: in words, e.g. `the store`.
 * Throws `interrupted` too, as soon as that happens.
 */
export async function within<T>(
  who: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  limitMs = patienceMs,
): Promise<T> {
  const silent = new AbortController();
  const gaveUp = new RestageError('internal', `${who} gave no answer within ${limitMs / 1000} s`, {
    hint: 'Is it the right one, up, and not cut off by a firewall, a security group or a VPN that is off?',
  });
  const all = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal;
  const ended = Promise.withResolvers<never>();
  const end = () =>
    ended.reject(silent.signal.aborted ? gaveUp : new RestageError('interrupted', 'the check was interrupted'));
  all.addEventListener('abort', end, { once: true });
  const timer = setTimeout(() => silent.abort(gaveUp), limitMs);
  try {
    if (all.aborted) end();
    return await Promise.race([begun(work(all)), ended.promise]);
  } finally {
    clearTimeout(timer);
    all.removeEventListener('abort', end);
  }
}
