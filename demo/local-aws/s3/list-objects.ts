import { AwsError } from '../aws-error.ts';
import { percentEncodeListed } from '../byte-string.ts';
import { canonicalId } from '../identity.ts';
import { parameter, type Request } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { element, escapeXml, xmlDocument } from '../xml.ts';
import { settleEtag, type Entry, type ObjectVersion } from './bucket.ts';
import { isoTime, type BucketCall } from './call.ts';
import { walk, type Position } from './walk.ts';

const invalidArgument = (message: string): AwsError => new AwsError(400, 'InvalidArgument', message);

export interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly urlEncoded: boolean;
  readonly encode: (bytes: string) => string;
}

export function asked(request: Request): Asked {
  const maxKeys = parameter(request, 'max-keys') ?? '1000';
  if (!/^\d{1,9}$/.test(maxKeys)) throw invalidArgument('Provided max-keys not an integer or within integer range');
  const encoding = parameter(request, 'encoding-type');
  if (encoding !== undefined && encoding !== 'url')
    throw invalidArgument('Invalid Encoding Method specified in Request');
  const urlEncoded = encoding === 'url';
  return {
    prefix: parameter(request, 'prefix') ?? '',
    delimiter: parameter(request, 'delimiter') ?? '',
    maxKeys: Math.min(Number(maxKeys), 1000),
    urlEncoded,
    encode: urlEncoded ? percentEncodeListed : (bytes) => bytes,
  };
}

export function encodingElement(wanted: Asked): string {
  return wanted.urlEncoded ? '<EncodingType>url</EncodingType>' : '';
}

function current(entry: Entry): ObjectVersion | undefined {
  const version = entry.versions.at(-1);
  return version?.kind === 'object' ? version : undefined;
}

export const ownerElement = (account: string): string => `<Owner><ID>${canonicalId(account)}</ID></Owner>`;

interface Page {
  readonly content: string;
  readonly count: number;
  readonly next: Position | undefined;
}

/** What stands of an object after its key. */
function describe(version: ObjectVersion, withOwner: boolean): string {
  const { checksum } = version;
  const kind =
    checksum === undefined
      ? ''
      : `<ChecksumAlgorithm>${checksum.algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
  return (
    `</Key><LastModified>${isoTime(version.lastModified)}</LastModified><ETag>&quot;${version.etag}&quot;</ETag>${kind}` +
    `<Size>${version.body.sizeBytes}</Size>${withOwner ? ownerElement(version.owner) : ''}` +
    `<StorageClass>${version.storageClass}</StorageClass></Contents>`
  );
}

// Of synthesized objects only: there are few of them, they never change, and they stand under millions of keys.
const described = new WeakMap<ObjectVersion, string>();

function describeOnce(version: ObjectVersion): string {
  let text = described.get(version);
  if (text === undefined) {
    text = Buffer.from(describe(version, false), 'latin1').toString('latin1');
    described.set(version, text);
  }
  return text;
}

async function page(call: BucketCall, wanted: Asked, from: Position, withOwner: boolean): Promise<Page> {
  const { bucket } = call;
  const { items, next } = walk(bucket.objects, wanted, from, (entry) => current(entry) !== undefined);
  // Many pieces are joined faster than they are added to each other.
  const contents: string[] = [];
  let prefixes = '';
  for (const item of items) {
    if (item.kind === 'prefix') {
      prefixes += `<CommonPrefixes><Prefix>${escapeXml(wanted.encode(item.prefix))}</Prefix></CommonPrefixes>`;
      continue;
    }
    const version = current(item.entry);
    if (version === undefined) continue;
    if (version.etag === undefined) await settleEtag(version);
    const { key } = item.entry;
    contents.push('<Contents><Key>', wanted.urlEncoded ? wanted.encode(key) : escapeXml(key));
    contents.push(bucket.readOnly && !withOwner ? describeOnce(version) : describe(version, withOwner));
  }
  return { content: contents.join('') + prefixes, count: items.length, next };
}

// Opaque to clients, so that nobody builds on its content.
function toToken(position: Position): string {
  return Buffer.from(`${position.kind === 'key' ? 'k' : 'p'}${position.after}`, 'latin1').toString('base64');
}

function fromToken(token: string): Position {
  const text = Buffer.from(token, 'base64').toString('latin1');
  if (text === '' || !'kp'.includes(text.charAt(0)) || Buffer.from(text, 'latin1').toString('base64') !== token)
    throw invalidArgument('The continuation token provided is incorrect');
  return { kind: text.startsWith('k') ? 'key' : 'prefix', after: text.slice(1) };
}

/** A marker that is a common prefix stands for all the keys under it. */
export function fromMarker(marker: string, wanted: Asked): Position {
  const { prefix, delimiter } = wanted;
  const isPrefix = delimiter !== '' && marker.startsWith(prefix) && marker.indexOf(delimiter, prefix.length) >= 0;
  return { kind: isPrefix && marker.endsWith(delimiter) ? 'prefix' : 'key', after: marker };
}

export async function listObjectsV2(call: BucketCall): Promise<Reply> {
  const { request, bucket } = call;
  const wanted = asked(request);
  const token = parameter(request, 'continuation-token');
  const startAfter = parameter(request, 'start-after');
  const from = token === undefined ? fromMarker(startAfter ?? '', wanted) : fromToken(token);
  const found = await page(call, wanted, from, parameter(request, 'fetch-owner') === 'true');
  const { encode } = wanted;
  const head =
    element('Name', bucket.name) +
    element('Prefix', encode(wanted.prefix)) +
    element('StartAfter', startAfter === undefined ? undefined : encode(startAfter)) +
    element('ContinuationToken', token) +
    element('NextContinuationToken', found.next && toToken(found.next)) +
    element('KeyCount', found.count) +
    element('MaxKeys', wanted.maxKeys) +
    element('Delimiter', wanted.delimiter === '' ? undefined : encode(wanted.delimiter)) +
    encodingElement(wanted) +
    element('IsTruncated', found.next !== undefined);
  return xmlReply(xmlDocument('ListBucketResult', head + found.content));
}

export async function listObjectsV1(call: BucketCall): Promise<Reply> {
  const { request, bucket } = call;
  const wanted = asked(request);
  const marker = parameter(request, 'marker') ?? '';
  const found = await page(call, wanted, fromMarker(marker, wanted), true);
  const { encode } = wanted;
  // S3 names the next marker only with a delimiter; otherwise it is the last key.
  const next = found.next !== undefined && wanted.delimiter !== '' ? encode(found.next.after) : undefined;
  const head =
    element('Name', bucket.name) +
    element('Prefix', encode(wanted.prefix)) +
    element('Marker', encode(marker)) +
    element('NextMarker', next) +
    element('MaxKeys', wanted.maxKeys) +
    element('Delimiter', wanted.delimiter === '' ? undefined : encode(wanted.delimiter)) +
    encodingElement(wanted) +
    element('IsTruncated', found.next !== undefined);
  return xmlReply(xmlDocument('ListBucketResult', head + found.content));
}
