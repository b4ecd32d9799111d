import { parameter } from '../request.ts';
import { xmlReply, type Reply } from '../reply.ts';
import { element, xmlDocument } from '../xml.ts';
import { settleEtag, type Entry, type Version } from './bucket.ts';
import { isoTime, quoted, type BucketCall } from './call.ts';
import { asked, encodingElement, fromMarker, ownerElement } from './list-objects.ts';
import { walk } from './walk.ts';

async function describe(key: string, version: Version, isLatest: boolean): Promise<string> {
  const shared =
    element('Key', key) +
    element('VersionId', version.versionId) +
    element('IsLatest', isLatest) +
    element('LastModified', isoTime(version.lastModified));
  const owner = ownerElement(version.owner);
  if (version.kind === 'delete-marker') return `<DeleteMarker>${shared}${owner}</DeleteMarker>`;
  await settleEtag(version);
  const facts =
    element('ETag', quoted(version.etag)) +
    element('Size', version.body.sizeBytes) +
    element('StorageClass', version.storageClass);
  return `<Version>${shared}${facts}${owner}</Version>`;
}

/** The versions that come after the marker, newest first. */
function remaining(entry: Entry, keyMarker: string, versionMarker: string | undefined): readonly Version[] {
  const versions = entry.versions.toReversed();
  if (entry.key !== keyMarker || versionMarker === undefined) return versions;
  return versions.slice(versions.findIndex((version) => version.versionId === versionMarker) + 1);
}

export async function listObjectVersions(call: BucketCall): Promise<Reply> {
  const { request, bucket } = call;
  const wanted = asked(request);
  const { encode } = wanted;
  const keyMarker = parameter(request, 'key-marker') ?? '';
  const versionMarker = parameter(request, 'version-id-marker') || undefined;
  const parts: string[] = [];
  let next = '';
  let from = fromMarker(keyMarker, wanted);
  // A page of versions may begin in the middle of a key, which the walk over keys leaves out.
  const begun = versionMarker === undefined ? undefined : bucket.objects.get(keyMarker);
  const take = async (entry: Entry): Promise<boolean> => {
    for (const version of remaining(entry, keyMarker, versionMarker)) {
      if (parts.length === wanted.maxKeys) return false;
      parts.push(await describe(encode(entry.key), version, version === entry.versions.at(-1)));
      next = element('NextKeyMarker', encode(entry.key)) + element('NextVersionIdMarker', version.versionId);
    }
    return true;
  };
  let whole = begun === undefined || (await take(begun));
  for (let page = walk(bucket.objects, wanted, from, () => true); whole;) {
    for (const item of page.items) {
      if (item.kind === 'entry') whole = await take(item.entry);
      else if (parts.length === wanted.maxKeys) whole = false;
      else {
        parts.push(`<CommonPrefixes>${element('Prefix', encode(item.prefix))}</CommonPrefixes>`);
        next = element('NextKeyMarker', encode(item.prefix));
      }
      if (!whole) break;
    }
    if (page.next === undefined || !whole) break;
    from = page.next;
    page = walk(bucket.objects, wanted, from, () => true);
  }
  const head =
    element('Name', bucket.name) +
    element('Prefix', encode(wanted.prefix)) +
    element('KeyMarker', encode(keyMarker)) +
    element('VersionIdMarker', versionMarker ?? '') +
    (whole ? '' : next) +
    element('MaxKeys', wanted.maxKeys) +
    element('Delimiter', wanted.delimiter === '' ? undefined : encode(wanted.delimiter)) +
    encodingElement(wanted) +
    element('IsTruncated', !whole);
  return xmlReply(xmlDocument('ListVersionsResult', head + parts.join('')));
}
