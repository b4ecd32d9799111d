import { carriedHeaders, keepingHeaders, redirectHeader, sourceEtagHeader } from './carried.ts';
import { StoredOtherwise, type CopyJob } from './copy-job.ts';
import { unquote, type ListedObject } from './listing.ts';
import { isMd5, isOpaque } from './parts.ts';
import { S3Error } from './s3-error.ts';

/**
 * Has the store copy an object in one request, reading and writing by itself. What the object carries goes along; only where
 * the source's ETag must be put beside it, all of that is written anew.
 */
export async function copyByStore(job: CopyJob, object: ListedObject, key: string): Promise<void> {
  const { source, target, keeping, learnt, throttle, signal } = job;
  const { etag } = object;
  const headers = await source.head(object.key, {}, signal, throttle.failed);
  // Some stores do not heed the condition on the source.
  if (unquote(headers.etag) !== etag)
    throw new S3Error(412, 'PreconditionFailed', 'it changed at the source while it was being read');
  const from = { origin: source.origin, key: object.key, etag, sizeBytes: object.sizeBytes };
  const copy = (remember: boolean) => {
    const anew = { ...carriedHeaders(headers), [sourceEtagHeader]: etag, 'x-amz-metadata-directive': 'REPLACE' };
    const sent = { ...keepingHeaders(keeping, object.storageClass), ...(remember ? anew : redirectHeader(headers)) };
    return target.write.copy(key, from, sent, signal);
  };
  const isKnown = isOpaque(headers) || learnt.opaqueEtags;
  const stored = await copy(isKnown);
  if (stored.etag === etag) return;
  if (stored.opaque) learnt.opaqueEtags = true;
  const canMeet = isMd5(etag) && !isOpaque(headers) && !stored.opaque;
  if (canMeet && isMd5(stored.etag))
    throw new StoredOtherwise(`the target stored other content: its ETag is ${stored.etag}, the source's ${etag}`);
  if (!isKnown) await copy(true);
}
