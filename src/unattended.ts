import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { isLoopback } from './loopback.ts';

/**
 * Whether a run may go on without anybody typing the target's name: where the config says which account the target must be,
 * or, for a target without AWS, which host; or where all of the target is on this machine. Decided by the config where that is
 * enough, so before anything is asked of anybody; where a secret or RDS knows the host, once there are `ends`.
 * Throws `not-confirmed` with the setting that is missing.
 */
export function requireUnattended({ target }: Config, ends?: Pick<Ends, 'target'>): void {
  const { aws, database, expect } = target;
  if (aws ? aws.account !== undefined : expect?.host !== undefined) return;
  const places = [
    ...(database ? [databaseHost(database, ends?.target.database?.address.host)] : []),
    ...(Object.keys(target.buckets).length > 0 ? [storeHost(aws)] : []),
  ];
  const elsewhere = places.find((place) => place !== undefined && !place.isHere);
  if (!elsewhere) return;
  const setting = aws ? 'target.aws.account' : 'target.expect.host';
  const account = ends?.target.account?.id;
  const line = aws
    ? `target: { aws: { account: ${JSON.stringify(account ?? '…')} } }`
    : `target: { expect: { host: ${JSON.stringify(elsewhere.host)} } }`;
  const which =
    aws && account === undefined ? '; `restage check` shows which account it is' : ', if that is what is meant';
  throw new RestageError(
    'not-confirmed',
    `--yes is not enough for ${target.name}: ${elsewhere.words} is not on this machine, and the config does not say ${aws ? 'which account' : 'which host'} it must be (${setting})`,
    { hint: `Add to restage.yaml: ${line}${which}. Or leave --yes out, and type the target's name.` },
  );
}

interface Place {
  readonly host: string;
  readonly words: string;
  readonly isHere: boolean;
}

/** Undefined while nobody has been asked who knows. */
function databaseHost(
  { url, host: named, via }: NonNullable<Config['target']['database']>,
  found: string | undefined,
): Place | undefined {
  const ofUrl = url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
  const host = ofUrl ?? named ?? found;
  // Behind a forwarder 127.0.0.1 is the machine at its other end.
  if (via) return { host: host ?? '…', words: 'the database behind target.database.via', isHere: false };
  return host === undefined ? undefined : { host, words: `the database host ${host}`, isHere: isLoopback(host) };
}

function storeHost(aws: Config['target']['aws']): Place {
  const endpoint = aws?.endpoints?.s3;
  const host = endpoint === undefined ? 's3.amazonaws.com' : new URL(endpoint).hostname;
  return { host, words: endpoint === undefined ? 'S3' : `the store ${endpoint}`, isHere: isLoopback(host) };
}
