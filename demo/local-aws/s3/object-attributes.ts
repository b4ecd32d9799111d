import { AwsError } from '../aws-error.ts';
import { header } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { element, xmlDocument } from '../xml.ts';
import { settleEtag, type ObjectVersion } from './bucket.ts';
import { findObject, type ObjectCall } from './call.ts';
import { demandKey } from './encryption.ts';
import { checksumElements } from './object-checksum.ts';

function partsElement(version: ObjectVersion, after: number, maxParts: number): string {
  const { parts } = version;
  if (parts === undefined) return '';
  const rest = parts.filter((part) => part.number > after);
  const shown = rest.slice(0, maxParts);
  // S3 describes the single parts only of uploads that have checksums.
  const list = version.checksum === undefined ? [] : shown;
  const described = list.map(
    (part) =>
      `<Part>${element('PartNumber', part.number)}${element('Size', part.sizeBytes)}${checksumElements(part.checksum)}</Part>`,
  );
  return (
    `<ObjectParts>${element('PartsCount', parts.length)}${element('PartNumberMarker', after)}` +
    `${element('NextPartNumberMarker', shown.at(-1)?.number ?? 0)}${element('MaxParts', maxParts)}` +
    `${element('IsTruncated', rest.length > shown.length)}${described.join('')}</ObjectParts>`
  );
}

export async function getObjectAttributes(call: ObjectCall): Promise<Reply> {
  const { request, bucket } = call;
  const version = findObject(call, 's3:GetObjectAttributes');
  demandKey(call.storage, call.caller, version.encryption, 'kms:Decrypt');
  await settleEtag(version);
  const wanted = (header(request, 'x-amz-object-attributes') ?? '').split(',').map((name) => name.trim());
  if (wanted[0] === '') throw new AwsError(400, 'InvalidArgument', 'No attributes were specified');
  const { checksum } = version;
  const content: Readonly<Record<string, string>> = {
    ETag: element('ETag', version.etag),
    Checksum: checksum === undefined ? '' : `<Checksum>${checksumElements(checksum)}</Checksum>`,
    ObjectParts: partsElement(
      version,
      Number(header(request, 'x-amz-part-number-marker') ?? 0),
      Math.min(Number(header(request, 'x-amz-max-parts') ?? 1000), 1000),
    ),
    StorageClass: element('StorageClass', version.storageClass),
    ObjectSize: element('ObjectSize', version.body.sizeBytes),
  };
  const chosen = Object.entries(content).filter(([name]) => wanted.includes(name));
  const headers = ['last-modified', new Date(version.lastModified).toUTCString()];
  if (bucket.versioning !== 'never') headers.push('x-amz-version-id', version.versionId);
  return xmlReply(xmlDocument('GetObjectAttributesResponse', chosen.map(([, text]) => text).join('')), headers);
}
