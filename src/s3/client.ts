import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import aws4 from 'aws4';
import type { XMLParser } from 'fast-xml-parser';
import { RestageError } from '../errors.ts';
import { readBody } from './read-body.ts';
import { noteOutage } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { noConnection, openSockets } from './sockets.ts';

/** Keys for one account. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** For 32 objects under way, eight listings, and what is asked beside them. */
const socketsAtOnce = 48;

export interface S3Settings {
  readonly region: string;
  /** Instead of AWS, path style. */
  readonly endpoint?: string | undefined;
  /**
   * Asked before every request; whoever gives it keeps and renews them. `refused` are keys that the store has just called
   * expired, though they may have been renewed since.
   */
  readonly credentials: (refused?: Credentials) => Promise<Credentials>;
  /** `read-only` refuses every verb but GET and HEAD before anything is sent. */
  readonly access: 'read-only' | 'read-write';
  /** The account that must own every bucket spoken to; S3 refuses otherwise. */
  readonly account?: string | undefined;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream needs its content-length among the headers. */
  readonly body?: Buffer | Readable;
  readonly signal?: AbortSignal | undefined;
}

export interface S3Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed: an unread body keeps its socket. */
  readonly body: IncomingMessage;
}

/** A signed client on keep-alive sockets: one request in, one response out; no retries, no parsing of bodies. */
export interface S3Client extends Disposable {
  /** Rejects with S3Error for any status from 300 on, 304 and 412 included. */
  send(request: S3Request): Promise<S3Response>;
  /** The time by the store's clock, which tells whole seconds: a second behind at most. Ours before its first answer. */
  now(): number;
}

export function s3Client(settings: S3Settings): S3Client {
  const endpoint = settings.endpoint === undefined ? undefined : new URL(settings.endpoint);
  const secure = endpoint?.protocol !== 'http:';
  const agent = openSockets(secure, socketsAtOnce);
  const start = secure ? httpsRequest : httpRequest;
  /** How far the store's clock is ahead of ours, as it turned out: signatures hold for a quarter of an hour. */
  let clockAheadMs = 0;
  let storeAheadMs = 0;
  let refused: Credentials | undefined;
  let answeredAt: number | undefined;
  /** A place that has never answered may not be there at all: nobody waits for that. */
  const asOutage = (error: Error) => {
    const isSilent = answeredAt !== undefined && performance.now() - answeredAt >= patienceMs;
    return isSilent || (answeredAt !== undefined && isUnreached(error)) ? noteOutage(error) : error;
  };
  const send = async ({ method, bucket, key, query, headers, body, signal }: S3Request): Promise<S3Response> => {
    if (settings.access === 'read-only' && method !== 'GET' && method !== 'HEAD')
      throw new RestageError('internal', `refused to send ${method} to ${bucket ?? 'S3'}: the source is only read`);
    const { host, path } = address(settings.region, endpoint, bucket, key);
    const search = query
      ? `?${Object.entries(query)
          .map(([name, value]) => `${encode(name)}=${encode(value)}`)
          .join('&')}`
      : '';
    const credentials = await settings.credentials(refused);
    const signed = aws4.sign(
      {
        service: 's3',
        region: settings.region,
        method,
        host,
        path: path + search,
        headers: {
          ...asSigned(headers),
          ...(bucket !== undefined && settings.account !== undefined
            ? { 'x-amz-expected-bucket-owner': settings.account }
            : {}),
          'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
          ...(clockAheadMs === 0 ? {} : { 'x-amz-date': amzDate(Date.now() + clockAheadMs) }),
        },
      },
      credentials,
    );
    let request: ClientRequest | undefined;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request = start({
        agent,
        method,
        hostname: endpoint?.hostname ?? host,
        ...(endpoint?.port ? { port: endpoint.port } : {}),
        path: path + search,
        // aws4 types them as unknown values; they are strings
        headers: { ...(signed.headers as Record<string, string>), ...headers },
        signal,
      });
      request.on('response', resolve);
      request.on('error', (error) => reject(asOutage(error)));
      const sending = request;
      sending.setTimeout(patienceMs, () => sending.destroy(new Error(`no byte for ${patienceMs / 1000} s`)));
      if (body === undefined || Buffer.isBuffer(body)) {
        // Not by end(body): with that Node encodes a content-disposition of its own accord, and not as it was signed.
        if (body?.length) sending.write(body);
        sending.end();
      } else {
        body.on('error', (error) => sending.destroy(error));
        // What broke off before anybody listened says nothing any more.
        if (body.destroyed) sending.destroy(new Error('the content broke off before it was sent'));
        else body.pipe(sending);
      }
    });
    answeredAt = performance.now();
    const status = response.statusCode ?? 0;
    const theirs = Date.parse(response.headers.date ?? '');
    if (!Number.isNaN(theirs)) storeAheadMs = theirs - Date.now();
    if (status < 300) return { status, headers: response.headers, body: response };
    const error = await errorOf(response, status, bucket === undefined ? method : `${method} of ${bucket}`);
    // Refused before all was sent: the rest has nowhere to go, and the socket would wait for it.
    if (request && !request.writableFinished) request.destroy();
    if (error.code === 'ExpiredToken') refused = credentials;
    if (error.code === 'RequestTimeTooSkewed') clockAheadMs = storeAheadMs;
    throw error;
  };
  return { send, now: () => Date.now() + storeAheadMs, [Symbol.dispose]: () => agent.destroy() };
}

