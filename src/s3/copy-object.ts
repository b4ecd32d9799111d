import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { carriedHeaders, keepingHeaders, sourceEtagHeader } from './carried.ts';
import { copyByStore } from './copy-by-store.ts';
import { copyInParts } from './copy-in-parts.ts';
import { mostBytesAtOnce, shown, StoredOtherwise, type CopyJob } from './copy-job.ts';
import { unquote, type ListedObject } from './listing.ts';
import { isMd5, isOpaque, partsCount } from './parts.ts';
import { borrowBody, type Loan } from './read-body.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';

/** Up to here an object is read whole before it is written, so that one request of small objects is one packet. */
const bufferedBytes = 256 * 1024;

/** From here on an object's bytes are told while they pass. */
const slowBytes = 8 * 1024 ** 2;

/** Whether an object goes in parts, each of which waits for its own turn. */
export function isInParts({ etag, sizeBytes }: ListedObject): boolean {
  return (partsCount(etag) !== undefined && sizeBytes > 0) || sizeBytes > mostBytesAtOnce; // no part is empty
}

/**
 * Copies one object with all that it carries, and makes sure that the store has what was sent. One that has changed since
 * it was listed is copied as it is now. Rejects with what kept it from being copied.
 */
export async function copyObject(job: CopyJob, object: ListedObject, key: string): Promise<void> {
  try {
    await copyListed(job, object, key);
  } catch (error) {
    if (error instanceof StoredOtherwise && error.isRemembered) await takeBack(job, key);
    const present = isChanged(error) ? await look(job, object) : undefined;
    if (present === undefined || present.etag === object.etag) throw error;
    await copyListed(job, present, key);
  }
}

/** What was stored wrong and says that it is the source's: the next run would believe it. */
async function takeBack({ target }: CopyJob, key: string): Promise<void> {
  // By itself, as all else may have been called off; the object is told as failed in any case.
  await target.write.remove([key], AbortSignal.timeout(10_000)).catch(() => {});
}

function isChanged(error: unknown): boolean {
  return error instanceof StoredOtherwise || (error instanceof S3Error && error.code === 'PreconditionFailed');
}

/** The object as it is now. */
async function look({ source, signal }: CopyJob, object: ListedObject): Promise<ListedObject> {
  const headers = await source.head(object.key, {}, signal);
  return { ...object, etag: unquote(headers.etag), sizeBytes: Number(headers['content-length']) };
}

async function copyListed(job: CopyJob, object: ListedObject, key: string): Promise<void> {
  if (isInParts(object)) return copyInParts(job, object, key);
  const { throttle, signal } = job;
  const leave = await throttle.enter(signal);
  try {
    if (job.route === 'server') {
      const refused = await again(() => copyByStore(job, object, key), signal, throttle.failed).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused === undefined) return job.onBytes(object.sizeBytes);
      // The target's keys may read the source in general, and not this object, its tags or its key of KMS.
      if (!job.mayStream || !(refused instanceof S3Error) || refused.status !== 403) throw refused;
    }
    await again(() => stream(job, object, key), signal, throttle.failed);
  } finally {
    leave();
  }
}

/** GET and PUT, to be retried as one: a body that was half read cannot be sent again. */
async function stream(job: CopyJob, object: ListedObject, key: string): Promise<void> {
  const { source, target, keeping, learnt, throttle, signal } = job;
  const { headers, body } = await source.get(object, undefined, signal);
  let counted = 0;
  try {
    // A count comes with the object, so that only objects with tags cost a further request.
    const tagged = Number(headers['x-amz-tagging-count'] ?? 0) > 0;
    const tags = tagged ? { 'x-amz-tagging': await source.tags(object.key, signal, throttle.failed) } : {};
    // The ETag of a plain object is its MD5: the store itself refuses what arrives otherwise.
    const isPlain = isMd5(object.etag) && !isOpaque(headers);
    // Where the source's ETag proves nothing, what passes through here does at least.
    const digest = isPlain ? undefined : createHash('md5');
    const isSlow = object.sizeBytes >= slowBytes;
    const see = (chunk: Buffer) => {
      digest?.update(chunk);
      if (!isSlow) return;
      counted += chunk.length;
      job.onBytes(chunk.length);
    };
    const loan = object.sizeBytes <= bufferedBytes ? await readWhole(body, object.sizeBytes) : undefined;
    if (loan) digest?.update(loan.bytes);
    const content = loan ? loan.bytes : isSlow || digest ? shown(body, see) : body;
    const md5 = isPlain ? Buffer.from(object.etag, 'hex').toString('base64') : loan && digest?.copy().digest('base64');
    const remember = !isPlain || learnt.opaqueEtags;
    const stored = await target.write.put(
      key,
      content,
      {
        ...carriedHeaders(headers),
        ...keepingHeaders(keeping, object.storageClass),
        ...tags,
        ...(md5 === undefined ? {} : { 'content-md5': md5 }),
        'content-length': String(object.sizeBytes),
        ...(remember ? { [sourceEtagHeader]: object.etag } : {}),
      },
      signal,
    );
    loan?.giveBack(); // all of it has been sent, or there were no such answer
    const expected = digest?.digest('hex') ?? object.etag;
    if (!stored.opaque && isMd5(stored.etag) && stored.etag !== expected)
      throw new StoredOtherwise(
        `the target stored other content: its ETag is ${stored.etag}, the MD5 of what was sent ${expected}`,
        remember,
      );
    // Only now it is known that the next run could not tell this object from another: once more, with the ETag beside it.
    const onceMore = stored.opaque && !remember;
    if (onceMore) learnt.opaqueEtags = true;
    job.onBytes((onceMore ? 0 : object.sizeBytes) - counted);
    counted = 0;
    if (onceMore) return await stream(job, object, key);
  } catch (error) {
    job.onBytes(-counted);
    throw error;
  } finally {
    body.destroy(); // read to its end, or of no more use: an unread body would keep its socket
  }
}

async function readWhole(body: Readable, expectedBytes: number): Promise<Loan> {
  const loan = await borrowBody(body);
  const { length } = loan.bytes;
  if (length !== expectedBytes) throw new Error(`the source sent ${length} of ${expectedBytes} bytes`);
  return loan;
}
