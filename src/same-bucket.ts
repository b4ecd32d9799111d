import { isAccessPoint } from './access-point.ts';
import { allOf } from './all-of.ts';
import { RestageError } from './errors.ts';
import { plainAddress, plainHost, shareAddress } from './host-addresses.ts';
import type { BucketSettings } from './s3/bucket.ts';

/** Buckets of an end by the config's name for them. */
type Buckets = readonly (readonly [name: string, settings: BucketSettings])[];

/**
 * Throws `target-is-source` where a bucket of the target is one of the source's, by one name of its store or by two.
 * Returns, in sentences, of which buckets that could not be found out.
 */
export async function refuseSameBuckets(
  source: Buckets,
  target: Buckets,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const pairs = target.flatMap(([name, to]) => source.map(([, from]) => ({ name, from, to })));
  return (await allOf(pairs.map((pair) => compare(pair, signal)))).flat();
}

interface Pair {
  /** The target bucket's, in the config. */
  readonly name: string;
  readonly from: BucketSettings;
  readonly to: BucketSettings;
}

async function compare({ name, from, to }: Pair, signal: AbortSignal | undefined): Promise<readonly string[]> {
  if (isAccessPoint(from.bucket) && (from.account === undefined || from.account === to.account))
    return [
      `${from.bucket} is an access point, which does not say which bucket it leads to: make sure that this is not ${to.bucket}, the target`,
    ];
  if (from.bucket !== to.bucket) return [];
  const same = (
    how: string,
    hint = `What is copied into it would overwrite the source: name a bucket of the target's own.`,
  ) =>
    new RestageError('target-is-source', `target.buckets.${name} is a bucket of the source: ${to.bucket}${how}`, {
      hint,
    });
  if (storeOf(from) === storeOf(to)) throw same('');
  const by = `at ${storeOf(from)} and at ${storeOf(to)}`;
  // Not loaded for what the names have told already.
  const { readBucketBirth } = await import('./s3/bucket-birth.ts');
  const [ours, theirs, oneAddress] = await allOf([
    readBucketBirth(from, signal).catch(() => undefined),
    readBucketBirth(to, signal).catch(() => undefined),
    isOneAddress(from, to),
  ]);
  if (ours !== undefined && theirs !== undefined) {
    if (ours !== theirs) return [];
    throw same(`, by two names of one store: ${by} it has the same owner and was made at the same moment`);
  }
  const unknown = 'the keys may not list their buckets, or not both own it';
  if (oneAddress)
    throw same(
      `, by two names of one address: ${by}`,
      `If these are two stores behind one address, let the keys of both ends list their buckets (s3:ListAllMyBuckets): ${unknown}.`,
    );
  return [
    `both ends have a bucket ${to.bucket}, ${by}, and whether it is one and the same could not be found out: ${unknown}`,
  ];
}

async function isOneAddress(from: BucketSettings, to: BucketSettings): Promise<boolean> {
  if (from.endpoint === undefined || to.endpoint === undefined) return false;
  const [one, other] = [new URL(from.endpoint), new URL(to.endpoint)];
  return portOf(one) === portOf(other) && (await shareAddress(one.hostname, other.hostname));
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'http:' ? '80' : '443') : port;
}

/** One text for a store, however it is written. A bucket's name is one bucket's in all regions of a partition of AWS. */
function storeOf({ endpoint, region }: BucketSettings): string {
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  const host = plainHost(url?.hostname ?? '');
  if (!url || /(^|\.)amazonaws\.com(\.cn)?$/.test(host)) return partitionOf(region);
  return `${plainAddress(host === 'localhost' ? '127.0.0.1' : host)}:${portOf(url)}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'AWS China';
  return region.startsWith('us-gov-') ? 'AWS GovCloud' : 'AWS';
}
