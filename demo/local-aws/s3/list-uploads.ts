import { parameter } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { element, xmlDocument } from '../xml.ts';
import type { Upload } from './bucket.ts';
import { isoTime, quoted, type BucketCall, type ObjectCall } from './call.ts';
import { asked, encodingElement, ownerElement } from './list-objects.ts';
import { findUpload } from './multipart.ts';
import { checksumElements } from './object-checksum.ts';

function limit(text: string | undefined): number {
  const value = Number(text ?? 1000);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, 1000) : 1000;
}

export function listParts(call: ObjectCall): Reply {
  const { request, bucket, key } = call;
  const upload = findUpload(call);
  const after = Number(parameter(request, 'part-number-marker') ?? 0);
  const maxParts = limit(parameter(request, 'max-parts'));
  const parts = [...upload.parts.values()].filter((part) => part.number > after);
  parts.sort((left, right) => left.number - right.number);
  const shown = parts.slice(0, maxParts);
  const content = shown.map(
    (part) =>
      `<Part>${element('PartNumber', part.number)}${element('LastModified', isoTime(part.lastModified))}` +
      `${element('ETag', quoted(part.etag))}${element('Size', part.sizeBytes)}${checksumElements(part.checksum)}</Part>`,
  );
  const head =
    element('Bucket', bucket.name) +
    element('Key', key) +
    element('UploadId', upload.id) +
    ownerElement(upload.facts.owner) +
    element('StorageClass', upload.facts.storageClass) +
    element('PartNumberMarker', after) +
    element('NextPartNumberMarker', shown.at(-1)?.number ?? 0) +
    element('MaxParts', maxParts) +
    element('IsTruncated', parts.length > shown.length);
  return xmlReply(xmlDocument('ListPartsResult', head + content.join('')));
}

const order = (left: Upload, right: Upload): number =>
  left.key < right.key ? -1 : left.key > right.key ? 1 : left.id < right.id ? -1 : 1;

function comesAfter(upload: Upload, keyMarker: string, idMarker: string | undefined): boolean {
  if (upload.key !== keyMarker) return upload.key > keyMarker;
  return idMarker !== undefined && upload.id > idMarker;
}

export function listMultipartUploads(call: BucketCall): Reply {
  const { request, bucket } = call;
  const wanted = asked(request);
  const keyMarker = parameter(request, 'key-marker') ?? '';
  const idMarker = parameter(request, 'upload-id-marker');
  const maxUploads = limit(parameter(request, 'max-uploads'));
  const uploads = [...bucket.uploads.values()]
    .filter((upload) => upload.key.startsWith(wanted.prefix))
    .filter((upload) => comesAfter(upload, keyMarker, idMarker))
    .toSorted(order);
  const shown = uploads.slice(0, maxUploads);
  const content = shown.map(
    (upload) =>
      `<Upload>${element('Key', wanted.encode(upload.key))}${element('UploadId', upload.id)}` +
      `${ownerElement(upload.facts.owner)}${element('StorageClass', upload.facts.storageClass)}` +
      `${element('Initiated', isoTime(upload.initiatedAt))}</Upload>`,
  );
  const last = shown.at(-1);
  const isTruncated = uploads.length > shown.length;
  const head =
    element('Bucket', bucket.name) +
    element('KeyMarker', wanted.encode(keyMarker)) +
    element('UploadIdMarker', idMarker ?? '') +
    (isTruncated && last
      ? element('NextKeyMarker', wanted.encode(last.key)) + element('NextUploadIdMarker', last.id)
      : '') +
    element('Prefix', wanted.encode(wanted.prefix)) +
    element('MaxUploads', maxUploads) +
    encodingElement(wanted) +
    element('IsTruncated', isTruncated);
  return xmlReply(xmlDocument('ListMultipartUploadsResult', head + content.join('')));
}
