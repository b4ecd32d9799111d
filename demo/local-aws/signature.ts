import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { percentEncode, percentEncodePath } from './byte-string.ts';
import { currentTime } from './clock.ts';
import { anonymous, type Caller, type Credential, type Credentials } from './identity.ts';
import { header, parameter, type Request } from './request.ts';

/** What the chunks of a signed upload continue from. */
export interface Signing {
  readonly key: KeyObject;
  readonly timestamp: string;
  readonly scope: string;
  readonly signature: string;
}

/** Why a request is not accepted; each service has its own words for it. */
export interface AuthFailure {
  readonly kind:
    | 'malformed'
    | 'unsupported'
    | 'missing-date'
    | 'skewed'
    | 'expired-request'
    | 'unknown-key'
    | 'wrong-region'
    | 'invalid-token'
    | 'expired-token'
    | 'unsigned-headers'
    | 'wrong-signature';
  /** In the elements of S3's error document. */
  readonly details: Readonly<Record<string, string>>;
}

/** A service's words for each failure. */
export type Refusals = Readonly<Record<AuthFailure['kind'], readonly [status: number, code: string, message: string]>>;

export type Authentication =
  | { readonly kind: 'accepted'; readonly caller: Caller; readonly signing: Signing | undefined }
  | { readonly kind: 'refused'; readonly failure: AuthFailure };

interface Claim {
  readonly accessKeyId: string;
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  readonly token: string | undefined;
  readonly presigned: boolean;
  readonly expiresSeconds: number;
}

const failed = (kind: AuthFailure['kind'], details: AuthFailure['details'] = {}): AuthFailure => ({ kind, details });
const refused = (failure: AuthFailure): Authentication => ({ kind: 'refused', failure });
const authorizationPattern =
  /^AWS4-HMAC-SHA256 +Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/;
const credentialPattern = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/;

