import { createHash } from 'node:crypto';
import { ChunkDecoder } from './aws-chunked.ts';
import { AwsError } from './aws-error.ts';
import { readAll, release, type Body } from './body.ts';
import { BodyWriter } from './body-writer.ts';
import {
  checksumAlgorithms,
  startChecksum,
  toChecksumAlgorithm,
  type Checksum,
  type ChecksumAlgorithm,
} from './checksum.ts';
import { header, type Request } from './request.ts';
import type { Signing } from './signature.ts';

/** A body that has arrived whole and is what its sender says it is. */
export interface Received {
  readonly body: Body;
  readonly md5: string;
  readonly checksum: Checksum | undefined;
}

const maxPutBytes = 5 * 1024 ** 3;
const invalid = (message: string): AwsError => new AwsError(400, 'InvalidRequest', message);
const badDigest = (what: string): AwsError =>
  new AwsError(400, 'BadDigest', `The ${what} you specified did not match the calculated checksum.`);
const incomplete = (): AwsError =>
  new AwsError(400, 'IncompleteBody', 'The request body terminated unexpectedly or is not of the length it promised.');

interface Promised {
  readonly sizeBytes: number | undefined;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly value: string | undefined;
  readonly trailer: string | undefined;
  readonly chunked: 'no' | 'signed' | 'unsigned';
}

function promisedChecksum(request: Request): Pick<Promised, 'algorithm' | 'value' | 'trailer'> {
  const trailer = header(request, 'x-amz-trailer')?.toLowerCase();
  const named = toChecksumAlgorithm(
    header(request, 'x-amz-sdk-checksum-algorithm') ?? header(request, 'x-amz-checksum-algorithm'),
  );
  for (const algorithm of checksumAlgorithms) {
    const value = header(request, `x-amz-checksum-${algorithm}`);
    if (value !== undefined) return { algorithm, value, trailer };
    if (trailer === `x-amz-checksum-${algorithm}`) return { algorithm, value, trailer };
  }
  return { algorithm: named, value: undefined, trailer };
}

function promises(request: Request): Promised {
  const payload = header(request, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const contentMd5 = header(request, 'content-md5');
  if (contentMd5 !== undefined && Buffer.from(contentMd5, 'base64').length !== 16)
    throw new AwsError(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.');
  const length = header(request, 'content-length');
  const decodedLength = header(request, 'x-amz-decoded-content-length');
  const streaming = payload.startsWith('STREAMING-');
  if (streaming && decodedLength === undefined)
    throw new AwsError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  if (!streaming && length === undefined && header(request, 'transfer-encoding') !== undefined)
    throw new AwsError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  const sizeText = streaming ? decodedLength : length;
  const sizeBytes = sizeText === undefined ? undefined : Number(sizeText);
  if (sizeBytes !== undefined && sizeBytes > maxPutBytes)
    throw new AwsError(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
  return {
    ...promisedChecksum(request),
    sizeBytes,
    md5: contentMd5 === undefined ? undefined : Buffer.from(contentMd5, 'base64').toString('hex'),
    sha256: /^[0-9a-f]{64}$/.test(payload) ? payload : undefined,
    chunked: chunking(payload),
  };
}

function chunking(payload: string): Promised['chunked'] {
  switch (payload) {
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return 'signed';
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return 'unsigned';
    default:
      if (payload === 'UNSIGNED-PAYLOAD' || /^[0-9a-f]{64}$/.test(payload)) return 'no';
      throw new AwsError(
        400,
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value.',
      );
  }
}

/** Pumps the request's body through `take`; an exception of `take` ends it, and the rest is drained. */
function pump(request: Request, take: (chunk: Buffer) => void): Promise<void> {
  const { incoming } = request;
  return new Promise((resolve, reject) => {
    let failed = false;
    incoming.on('data', (chunk: Buffer) => {
      if (failed) return;
      try {
        take(chunk);
      } catch (error) {
        failed = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    incoming.on('end', () => resolve());
    incoming.on('error', reject);
    incoming.on('close', () => {
      if (!incoming.complete) reject(incomplete());
    });
    request.invite();
  });
}

/**
 * Receives a request's body into memory or a file under `folder`, and verifies everything that the client has promised
 * about it: length, SHA-256, MD5, additional checksum, chunk signatures.
 */
export async function receive(request: Request, signing: Signing | undefined, folder: string): Promise<Received> {
  const promised = promises(request);
  const writer = new BodyWriter(folder);
  const md5 = createHash('md5');
  const sha256 = promised.sha256 === undefined ? undefined : createHash('sha256');
  const checksum = promised.algorithm === undefined ? undefined : startChecksum(promised.algorithm);
  const take = (chunk: Buffer): void => {
    md5.update(chunk);
    sha256?.update(chunk);
    checksum?.update(chunk);
    writer.write(chunk);
  };
  try {
    const decoder =
      promised.chunked === 'no'
        ? undefined
        : new ChunkDecoder(promised.chunked === 'signed' ? signing : undefined, promised.trailer !== undefined, take);
    await pump(request, decoder === undefined ? take : (chunk) => decoder.push(chunk));
    if (decoder?.done === false) throw incomplete();
    if (promised.sizeBytes !== undefined && promised.sizeBytes !== writer.sizeBytes) throw incomplete();
    if (sha256 !== undefined && sha256.digest('hex') !== promised.sha256)
      throw new AwsError(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    const md5Hex = md5.digest('hex');
    if (promised.md5 !== undefined && promised.md5 !== md5Hex)
      throw new AwsError(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    const value = checksum?.digest().toString('base64');
    verifyChecksum(promised, value, decoder?.trailers);
    const kept: Checksum | undefined =
      promised.algorithm === undefined || value === undefined
        ? undefined
        : { algorithm: promised.algorithm, value, type: 'FULL_OBJECT' };
    return { body: writer.finish(), md5: md5Hex, checksum: kept };
  } catch (error) {
    writer.discard();
    throw error;
  }
}

function verifyChecksum(
  promised: Promised,
  value: string | undefined,
  trailers: ReadonlyMap<string, string> | undefined,
): void {
  if (promised.algorithm === undefined) return;
  const claimed = promised.value ?? trailers?.get(`x-amz-checksum-${promised.algorithm}`);
  if (claimed === undefined) {
    if (promised.trailer !== undefined) throw invalid('The trailing checksum that x-amz-trailer announces is missing.');
    return;
  }
  if (claimed !== value) throw badDigest(promised.algorithm.toUpperCase());
}

/** The same for a small document; returns its bytes. */
export async function receiveText(request: Request, signing: Signing | undefined, folder: string): Promise<string> {
  const { body } = await receive(request, signing, folder);
  const text = readAll(body).toString('latin1');
  release(body);
  return text;
}

/** Whether the client promised a digest of its document, as DeleteObjects demands. */
export function promisesDigest(request: Request): boolean {
  return (
    header(request, 'content-md5') !== undefined ||
    header(request, 'x-amz-trailer') !== undefined ||
    checksumAlgorithms.some((algorithm) => header(request, `x-amz-checksum-${algorithm}`) !== undefined)
  );
}
