import { RestageError } from '../errors.ts';
import type { S3Client } from './client.ts';
import { describeBucket, type BucketOrigin } from './origin.ts';
import { borrowBody, type Loan } from './read-body.ts';
import { again } from './retry.ts';

/** One line of a listing. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes. 32 hex digits, the MD5 of the content; or `…-N` of N parts. */
  readonly etag: string;
  /** ISO 8601, by the store's clock; S3 keeps whole seconds. */
  readonly modifiedAt: string;
  /** STANDARD, GLACIER, … */
  readonly storageClass: string;
}

/** Which part of a listing: keys that begin with `prefix`, and come after `after`. */
export interface ListRange {
  readonly prefix?: string;
  readonly after?: string | undefined;
  /** At most so many keys a page; S3 gives 1,000 by itself. */
  readonly limit?: number;
}

export interface ListPage {
  /** In order; read from the page while they are asked for, and once only. */
  readonly objects: Iterable<ListedObject>;
  /** The last of their keys; undefined where there are none. */
  readonly lastKey: string | undefined;
  /** Where the next page begins; absent where this is the last. */
  readonly next?: string;
}

/** One page of a bucket's listing. `token` is the `next` of the page before. */
export async function listPage(
  client: S3Client,
  origin: BucketOrigin,
  range: ListRange,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ListPage> {
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    ...(range.prefix ? { prefix: range.prefix } : {}),
    ...(range.limit === undefined ? {} : { 'max-keys': String(range.limit) }),
    ...(token === undefined
      ? range.after === undefined || range.after === ''
        ? {}
        : { 'start-after': range.after }
      : { 'continuation-token': token }),
  };
  const page = await again(async () => {
    const { body } = await client.send({ method: 'GET', bucket: origin.bucket, query, signal });
    return borrowBody(body);
  }, signal);
  return readPage(
    page,
    (what) => new RestageError('bucket-denied', `the listing of ${describeBucket(origin)} is not S3's: ${what}`),
  );
}

/**
 * The flat document that ListObjectsV2 answers, read by its tags. A general parser takes ten times as long; and a page is read
 * entry by entry while it is walked, for the objects of thousands of entries that wait would make V8 grow its heap.
 * Throws what `fail` makes of what is wrong.
 */
export function readPage({ bytes: page, giveBack }: Loan, fail: (what: string) => Error): ListPage {
  const first = page.indexOf('<Contents>');
  const last = page.lastIndexOf('<Contents>');
  const end = page.lastIndexOf('</Contents>') + '</Contents>'.length;
  // What is said of the page: S3 says it before the entries, other stores behind them.
  const facts = first < 0 ? page.toString() : page.toString('utf8', 0, first) + page.toString('utf8', end);
  const { isEncoded, next } = pageFacts(facts, fail);
  const read = (from: number): ListedObject =>
    readEntry(page.toString('utf8', from, page.indexOf('</Contents>', from)), isEncoded, fail);
  return {
    objects: entries(page, first, read, giveBack),
    lastKey: first < 0 ? undefined : read(last).key,
    ...(next === undefined ? {} : { next }),
  };
}

/** What a page says of itself: how its keys are written, and where the next one begins, if there is one. */
export function pageFacts(
  text: string,
  fail: (what: string) => Error,
): { readonly isEncoded: boolean; readonly next: string | undefined } {
  if (!text.includes('<ListBucketResult') || !text.includes('</ListBucketResult>'))
    throw fail('no ListBucketResult in it, or not all of one');
  const next = elementOf(text, tags.next);
  const isCut = elementOf(text, tags.truncated) === 'true';
  if (isCut && !next) throw fail('it is cut off and cannot be continued');
  return { isEncoded: elementOf(text, tags.encoding) === 'url', next: isCut && next ? unescape(next) : undefined };
}

function* entries(
  page: Buffer,
  first: number,
  read: (from: number) => ListedObject,
  end: () => void,
): Generator<ListedObject> {
  try {
    for (let at = first; at >= 0; at = page.indexOf('<Contents>', at + 1)) yield read(at);
  } finally {
    end();
  }
}

function readEntry(text: string, isEncoded: boolean, fail: (what: string) => Error): ListedObject {
  const listed = elementOf(text, tags.key) ?? '';
  const key = keyOf(listed, isEncoded);
  if (key === undefined) throw fail(`it has a key that is not UTF-8: ${listed}`);
  const [size, etag, modifiedAt] = [elementOf(text, tags.size), elementOf(text, tags.etag), elementOf(text, tags.time)];
  if (size === undefined || etag === undefined || modifiedAt === undefined)
    throw fail(`it has an entry without its facts: ${key}`);
  return {
    key,
    sizeBytes: Number(size),
    etag: unquote(etag),
    modifiedAt,
    storageClass: elementOf(text, tags.class) ?? 'STANDARD',
  };
}

/** The beginning and the end of an element: made once, as they are looked for in every entry. */
type Tag = readonly [begin: string, end: string];
const tag = (name: string): Tag => [`<${name}>`, `</${name}>`];
const tags = {
  key: tag('Key'),
  size: tag('Size'),
  etag: tag('ETag'),
  time: tag('LastModified'),
  class: tag('StorageClass'),
  encoding: tag('EncodingType'),
  next: tag('NextContinuationToken'),
  truncated: tag('IsTruncated'),
} as const;

function elementOf(text: string, [begin, end]: Tag): string | undefined {
  const at = text.indexOf(begin);
  const until = at < 0 ? -1 : text.indexOf(end, at);
  return until < 0 ? undefined : text.slice(at + begin.length, until);
}

/** XML's escapes first, then the URL's where the store uses them; undefined where the bytes are no text. */
export function keyOf(listed: string, isEncoded: boolean): string | undefined {
  const encoded = unescape(listed);
  if (!isEncoded || !/[%+]/.test(encoded)) return encoded;
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:(amp|lt|gt|quot|apos)|#(\d+)|#x([0-9a-f]+));/gi, (_, name: string, decimal, hex) =>
    name ? (named[name] ?? '') : String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex as string, 16)),
  );
}

/** An ETag without its quotes, in a header or in XML. */
export function unquote(etag: string | undefined): string {
  if (etag === undefined) return '';
  if (etag.startsWith('&quot;') && etag.endsWith('&quot;')) return etag.slice(6, -6);
  return etag.replaceAll(/"|&quot;|&#34;/g, '');
}