function headerClaim(request: Request, authorization: string): Claim | AuthFailure {
  if (!authorization.startsWith('AWS4-HMAC-SHA256')) return failed('unsupported');
  const match = authorizationPattern.exec(authorization);
  if (!match) return failed('malformed');
  const [, accessKeyId = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = match;
  const timestamp = header(request, 'x-amz-date') ?? compactDate(header(request, 'date'));
  if (timestamp === undefined || !timestamp.startsWith(day)) return failed('missing-date');
  const token = header(request, 'x-amz-security-token');
  return {
    accessKeyId,
    day,
    region,
    service,
    signature,
    timestamp,
    token,
    signedHeaders: signedHeaders.split(';'),
    presigned: false,
    expiresSeconds: 0,
  };
}

function presignedClaim(request: Request): Claim | AuthFailure {
  const match = credentialPattern.exec(parameter(request, 'X-Amz-Credential') ?? '');
  const timestamp = parameter(request, 'X-Amz-Date');
  const expiresSeconds = Number(parameter(request, 'X-Amz-Expires'));
  if (!match || timestamp === undefined || !(expiresSeconds > 0 && expiresSeconds <= 604_800))
    return failed('malformed');
  const [, accessKeyId = '', day = '', region = '', service = ''] = match;
  if (!timestamp.startsWith(day)) return failed('missing-date');
  return {
    accessKeyId,
    day,
    region,
    service,
    timestamp,
    expiresSeconds,
    presigned: true,
    signedHeaders: (parameter(request, 'X-Amz-SignedHeaders') ?? '').split(';'),
    signature: parameter(request, 'X-Amz-Signature') ?? '',
    token: parameter(request, 'X-Amz-Security-Token'),
  };
}

function compactDate(date: string | undefined): string | undefined {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

function parseTimestamp(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

// As key objects: a plain buffer is imported anew for every signature, which takes longer than the signature.
const signingKeys = new Map<string, KeyObject>();

function signingKey(credential: Credential, claim: Claim): KeyObject {
  const name = `${credential.secretAccessKey}/${claim.day}/${claim.region}/${claim.service}`;
  let key = signingKeys.get(name);
  if (key === undefined) {
    let derived = Buffer.from(`AWS4${credential.secretAccessKey}`);
    for (const part of [claim.day, claim.region, claim.service, 'aws4_request'])
      derived = createHmac('sha256', derived).update(part).digest();
    key = createSecretKey(derived);
    signingKeys.set(name, key);
  }
  return key;
}

/** The service a request was signed for, wherever it was sent. */
export function signedService(request: Request): string | undefined {
  const credential = /Credential=[^,]*/.exec(header(request, 'authorization') ?? '')?.[0];
  return (credential ?? parameter(request, 'X-Amz-Credential'))?.split('/')[3];
}

function canonicalQuery(request: Request): string {
  if (request.query.length === 0) return '';
  return request.query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .toSorted(compareParameters)
    .join('&');
}

// By name, then by value: `=` would otherwise take part in the comparison.
function compareParameters(left: string, right: string): number {
  const [leftName, rightName] = [left.slice(0, left.indexOf('=')), right.slice(0, right.indexOf('='))];
  if (leftName !== rightName) return leftName < rightName ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

function canonicalRequest(request: Request, claim: Claim, payloadHash: string): string {
  let headers = '';
  for (const name of claim.signedHeaders)
    headers += `${name}:${(header(request, name) ?? '').trim().replace(/ {2,}/g, ' ')}\n`;
  const names = claim.signedHeaders.join(';');
  const path = percentEncodePath(request.path);
  // Every service but S3 wants what is encoded in the path encoded once more.
  const canonicalPath = claim.service === 's3' ? path : percentEncodePath(path);
  return `${request.method}\n${canonicalPath}\n${canonicalQuery(request)}\n${headers}\n${names}\n${payloadHash}`;
}

function unsignedHeaders(request: Request, claim: Claim): string {
  const missing = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !claim.signedHeaders.includes(name),
  );
  return missing.join(', ');
}

const maxSkewMs = 900_000;

function checkTime(claim: Claim): AuthFailure | undefined {
  const serverTime = currentTime();
  const age = serverTime - parseTimestamp(claim.timestamp);
  if (Number.isNaN(age)) return failed('missing-date');
  if (claim.presigned)
    return age > claim.expiresSeconds * 1000 || age < -maxSkewMs ? failed('expired-request') : undefined;
  if (Math.abs(age) <= maxSkewMs) return undefined;
  return failed('skewed', {
    RequestTime: claim.timestamp,
    ServerTime: new Date(serverTime).toISOString().replace(/\.\d+/, ''),
    MaxAllowedSkewMilliseconds: String(maxSkewMs),
  });
}

function checkCredential(credential: Credential, claim: Claim, region: string | undefined): AuthFailure | undefined {
  if (credential.sessionToken !== claim.token) return failed('invalid-token');
  if (credential.expiresAt !== undefined && credential.expiresAt <= currentTime()) return failed('expired-token');
  if (region !== undefined && claim.region !== region) return failed('wrong-region', { Region: region });
  return undefined;
}

/**
 * Verifies Signature Version 4, in the Authorization header or presigned in the query.
 * `payloadHash` is what the client says of the body for S3, and the body's own SHA-256 for the other services.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function authenticate(
  request: Request,
  credentials: Credentials,
  region: string | undefined,
  payloadHash: string | undefined,
): Authentication {
  const authorization = header(request, 'authorization');
  const presigned = parameter(request, 'X-Amz-Algorithm') !== undefined;
  if (authorization === undefined && !presigned) return { kind: 'accepted', caller: anonymous, signing: undefined };
  const claim = authorization === undefined ? presignedClaim(request) : headerClaim(request, authorization);
  if ('kind' in claim) return refused(claim);
  const credential = credentials.find(claim.accessKeyId);
  if (credential === undefined) return refused(failed('unknown-key', { AWSAccessKeyId: claim.accessKeyId }));
  const failure = checkCredential(credential, claim, region) ?? checkTime(claim);
  if (failure !== undefined) return refused(failure);
  const names = unsignedHeaders(request, claim);
  if (names !== '') return refused(failed('unsigned-headers', { HeadersNotSigned: names }));

  const canonical = canonicalRequest(request, claim, payloadHash ?? 'UNSIGNED-PAYLOAD');
  const scope = `${claim.day}/${claim.region}/${claim.service}/aws4_request`;
  const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex');
  const stringToSign = `AWS4-HMAC-SHA256\n${claim.timestamp}\n${scope}\n${digest}`;
  const key = signingKey(credential, claim);
  const signature = createHmac('sha256', key).update(stringToSign).digest('hex');
  if (signature !== claim.signature)
    return refused(failed('wrong-signature', { AWSAccessKeyId: claim.accessKeyId, StringToSign: stringToSign }));
  return {
    kind: 'accepted',
    caller: credential.caller,
    signing: { key, timestamp: claim.timestamp, scope, signature },
  };
}

const emptyHash = hash('sha256', '', 'hex');

export function signChunk(signing: Signing, previous: string, chunkHash: string): string {
  const text = `AWS4-HMAC-SHA256-PAYLOAD\n${signing.timestamp}\n${signing.scope}\n${previous}\n${emptyHash}\n${chunkHash}`;
  return createHmac('sha256', signing.key).update(text).digest('hex');
}

export function signTrailer(signing: Signing, previous: string, trailer: string): string {
  const trailerHash = hash('sha256', Buffer.from(trailer, 'latin1'), 'hex');
  const text = `AWS4-HMAC-SHA256-TRAILER\n${signing.timestamp}\n${signing.scope}\n${previous}\n${trailerHash}`;
  return createHmac('sha256', signing.key).update(text).digest('hex');
}
