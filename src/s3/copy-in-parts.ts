import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { carriedHeaders, keepingHeaders, sourceEtagHeader } from './carried.ts';
import { copyByStore } from './copy-by-store.ts';
import { mostBytesAtOnce, shown, StoredOtherwise, type CopyJob } from './copy-job.ts';
import { unquote, type ListedObject } from './listing.ts';
import { evenParts, isMd5, isOpaque, likelyPartBytes, partsCount, partsOfSizes, type Part } from './parts.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';
import type { StoredObject, Upload } from './writer.ts';

/** Parts of one object that are under way at once; the throttle stands above that. */
const partsAtOnce = 8;

/** S3 takes no smaller part but the last. */
const leastPartBytes = 5 * 1024 ** 2;

/** For objects whose own parts cannot be repeated. */
const ownPartBytes = 16 * 1024 ** 2;

/** How an object is to be uploaded. */
interface Layout {
  readonly parts: readonly Part[];
  /** They are the parts of the source's own upload. */
  readonly areOwn: boolean;
  /** They are all of the first one's size, which gives as many as there were; they may be others all the same. */
  readonly isGuess?: boolean;
}

/**
 * Copies an object in parts, the source's own where they can be found out, so that both ETags meet. Where they cannot, the
 * source's ETag is put beside the copy.
 */
export async function copyInParts(job: CopyJob, object: ListedObject, key: string): Promise<void> {
  const headers = await headersOf(job, object);
  try {
    await copyParts(job, object, key, headers);
  } catch (error) {
    // Not this object, or not the reading of parts at all, though objects may be copied whole.
    if (job.route !== 'server' || !(error instanceof S3Error) || error.status !== 403) throw error;
    if (job.mayStream) return copyParts({ ...job, route: 'stream' }, object, key, headers);
    if (object.sizeBytes > mostBytesAtOnce) throw error;
    await inTurn(job, () => copyByStore(job, object, key), object.sizeBytes);
  }
}

async function copyParts(job: CopyJob, object: ListedObject, key: string, headers: IncomingHttpHeaders): Promise<void> {
  const canMeet = ({ areOwn }: Layout) => areOwn && !job.learnt.opaqueEtags && !isOpaque(headers);
  let layout = await findLayout(job, object, headers, true);
  if (await upload(job, object, key, headers, { ...layout, meets: canMeet(layout) })) return;
  if (canMeet(layout) && (layout.isGuess || job.route === 'server')) {
    layout = await findLayout(job, object, headers, false);
    if (await upload(job, object, key, headers, { ...layout, meets: canMeet(layout) })) return;
    // Nobody here has seen what the store has copied: its ETag is the only witness.
    if (job.route === 'server' && canMeet(layout))
      throw new StoredOtherwise("the target stored other content: its ETag is not the source's");
  }
  // The store's ETags are of its own making, or the parts were others: once more, with the source's ETag beside it.
  await upload(job, object, key, headers, { ...layout, meets: false });
}

/** The headers of the object, if it is still the one that was listed; of its first part, where the store knows of parts. */
async function headersOf({ source, throttle, signal }: CopyJob, object: ListedObject): Promise<IncomingHttpHeaders> {
  const headers = await source.head(
    object.key,
    partsCount(object.etag) === undefined ? {} : { partNumber: '1' },
    signal,
    throttle.failed,
  );
  if (unquote(headers.etag) !== object.etag)
    throw new S3Error(412, 'PreconditionFailed', 'it changed at the source while it was being read');
  return headers;
}

async function findLayout(
  { source, signal }: CopyJob,
  object: ListedObject,
  headers: IncomingHttpHeaders,
  mayGuess: boolean,
): Promise<Layout> {
  const { key, sizeBytes, etag } = object;
  const count = partsCount(etag);
  const own = { parts: evenParts(sizeBytes, ownPartsOf(sizeBytes)), areOwn: false };
  if (count === undefined) return own;
  if (count === 1) return { parts: evenParts(sizeBytes, sizeBytes), areOwn: true };
  const first = Number(headers['content-length']);
  if (Number(headers['x-amz-mp-parts-count']) !== count) {
    const likely = evenParts(sizeBytes, likelyPartBytes(sizeBytes, count));
    return fits(likely) ? { parts: likely, areOwn: false } : own;
  }
  const even = evenParts(sizeBytes, first);
  if (even.length === count && !fits(even)) return own;
  if (even.length === count && mayGuess) return { parts: even, areOwn: true, isGuess: true };
  const sizes: number[] = [];
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    async (index) => {
      const part = await source.head(key, { partNumber: String(index + 1) }, signal);
      sizes[index] = Number(part['content-length']);
    },
  );
  const exact = partsOfSizes(sizes);
  return fits(exact) ? { parts: exact, areOwn: true } : own;
}

function fits(parts: readonly Part[]): boolean {
  return parts.slice(0, -1).every(({ sizeBytes }) => sizeBytes >= leastPartBytes);
}

/** S3 takes no more than 10,000 parts. */
function ownPartsOf(sizeBytes: number): number {
  return Math.max(ownPartBytes, Math.ceil(sizeBytes / 10_000));
}