/** Whether no connection came about. */
function isUnreached(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return error.message.startsWith(noConnection) || unreached.has(code);
}

const unreached = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** How long a store may be silent in the middle of a request. */
const patienceMs = 60_000;

/** 20261123T052404Z */
function amzDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

/**
 * A header is signed by its bytes. Node sends each character as one byte, the signer takes them for text: what is not ASCII,
 * as metadata in UTF-8 may be, is given to it as the text that those bytes are.
 */
function asSigned(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(headers);
  // oxlint-disable-next-line no-control-regex -- ASCII as a whole, of which they are a part
  const isPlain = entries.every(([, value]) => /^[\u0000-\u007f]*$/.test(value));
  if (isPlain) return headers;
  return Object.fromEntries(entries.map(([name, value]) => [name, Buffer.from(value, 'latin1').toString('utf8')]));
}

/** Where a bucket is spoken to: by a host of its own on AWS, by path elsewhere or where TLS cannot cover its dots. */
function address(
  region: string,
  endpoint: URL | undefined,
  bucket: string | undefined,
  key: string | undefined,
): { host: string; path: string } {
  const path = key === undefined ? '/' : `/${encodeKey(key)}`;
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  if (bucket === undefined) return { host: endpoint?.host ?? `s3.${region}.${suffix}`, path };
  if (endpoint || bucket.includes('.'))
    return {
      host: endpoint?.host ?? `s3.${region}.${suffix}`,
      path: key === undefined ? `/${bucket}` : `/${bucket}${path}`,
    };
  return { host: `${bucket}.s3.${region}.${suffix}`, path };
}

/** As RFC 3986 has it: encodeURIComponent leaves five characters that S3's signature encodes. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key as it stands in a path: each part encoded, the slashes left. */
export function encodeKey(key: string): string {
  return key.split('/').map(encode).join('/');
}

/** Loaded with the first answer that needs it, for it takes 8 MB: listings are read without it. */
async function parse(text: string): Promise<unknown> {
  const { XMLParser } = await import('fast-xml-parser');
  parser ??= new XMLParser({
    parseTagValue: false,
    trimValues: false,
    ignoreAttributes: true,
    htmlEntities: true, // references by number, which a key may be written with
    isArray: (name, path) => name === 'Bucket' || name === 'Tag' || path === 'DeleteResult.Error',
  });
  return parser.parse(text);
}

let parser: XMLParser | undefined;

/** The body of an answer, parsed: elements as properties, every value a string. */
export async function readXml(response: Pick<S3Response, 'body'>): Promise<Record<string, unknown>> {
  return (await parse(await readText(response.body))) as Record<string, unknown>;
}

/** The body of an answer as text. */
export async function readText(body: IncomingMessage): Promise<string> {
  return (await readBody(body)).toString();
}

/** Most errors are two plain elements, and not worth a parser: a bucket without tags answers with one in every plan. */
async function parseError(text: string): Promise<unknown> {
  const [, code] = /<Code>([^<&]*)<\/Code>/.exec(text) ?? [];
  const [, message] = /<Message>([^<&]*)<\/Message>/.exec(text) ?? [];
  return code === undefined || message === undefined ? parse(text) : { Error: { Code: code, Message: message } };
}

async function errorOf(response: IncomingMessage, status: number, asked: string): Promise<S3Error> {
  const text = await readText(response).catch(() => '');
  const parsed = (text.startsWith('<') ? await parseError(text) : {}) as {
    Error?: { Code?: string; Message?: string };
  };
  // HEAD has no body: the status is all there is.
  const code =
    parsed.Error?.Code ??
    { 301: 'PermanentRedirect', 403: 'AccessDenied', 404: 'NotFound', 412: 'PreconditionFailed' }[status] ??
    `HTTP ${status}`;
  const region = response.headers['x-amz-bucket-region'];
  const where = code === 'PermanentRedirect' && region !== undefined ? ` The bucket is in ${String(region)}.` : '';
  return new S3Error(status, code, `${parsed.Error?.Message ?? `HTTP ${status}`}${where}`, asked);
}
