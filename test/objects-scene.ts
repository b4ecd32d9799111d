import { readFile } from 'node:fs/promises';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { Fault, LocalAws, RequestMatch } from '../demo/local-aws/local-aws.ts';
import { connect, loadConfig, plan, type ObjectOutcome, type Plan, type Report, run } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import type { Facts } from '../src/facts.ts';
import { type Configured, configOf } from './store/config-of.ts';
import { readObjects, type SeenObject } from './store/read-objects.ts';
import type { Store, StoreBucket, StoreEnd } from './store/store.ts';
import { store } from './store/use-store.ts';

/** A pair of buckets, the target's with one object of its own, which must be there at the end of every test. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly shell: Configured;
  /** Puts an object into the source. */
  put(key: string, body: Buffer | string, more?: Partial<PutObjectCommandInput>): Promise<void>;
  /** An upload in parts of these bodies, into the source. */
  putParts(key: string, bodies: readonly Buffer[]): Promise<void>;
  /** Plan and run in this process; what is done in between is done to a plan that is made already. */
  refresh(between?: (planned: Plan) => Promise<void>, onObject?: (outcome: ObjectOutcome) => void): Promise<Refreshed>;
  /** What the source and the target hold, as the SDK reads them; without what is of staging alone. */
  contents(side: 'source' | 'target'): Promise<Contents>;
  /** The headers of an object of the target. */
  head(key: string): Promise<HeadObjectCommandOutput>;
}

type Contents = Readonly<Record<string, Omit<SeenObject, 'etag'>>>;

interface Refreshed {
  readonly planned: Plan;
  readonly report: Report;
  /** What became of the copy, where it came to an end. */
  readonly copied: Facts['copy-objects'] | undefined;
  readonly outcomes: readonly ObjectOutcome[];
  /** Reasons by key. */
  readonly failed: Readonly<Record<string, string>>;
}

const ofStaging = 'of staging alone';

interface PairSettings {
  readonly objects?: object;
  readonly source?: StoreBucket;
  readonly target?: StoreBucket;
}

export async function pairOf({ objects, source, target }: PairSettings = {}): Promise<Pair> {
  const from = await store.source.createBucket(source);
  const to = await store.target.createBucket(target);
  await store.target.client.send(new PutObjectCommand({ Bucket: to, Key: ofStaging, Body: 'staging' }));
  return pairIn(from, to, objects);
}

/** The same for buckets that are there; the target's with its own object already. */
export async function pairIn(from: string, to: string, objects?: object, ends: Store = store): Promise<Pair> {
  const shell = await configOf(ends, {
    buckets: { images: { source: from, target: to } },
    ...(objects ? { objects: { images: objects } } : {}),
  });
  const { client } = ends.source;
  return {
    from,
    to,
    shell,
    put: async (key, body, more = {}) => {
      await client.send(new PutObjectCommand({ Bucket: from, Key: key, Body: Buffer.from(body), ...more }));
    },
    putParts: async (key, bodies) => {
      const named = { Bucket: from, Key: key };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...named, ContentType: 'video/mp4' }));
      const Parts = [];
      for (const [index, Body] of bodies.entries()) {
        const part = new UploadPartCommand({ ...named, UploadId, PartNumber: index + 1, Body });
        Parts.push({ PartNumber: index + 1, ETag: (await client.send(part)).ETag });
      }
      await client.send(new CompleteMultipartUploadCommand({ ...named, UploadId, MultipartUpload: { Parts } }));
    },
    refresh: (between, onObject) => refresh(shell, between, onObject),
    contents: (side) => contentsOf(side, ends[side], { source: from, target: to }[side]),
    head: (key) => ends.target.client.send(new HeadObjectCommand({ Bucket: to, Key: key })),
  };
}

async function refresh(
  { configFile, variables }: Configured,
  between?: (planned: Plan) => Promise<void>,
  onObject?: (outcome: ObjectOutcome) => void,
): Promise<Refreshed> {
  const config = loadConfig(await readFile(configFile, 'utf8'));
  const files = {
    credentials: variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '',
    config: variables['AWS_CONFIG_FILE'] ?? '',
  };
  using ends = await connect(config, { profileFiles: files });
  const planned = await plan(config, ends);
  await between?.(planned);
  const outcomes: ObjectOutcome[] = [];
  const report = await run(planned, ends, {
    listen: (event) => {
      if (event.kind !== 'object') return;
      outcomes.push(event.object);
      onObject?.(event.object);
    },
  });
  await store.aws?.clearFaults(); // whoever looks now is to see what is there
  const [copied] = stepsOf(report, 'copy-objects').map(factsOf);
  const failed = outcomes
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ key, reason = '' }) => [key, reason] as const);
  return { planned, report, copied, outcomes, failed: Object.fromEntries(failed) };
}

async function contentsOf(side: 'source' | 'target', end: StoreEnd, bucket: string): Promise<Contents> {
  const seen = [...(await readObjects(end, bucket))].map(([key, { etag: _etag, metadata, ...rest }]) => {
    const { 'restage-source-etag': _remembered, ...own } = metadata;
    return [key, { ...rest, metadata: own }] as const;
  });
  const { [ofStaging]: own, ...rest } = Object.fromEntries(seen);
  if (side === 'target') expect(own, 'what only the target has is still there').toMatchObject({ sizeBytes: 7 });
  return rest;
}

/** All that the source holds is in the target, whole, and the run says so. */
export async function expectAllCopied(pair: Pair, { report, failed }: Refreshed): Promise<Contents> {
  expect(failed).toEqual({});
  expect(report.failure, JSON.stringify(report.failure)).toBeUndefined();
  const target = await pair.contents('target');
  expect(target).toEqual(await pair.contents('source'));
  return target;
}

/** These keys are named as failed and counted, and whatever is not is in the target, whole. */
export async function expectFailed(pair: Pair, refreshed: Refreshed, keys: readonly string[]): Promise<void> {
  const { report, copied, failed } = refreshed;
  expect(Object.keys(failed).toSorted()).toEqual(keys.toSorted());
  expect(report.failure).toMatchObject({ code: 'objects-failed' });
  expect(copied).toMatchObject({ failed: keys.length });
  const [source, target] = [await pair.contents('source'), await pair.contents('target')];
  for (const key of Object.keys(source)) if (!keys.includes(key)) expect(target[key], key).toEqual(source[key]);
  for (const { key, outcome } of refreshed.outcomes)
    if (outcome === 'copied') expect(target[key], key).toEqual(source[key]);
}

/** Nothing is copied any more, and the target was not written to. */
export async function expectNothingLeft(pair: Pair): Promise<void> {
  const { planned, report } = await pair.refresh();
  expect(planned.steps.filter(({ kind }) => kind === 'copy-objects')).toEqual([]);
  expect(report.outcome).toBe('done');
}

export function aws(): LocalAws {
  if (!store.aws) throw new Error('the test has to say that it needs faults');
  return store.aws;
}

export type Strike = Fault extends infer One ? (One extends Fault ? Omit<One, 'match'> : never) : never;

export const slowDown = {
  kind: 'error',
  status: 503,
  code: 'SlowDown',
  message: 'Please reduce your request rate.',
} as const;

/** Arms a fault. */
export function strike(match: RequestMatch, fault: Strike): Promise<void> {
  return aws().inject({ match, ...fault });
}

/** How many requests were made, by operation. */
export async function countRequests(bucket: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const request of await aws().requests())
    if (request.bucket === bucket) counts[request.operation] = (counts[request.operation] ?? 0) + request.count;
  return counts;
}
