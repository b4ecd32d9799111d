import { AwsError } from '../aws-error.ts';
import { header, parameter, type Request } from '../request.ts';
import type { Reply } from '../reply.ts';
import { isAllowed } from './access.ts';
import { demandRestored } from './archive.ts';
import { settleEtag, type ObjectVersion } from './bucket.ts';
import { findObject, quoted, type ObjectCall } from './call.ts';
import { checkRead } from './conditions.ts';
import { demandKey } from './encryption.ts';
import { returnedHeaders } from './object-facts.ts';

interface Range {
  readonly start: number;
  readonly sizeBytes: number;
}

const invalidRange = (sizeBytes: number): AwsError =>
  new AwsError(416, 'InvalidRange', 'The requested range is not satisfiable', { ActualObjectSize: String(sizeBytes) }, [
    'content-range',
    `bytes */${sizeBytes}`,
  ]);

/** undefined: no range, or one that S3 ignores, such as several at once. */
function parseRange(text: string | undefined, sizeBytes: number): Range | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes);
    if (suffix === 0) throw invalidRange(sizeBytes);
    return { start: sizeBytes - suffix, sizeBytes: suffix };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw invalidRange(sizeBytes);
  return { start, sizeBytes: end - start + 1 };
}

function partRange(version: ObjectVersion, text: string): Range {
  const number = Number(text);
  const sizes = version.parts?.map((part) => part.sizeBytes) ?? [version.body.sizeBytes];
  const sizeBytes = sizes[number - 1];
  if (sizeBytes === undefined)
    throw new AwsError(416, 'InvalidPartNumber', 'The requested partnumber is not satisfiable');
  return { start: sizes.slice(0, number - 1).reduce((sum, size) => sum + size, 0), sizeBytes };
}

const overrides = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];

function applyOverrides(request: Request, headers: string[]): void {
  for (const name of overrides) {
    const value = parameter(request, `response-${name}`);
    if (value === undefined) continue;
    const at = headers.indexOf(name);
    if (at >= 0 && at % 2 === 0) headers[at + 1] = value;
    else headers.push(name, value);
  }
}

/** GetObject, and HeadObject: the server leaves the content of a HEAD's reply out. */
export async function getObject(call: ObjectCall): Promise<Reply> {
  const { request, bucket, caller, key } = call;
  const version = findObject(call, 's3:GetObject');
  demandKey(call.storage, caller, version.encryption, 'kms:Decrypt');
  if (request.method === 'GET') demandRestored(version, "The operation is not valid for the object's storage class");
  if (version.etag === undefined) await settleEtag(version);
  const { body, lastModified } = version;
  const etag = version.etag ?? '';
  const headers = returnedHeaders(bucket, version);
  headers.push('etag', quoted(etag), 'last-modified', new Date(lastModified).toUTCString(), 'accept-ranges', 'bytes');
  if (checkRead(request, { etag, lastModified }) === 'not-modified') return { status: 304, headers };
  if (version.tags.length > 0 && isAllowed(bucket, caller, 's3:GetObjectTagging', key))
    headers.push('x-amz-tagging-count', String(version.tags.length));
  if (request.query.length > 0) applyOverrides(request, headers);

  const partNumber = parameter(request, 'partNumber');
  if (partNumber !== undefined && version.parts !== undefined)
    headers.push('x-amz-mp-parts-count', String(version.parts.length));
  const range =
    partNumber === undefined ? parseRange(header(request, 'range'), body.sizeBytes) : partRange(version, partNumber);
  if (range === undefined) {
    const { checksum } = version;
    if (checksum !== undefined && header(request, 'x-amz-checksum-mode') === 'ENABLED')
      headers.push(`x-amz-checksum-${checksum.algorithm}`, checksum.value, 'x-amz-checksum-type', checksum.type);
    return { status: 200, headers, content: { body, start: 0, sizeBytes: body.sizeBytes } };
  }
  if (range.sizeBytes > 0)
    headers.push('content-range', `bytes ${range.start}-${range.start + range.sizeBytes - 1}/${body.sizeBytes}`);
  return { status: 206, headers, content: { body, ...range } };
}
