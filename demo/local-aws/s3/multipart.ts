import { randomBytes } from 'node:crypto';
import { AwsError } from '../aws-error.ts';
import { md5, release, share, whole, type Body, type Slice } from '../body.ts';
import { startChecksum, toChecksumAlgorithm, type Checksum } from '../checksum.ts';
import { receive, receiveText, type Received } from '../receive.ts';
import { header, parameter } from '../request.ts';
import { noContent, ok, xmlReply, type Reply } from '../reply.ts';
import { children, element, malformedXml, parseXml, textOf, xmlDocument } from '../xml.ts';
import {
  addVersion,
  latest,
  multipartEtag,
  newVersionId,
  now,
  type Part,
  type Upload,
  type UploadedPart,
  type Version,
} from './bucket.ts';
import { isoTime, quoted, type ObjectCall } from './call.ts';
import { checkWrite, settleWrite } from './conditions.ts';
import { copySource } from './copy-object.ts';
import { answeredEtag, keptBody, keptUpload } from './defect.ts';
import { demandKey, encryptionHeaders, etagOf, opaqueEtag } from './encryption.ts';
import { checksumElements, checksumOf } from './object-checksum.ts';
import { requestedFacts } from './object-facts.ts';
import { checkKey, demandExtras } from './put-object.ts';

const minPartBytes = 5 * 1024 ** 2;
const maxPartBytes = 5 * 1024 ** 3;
const invalidPart = (): AwsError =>
  new AwsError(
    400,
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  );

export function findUpload(call: ObjectCall): Upload {
  const upload = call.bucket.uploads.get(parameter(call.request, 'uploadId') ?? '');
  if (upload === undefined || upload.key !== call.key)
    throw new AwsError(
      404,
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    );
  return upload;
}

export function createMultipartUpload(call: ObjectCall): Reply {
  const { request, bucket, key } = call;
  checkKey(key);
  demandExtras(call);
  const facts = requestedFacts(call);
  demandKey(call.storage, call.caller, facts.encryption, 'kms:GenerateDataKey');
  const algorithm = toChecksumAlgorithm(header(request, 'x-amz-checksum-algorithm'));
  const type =
    header(request, 'x-amz-checksum-type') === 'FULL_OBJECT' || algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE';
  const upload: Upload = {
    id: randomBytes(48).toString('base64url'),
    key,
    initiatedAt: now(),
    parts: new Map(),
    facts,
    checksum: algorithm && { algorithm, type },
  };
  bucket.uploads.set(upload.id, upload);
  const headers = [...encryptionHeaders(facts.encryption)];
  if (algorithm) headers.push('x-amz-checksum-algorithm', algorithm.toUpperCase(), 'x-amz-checksum-type', type);
  const result = element('Bucket', bucket.name) + element('Key', key) + element('UploadId', upload.id);
  return xmlReply(xmlDocument('InitiateMultipartUploadResult', result), headers);
}

