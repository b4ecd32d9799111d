import { createHash, randomBytes } from 'node:crypto';
import { AwsError } from '../aws-error.ts';
import type { Caller } from '../identity.ts';
import { requireAllowed } from '../permissions.ts';
import { header } from '../request.ts';
import { child, element, malformedXml, parseXml, textOf, xmlDocument } from '../xml.ts';
import type { BucketCall, Storage } from './call.ts';

/** How an object is encrypted at rest: with S3's own keys, or with a KMS key, named by its ARN. */
export type Encryption = 'AES256' | { readonly kmsKey: string };

/** The ARN of a key that is named by its ARN, or by its id in this account. */
export function keyArn(name: string, region: string, account: string): string {
  return name.startsWith('arn:')
    ? name
    : `arn:aws:kms:${region}:${account}:${name.startsWith('alias/') ? '' : 'key/'}${name}`;
}

/** The key that AWS keeps for S3 in an account that names none. No other account can ever use it. */
function managedKey(region: string, account: string): string {
  const digits = createHash('sha256').update(`aws/s3 ${region} ${account}`).digest('hex');
  const id = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return keyArn(id, region, account);
}

export function encryptionHeaders(encryption: Encryption): readonly string[] {
  if (encryption === 'AES256') return ['x-amz-server-side-encryption', 'AES256'];
  const key = ['x-amz-server-side-encryption-aws-kms-key-id', encryption.kmsKey];
  return ['x-amz-server-side-encryption', 'aws:kms', ...key];
}

/** An ETag that says nothing of the content, as objects have that a KMS key encrypts. */
export const opaqueEtag = (): string => randomBytes(16).toString('hex');

/** The ETag of content of this MD5. */
export function etagOf(encryption: Encryption, md5: string): string {
  return encryption === 'AES256' ? md5 : opaqueEtag();
}

/** What an upload's headers say, or else what the bucket does by default. */
export function requestedEncryption({ request, bucket, caller, storage }: BucketCall): Encryption {
  // Nobody here sends such keys: refused, rather than stored as if they did not matter.
  if (header(request, 'x-amz-server-side-encryption-customer-algorithm') !== undefined)
    throw new AwsError(501, 'NotImplemented', 'Keys of the customer (SSE-C) are not implemented by the local AWS.');
  const algorithm = header(request, 'x-amz-server-side-encryption');
  const key = header(request, 'x-amz-server-side-encryption-aws-kms-key-id');
  if (key !== undefined && algorithm !== 'aws:kms')
    throw new AwsError(
      400,
      'InvalidArgument',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
  switch (algorithm) {
    case undefined:
      return bucket.encryption;
    case 'AES256':
      return 'AES256';
    case 'aws:kms':
      return { kmsKey: kmsKey(key, storage.region, caller.account) };
    default:
      throw new AwsError(400, 'InvalidEncryptionAlgorithmError', 'The encryption request you specified is not valid.');
  }
}

function kmsKey(name: string | undefined, region: string, account: string): string {
  return name === undefined ? managedKey(region, account) : keyArn(name, region, account);
}

/** Refuses a caller who may not use the key of this encryption. */
export function demandKey(
  storage: Storage,
  caller: Caller,
  encryption: Encryption,
  action: 'kms:Decrypt' | 'kms:GenerateDataKey',
): void {
  if (encryption === 'AES256') return;
  const { kmsKey: arn } = encryption;
  const [, , , region = '', account = '', resource = ''] = arn.split(':');
  const denied = [arn, resource.replace(/^key\//, '')].some((name) =>
    storage.deniedKeys.get(name)?.includes(caller.account),
  );
  const foreign = caller.account !== account && arn === managedKey(region, account);
  if (denied || foreign || caller.account === '')
    throw new AwsError(
      403,
      'AccessDenied',
      `User: ${caller.arn || 'anonymous'} is not authorized to perform: ${action} on resource: ${arn} because no resource-based policy allows the ${action} action`,
    );
  requireAllowed(caller, action, arn, [403, 'AccessDenied']);
}

export function encryptionDocument(encryption: Encryption): string {
  const key = encryption === 'AES256' ? '' : element('KMSMasterKeyID', encryption.kmsKey);
  const algorithm = element('SSEAlgorithm', encryption === 'AES256' ? 'AES256' : 'aws:kms');
  return xmlDocument(
    'ServerSideEncryptionConfiguration',
    `<Rule><ApplyServerSideEncryptionByDefault>${algorithm}${key}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>`,
  );
}

/** The default encryption that a bucket's configuration asks for. */
export function readEncryption(text: string, region: string, account: string): Encryption {
  const rule = child(parseXml(text, 'ServerSideEncryptionConfiguration'), 'Rule');
  const wanted = child(rule, 'ApplyServerSideEncryptionByDefault');
  const key = textOf(wanted, 'KMSMasterKeyID');
  const algorithm = textOf(wanted, 'SSEAlgorithm');
  if (algorithm === 'AES256' && key === undefined) return 'AES256';
  if (algorithm === 'aws:kms') return { kmsKey: kmsKey(key, region, account) };
  throw malformedXml();
}
