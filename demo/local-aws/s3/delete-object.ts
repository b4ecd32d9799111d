import { AwsError } from '../aws-error.ts';
import { promisesDigest, receiveText } from '../receive.ts';
import { header, parameter } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { children, element, malformedXml, parseXml, textOf, xmlDocument } from '../xml.ts';
import { isAllowed } from './access.ts';
import { addVersion, latest, newVersionId, now, removeVersion, settleEtag, type Bucket } from './bucket.ts';
import type { BucketCall, ObjectCall } from './call.ts';

interface Deleted {
  /** Of the version that was removed, or of the marker that was added. */
  readonly versionId: string | undefined;
  readonly isMarker: boolean;
}

/** Removes a version, or the key: by a marker where versions are kept. Deleting what is not there succeeds. */
export function remove(bucket: Bucket, key: string, versionId: string | undefined): Deleted {
  if (versionId !== undefined) {
    const removed = removeVersion(bucket, key, versionId);
    return { versionId, isMarker: removed?.kind === 'delete-marker' };
  }
  if (bucket.versioning === 'never') {
    removeVersion(bucket, key, 'null');
    return { versionId: undefined, isMarker: false };
  }
  const marker = { versionId: newVersionId(bucket), lastModified: now(), owner: bucket.account };
  addVersion(bucket, key, { kind: 'delete-marker', ...marker });
  return { versionId: marker.versionId, isMarker: true };
}

export async function deleteObject(call: ObjectCall): Promise<Reply> {
  const { request, bucket, key } = call;
  const ifMatch = header(request, 'if-match');
  if (ifMatch !== undefined) {
    const current = latest(bucket, key);
    if (current?.kind !== 'object') throw new AwsError(404, 'NoSuchKey', 'The specified key does not exist.');
    await settleEtag(current);
    if (ifMatch !== '*' && ifMatch.replaceAll('"', '') !== current.etag)
      throw new AwsError(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  }
  const deleted = remove(bucket, key, parameter(request, 'versionId'));
  const headers: string[] = [];
  if (deleted.isMarker) headers.push('x-amz-delete-marker', 'true');
  if (deleted.versionId !== undefined) headers.push('x-amz-version-id', deleted.versionId);
  return { status: 204, headers };
}

export async function deleteObjects(call: BucketCall): Promise<Reply> {
  const { request, caller, signing, storage, bucket } = call;
  if (!promisesDigest(request))
    throw new AwsError(
      400,
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  const document = parseXml(await receiveText(request, signing, storage.folder), 'Delete');
  const objects = children(document, 'Object');
  if (objects.length === 0 || objects.length > 1000) throw malformedXml();
  const quiet = textOf(document, 'Quiet') === 'true';
  let content = '';
  for (const object of objects) {
    const key = textOf(object, 'Key');
    if (key === undefined) throw malformedXml();
    const versionId = textOf(object, 'VersionId');
    const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    if (!isAllowed(bucket, caller, action, key)) {
      content += `<Error>${element('Key', key)}<Code>AccessDenied</Code><Message>Access Denied</Message></Error>`;
      continue;
    }
    const deleted = remove(bucket, key, versionId);
    if (quiet) continue;
    const marker = deleted.isMarker
      ? `<DeleteMarker>true</DeleteMarker>${element('DeleteMarkerVersionId', deleted.versionId)}`
      : '';
    content += `<Deleted>${element('Key', key)}${element('VersionId', versionId)}${marker}</Deleted>`;
  }
  return xmlReply(xmlDocument('DeleteResult', content));
}