function partNumber(call: ObjectCall): number {
  const number = Number(parameter(call.request, 'partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= 10_000) return number;
  throw new AwsError(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
}

async function keepPart(
  call: ObjectCall,
  number: number,
  { body, md5: digest, checksum }: Received,
): Promise<UploadedPart> {
  const upload = findUpload(call);
  const wanted = upload.checksum?.algorithm;
  const kept =
    wanted === undefined || wanted === checksum?.algorithm ? checksum : await checksumOf(whole(body), wanted);
  const etag = etagOf(upload.facts.encryption, digest);
  const part = { number, sizeBytes: body.sizeBytes, etag, body, checksum: kept, lastModified: now() };
  const before = upload.parts.get(number);
  if (before !== undefined) release(before.body);
  upload.parts.set(number, part);
  return part;
}

export async function uploadPart(call: ObjectCall): Promise<Reply> {
  const number = partNumber(call);
  const { facts } = findUpload(call);
  const received = await keptUpload(call, await receive(call.request, call.signing, call.storage.folder));
  const part = await keepPart(call, number, received);
  const headers = ['etag', quoted(answeredEtag(call, part.etag)), ...encryptionHeaders(facts.encryption)];
  const { checksum } = received;
  if (checksum !== undefined) headers.push(`x-amz-checksum-${checksum.algorithm}`, checksum.value);
  return ok(...headers);
}

function sourceSlice(call: ObjectCall, body: Body): Slice {
  const text = header(call.request, 'x-amz-copy-source-range');
  if (text === undefined) return whole(body);
  const match = /^bytes=(\d+)-(\d+)$/.exec(text);
  const [start, end] = [Number(match?.[1] ?? -1), Number(match?.[2] ?? -1)];
  if (start < 0 || end < start || end >= body.sizeBytes)
    throw new AwsError(
      416,
      'InvalidRange',
      `Range specified is not valid for source object of size: ${body.sizeBytes}`,
    );
  return { body, start, sizeBytes: end - start + 1 };
}

export async function uploadPartCopy(call: ObjectCall): Promise<Reply> {
  const number = partNumber(call);
  const { facts } = findUpload(call);
  const source = await copySource(call);
  const slice = sourceSlice(call, source.version.body);
  if (slice.sizeBytes > maxPartBytes)
    throw new AwsError(
      400,
      'InvalidRequest',
      'The specified copy range is larger than the maximum allowable part size: 5368709120',
    );
  share(slice.body);
  const body = keptBody(call, { kind: 'joined', sizeBytes: slice.sizeBytes, slices: [slice] });
  const part = await keepPart(call, number, { body, md5: await md5(whole(body)), checksum: undefined });
  const result =
    element('LastModified', isoTime(part.lastModified)) +
    element('ETag', quoted(answeredEtag(call, part.etag))) +
    checksumElements(part.checksum);
  return xmlReply(xmlDocument('CopyPartResult', result), encryptionHeaders(facts.encryption));
}

/** The parts that the client names, which must be those it uploaded, in order, and large enough. */
async function namedParts(call: ObjectCall, upload: Upload): Promise<readonly UploadedPart[]> {
  const text = await receiveText(call.request, call.signing, call.storage.folder);
  const named = children(parseXml(text, 'CompleteMultipartUpload'), 'Part');
  if (named.length === 0) throw malformedXml();
  let previous = 0;
  const parts = named.map((node) => {
    const number = Number(textOf(node, 'PartNumber'));
    if (number <= previous)
      throw new AwsError(
        400,
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      );
    previous = number;
    const part = upload.parts.get(number);
    if (part === undefined || textOf(node, 'ETag')?.replaceAll('"', '') !== part.etag) throw invalidPart();
    const { checksum } = part;
    const claimed = checksum && textOf(node, `Checksum${checksum.algorithm.toUpperCase()}`);
    if (claimed !== undefined && claimed !== checksum?.value) throw invalidPart();
    return part;
  });
  if (parts.slice(0, -1).some((part) => part.sizeBytes < minPartBytes))
    throw new AwsError(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  return parts;
}

async function joinedChecksum(upload: Upload, parts: readonly Part[], body: Body): Promise<Checksum | undefined> {
  if (upload.checksum === undefined) return undefined;
  const { algorithm, type } = upload.checksum;
  if (type === 'FULL_OBJECT') return checksumOf(whole(body), algorithm);
  const running = startChecksum(algorithm);
  for (const part of parts) running.update(Buffer.from(part.checksum?.value ?? '', 'base64'));
  return { algorithm, type, value: `${running.digest().toString('base64')}-${parts.length}` };
}

export async function completeMultipartUpload(call: ObjectCall): Promise<Reply> {
  const { request, bucket, key } = call;
  const upload = findUpload(call);
  const parts = await namedParts(call, upload);
  const slices = parts.map((part) => whole(part.body));
  const body: Body = { kind: 'joined', sizeBytes: slices.reduce((sum, slice) => sum + slice.sizeBytes, 0), slices };
  const { encryption } = upload.facts;
  const etag =
    encryption === 'AES256' ? multipartEtag(parts.map((part) => part.etag)) : `${opaqueEtag()}-${parts.length}`;
  const checksum = await joinedChecksum(upload, parts, body);
  const current = (): Version | undefined => latest(bucket, key);
  await settleWrite(request, current);
  findUpload(call);
  checkWrite(request, current());
  bucket.uploads.delete(upload.id);
  for (const part of upload.parts.values()) if (!parts.includes(part)) release(part.body);
  const versionId = newVersionId(bucket);
  addVersion(bucket, key, {
    kind: 'object',
    ...upload.facts,
    versionId,
    body,
    etag,
    checksum,
    lastModified: now(),
    parts: parts.map(({ number, sizeBytes, checksum: ofPart }) => ({ number, sizeBytes, checksum: ofPart })),
  });
  const result =
    element('Location', `http://${request.headers.host ?? ''}/${bucket.name}/${key}`) +
    element('Bucket', bucket.name) +
    element('Key', key) +
    element('ETag', quoted(answeredEtag(call, etag))) +
    checksumElements(checksum);
  const headers = [...encryptionHeaders(encryption)];
  if (bucket.versioning !== 'never') headers.push('x-amz-version-id', versionId);
  return xmlReply(xmlDocument('CompleteMultipartUploadResult', result), headers);
}

export function abortMultipartUpload(call: ObjectCall): Reply {
  const upload = findUpload(call);
  call.bucket.uploads.delete(upload.id);
  for (const part of upload.parts.values()) release(part.body);
  return noContent;
}
