import { AwsError } from '../aws-error.ts';
import { receive } from '../receive.ts';
import { header } from '../request.ts';
import { ok, type Reply } from '../reply.ts';
import { demand } from './access.ts';
import { addVersion, latest, newVersionId, now, type Version } from './bucket.ts';
import { quoted, type ObjectCall } from './call.ts';
import { checkWrite, checkWriteAgain, settleWrite } from './conditions.ts';
import { answeredEtag, keptUpload } from './defect.ts';
import { demandKey, encryptionHeaders, etagOf } from './encryption.ts';
import { requestedFacts } from './object-facts.ts';

/** The rights that an upload needs beside s3:PutObject, for what it wants set on the object, or known of the one before. */
export function demandExtras(call: ObjectCall): void {
  const { request, bucket, caller, key } = call;
  if (header(request, 'x-amz-tagging') !== undefined) demand(bucket, caller, 's3:PutObjectTagging', key);
  if (header(request, 'if-match') !== undefined) demand(bucket, caller, 's3:GetObject', key);
  if (header(request, 'x-amz-acl') !== undefined) demand(bucket, caller, 's3:PutObjectAcl', key);
}

export function checkKey(key: string): void {
  if (key.length > 1024) throw new AwsError(400, 'KeyTooLongError', 'Your key is too long');
}

export async function putObject(call: ObjectCall): Promise<Reply> {
  const { request, signing, storage, bucket, key } = call;
  checkKey(key);
  demandExtras(call);
  const facts = requestedFacts(call);
  demandKey(storage, call.caller, facts.encryption, 'kms:GenerateDataKey');
  const current = (): Version | undefined => latest(bucket, key);
  await settleWrite(request, current);
  checkWrite(request, current());
  const { body, md5, checksum } = await keptUpload(call, await receive(request, signing, storage.folder));
  await checkWriteAgain(request, current, body);
  const etag = etagOf(facts.encryption, md5);
  const versionId = newVersionId(bucket);
  addVersion(bucket, key, {
    kind: 'object',
    ...facts,
    versionId,
    body,
    checksum,
    etag,
    lastModified: now(),
    parts: undefined,
  });
  const headers = ['etag', quoted(answeredEtag(call, etag)), ...encryptionHeaders(facts.encryption)];
  if (checksum !== undefined)
    headers.push(`x-amz-checksum-${checksum.algorithm}`, checksum.value, 'x-amz-checksum-type', checksum.type);
  if (bucket.versioning !== 'never') headers.push('x-amz-version-id', versionId);
  return ok(...headers);
}
