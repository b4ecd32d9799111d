import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import aws4 from 'aws4';
import { XMLParser } from 'fast-xml-parser';
import { RestageError } from '../errors.ts';
import { S3Error } from './s3-error.ts';

/** Keys for one account; `expiration` where they are temporary. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Settings {
  readonly region: string;
  /** Instead of AWS, path style. */
  readonly endpoint?: string | undefined;
  /** Asked before every request; whoever gives it keeps and renews them. */
  readonly credentials: () => Promise<Credentials>;
  /** `read-only` refuses every verb but GET and HEAD before anything is sent. */
  readonly access: 'read-only' | 'read-write';
  /** The account that must own every bucket spoken to; S3 refuses otherwise. */
  readonly account?: string | undefined;
  readonly sockets: number;
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
}

export function s3Client(settings: S3Settings): S3Client {
  const endpoint = settings.endpoint === undefined ? undefined : new URL(settings.endpoint);
  const secure = endpoint?.protocol !== 'http:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: settings.sockets,
    scheduling: 'lifo',
  });
  const start = secure ? httpsRequest : httpRequest;
  const send = async ({ method, bucket, key, query, headers, body, signal }: S3Request): Promise<S3Response> => {
    if (settings.access === 'read-only' && method !== 'GET' && method !== 'HEAD')
      throw new RestageError('internal', `refused to send ${method} to ${bucket ?? 'S3'}: the source is only read`);
    const { host, path } = address(settings.region, endpoint, bucket, key);
    const search = query
      ? `?${Object.entries(query)
          .map(([name, value]) => `${encode(name)}=${encode(value)}`)
          .join('&')}`
      : '';
    const credentials = await settings.credentials();
    const signed = aws4.sign(
      {
        service: 's3',
        region: settings.region,
        method,
        host,
        path: path + search,
        headers: {
          ...headers,
          ...(bucket !== undefined && settings.account !== undefined
            ? { 'x-amz-expected-bucket-owner': settings.account }
            : {}),
          'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
        },
      },
      credentials,
    );
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = start({
        agent,
        method,
        hostname: endpoint?.hostname ?? host,
        ...(endpoint?.port ? { port: endpoint.port } : {}),
        path: path + search,
        headers: signed.headers as Record<string, string>, // aws4 types them as unknown values; they are strings
        signal,
      });
      request.on('response', resolve);
      request.on('error', reject);
      request.setTimeout(60_000, () => request.destroy(new Error('no byte for 60 s')));
      if (body === undefined || Buffer.isBuffer(body)) request.end(body);
      else {
        body.on('error', (error) => request.destroy(error));
        body.pipe(request);
      }
    });
    const status = response.statusCode ?? 0;
    if (status >= 300) throw await errorOf(response, status);
    return { status, headers: response.headers, body: response };
  };
  return { send, [Symbol.dispose]: () => agent.destroy() };
}

/** Where a bucket is spoken to: by a host of its own on AWS, by path elsewhere or where TLS cannot cover its dots. */
function address(
  region: string,
  endpoint: URL | undefined,
  bucket: string | undefined,
  key: string | undefined,
): { host: string; path: string } {
  const path = key === undefined ? '/' : `/${key.split('/').map(encode).join('/')}`;
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

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  isArray: (name) => name === 'Contents' || name === 'Bucket' || name === 'Tag',
});

/** The body of an answer, parsed: elements as properties, every value a string. */
export async function readXml(response: Pick<S3Response, 'body'>): Promise<Record<string, unknown>> {
  return parser.parse(await readText(response.body)) as Record<string, unknown>;
}

async function readText(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  return Buffer.concat(chunks).toString();
}

async function errorOf(response: IncomingMessage, status: number): Promise<S3Error> {
  const text = await readText(response).catch(() => '');
  const parsed = text.startsWith('<') ? (parser.parse(text) as { Error?: { Code?: string; Message?: string } }) : {};
  // HEAD has no body: the status is all there is.
  const code =
    parsed.Error?.Code ??
    { 301: 'PermanentRedirect', 403: 'AccessDenied', 404: 'NotFound', 412: 'PreconditionFailed' }[status] ??
    `HTTP ${status}`;
  return new S3Error(status, code, parsed.Error?.Message ?? `HTTP ${status}`);
}
