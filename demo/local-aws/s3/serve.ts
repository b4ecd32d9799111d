import { accessDenied, AwsError } from '../aws-error.ts';
import { isUtf8Bytes } from '../byte-string.ts';
import type { Exchange, World } from '../exchange.ts';
import { requireAllowed } from '../permissions.ts';
import { header, parameter } from '../request.ts';
import type { Reply } from '../reply.ts';
import { authenticate, type AuthFailure, type Refusals } from '../signature.ts';
import { element, escapeXml } from '../xml.ts';
import { checkOwner, demand, findBucket } from './access.ts';
import type { Call } from './call.ts';
import { operations, type Operation } from './operations.ts';
import { route, splitPath } from './route.ts';

const refusals: Refusals = {
  malformed: [400, 'AuthorizationHeaderMalformed', 'The authorization header or query is malformed.'],
  unsupported: [
    400,
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  ],
  'missing-date': [403, 'AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header'],
  skewed: [403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'],
  'expired-request': [403, 'AccessDenied', 'Request has expired'],
  'unknown-key': [403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.'],
  'wrong-region': [400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed; the region is wrong'],
  'invalid-token': [400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.'],
  'expired-token': [400, 'ExpiredToken', 'The provided token has expired.'],
  'unsigned-headers': [403, 'AccessDenied', 'There were headers present in the request which were not signed'],
  'wrong-signature': [
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
};

function refusal({ kind, details }: AuthFailure): AwsError {
  const [status, code, message] = refusals[kind];
  const region = kind === 'wrong-region' ? details['Region'] : undefined;
  return region === undefined
    ? new AwsError(status, code, message, details)
    : new AwsError(status, code, `${message}; expecting '${region}'`, details, ['x-amz-bucket-region', region]);
}

function versioned(action: string, call: Call): string {
  return parameter(call.request, 'versionId') === undefined || !/^s3:(?:Get|Put|Delete)Object/.test(action)
    ? action
    : action.replace(/^(s3:(?:Get|Put|Delete)Object)/, '$1Version');
}

const readOnly = (): AwsError =>
  new AwsError(403, 'AccessDenied', 'The keys of this bucket are synthesized: it is read only.');

function perform(operation: Operation, call: Call, name: string, key: string): Reply | Promise<Reply> {
  if (operation.on === 'service') {
    requireAllowed(call.caller, 's3:ListAllMyBuckets', '*', [403, 'AccessDenied']);
    return operation.perform(call);
  }
  if (operation.on === 'new-bucket') return operation.perform(call, name);
  const bucket = findBucket(call.storage.buckets, name);
  checkOwner(call.request, bucket);
  if (operation.on === 'bucket') {
    if (bucket.readOnly && operation.action === '') throw readOnly();
    if (operation.action !== '') demand(bucket, call.caller, operation.action);
    return operation.perform({ ...call, bucket });
  }
  demand(bucket, call.caller, versioned(operation.action, call), key);
  if (bucket.readOnly && !operation.action.startsWith('s3:Get')) throw readOnly();
  return operation.perform({ ...call, bucket, key });
}

export async function serveS3(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const { bucket, key } = splitPath(request.path);
  facts.bucket = bucket;
  facts.key = key;
  const operation = route(request, bucket, key);
  facts.operation = operation ?? 'Unknown';
  const payloadHash = header(request, 'x-amz-content-sha256');
  const presigned = parameter(request, 'X-Amz-Algorithm') !== undefined;
  if (payloadHash === undefined && !presigned && header(request, 'authorization') !== undefined)
    throw new AwsError(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  const authentication = authenticate(request, world.credentials, world.signedRegion, payloadHash);
  if (authentication.kind === 'refused') throw refusal(authentication.failure);
  const { caller, signing } = authentication;
  facts.account = caller.account;
  const defect = await exchange.admit();
  if (operation === undefined)
    throw new AwsError(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented');
  if (!isUtf8Bytes(key)) throw new AwsError(400, 'InvalidURI', "Couldn't parse the specified URI.");
  // A signed upload's chunks cannot be verified without a signature to go on from.
  if (signing === undefined && payloadHash?.startsWith('STREAMING-AWS4')) throw accessDenied();
  return perform(operations[operation], { request, caller, signing, storage: world, defect }, bucket, key);
}

export function renderS3Error(error: AwsError, resource: string, requestId: string, hostId: string): Reply {
  let details = '';
  for (const [name, value] of Object.entries(error.details)) details += element(name, value);
  const content =
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element('Code', error.code)}${element('Message', error.message)}` +
    `${details}<Resource>${escapeXml(resource)}</Resource>${element('RequestId', requestId)}${element('HostId', hostId)}</Error>`;
  return { status: error.status, headers: ['content-type', 'application/xml', ...error.headers], content };
}
