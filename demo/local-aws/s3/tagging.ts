import { receiveText } from '../receive.ts';
import { noContent, ok, xmlReply, type Reply } from '../reply.ts';
import { child, children, element, malformedXml, parseXml, textOf, xmlDocument } from '../xml.ts';
import type { ObjectVersion, Tag } from './bucket.ts';
import { findObject, type ObjectCall } from './call.ts';
import { checkTags } from './object-facts.ts';

function versionHeaders(call: ObjectCall, version: ObjectVersion): readonly string[] {
  return call.bucket.versioning === 'never' ? [] : ['x-amz-version-id', version.versionId];
}

export function getObjectTagging(call: ObjectCall): Reply {
  const version = findObject(call, 's3:GetObjectTagging');
  const tags = version.tags.map((tag) => `<Tag>${element('Key', tag.key)}${element('Value', tag.value)}</Tag>`);
  return xmlReply(xmlDocument('Tagging', `<TagSet>${tags.join('')}</TagSet>`), versionHeaders(call, version));
}

function readTag(node: unknown): Tag {
  const key = textOf(node, 'Key');
  const value = textOf(node, 'Value');
  if (key === undefined || value === undefined) throw malformedXml();
  return { key, value };
}

export async function putObjectTagging(call: ObjectCall): Promise<Reply> {
  const version = findObject(call, 's3:PutObjectTagging');
  const document = parseXml(await receiveText(call.request, call.signing, call.storage.folder), 'Tagging');
  version.tags = checkTags(children(child(document, 'TagSet'), 'Tag').map(readTag));
  return ok(...versionHeaders(call, version));
}

export function deleteObjectTagging(call: ObjectCall): Reply {
  const version = findObject(call, 's3:DeleteObjectTagging');
  version.tags = [];
  return { ...noContent, headers: versionHeaders(call, version) };
}
