import { flipped, md5, share, whole, type Body } from '../body.ts';
import type { Received } from '../receive.ts';
import type { Call } from './call.ts';
import { checksumOf } from './object-checksum.ts';

/** What the store keeps of this content, which is the caller's to keep: a defective one flips a bit of it. */
export function keptBody(call: Call, body: Body): Body {
  if (call.defect !== 'corrupt-upload' || body.sizeBytes === 0) return body;
  // Two of its slices use the body, where there was one use.
  return flipped(share(body), Math.floor(body.sizeBytes / 2));
}

/** The same for an upload: a defective store believes what it wrote. */
export async function keptUpload(call: Call, received: Received): Promise<Received> {
  const body = keptBody(call, received.body);
  if (body === received.body) return received;
  const { checksum } = received;
  return {
    body,
    md5: await md5(whole(body)),
    checksum: checksum && (await checksumOf(whole(body), checksum.algorithm)),
  };
}

/** The ETag that the answer names. */
export function answeredEtag(call: Call, etag: string): string {
  return call.defect === 'wrong-etag' ? (etag.startsWith('0') ? '1' : '0') + etag.slice(1) : etag;
}
