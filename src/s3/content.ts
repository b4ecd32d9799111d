import { createHash, hash } from 'node:crypto';
import type { SourceBucket } from './bucket.ts';
import type { RestageError } from '../errors.ts';
import { reasonOf } from './bucket-error.ts';
import { add, diffBuckets, zero, type Amount } from './diff.ts';
import type { ListedObject } from './listing.ts';
import { isMd5 } from './parts.ts';
import { readChunks } from './read-body.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { throttle } from './throttle.ts';
import { forAll, transfersAtOnce, type ObjectFailure, type ObjectOutcome } from './transfer.ts';
import { underWay } from './under-way.ts';
import type { Filter } from './selection.ts';
import type { Pair } from './walk.ts';

/** What reading objects back has shown. */
export interface ContentCheck {
  readonly checked: Amount;
  /** The first of those whose content is another, or cannot be read, with the reason. */
  readonly different: readonly ObjectFailure[];
  readonly differences: number;
}

export interface ContentOptions {
  /** About so many of `of` objects, chosen by chance; all of them where absent. */
  readonly sample?: { readonly count: number; readonly of: number } | undefined;
  readonly filter?: Filter | undefined;
  readonly onObject?: (outcome: ObjectOutcome) => void;
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const named = 100;

/**
 * Reads objects of the target that count as the same and takes the MD5 of their content: it must be the source's ETag, or,
 * where that is no MD5, that of the source's content, which is read too then.
 * Throws what a listing throws, and what keeps every object from being read: a store out of reach, or keys that have expired.
 */
export async function checkContent(pair: Pair, options: ContentOptions = {}): Promise<ContentCheck> {
  const { sample, signal, onObject, onBytes } = options;
  const turns = throttle(transfersAtOnce);
  const checked = zero();
  const different: ObjectFailure[] = [];
  let differences = 0;
  let hopeless: RestageError | undefined;
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const reading = underWay();
  const salt = `${Date.now()}`;
  const share = sample ? sample.count / Math.max(1, sample.of) : 1;
  const isChosen = (key: string) => share >= 1 || hash('md5', key + salt, 'buffer').readUInt32BE() < share * 2 ** 32;
  const differ = (key: string, bytes: number, reason: string) => {
    differences += 1;
    if (different.length < named) different.push({ key, reason });
    onObject?.({ key, bytes, outcome: 'different', reason });
  };
  const check = async (key: string, source: ListedObject, target: ListedObject) => {
    const leave = await turns.enter();
    let end: 'source' | 'target' = 'target';
    try {
      either.throwIfAborted();
      const theirs = await md5Of(pair.target, target, turns.failed, either);
      let equal = isMd5(source.etag) && theirs === source.etag;
      if (!equal) {
        end = 'source';
        equal = theirs === (await md5Of(pair.source, source, turns.failed, either));
      }
      add(checked, target.sizeBytes);
      onBytes?.(target.sizeBytes);
      if (!equal) differ(key, target.sizeBytes, "its content is not the source's");
    } catch (error) {
      if (either.aborted) return;
      hopeless = forAll(error, 'read back');
      // What is still to come would wait for the store as long again.
      if (hopeless) return stop.abort(hopeless);
      // The source goes on being written to: what changed there meanwhile is no fault of the copy.
      const isNewer = end === 'source' && error instanceof S3Error && (error.status === 404 || error.status === 412);
      if (!isNewer)
        differ(
          key,
          target.sizeBytes,
          `${end === 'target' ? 'it could not be read back' : 'the source could not be read'}: ${reasonOf(error, end)}`,
        );
    } finally {
      leave();
    }
  };
  try {
    await diffBuckets(
      pair,
      (difference) => {
        either.throwIfAborted();
        if (difference.kind !== 'same' || !isChosen(difference.key)) return undefined;
        reading.add(check(difference.key, difference.source, difference.target));
        return reading.size < transfersAtOnce ? undefined : reading.next();
      },
      { signal: either, filter: options.filter },
    );
  } catch (error) {
    throw hopeless ?? error; // a listing that was called off says only that
  } finally {
    await reading.all();
  }
  signal?.throwIfAborted();
  if (hopeless) throw hopeless;
  return { checked, different, differences };
}

async function md5Of(
  bucket: SourceBucket,
  object: ListedObject,
  onFailure: (error: unknown) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  return again(
    async () => {
      const { body } = await bucket.get(object, undefined, signal);
      const digest = createHash('md5');
      await readChunks(body, (chunk) => void digest.update(chunk));
      return digest.digest('hex');
    },
    signal,
    onFailure,
  );
}