/** Whether the ETag that came out is the source's, or is remembered beside the copy. */
async function upload(
  job: CopyJob,
  object: ListedObject,
  key: string,
  headers: IncomingHttpHeaders,
  layout: Layout & { readonly meets: boolean },
): Promise<boolean> {
  const { source, target, keeping, learnt, throttle, signal } = job;
  const tags = await source.tags(object.key, signal, throttle.failed).catch((error: unknown) => {
    const hasSome = Number(headers['x-amz-tagging-count'] ?? 0) > 0;
    // Who may not read tags is not told that there are any; the plan has said so.
    if (!hasSome && error instanceof S3Error && (error.status === 403 || error.status === 501)) return '';
    throw error;
  });
  const begun = await target.write.upload(
    key,
    {
      ...carriedHeaders(headers),
      ...keepingHeaders(keeping, object.storageClass),
      ...(tags === '' ? {} : { 'x-amz-tagging': tags }),
      ...(layout.meets ? {} : { [sourceEtagHeader]: object.etag }),
    },
    signal,
  );
  let counted = 0;
  try {
    const copied: CopiedPart[] = [];
    await inParallel(layout.parts, async (part) => {
      const leave = await throttle.enter(signal);
      try {
        copied[part.number - 1] = await again(
          () => copyPart(job, object, begun, part, !layout.meets),
          signal,
          throttle.failed,
        );
        counted += part.sizeBytes;
        job.onBytes(part.sizeBytes);
      } finally {
        leave();
      }
    });
    if (layout.areOwn && !isOpaque(headers)) requireContent(object, copied);
    const stored = await complete(job, key, begun, copied, object);
    // Some stores leave out the tags that an upload was begun with.
    if (tags !== '') await again(() => target.write.tag(key, tags, signal), signal, throttle.failed);
    if (stored.opaque) learnt.opaqueEtags = true;
    // What was there before may still be there.
    if (!layout.meets && stored.etag === '') throw new StoredOtherwise('the store does not show what it was given');
    if (!layout.meets || stored.etag === object.etag) return true;
    job.onBytes(-counted);
    return false;
  } catch (error) {
    job.onBytes(-counted);
    await begun.abort().catch(() => {}); // what failed is told; a rule of the bucket's may clear away the rest
    throw error;
  }
}

interface CopiedPart {
  readonly etag: string;
  /** The MD5 of what passed through here; absent where nothing did, or where the ETags will tell. */
  readonly md5?: Buffer;
}

/** One part, by the job's route. */
async function copyPart(
  { source, route, signal }: CopyJob,
  object: ListedObject,
  begun: Upload,
  part: Part,
  withMd5: boolean,
): Promise<CopiedPart> {
  if (route === 'server') {
    const from = { origin: source.origin, key: object.key, etag: object.etag, sizeBytes: object.sizeBytes };
    return { etag: await begun.copy(part, from, signal) };
  }
  const { body } = await source.get(object, part, signal);
  try {
    const digest = createHash('md5');
    const content = withMd5 ? shown(body, (chunk) => digest.update(chunk)) : body;
    const { etag, opaque } = await begun.put(part, content, {}, signal);
    if (!withMd5) return { etag };
    const md5 = digest.digest();
    if (!opaque && isMd5(etag) && etag !== md5.toString('hex'))
      throw new StoredOtherwise(`the target stored other content of part ${part.number} than it was sent`);
    return { etag, md5 };
  } finally {
    body.destroy();
  }
}

/** The ETag of an upload is the MD5 of its parts' MD5s: it tells whether what passed through here was the object. */
function requireContent({ etag }: ListedObject, copied: readonly CopiedPart[]): void {
  const all = createHash('md5');
  for (const { md5 } of copied) {
    if (!md5) return;
    all.update(md5);
  }
  if (`${all.digest('hex')}-${copied.length}` !== etag)
    throw new StoredOtherwise('the source sent other content than its ETag says');
}

/** Puts the parts together. Where the answer was lost, the object itself tells whether it was done. */
async function complete(
  { target, throttle, signal }: CopyJob,
  key: string,
  begun: Upload,
  copied: readonly CopiedPart[],
  object: ListedObject,
): Promise<StoredObject> {
  const etags = copied.map(({ etag }) => etag);
  const look = async (): Promise<StoredObject | undefined> => {
    const headers = await target.head(key, {}, signal);
    const etag = unquote(headers.etag);
    const isIt = etag === object.etag || headers[sourceEtagHeader] === object.etag;
    return isIt ? { etag, opaque: isOpaque(headers) } : undefined;
  };
  try {
    const stored = await again(() => begun.complete(etags, signal), signal, throttle.failed);
    // Some stores answer without an ETag.
    return stored.etag === '' ? ((await look()) ?? stored) : stored;
  } catch (error) {
    const found = error instanceof S3Error && error.code === 'NoSuchUpload' ? await look() : undefined;
    if (!found) throw error;
    return found;
  }
}

/** One act of its own among all that are under way. */
async function inTurn(
  { throttle, onBytes, signal }: CopyJob,
  act: () => Promise<void>,
  sizeBytes: number,
): Promise<void> {
  const leave = await throttle.enter(signal);
  try {
    await again(act, signal, throttle.failed);
    onBytes(sizeBytes);
  } finally {
    leave();
  }
}

/** Does something for each, several at once; the first failure keeps what has not begun from beginning. */
async function inParallel<T>(list: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = list.values();
  let failed = false;
  const worker = async () => {
    for (const one of left) {
      if (failed) return;
      await act(one).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const workers = Array.from({ length: Math.min(partsAtOnce, list.length) }, worker);
  const ended = await Promise.allSettled(workers);
  const rejected = ended.find((one) => one.status === 'rejected');
  if (rejected) throw rejected.reason;
}
