import { keepSecret } from '../errors.ts';
import type { Keys } from './account.ts';

/** Keys that were refused as expired, by whoever used them. */
export type Refused = Pick<Keys, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;

const renewAheadMs = 5 * 60_000;
const askAgainMs = 30_000;

/**
 * Asks the provider again five minutes before the keys expire; one request at a time. A renewal that fails is tried
 * again every half minute for as long as the present keys are good.
 * @param provider is told whether it is asked for the first time, or for others than it gave
 */
export function renewing(
  provider: (anew: boolean, refused: Refused | undefined) => Promise<Keys>,
): (refused?: Refused) => Promise<Keys> {
  let present: Promise<Keys> | undefined;
  let current: Keys | undefined;
  let isFirst = true;
  let until = Number.POSITIVE_INFINITY;
  return (refused) => {
    const last = current;
    const isRefused = refused !== undefined && refused === last;
    if (present && Date.now() < until && !isRefused) return present;
    until = Number.POSITIVE_INFINITY; // whoever asks meanwhile waits for the same answer
    current = undefined;
    const asked = provider(!isFirst, isRefused ? last : undefined);
    isFirst = false;
    present = asked.then(
      (keys) => {
        current = keys;
        // Keys that have less left than that are all that the provider has: it is not asked again for every request.
        until = keys.expiration
          ? Math.max(keys.expiration.getTime() - renewAheadMs, Date.now() + askAgainMs)
          : Number.POSITIVE_INFINITY;
        keepSecret(keys.secretAccessKey);
        if (keys.sessionToken) keepSecret(keys.sessionToken);
        return keys;
      },
      (error: unknown) => {
        const expires = last?.expiration?.getTime() ?? 0;
        if (last && !isRefused && expires > Date.now()) {
          current = last;
          until = Math.min(Date.now() + askAgainMs, expires);
          return last;
        }
        present = undefined;
        throw error;
      },
    );
    return present;
  };
}
