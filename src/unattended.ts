import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { isLoopback } from './loopback.ts';

/**
 * Whether an end may be written to without anybody typing its name: where the config says which account it must be, or,
 * for an end without AWS, which host; or where all of it is on this machine. Decided by the config where that is
 * enough, so before anything is asked of anybody; where a secret or RDS knows the host, once there are `ends`.
 * Throws `not-confirmed` with the setting that is missing.
 */
export function requireUnattended(
  config: Pick<Config, 'source' | 'target'>,
  ends?: Pick<Ends, 'target'>,
  side: 'source' | 'target' = 'target',
): void {
  const { name, aws, database, buckets, expect } = config[side];
  const found = side === 'target' ? ends?.target : undefined;
  // A pattern that every host fits says nothing.
  if (aws ? aws.account !== undefined : /[^*.]/.test(expect?.host ?? '')) return;
  const place = database && databaseHost(database, found?.database?.address.host);
  // Of a target it is asked again, once there are ends.
  const unknown = { host: '…', words: 'the database', isHere: side === 'target' && ends === undefined };
  const places = [
    ...(database ? [place ?? unknown] : []),
    ...(Object.keys(buckets).length > 0 ? [storeHost(aws)] : []),
  ];
  const elsewhere = places.find(({ isHere }) => !isHere);
  if (!elsewhere) return;
  const setting = aws ? `${side}.aws.account` : `${side}.expect.host`;
  const account = found?.account?.id;
  const line = aws
    ? `${side}: { aws: { account: ${JSON.stringify(account ?? '…')} } }`
    : `${side}: { expect: { host: ${JSON.stringify(elsewhere.host)} } }`;
  const which =
    aws && account === undefined ? '; `restage check` shows which account it is' : ', if that is what is meant';
  throw new RestageError(
    'not-confirmed',
    `--yes is not enough for ${name}: ${elsewhere.words} is not on this machine, and the config does not say ${aws ? 'which account' : 'which host'} it must be (${setting})`,
    { hint: `Add to restage.yaml: ${line}${which}. Or leave --yes out, and type its name.` },
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
  if (via) return { host: host ?? '…', words: 'the database behind database.via', isHere: false };
  return host === undefined ? undefined : { host, words: `the database host ${host}`, isHere: isLoopback(host) };
}

function storeHost(aws: Config['target']['aws']): Place {
  const endpoint = aws?.endpoints?.s3;
  const host = endpoint === undefined ? 's3.amazonaws.com' : new URL(endpoint).hostname;
  return { host, words: endpoint === undefined ? 'S3' : `the store ${endpoint}`, isHere: isLoopback(host) };
}
