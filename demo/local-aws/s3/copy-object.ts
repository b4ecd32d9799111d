import { accessDenied, AwsError } from '../aws-error.ts';
import { md5, share, whole, type Body } from '../body.ts';
import { percentDecode } from '../byte-string.ts';
import { toChecksumAlgorithm } from '../checksum.ts';
import { header } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { element, xmlDocument } from '../xml.ts';
import { checkOwner, demand, findBucket } from './access.ts';
import { demandRestored } from './archive.ts';
import {
  addVersion,
  latest,
  newVersionId,
  now,
  settleEtag,
  type ObjectFacts,
  type ObjectVersion,
  type Version,
} from './bucket.ts';
import { findObject, isoTime, quoted, type ObjectCall } from './call.ts';
import { checkCopySource, checkWrite, checkWriteAgain, settleWrite } from './conditions.ts';
import { answeredEtag, keptBody } from './defect.ts';
import { demandKey, encryptionHeaders, etagOf } from './encryption.ts';
import { checksumElements, checksumOf } from './object-checksum.ts';
import { requestedFacts } from './object-facts.ts';
import { checkKey, demandExtras } from './put-object.ts';

const maxCopyBytes = 5 * 1024 ** 3;

export interface CopySource {
  readonly call: ObjectCall;
  readonly version: ObjectVersion;
  readonly etag: string;
}

/** The parts of an x-amz-copy-source header. */
export function readCopySource(text: string): {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
} {
  const mark = text.indexOf('?versionId=');
  const path = percentDecode(mark < 0 ? text : text.slice(0, mark))?.replace(/^\//, '');
  const slash = path?.indexOf('/') ?? -1;
  if (path === undefined || slash < 1 || slash === path.length - 1)
    throw new AwsError(
      400,
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      { ArgumentName: 'x-amz-copy-source' },
    );
  const versionId = mark < 0 ? undefined : text.slice(mark + '?versionId='.length);
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1), versionId };
}

/** The object that x-amz-copy-source names, if this caller may read it and the request's conditions on it hold. */
export async function copySource(call: ObjectCall): Promise<CopySource> {
  const { bucket: name, key, versionId } = readCopySource(header(call.request, 'x-amz-copy-source') ?? '');
  const bucket = findBucket(call.storage.buckets, name);
  const source: ObjectCall = { ...call, bucket, key };
  checkOwner(call.request, bucket, 'x-amz-source-expected-bucket-owner');
  const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion';
  demand(bucket, call.caller, action, source.key);
  const version = findObject(source, 's3:GetObject', versionId);
  demandKey(call.storage, call.caller, version.encryption, 'kms:Decrypt');
  demandRestored(version, "Operation is not valid for the source object's storage class");
  await settleEtag(version);
  const etag = version.etag ?? '';
  checkCopySource(call.request, { etag, lastModified: version.lastModified });
  return { call: source, version, etag };
}

function directive(call: ObjectCall, name: string): 'COPY' | 'REPLACE' {
  const value = header(call.request, name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw new AwsError(
    400,
    'InvalidArgument',
    `Unknown ${name === 'x-amz-tagging-directive' ? 'tagging' : 'metadata'} directive.`,
  );
}

const redirect = 'x-amz-website-redirect-location';

// A redirect belongs to a place, not to the content: S3 does not copy it, and takes it from the request in any case.
function withRedirect(headers: readonly string[], requested: readonly string[]): readonly string[] {
  const [at, given] = [headers.indexOf(redirect), requested.indexOf(redirect)];
  const rest = at < 0 ? headers : headers.toSpliced(at, 2);
  return given < 0 ? rest : [...rest, redirect, requested[given + 1] ?? ''];
}

function copiedFacts(call: ObjectCall, source: CopySource): ObjectFacts {
  const { bucket, caller } = call;
  const requested = requestedFacts(call);
  const replacesMetadata = directive(call, 'x-amz-metadata-directive') === 'REPLACE';
  const replacesTags = directive(call, 'x-amz-tagging-directive') === 'REPLACE';
  if (!replacesTags && source.version.tags.length > 0) {
    demand(source.call.bucket, caller, 's3:GetObjectTagging', source.call.key);
    demand(bucket, caller, 's3:PutObjectTagging', call.key);
  }
  return {
    ...requested,
    headers: replacesMetadata ? requested.headers : withRedirect(source.version.headers, requested.headers),
    tags: replacesTags ? requested.tags : source.version.tags,
  };
}

function checkChange(call: ObjectCall, source: CopySource): void {
  const same = source.call.bucket === call.bucket && source.call.key === call.key;
  const changes = ['x-amz-storage-class', 'x-amz-website-redirect-location', 'x-amz-server-side-encryption'];
  if (!same || directive(call, 'x-amz-metadata-directive') === 'REPLACE') return;
  if (
    changes.some((name) => header(call.request, name) !== undefined) ||
    source.version !== latest(call.bucket, call.key)
  )
    return;
  throw new AwsError(
    400,
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

// One copy makes one part, and content that is read back in the clear: neither a multipart nor an opaque ETag is kept.
function contentMd5({ version, etag }: CopySource, body: Body): string | Promise<string> {
  const kept = version.parts === undefined && version.encryption === 'AES256' && body === version.body;
  return kept ? etag : md5(whole(body));
}

export async function copyObject(call: ObjectCall): Promise<Reply> {
  const { request, caller, bucket, key } = call;
  if (caller.account === '') throw accessDenied();
  checkKey(key);
  demandExtras(call);
  const source = await copySource(call);
  const { version } = source;
  if (version.body.sizeBytes > maxCopyBytes)
    throw new AwsError(
      400,
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${maxCopyBytes}`,
    );
  checkChange(call, source);
  const facts = copiedFacts(call, source);
  const current = (): Version | undefined => latest(bucket, key);
  await settleWrite(request, current);
  checkWrite(request, current());
  demandKey(call.storage, caller, facts.encryption, 'kms:GenerateDataKey');
  const body = keptBody(call, share(version.body));
  const etag = etagOf(facts.encryption, await contentMd5(source, body));
  const algorithm = toChecksumAlgorithm(header(request, 'x-amz-checksum-algorithm')) ?? version.checksum?.algorithm;
  const checksum =
    algorithm === undefined
      ? undefined
      : version.checksum?.algorithm === algorithm && version.checksum.type === 'FULL_OBJECT' && body === version.body
        ? version.checksum
        : await checksumOf(whole(body), algorithm);
  await checkWriteAgain(request, current, body);
  const versionId = newVersionId(bucket);
  const lastModified = now();
  addVersion(bucket, key, {
    kind: 'object',
    ...facts,
    versionId,
    body,
    etag,
    checksum,
    lastModified,
    parts: undefined,
  });
  const headers = [...encryptionHeaders(facts.encryption)];
  if (version.versionId !== 'null') headers.push('x-amz-copy-source-version-id', version.versionId);
  if (bucket.versioning !== 'never') headers.push('x-amz-version-id', versionId);
  const result =
    element('LastModified', isoTime(lastModified)) +
    element('ETag', quoted(answeredEtag(call, etag))) +
    checksumElements(checksum);
  return xmlReply(xmlDocument('CopyObjectResult', result), headers);
}
