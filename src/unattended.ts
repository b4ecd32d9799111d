import { isOfAws } from './config-end.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { isLoopback } from './loopback.ts';

export interface Unattended {
  readonly side?: 'source' | 'target';
  readonly only?: 'database' | 'objects' | undefined;
  /** Once they are there: a secret or RDS may know a host that the config does not. */
  readonly ends?: Pick<Ends, 'target'>;
  /** What stands in the place of a person: the option of the command line, or a function. Default: the option. */
  readonly by?: 'option' | 'function' | undefined;
}

/**
 * Whether an end may be written to without anybody typing its name: each part of it must be on this machine, or be said to
 * be what it is by something in the config beside the name that leads there. That is the account for buckets and for a
 * database that is found by way of it, else the expected host. Decided by the config where that is enough, so before
 * anything is asked of anybody. Throws `not-confirmed` with the setting that is missing.
 */
export function requireUnattended(
  config: Pick<Config, 'source' | 'target'>,
  { side = 'target', only, ends, by = 'option' }: Unattended = {},
): void {
  const { name, aws, database, buckets, expect } = config[side];
  const found = side === 'target' ? ends?.target : undefined;
  const isStated = aws?.account !== undefined;
  // A pattern that every host fits says nothing.
  const isExpected = /[^*.]/.test(expect?.host ?? '') && (aws === undefined || isStated);
  const byAccount = isStated && database !== undefined && isOfAws(database);
  // Of a target it is asked again, once there are ends.
  const unknown = { host: '…', words: 'the database', isHere: side === 'target' && ends === undefined };
  const places: readonly Place[] = [
    ...(database && only !== 'objects' && !isExpected && !byAccount
      ? [databaseHost(database, found?.database?.address.host) ?? unknown]
      : []),
    ...(Object.keys(buckets).length > 0 && only !== 'database' && !isStated ? [storeHost(aws)] : []),
  ];
  const elsewhere = places.find(({ isHere }) => !isHere);
  if (!elsewhere) return;
  const wantsAccount = aws !== undefined && !isStated;
  const account = found?.account?.id;
  const line = wantsAccount
    ? `${side}: { aws: { account: ${JSON.stringify(account ?? '…')} } }`
    : `${side}: { expect: { host: ${JSON.stringify(elsewhere.host)} } }`;
  const which =
    wantsAccount && account === undefined
      ? '; `restage check` shows which account it is'
      : ', if that is what is meant';
  throw new RestageError(
    'not-confirmed',
    `${by === 'option' ? '--yes is not enough for' : 'nobody is asked before a function writes to'} ${name}: ${elsewhere.words} is not on this machine, and the config does not say ${wantsAccount ? `which account it must be (${side}.aws.account)` : `which host it must be (${side}.expect.host)`}`,
    {
      hint: `Add to restage.yaml: ${line}${which}.${by === 'option' ? ' Or leave --yes out, and type its name.' : ''}`,
    },
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
