import { AwsError } from '../aws-error.ts';
import { receiveText } from '../receive.ts';
import { noContent, ok, xmlReply, type Reply } from '../reply.ts';
import { child, element, malformedXml, parseXml, textOf, xmlDocument } from '../xml.ts';
import type { BucketCall } from './call.ts';
import { encryptionDocument, readEncryption } from './encryption.ts';
import { parsePolicy } from './policy.ts';

const document = (call: BucketCall): Promise<string> => receiveText(call.request, call.signing, call.storage.folder);

export function getBucketLocation(call: BucketCall): Reply {
  const { region } = call.storage;
  return xmlReply(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region));
}

export function getBucketVersioning(call: BucketCall): Reply {
  const { versioning } = call.bucket;
  return xmlReply(xmlDocument('VersioningConfiguration', versioning === 'never' ? '' : element('Status', versioning)));
}

export async function putBucketVersioning(call: BucketCall): Promise<Reply> {
  const status = textOf(parseXml(await document(call), 'VersioningConfiguration'), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw malformedXml();
  call.bucket.versioning = status;
  return ok();
}

export function getBucketOwnershipControls(call: BucketCall): Reply {
  const rule = `<Rule>${element('ObjectOwnership', call.bucket.ownership)}</Rule>`;
  return xmlReply(xmlDocument('OwnershipControls', rule));
}

export async function putBucketOwnershipControls(call: BucketCall): Promise<Reply> {
  const rule = child(parseXml(await document(call), 'OwnershipControls'), 'Rule');
  const ownership = textOf(rule, 'ObjectOwnership');
  if (ownership !== 'BucketOwnerEnforced' && ownership !== 'BucketOwnerPreferred' && ownership !== 'ObjectWriter')
    throw malformedXml();
  call.bucket.ownership = ownership;
  return ok();
}

export function getBucketPolicy(call: BucketCall): Reply {
  const { policy, name } = call.bucket;
  if (policy === undefined)
    throw new AwsError(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist', { BucketName: name });
  return { status: 200, headers: ['content-type', 'application/json'], content: policy.document };
}

export async function putBucketPolicy(call: BucketCall): Promise<Reply> {
  call.bucket.policy = parsePolicy(await document(call), call.bucket.name);
  return noContent;
}

export function deleteBucketPolicy(call: BucketCall): Reply {
  call.bucket.policy = undefined;
  return noContent;
}

const missing: Readonly<Record<string, readonly [code: string, message: string]>> = {
  tagging: ['NoSuchTagSet', 'The TagSet does not exist'],
  lifecycle: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
  cors: ['NoSuchCORSConfiguration', 'The CORS configuration does not exist'],
  publicAccessBlock: ['NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'],
};

export function getBucketEncryption(call: BucketCall): Reply {
  const { settings, encryption } = call.bucket;
  return xmlReply(settings.get('encryption') ?? encryptionDocument(encryption));
}

export async function putBucketEncryption(call: BucketCall): Promise<Reply> {
  const { bucket, storage } = call;
  const text = await document(call);
  bucket.encryption = readEncryption(text, storage.region, bucket.account);
  bucket.settings.set('encryption', text);
  return ok();
}

export function deleteBucketEncryption({ bucket }: BucketCall): Reply {
  bucket.encryption = 'AES256';
  bucket.settings.delete('encryption');
  return noContent;
}

/** Settings that are kept as they came, and change nothing here. */
export function getSetting(name: string): (call: BucketCall) => Reply {
  return (call) => {
    const setting = call.bucket.settings.get(name);
    if (setting !== undefined) return xmlReply(setting);
    const [code, message] = missing[name] ?? ['NoSuchConfiguration', 'The configuration does not exist'];
    throw new AwsError(404, code, message, { BucketName: call.bucket.name });
  };
}

export function putSetting(name: string, root: string): (call: BucketCall) => Promise<Reply> {
  return async (call) => {
    const text = await document(call);
    parseXml(text, root);
    call.bucket.settings.set(name, text);
    return name === 'tagging' ? noContent : ok();
  };
}

export function deleteSetting(name: string): (call: BucketCall) => Reply {
  return (call) => {
    call.bucket.settings.delete(name);
    return noContent;
  };
}
